"""network.json: everything of one version of a network that is not weights or statistics."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic_core import from_json

from senpath.errors import FormatVersionError, InputError, StoreError
from senpath.pathways import Pathway
from senpath.types import DataType

FORMAT = "senpath-network"
FORMAT_VERSION = 1
CHECKSUM = b',\n"checksum":"'
"""What stands between the content and its checksum, the last field of the file."""


@dataclass(frozen=True)
class TypeRecord:
    """One data type: its encoding, its fixed feature map, and where the dispatcher's statistics of it are.

    Args:
        features: hash of the component that is the feature map.
        pooled: name of the file with what all tasks of the type add up to, in `dispatcher/`.
        pooled_sha256: its content's hash.
        rows: rows in the type's file of columns that are taken; the next task's begin there.
        width: numbers in a row.
    """

    data_type: DataType
    features: str
    pooled: str
    pooled_sha256: str
    rows: int
    width: int


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
    """

    first: int
    rows: int
    sha256: str
    counts: tuple[float, ...]
    figures: dict[str, float] = field(default_factory=dict)
    gate: str | None = None


@dataclass(frozen=True)
class Probe:
    """A seeded input and what the pathway answered to it when it was learned."""

    seed: int
    output: tuple[float, ...]


@dataclass(frozen=True)
class TaskRecord:
    """One task: its pathway, the dispatcher's statistics of it, its probe, and the version that brought it."""

    pathway: Pathway
    statistics: StatisticsRecord
    probe: Probe
    version: int


@dataclass(frozen=True)
class Manifest:
    """One version of a network.

    Args:
        version: 0 for an empty network; each commit adds one.
        settings: choices made when the network was created (see `senpath.network.NetworkSettings`).
        components: number of weights of each component, by hash.
        types: by key.
        tasks: by name, in the order of learning.
        last: the log's entry of the commit that made this version.
    """

    version: int = 0
    settings: dict[str, Any] = field(default_factory=dict)
    components: dict[str, int] = field(default_factory=dict)
    types: dict[str, TypeRecord] = field(default_factory=dict)
    tasks: dict[str, TaskRecord] = field(default_factory=dict)
    last: dict[str, Any] = field(default_factory=dict)

    def followed_by(self, **changes: Any) -> Manifest:
        """The next version, with these fields changed."""
        return replace(self, version=self.version + 1, **changes)


@dataclass(frozen=True)
class _File:
    format: str
    format_version: int
    network: Manifest
    checksum: str

    __pydantic_config__ = ConfigDict(extra="forbid", strict=True)


_ADAPTER = TypeAdapter(_File)
_MANIFEST = TypeAdapter(Manifest)


def dump_manifest(manifest: Manifest) -> bytes:
    """The content of network.json.

    Raises:
        InputError: if it could not be read again (NaN, text that is no Unicode): it would take the place of one that can.
    """
    body = b'{"format":"%s",\n"format_version":%d,\n"network":' % (FORMAT.encode(), FORMAT_VERSION)
    try:
        content = body + _MANIFEST.dump_json(manifest, indent=1)
        content += CHECKSUM + hashlib.sha256(content).hexdigest().encode() + b'"}\n'
        _ADAPTER.validate_json(content)
    except ValueError as error:  # also what pydantic raises when it cannot write or read a value
        raise InputError(f"version {manifest.version}", expected="content that JSON can hold", got=str(error)) from error
    return content


def parse_manifest(content: bytes, where: str) -> Manifest:
    """The manifest in this content.

    Raises:
        FormatVersionError: if a newer senpath wrote it.
        StoreError: if it is not a network's manifest, or was changed or cut after it was written.
    """
    try:
        head = from_json(content, allow_partial=True)
    except ValueError as error:
        raise StoreError(where, expected="a network's manifest in JSON", got=str(error), do=RESTORE) from error
    if not isinstance(head, dict) or head.get("format") != FORMAT:
        raise StoreError(where, expected=f'"format": "{FORMAT}"', got="another file", do="Name the folder of a senpath network")
    version = head.get("format_version")
    if isinstance(version, int) and version > FORMAT_VERSION:
        raise FormatVersionError(where, expected=f"format version {FORMAT_VERSION} or older", got=version, do="Upgrade senpath")
    body, _, rest = content.rpartition(CHECKSUM)
    if rest != hashlib.sha256(body).hexdigest().encode() + b'"}\n':
        raise StoreError(where, expected="content that matches its checksum", got="a file changed or cut after writing", do=RESTORE)
    try:
        return _ADAPTER.validate_json(content).network
    except ValidationError as error:
        first = error.errors()[0]
        raise StoreError(where, expected=first["msg"], got=f"at {'.'.join(map(str, first['loc']))}", do=RESTORE) from error


RESTORE = "Restore the folder from a copy"
