"""A table as it was read, before it is known what its columns are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from senpath.errors import InputError

NUMBERS = "fiub"
"""Kinds of numpy's types that are numbers."""


@dataclass(frozen=True)
class Sheet:
    """Columns of values as they were given.

    Args:
        name: what errors call the table, such as "table flowers.csv".
        columns: arrays (n,) by name.
        lines: where each row stands in its file; none for data that is in no file.
        line: what such a place is called, "line" or "row".
        folder: what names of files are relative to.
        classes: of columns that hold places of classes, the names of the classes.
    """

    name: str
    columns: Mapping[str, np.ndarray]
    lines: Sequence[int] | None = None
    line: str = "line"
    folder: Path = field(default_factory=Path)
    classes: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), ()))

    def where(self, row: int) -> str:
        """A row's place, "line 3", or "row 1" of what has no lines."""
        return f"{self.line} {self.lines[row]}" if self.lines is not None else f"row {row}"


def require_header(names: Sequence[str], what: str) -> None:
    """Refuse names that do not name columns.

    Raises:
        InputError: if there are none, or one is there twice.
    """
    if not names or len(set(names)) < len(names):
        raise InputError(what, expected="a header line of names that differ", got=list(names)[:50] or "none")


def as_values(values: Sequence[Any]) -> np.ndarray:
    """Values as an array of one axis: numbers as such, anything else as it is."""
    if values and all(type(value) in (int, float, bool) for value in values):
        found = np.asarray(values)
        if found.dtype.kind in NUMBERS:
            return found
    kept = np.empty(len(values), dtype=object)
    for place, value in enumerate(values):
        kept[place] = value
    return kept
