"""network.json: everything of one version of a network that is not weights or statistics."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import uuid4

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic_core import from_json, to_json

from senpath.errors import FormatVersionError, InputError, StoreError
from senpath.pathways import Pathway
from senpath.store.consistency import check_parts
from senpath.store.objects import Segment
from senpath.store.upgrade import upgrade_line, upgrade_task
from senpath.types import DataType

FORMAT = "senpath-network"
FORMAT_VERSION = 7
PROVENANCE_SINCE = 6
"""The format in which tasks have a provenance in place of notes."""
TASKS = b',\n"tasks":{\n'
"""What stands before the tasks, one line each, the last of the fields."""
CHECKSUM = b',\n"checksum":"'
"""What stands between the content and its checksum, the last field of the file."""


@dataclass(frozen=True)
class MetricRecord:
    """The metric in which the dispatcher compares a type's tasks. It is renewed now and then, not with every task.

    Args:
        file: its name, in `dispatcher/`.
        sha256: its content's hash.
        tasks: how many it was made of.
        shared: numbers in it with which columns are looked up; 0 where there is no index.
        each: numbers by which each column is looked up.
    """

    file: str
    sha256: str
    tasks: int
    shared: int = 0
    each: int = 0


@dataclass(frozen=True)
class TypeRecord:
    """One data type: its encoding, its fixed feature map, and where the dispatcher's statistics of it are.

    Args:
        features: hash of the component that is the feature map.
        rows: rows in the type's file of columns that are taken; the next task's begin there.
        width: numbers in a row.
        columns: name of the file of columns, in `dispatcher/`.
        covariances: hash of each covariance that is kept, by its task, in the order of learning; tasks of which earlier formats had added
            them up share the mean of these.
        pooled: name of the file with what formats 1 to 6 added up, in `dispatcher/`; empty once a commit has put its mean in its place.
        pooled_sha256: its content's hash.
        summed: how many covariances are in it: one for each task that there ever was.
        segments: the objects that its columns are in, one after another; none where they are in the one file.
        metric: where the metric is; None where the dispatcher has no need of one, or an earlier senpath wrote the folder.
    """

    data_type: DataType
    features: str
    rows: int
    width: int
    columns: str = ""
    covariances: dict[str, str] = field(default_factory=dict)
    pooled: str = ""
    pooled_sha256: str = ""
    summed: int = 0
    metric: MetricRecord | None = None
    segments: tuple[Segment, ...] = ()

    @property
    def files(self) -> set[str]:
        """Names of the files in `dispatcher/` that it needs."""
        names = {self.columns, self.pooled, *map(covariance_file, self.covariances.values())}
        return (names | {self.metric.file} if self.metric is not None else names) - {""}


def covariance_file(name: str) -> str:
    """Name of the file, in `dispatcher/`, of the covariance of this hash."""
    return f"{name}.covariance"


@dataclass(frozen=True)
class StatisticsRecord:
    """Where the dispatcher's own columns of one task are, and the single numbers that go with them.

    Args:
        first: first row in the type's file of columns.
        rows: how many rows.
        sha256: hash of these rows.
        counts: examples behind each row.
        figures: other numbers of the task that the dispatcher keeps, by name.
        gate: hash of the task's own gate, where the network's dispatcher has one per task.
        owners: see `TaskStatistics`.
    """

    first: int
    rows: int
    sha256: str
    counts: tuple[float, ...]
    figures: dict[str, float] = field(default_factory=dict)
    gate: str | None = None
    owners: tuple[int | None, ...] = ()


@dataclass(frozen=True)
class Probe:
    """A seeded input and what the pathway answered to it when it was learned."""

    seed: int
    output: tuple[float, ...]


@dataclass(frozen=True)
class TaskRecord:
    """One task: its pathway, the dispatcher's statistics of it, its probe, and the version that brought it.

    Args:
        misled: what bringing it did to the tasks of its type that there were, see `Learned`.
        description: what people have said that it is for; "" if nothing.
    """

    pathway: Pathway
    statistics: StatisticsRecord
    probe: Probe
    version: int
    misled: float = 0.0
    description: str = ""


@dataclass(frozen=True)
class Manifest:
    """One version of a network.

    Args:
        version: 0 for an empty network; each commit adds one.
        id: the network's own, drawn when it is made: by it and the checksum a version is known, for others may have the same number.
            Empty where an earlier senpath wrote the file.
        settings: choices made when the network was created (see `senpath.network.NetworkSettings`).
        components: number of weights of each component, by hash.
        types: by key.
        tasks: by name, in the order of learning.
        last: the log's entry of the commit that made this version.
        lines: of tasks that were read or written before, the record and its line in the file, which need not be made again.
        checksum: of the file that holds it; empty while there is none.
    """

    version: int = 0
    id: str = ""
    settings: dict[str, Any] = field(default_factory=dict)
    components: dict[str, int] = field(default_factory=dict)
    types: dict[str, TypeRecord] = field(default_factory=dict)
    tasks: dict[str, TaskRecord] = field(default_factory=dict)
    last: dict[str, Any] = field(default_factory=dict)
    lines: Mapping[str, tuple[TaskRecord, bytes]] = field(default_factory=dict, repr=False, compare=False)
    checksum: bytes = field(default=b"", repr=False, compare=False)

    def followed_by(self, **changes: Any) -> Manifest:
        """The next version, with these fields changed."""
        return replace(self, version=self.version + 1, checksum=b"", **changes)


@dataclass(frozen=True)
class _Head:
    """All of a network but its tasks."""

    version: int
    settings: dict[str, Any]
    components: dict[str, int]
    types: dict[str, TypeRecord]
    last: dict[str, Any]
    id: str = ""


@dataclass(frozen=True)
class _First(_Head):
    """A network as the first format version has it."""

    tasks: dict[str, TaskRecord] = field(default_factory=dict)


STRICT = ConfigDict(extra="forbid", strict=True)


@dataclass(frozen=True)
class _File:
    format: str
    format_version: int
    network: _Head

    __pydantic_config__ = STRICT


@dataclass(frozen=True)
class _FirstFile:
    format: str
    format_version: int
    network: _First
    checksum: str

    __pydantic_config__ = STRICT


@dataclass(frozen=True)
class _Tasks:
    tasks: dict[str, TaskRecord]

    __pydantic_config__ = STRICT


_FILE, _FIRST, _TASKS, _TASK = TypeAdapter(_File), TypeAdapter(_FirstFile), TypeAdapter(_Tasks), TypeAdapter(TaskRecord)


def dump_manifest(manifest: Manifest) -> tuple[bytes, Manifest]:
    """The content of network.json, and the manifest as reading it would give it.

    Only tasks that were not in an earlier file are turned into text.

    Raises:
        InputError: if it could not be read again (NaN, text that is no Unicode): it would take the place of one that can.
    """
    known = {name: kept for name, kept in manifest.lines.items() if manifest.tasks.get(name) is kept[0]}
    try:
        new = {name: _dump_task(name, record) for name, record in manifest.tasks.items() if name not in known}
        _read_tasks(list(new.values()))
        check_parts(manifest, new)
        head = _dump_head(manifest)
    except ValueError as error:  # also what pydantic raises when it cannot write or read a value
        raise InputError(f"version {manifest.version}", expected="content that JSON can hold", got=str(error)) from error
    lines = {name: known[name] if name in known else (record, new[name]) for name, record in manifest.tasks.items()}
    content = head + TASKS + b",\n".join(line for _, line in lines.values()) + b"\n}}"
    checksum = hashlib.sha256(content).hexdigest().encode()
    return content + CHECKSUM + checksum + b'"}\n', replace(manifest, lines=lines, checksum=checksum)


def parse_manifest(content: bytes, where: str, known: Manifest | None = None) -> Manifest:
    """The manifest in this content.

    Args:
        where: the file's name, for messages.
        known: another version of the same network; what is the same is taken from it.

    Raises:
        FormatVersionError: if a newer senpath wrote it.
        StoreError: if it is not a network's manifest, or was changed or cut after it was written.
    """
    version = _format_version(content, where)
    body, _, rest = content.rpartition(CHECKSUM)
    checksum = hashlib.sha256(body).hexdigest().encode()
    if rest != checksum + b'"}\n':
        raise StoreError(where, expected="content that matches its checksum", got="a file changed or cut after writing", do=RESTORE)
    try:
        if version == 1:
            manifest = _upgraded(Manifest(**vars(_FIRST.validate_json(_upgraded_first(content)).network)))
            check_parts(manifest, manifest.tasks)
            return manifest
        return replace(_parse_parts(body, version, known), checksum=checksum)
    except ValidationError as error:
        first = error.errors()[0]
        raise StoreError(where, expected=first["msg"], got=f"at {'.'.join(map(str, first['loc']))}", do=RESTORE) from error
    except ValueError as error:
        raise StoreError(where, expected="parts that fit each other", got=f"others at {error}", do=RESTORE) from error


def new_id() -> str:
    """The id of a network that is made."""
    return uuid4().hex


def same_file(content: bytes, manifest: Manifest) -> bool:
    """Whether this is the content of the file that the manifest was read from or written to."""
    return bool(manifest.checksum) and content.endswith(CHECKSUM + manifest.checksum + b'"}\n')


def _format_version(content: bytes, where: str) -> Any:
    try:
        # The first few bytes say it; the rest may be long.
        head = from_json(content[:HEAD], allow_partial=True)
    except ValueError as error:
        raise StoreError(where, expected="a network's manifest in JSON", got=str(error), do=RESTORE) from error
    if not isinstance(head, dict) or head.get("format") != FORMAT:
        raise StoreError(where, expected=f'"format": "{FORMAT}"', got="another file", do="Name the folder of a senpath network")
    version = head.get("format_version")
    if isinstance(version, int) and version > FORMAT_VERSION:
        raise FormatVersionError(where, expected=f"format version {FORMAT_VERSION} or older", got=version, do="Upgrade senpath")
    return version


def _parse_parts(body: bytes, version: int, known: Manifest | None) -> Manifest:
    front, _, rest = body.partition(TASKS)
    head = _FILE.validate_json(front + b"}}").network
    texts = rest.removesuffix(b"\n}}").split(b",\n") if rest != b"\n}}" else []
    if version < PROVENANCE_SINCE:
        texts = [upgrade_line(text) for text in texts]
    before = list(known.lines.items()) if known is not None else []
    same = 0
    while same < min(len(before), len(texts)) and before[same][1][1] == texts[same]:
        same += 1
    lines = dict(before[:same])
    new = _read_tasks(texts[same:])
    if len(new) != len(texts) - same or new.keys() & lines.keys():
        raise ValueError("tasks, of which one is there twice")
    lines |= {name: (record, text) for (name, record), text in zip(new.items(), texts[same:], strict=True)}
    manifest = _upgraded(Manifest(**vars(head), tasks={name: record for name, (record, _) in lines.items()}, lines=lines))
    check_parts(manifest, new)
    return manifest


def _upgraded(manifest: Manifest) -> Manifest:
    """With what formats 1 and 2 did not say of a type: there was one file of columns, and no task was ever removed."""
    types = {
        key: record
        if record.columns
        else replace(record, columns=f"{key}.columns", summed=sum(task.pathway.data_type == key for task in manifest.tasks.values()))
        for key, record in manifest.types.items()
    }
    return replace(manifest, types=types)


def _upgraded_first(content: bytes) -> bytes:
    """A file of format 1 with its tasks in the present format."""
    file = from_json(content)
    network = file.get("network") if isinstance(file, dict) else None
    tasks = network.get("tasks") if isinstance(network, dict) else None
    if isinstance(tasks, dict):
        tasks.update({name: upgrade_task(task) for name, task in tasks.items()})
    return to_json(file)


def _read_tasks(lines: list[bytes]) -> dict[str, TaskRecord]:
    """Raises ValidationError, a ValueError, if a line is no task."""
    return _TASKS.validate_json(b'{"tasks":{' + b",".join(lines) + b"}}").tasks


def _dump_task(name: str, record: TaskRecord) -> bytes:
    return to_json(name) + b":" + _TASK.dump_json(record)


def _dump_head(manifest: Manifest) -> bytes:
    fields = [
        b'"%s":%s' % (name.encode(), to_json(getattr(manifest, name), inf_nan_mode="constants"))
        for name in ("version", "id", "settings", "components", "types", "last")
    ]
    head = b'{"format":"%s",\n"format_version":%d,\n"network":{' % (FORMAT.encode(), FORMAT_VERSION) + b",\n".join(fields)
    _FILE.validate_json(head + b"}}")
    return head


HEAD = 200
RESTORE = "Restore the folder from a copy"
