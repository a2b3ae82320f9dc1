"""Earlier versions of a network."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace

from pydantic import TypeAdapter

from senpath.errors import StoreError
from senpath.store.folder_objects import VERSIONS
from senpath.store.manifest import RESTORE, Manifest, TypeRecord, parse_manifest
from senpath.store.objects import Objects

KEPT_VERSIONS = 10
"""Versions that a commit keeps, the one that it makes among them."""
NAME = re.compile(rf"{VERSIONS}/(0|[1-9][0-9]{{0,15}})\.json")
TYPES = b'"types":'
"""How the line of a manifest that has the types begins."""
_TYPES = TypeAdapter(dict[str, TypeRecord])


class Versions:
    """The manifests of earlier versions.

    Args:
        objects: that hold the network.
    """

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

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
            content = self.content(version)
        except OSError as error:
            raise StoreError(where, expected="readable", got=error.strerror or str(error)) from error
        manifest = parse_manifest(content, where, known)
        if manifest.version != version:
            raise StoreError(where, expected=f"version {version}", got=f"version {manifest.version}", do=RESTORE)
        return manifest

    def types(self) -> Iterator[Mapping[str, TypeRecord]]:
        """The types of each kept version; a version whose file is damaged is left out.

        The tasks, which are most of a file, are not read: every commit asks.
        """
        for number in self._numbers():
            with suppress(StoreError, OSError, ValueError):
                yield self._types(number)

    def _types(self, version: int) -> Mapping[str, TypeRecord]:
        content = self.content(version)
        start = content.find(b"\n" + TYPES)
        if start >= 0:
            line = content[start + 1 + len(TYPES) : content.index(b"\n", start + 1)]
            records = _TYPES.validate_json(line.rstrip(b",\n"))
            # Format 2 did not say the name of the file of columns.
            return {key: replace(record, columns=record.columns or f"{key}.columns") for key, record in records.items()}
        return parse_manifest(content, f"{self._objects.where}/{_name(version)}").types

    def _numbers(self) -> list[int]:
        # None where an earlier senpath made the network.
        return [int(match[1]) for listed in self._objects.listing(f"{VERSIONS}/") if (match := NAME.fullmatch(listed.name))]


def _name(version: int) -> str:
    return f"{VERSIONS}/{version}.json"
