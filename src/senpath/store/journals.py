"""What is only ever added to: the log of commits, and recorded evaluations."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, suppress
from typing import Any

from senpath.errors import ConflictError, InputError, StoreError
from senpath.store.consistency import VERSIONS
from senpath.store.files import explained
from senpath.store.manifest import RESTORE, Manifest
from senpath.store.objects import Objects

LOG, EVALUATIONS = "log", "evaluations"
DEEPEST = 100
"""Objects and lists within one another in a line, at most: whoever shows them goes through them level by level."""


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(text, str) for text in value)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


SHAPES: dict[str, Callable[[Any], bool]] = {
    "tasks": _are_texts,
    "removed": _are_texts,
    "renamed": lambda value: isinstance(value, dict) and _are_texts([value.get("from"), value.get("to")]),
    "rollback": lambda value: type(value) is int and 0 <= value < VERSIONS,
    **dict.fromkeys(("time", "author", "limit", "described"), _is_text),
}
"""What fields of the log are that others compute with. Anybody may have written the file: what is something else is left out."""


class Journals:
    """The two journals of a network.

    Args:
        objects: that hold the network.
        locked: keeps other writers out, where writers take turns.
    """

    def __init__(self, objects: Objects, locked: Callable[[], AbstractContextManager[None]]) -> None:
        self._objects, self._locked = objects, locked

    def log(self, manifest: Manifest) -> list[dict[str, Any]]:
        """The log's entries up to a version, oldest first."""
        lines: list[bytes] = []
        with suppress(OSError):
            lines = self._objects.lines(LOG)
        entries = [entry for entry in _log_entries(lines) if entry["version"] <= manifest.version]
        if manifest.last and (not entries or entries[-1]["version"] < manifest.version):
            entries += _log_entries([], {**manifest.last, "version": manifest.version})
        return entries

    def add_to_log(self, manifest: Manifest) -> None:
        """Add the entry of a version unless it is there. For the lock's holder."""
        if manifest.last:
            self._objects.add_line(LOG, json.dumps(manifest.last, ensure_ascii=False).encode(), manifest.version)

    def evaluations(self) -> list[dict[str, Any]]:
        """What was measured, oldest first, of whatever version.

        Raises:
            StoreError: naming the entry that cannot be read.
        """
        try:
            lines = self._objects.lines(EVALUATIONS)
        except OSError as error:
            where = str(error.filename or f"{self._objects.where}/{EVALUATIONS}")
            raise StoreError(where, expected="a readable file", got=error.strerror or str(error)) from error
        return [_evaluation(line, self.where(place)) for place, line in enumerate(lines)]

    def where(self, place: int) -> str:
        """Where an evaluation is kept, for messages."""
        return self._objects.line_name(EVALUATIONS, place)

    def record(self, entry: Mapping[str, Any]) -> None:
        """Keep a measurement (JSON values, with the "version" it was made of). No commit: the version stays as it is.

        Raises:
            ConflictError: if another process holds the write lock for longer than the store waits.
            StoreError: if the store cannot be written.
        """
        with self._locked(), explained(f"recording an evaluation in {self._objects.where}"):
            self._objects.add_line(EVALUATIONS, json.dumps(entry, ensure_ascii=False, allow_nan=False).encode())

    def remove(self, place: int, time: str | None) -> None:
        """Remove one of the entries of `evaluations`.

        Args:
            place: of the entry.
            time: of the entry, if that is known: another that has come into its place stays.

        Raises:
            InputError: if there is none.
            ConflictError: if there is another.
            StoreError: if the store cannot be read or written.
        """
        with self._locked(), explained(f"removing an evaluation from {self._objects.where}"):
            entries = self.evaluations()
            if isinstance(place, bool) or not isinstance(place, int) or not -len(entries) <= place < len(entries):
                expected = f"a whole number from 0 to {len(entries) - 1}" if entries else "one that was recorded; there is none"
                raise InputError("evaluation to remove", expected=expected, got=repr(place))
            if time not in (None, entries[place].get("time")):
                got = f"another, of {entries[place].get('time')}: evaluations were removed meanwhile"
                raise ConflictError(f"evaluation {place}", expected=f"that of {time}", got=got, do="Read them again")
            self._objects.remove_line(EVALUATIONS, place % len(entries))


def _evaluation(line: bytes, where: str) -> dict[str, Any]:
    """A recorded evaluation: a JSON object with a whole number "version".

    Args:
        where: it is, for messages.

    Raises:
        StoreError: if it is none.
    """
    try:
        entry = _value(line)
        if isinstance(entry, dict) and isinstance(entry.get("version"), int):
            return entry
        got = "JSON of another shape"
    except (ValueError, RecursionError) as error:
        got = str(error)
    raise StoreError(where, expected="a measurement in JSON", got=got, do=f"Remove the line, or {RESTORE.lower()}")


def _value(line: bytes) -> Any:
    """What a line of JSON says; a ValueError if that is nothing, or cannot be written again: it is too deep, or has half a character."""
    value = json.loads(line.decode())  # of bytes it would take halves of characters as they are
    if line.count(b"[") + line.count(b"{") > DEEPEST:
        _require_flat(value)
    if b"\\u" in line:
        json.dumps(value, ensure_ascii=False).encode()
    return value


def _require_flat(value: Any) -> None:
    """Raise ValueError for what is nested too deeply."""
    level = [value]
    for _ in range(DEEPEST):
        level = [part for each in level if isinstance(each, dict | list) for part in (each.values() if isinstance(each, dict) else each)]
        if not level:
            return
    raise ValueError(f"more than {DEEPEST} levels")


def _log_entries(lines: Iterable[bytes], *more: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The entries of a log, oldest first; lines that are none, or of an earlier version than one before, are left out."""
    entries: list[dict[str, Any]] = []
    for line in (*lines, *more):
        with suppress(ValueError, KeyError, TypeError, OverflowError, RecursionError):
            entry: Any = _value(line) if isinstance(line, bytes) else line
            version = int(entry["version"])
            if (entries[-1]["version"] if entries else -1) < version < VERSIONS:
                fits = {name: value for name, value in entry.items() if name not in SHAPES or SHAPES[name](value)}
                entries.append({**fits, "version": version})
    return entries
