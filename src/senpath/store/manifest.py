"""network.json: everything of one version of a network that is not weights or statistics."""

from __future__ import annotations

import gc
import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Any
from uuid import uuid4

from pydantic import TypeAdapter, ValidationError
from pydantic_core import from_json, to_json

from senpath.errors import FormatVersionError, InputError, StoreError
from senpath.store.consistency import check_components, check_parts
from senpath.store.pages import INLINE, Fetch, Page, PageRecord, arranged, indexed, read_pages
from senpath.store.records import STRICT, TaskRecord, TypeRecord
from senpath.store.upgrade import upgrade_line, upgrade_task

FORMAT = "senpath-network"
FORMAT_VERSION = 8
PROVENANCE_SINCE = 6
"""The format in which tasks have a provenance in place of notes."""
TASKS = b',\n"tasks":{\n'
"""What stands before the tasks, one line each, the last of the fields."""
CHECKSUM = b',\n"checksum":"'
"""What stands between the content and its checksum, the last field of the file."""


Ahead = Callable[[Iterable[TypeRecord], Sequence[PageRecord]], None]


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
        pages: that hold the first of the tasks, in files of their own; the rest are in network.json.
        lists: pages that list these.
        checksum: of the file that holds it; empty while there is none.
    """

    version: int = 0
    id: str = ""
    settings: dict[str, Any] = field(default_factory=dict)
    components: dict[str, int] = field(default_factory=dict)
    types: dict[str, TypeRecord] = field(default_factory=dict)
    tasks: dict[str, TaskRecord] = field(default_factory=dict)
    last: dict[str, Any] = field(default_factory=dict)
    pages: tuple[Page, ...] = field(default=(), repr=False, compare=False)
    lists: tuple[PageRecord, ...] = field(default=(), repr=False, compare=False)
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
    pages: list[PageRecord] = field(default_factory=list)


@dataclass(frozen=True)
class _First(_Head):
    """A network as the first format version has it."""

    tasks: dict[str, TaskRecord] = field(default_factory=dict)


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


_FILE, _FIRST, _TASKS = TypeAdapter(_File), TypeAdapter(_FirstFile), TypeAdapter(_Tasks)


def dump_manifest(manifest: Manifest, inline: int = INLINE) -> tuple[bytes, dict[str, bytes], Manifest]:
    """The content of network.json, that of the pages which are new by their hashes, and the manifest as reading it would give it.

    Args:
        inline: bytes of tasks that stay in network.json, at most.

    Raises:
        InputError: if it could not be read again (NaN, text that is no Unicode): it would take the place of one that can.
    """
    try:
        pages, new, tail = arranged(manifest.tasks, manifest.pages, manifest.components, inline)
        records, lists = indexed(pages)
        lines = [line for _, _, line in tail]
        _read_tasks(lines)
        written = replace(manifest, pages=tuple(pages), lists=tuple(record for record in records if record.pages))
        there = {page.record for page in manifest.pages}
        check_parts(written, [name for name, _, _ in tail], [page for page in pages if page.record not in there])
        head = _dump_head(written, records)
    except ValueError as error:  # also what pydantic raises when it cannot write or read a value
        raise InputError(f"version {manifest.version}", expected="content that JSON can hold", got=str(error)) from error
    content = head + TASKS + b",\n".join(lines) + b"\n}}"
    checksum = hashlib.sha256(content).hexdigest().encode()
    return content + CHECKSUM + checksum + b'"}\n', {**new, **lists}, replace(written, checksum=checksum)


def parse_manifest(content: bytes, where: str, fetch: Fetch, known: Manifest | None = None, ahead: Ahead | None = None) -> Manifest:
    """The manifest in this content.

    Args:
        where: the file's name, for messages.
        fetch: reads pages.
        known: another version of the same network; pages that it has too are taken from it.
        ahead: told which types and pages there are, before pages are read; nobody has looked at them yet.

    Raises:
        OSError: if a page cannot be read.
        FormatVersionError: if a newer senpath wrote it.
        StoreError: if it is not a network's manifest, or was changed or cut after it was written.
    """
    version = _format_version(content, where)
    body, _, rest = content.rpartition(CHECKSUM)
    checksum = hashlib.sha256(body).hexdigest().encode()
    if rest != checksum + b'"}\n':
        do = LINE_ENDS if content.endswith(b"\r\n") else RESTORE
        raise StoreError(where, expected="content that matches its checksum", got="a file changed or cut after writing", do=do)
    try:
        with _collected_later():
            if version == 1:
                return _parse_first(content)
            return replace(_parse_parts(body, version, fetch, known, ahead), checksum=checksum)
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
        head = from_json(content[:HEAD], allow_partial=True)
    except ValueError as error:
        raise StoreError(where, expected="a network's manifest in JSON", got=str(error), do=RESTORE) from error
    if not isinstance(head, dict) or head.get("format") != FORMAT:
        raise StoreError(where, expected=f'"format": "{FORMAT}"', got="another file", do="Name the folder of a senpath network")
    version = head.get("format_version")
    if isinstance(version, int) and version > FORMAT_VERSION:
        raise FormatVersionError(where, expected=f"format version {FORMAT_VERSION} or older", got=version, do="Upgrade senpath")
    return version


@contextmanager
def _collected_later() -> Iterator[None]:
    """What is read has no cycles; to be looked through for some, again and again while it grows, takes longer than to be read."""
    on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if on:
            gc.enable()


def _parse_first(content: bytes) -> Manifest:
    manifest = _upgraded(Manifest(**vars(_FIRST.validate_json(_upgraded_first(content)).network)))
    check_components(manifest.components)
    check_parts(manifest, manifest.tasks, [])
    return manifest


def _parse_parts(body: bytes, version: int, fetch: Fetch, known: Manifest | None, ahead: Ahead | None) -> Manifest:
    front, _, rest = body.partition(TASKS)
    head = _FILE.validate_json(front + b"}}").network
    if ahead is not None:
        ahead(head.types.values(), head.pages)
    texts = rest.removesuffix(b"\n}}").split(b",\n") if rest != b"\n}}" else []
    if version < PROVENANCE_SINCE:
        texts = [upgrade_line(text) for text in texts]
    alike = known is not None and known.settings == head.settings
    pages, new = read_pages(head.pages, fetch, known.pages if known is not None and alike else ())
    tail = _read_tasks(texts)
    tasks = dict(chain(*(page.tasks.items() for page in pages), tail.items()))
    if len(texts) != len(tail) or len(tasks) != len(tail) + sum(page.record.tasks for page in pages):
        raise ValueError("tasks, of which one is there twice")
    components = _all_components([head.components, *(page.components for page in pages)])
    for part in (head.components, *(page.components for page in new)):
        check_components(part)
    lists = tuple(record for record in head.pages if record.pages)
    fields = {**vars(head), "components": components, "pages": tuple(pages), "lists": lists}
    manifest = _upgraded(Manifest(**fields, tasks=tasks))
    check_parts(manifest, tail, new)
    return manifest


def _all_components(parts: Sequence[Mapping[str, int]]) -> dict[str, int]:
    together: dict[str, int] = {}
    for part in parts:
        together |= part
    if len(together) < sum(map(len, parts)) and not all(part.items() <= together.items() for part in parts):
        raise ValueError("components, of which one has two sizes")
    return together


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


def _dump_head(manifest: Manifest, pages: list[PageRecord]) -> bytes:
    """What stands before the tasks. Components that a page names are there, and not here."""
    paged = set[str]().union(*(page.components for page in manifest.pages))
    components = {name: weights for name, weights in manifest.components.items() if name not in paged}
    check_components(components)
    content = {
        "version": manifest.version,
        "id": manifest.id,
        "settings": manifest.settings,
        "components": components,
        "types": manifest.types,
        "pages": pages,
        "last": manifest.last,
    }
    fields = [b'"%s":%s' % (name.encode(), to_json(value, inf_nan_mode="constants")) for name, value in content.items()]
    head = b'{"format":"%s",\n"format_version":%d,\n"network":{' % (FORMAT.encode(), FORMAT_VERSION) + b",\n".join(fields)
    _FILE.validate_json(head + b"}}")
    return head


HEAD = 200
"""Bytes of the file that are sure to say its format."""
RESTORE = "Restore the folder from a copy"
LINE_ENDS = "Its line ends were changed, as git may do: write * -text into .gitattributes, and check the folder out again"
