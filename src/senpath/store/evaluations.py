"""evaluations.jsonl: figures measured on test data, one line a measurement, beside the network and no part of any version."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from senpath.errors import StoreError
from senpath.store.files import append_at, last_line, sync_folder
from senpath.store.manifest import RESTORE

EVALUATIONS = "evaluations.jsonl"


def append_line(path: Path, entry: Mapping[str, Any]) -> None:
    """Add a line, on disk when this returns; a line that a crash cut is removed first. For the holder of the write lock."""
    _, whole = last_line(path)
    line = json.dumps(entry, ensure_ascii=False, allow_nan=False).encode() + b"\n"
    try:
        append_at(path, whole, line)
    except BaseException:
        with suppress(OSError):
            os.truncate(path, whole)
        raise
    sync_folder(path.parent)


def read_lines(path: Path) -> list[dict[str, Any]]:
    """All entries, oldest first: JSON objects with a whole number "version". What a crash left after the last line break is no entry.

    Raises:
        StoreError: if the file cannot be read, or a line is not such an object.
    """
    try:
        content = path.read_bytes()
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
