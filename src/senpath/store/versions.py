"""Earlier versions, recorded evaluations and copies of a folder."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from senpath.confined import open_plain, plain_files, read_plain
from senpath.errors import ConflictError, InputError, StoreError
from senpath.store.files import append_at, cut, last_line, sync_folder, write_atomic
from senpath.store.manifest import RESTORE, Manifest, TypeRecord, parse_manifest

VERSIONS = "versions"
"""Folder of a network for the manifests of earlier versions."""
KEPT_VERSIONS = 10
"""Versions that a commit keeps, the one that it makes among them."""
NAME = re.compile(r"(0|[1-9][0-9]{0,15})\.json")
TYPES = b'"types":'
"""How the line of a manifest that has the types begins."""
_TYPES = TypeAdapter(dict[str, TypeRecord])


class Versions:
    """The manifests of earlier versions.

    Args:
        path: the network's folder.
        present: the file of its present version.
        scratch: where files are written before they take their names.
    """

    def __init__(self, path: Path, present: Path, scratch: Path) -> None:
        self._folder, self._present, self._scratch = path / VERSIONS, present, scratch

    def numbers(self, present: int) -> list[int]:
        """The versions before `present` that are kept, ascending."""
        return sorted(number for number in self._numbers() if number < present)

    def keep(self, version: int) -> None:
        """Keep the present file, which is this version, before another takes its place: a second name for it, so nothing is copied."""
        self._folder.mkdir(exist_ok=True)
        self.forget(version)
        try:
            os.link(self._present, self._path(version))
        except OSError:  # not every file system has links
            write_atomic(self._path(version), read_plain(self._present), self._scratch)
        sync_folder(self._folder)

    def forget(self, version: int) -> None:
        """Do not keep this version."""
        self._path(version).unlink(missing_ok=True)

    def drop(self, present: int, keep: int) -> None:
        """Forget all but the last `keep` versions, `present` being one of them."""
        for number in self._numbers():
            if not present - keep < number < present:
                self.forget(number)

    def read(self, version: int, known: Manifest) -> Manifest:
        """An earlier version.

        Args:
            known: another version of the network; what is the same is taken from it.

        Raises:
            StoreError: if it is not kept, or its file is damaged.
        """
        path = self._path(version)
        try:
            content = read_plain(path)
        except OSError as error:
            raise StoreError(f"{path}", expected="readable", got=error.strerror or str(error)) from error
        manifest = parse_manifest(content, str(path), known)
        if manifest.version != version:
            raise StoreError(f"{path}", expected=f"version {version}", got=f"version {manifest.version}", do=RESTORE)
        return manifest

    def types(self) -> Iterator[Mapping[str, TypeRecord]]:
        """The types of each kept version; a version whose file is damaged is left out.

        The tasks, which are most of a file, are not read: every commit asks.
        """
        for number in self._numbers():
            with suppress(StoreError, OSError, ValueError):
                yield self._types(number)

    def _types(self, version: int) -> Mapping[str, TypeRecord]:
        with open_plain(self._path(version)) as file:
            for line in file:
                if line.startswith(TYPES):
                    records = _TYPES.validate_json(line.removeprefix(TYPES).rstrip(b",\n"))
                    # Format 2 did not say the name of the file of columns.
                    return {key: replace(record, columns=record.columns or f"{key}.columns") for key, record in records.items()}
        return parse_manifest(read_plain(self._path(version)), str(self._path(version))).types

    def _numbers(self) -> list[int]:
        # None where an earlier senpath made the network.
        return [int(match[1]) for path in plain_files(self._folder) if (match := NAME.fullmatch(path.name))]

    def _path(self, version: int) -> Path:
        return self._folder / f"{version}.json"


EVALUATIONS = "evaluations.jsonl"


def append_line(path: Path, entry: Mapping[str, Any], scratch: Path) -> None:
    """Add a line, on disk when this returns; a line that a crash cut is removed first. For the holder of the write lock."""
    _, whole = last_line(path)
    line = json.dumps(entry, ensure_ascii=False, allow_nan=False).encode() + b"\n"
    try:
        append_at(path, whole, line, scratch)
    except BaseException:  # Ctrl-C too leaves nothing behind
        with suppress(OSError):
            cut(path, whole)
        raise
    sync_folder(path.parent)


def remove_line(path: Path, place: int, time: str | None, scratch: Path) -> None:
    """Write the file anew without one of its entries. For the holder of the write lock.

    Args:
        place: of the entry.
        time: of the entry, if that is known: another that has come into its place stays.

    Raises:
        InputError: if there is none.
        ConflictError: if there is another.
        StoreError: if the file cannot be read.
    """
    entries = read_lines(path)
    if isinstance(place, bool) or not isinstance(place, int) or not -len(entries) <= place < len(entries):
        expected = f"a whole number from 0 to {len(entries) - 1}" if entries else "one that was recorded; there is none"
        raise InputError("evaluation to remove", expected=expected, got=repr(place))
    if time not in (None, entries[place].get("time")):
        got = f"another, of {entries[place].get('time')}: evaluations were removed meanwhile"
        raise ConflictError(f"evaluation {place}", expected=f"that of {time}", got=got, do="Read them again")
    lines = read_plain(path).split(b"\n")[: len(entries)]
    del lines[place]
    write_atomic(path, b"".join(line + b"\n" for line in lines), scratch)
    sync_folder(path.parent)


def read_lines(path: Path) -> list[dict[str, Any]]:
    """All entries, oldest first: JSON objects with a whole number "version". What a crash left after the last line break is no entry.

    Raises:
        StoreError: if the file cannot be read, or a line is not such an object.
    """
    try:
        content = read_plain(path)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise StoreError(f"{path}", expected="a readable file", got=error.strerror or str(error)) from error
    return [_entry(line, f"{path}: line {number}") for number, line in enumerate(content.split(b"\n")[:-1], start=1)]


def _entry(line: bytes, where: str) -> dict[str, Any]:
    try:
        entry = json.loads(line)
        if isinstance(entry, dict) and isinstance(entry.get("version"), int):
            return entry
        got = "JSON of another shape"
    except (ValueError, RecursionError) as error:
        got = str(error)
    raise StoreError(where, expected="a measurement in JSON", got=got, do=f"Remove the line, or {RESTORE.lower()}")


def log_entries(path: Path) -> list[dict[str, Any]]:
    """The entries of a log, oldest first; lines that are none are left out."""
    try:
        lines = read_plain(path).split(b"\n")  # bytes: a crash may cut within a letter
    except OSError:
        return []
    entries = []
    for line in lines:
        with suppress(ValueError, KeyError, TypeError, OverflowError, RecursionError):  # a crash may have cut the last line
            entry = json.loads(line)
            entries.append({**entry, "version": int(entry["version"])})
    return entries


def append_log(path: Path, manifest: Manifest, scratch: Path) -> None:
    """Add the entry of this version unless it is there; a line that a crash cut is removed first."""
    if not manifest.last:
        return
    last, whole = last_line(path)
    with suppress(ValueError, KeyError, TypeError, RecursionError):
        if last and json.loads(last)["version"] >= manifest.version:
            return
    append_at(path, whole, json.dumps(manifest.last, ensure_ascii=False).encode() + b"\n", scratch)
