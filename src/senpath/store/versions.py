"""Earlier versions of a network."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

from pydantic import TypeAdapter

from senpath.errors import StoreError
from senpath.store.folder_objects import VERSIONS
from senpath.store.manifest import RESTORE, TASKS, Manifest, parse_manifest
from senpath.store.objects import Objects
from senpath.store.pages import PageRecord, fetched_from, listed
from senpath.store.records import TypeRecord

KEPT_VERSIONS = 10
"""Versions that a commit keeps, the one that it makes among them."""
NAME = re.compile(rf"{VERSIONS}/(0|[1-9][0-9]{{0,15}})\.json")
LINES = TYPES, PAGES = b'"types":', b'"pages":'
"""How the lines of a manifest begin that have the types and the pages."""
Parts = tuple[Mapping[str, TypeRecord], Sequence[PageRecord]]
"""What a version needs of statistics and of pages."""
_TYPES, _PAGES = TypeAdapter(dict[str, TypeRecord]), TypeAdapter(list[PageRecord])


def parts_of(manifest: Manifest) -> Parts:
    """What this version needs."""
    return manifest.types, [*(page.record for page in manifest.pages), *manifest.lists]


class Versions:
    """The manifests of earlier versions.

    Args:
        objects: that hold the network.
    """

    def __init__(self, objects: Objects) -> None:
        self._objects, self._fetch = objects, fetched_from(objects)

    def numbers(self, present: int) -> list[int]:
        """The versions before `present` that are kept, ascending."""
        return sorted(number for number in self._numbers() if number < present)

    def keep(self, version: int, content: bytes) -> None:
        """Keep the present manifest, which is this version and has this content, before another takes its place."""
        self._objects.keep_root(_name(version), content)

    def kept_since(self, version: int) -> float:
        """When this version was written where it is kept, by the clock of the store; 0 if it is no more."""
        return next((listed.modified for listed in self._objects.listing(_name(version)) if listed.name == _name(version)), 0.0)

    def forget(self, version: int) -> None:
        """Do not keep this version."""
        self._objects.delete(_name(version))

    def drop(self, present: int, keep: int) -> None:
        """Forget all but the last `keep` versions, `present` being one of them."""
        for number in self._numbers():
            if not present - keep < number < present:
                self.forget(number)

    def content(self, version: int) -> bytes:
        """The manifest of an earlier version as it was written; an OSError says why not."""
        return (self._objects.read(_name(version)) or (b"", ""))[0]

    def read(self, version: int, known: Manifest) -> Manifest:
        """An earlier version.

        Args:
            known: another version of the network; what is the same is taken from it.

        Raises:
            StoreError: if it is not kept, or its file is damaged.
        """
        where = f"{self._objects.where}/{_name(version)}"
        try:
            manifest = self._parsed(version, known)
        except OSError as error:
            raise StoreError(where, expected="readable", got=error.strerror or str(error)) from error
        if manifest.version != version:
            raise StoreError(where, expected=f"version {version}", got=f"version {manifest.version}", do=RESTORE)
        return manifest

    def rows_in_use(self, present: Manifest) -> dict[str, int]:
        """By the name of each file of columns, how many of its rows are taken in the present or a kept version.

        Rows that are objects of their own are not taken from anybody.
        """
        rows: dict[str, int] = {}
        for manifest in (present, *self._whole(present)):
            for record in manifest.types.values():
                if not record.segments:
                    rows[record.columns] = max(record.rows, rows.get(record.columns, 0))
        return rows

    def _whole(self, present: Manifest) -> Iterator[Manifest]:
        """The earlier versions whose manifests are whole."""
        for number in self.numbers(present.version):
            with suppress(StoreError):
                yield self.read(number, present)

    def parts(self) -> Iterator[Parts]:
        """What each kept version needs; a version whose file is damaged is left out.

        The tasks are not read: every commit asks.
        """
        for number in self._numbers():
            with suppress(StoreError, OSError, ValueError):
                yield self._parts(number)

    def _parts(self, version: int) -> Parts:
        head, _, _ = self.content(version).partition(TASKS)
        lines = {begin: line.removeprefix(begin).rstrip(b",\n") for line in head.split(b"\n") for begin in LINES if line.startswith(begin)}
        if TYPES not in lines:
            return parts_of(self._parsed(version))
        types = _TYPES.validate_json(lines[TYPES])
        pages = _PAGES.validate_json(lines.get(PAGES, b"[]"))
        # Format 2 did not say the name of the file of columns.
        types = {key: replace(record, columns=record.columns or f"{key}.columns") for key, record in types.items()}
        return types, [*(record for record in pages if record.pages), *listed(pages, self._fetch)]

    def _parsed(self, version: int, known: Manifest | None = None) -> Manifest:
        return parse_manifest(self.content(version), f"{self._objects.where}/{_name(version)}", self._fetch, known)

    def _numbers(self) -> list[int]:
        # None where an earlier senpath made the network.
        return [int(match[1]) for listed in self._objects.listing(f"{VERSIONS}/") if (match := NAME.fullmatch(listed.name))]


def _name(version: int) -> str:
    return f"{VERSIONS}/{version}.json"
