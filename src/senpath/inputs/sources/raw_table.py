"""A table as it was read, before anything is known about its columns; and the column that holds its labels."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from senpath.arrays import as_word, object_array
from senpath.errors import InputError
from senpath.inputs.limits import require_few_columns
from senpath.inputs.modalities.columns import NO_LABEL, is_missing
from senpath.inputs.sources.guesses import names_rows
from senpath.tasks.labels import TRUTHS

LABEL_COLUMN = "label"
LABEL_NAMES = (LABEL_COLUMN, "labels", "class", "target", "y")
"""Names by which a column of labels is recognised, the most certain first."""

WHOLE = re.compile(r"0|-?[1-9][0-9]{0,17}", re.ASCII)
"""Whole numbers as a program writes them."""


@dataclass(frozen=True)
class RawTable:
    """Columns of values as they were given.

    Args:
        name: what errors call the table, such as "table flowers.csv".
        columns: arrays (n,) by name; the names have one form, see `senpath.arrays.as_word`.
        lines: the place of each row in its file; None for data that comes from no file.
        line: what such a place is called, "line" or "row".
        folder: what names of files are relative to.
        classes: names of the classes, for each column that holds indices of classes, or lists of them.
        note: what else is to be said of how it was read.
        row_names: columns that are known to name or number the rows, as the index of a data frame does.
        from_line: whether the names may be a first row of values that somebody took for a header.
        words: columns whose values are known to be words, also those that look like numbers.
    """

    name: str
    columns: Mapping[str, np.ndarray]
    lines: Sequence[int] | None = None
    line: str = "line"
    folder: Path = field(default_factory=Path)
    classes: Mapping[str, Sequence[str]] = field(default_factory=dict)
    row_names: Collection[str] = ()
    note: str = ""
    from_line: bool = False
    words: Collection[str] = ()

    def __len__(self) -> int:
        return len(self.lines) if self.lines is not None else len(next(iter(self.columns.values()), ()))

    def place(self, row: int) -> str:
        """Where a row stands: "line 3", or "row 1" of a table without lines."""
        return f"{self.line} {self.lines[row]}" if self.lines is not None else f"row {row}"

    @cached_property
    def index(self) -> list[str]:
        """Columns that name or number the rows; they are inputs of nothing."""
        return [name for name in self.columns if name in self.row_names or names_rows(name, self.columns)]

    def input_columns(self, label: str | None = None) -> list[str]:
        """All columns but those of the labels and of the rows' names."""
        return [name for name in self.columns if name != label and name not in self.index]

    def label_column(self, given: str | None) -> tuple[str, str]:
        """The name of the column of labels, and how it was chosen, in words.

        Raises:
            InputError: if there is no column of the given name, or none at all.
        """
        if not self.columns:
            raise InputError(self.name, expected="a column of labels, and one beside it", got="none")
        if given is not None:
            if as_word(given) not in self.columns:
                columns = ", ".join(map(repr, self.columns))
                raise InputError(self.name, expected=f"a column {given!r} of labels", got=f"the columns {columns}")
            return as_word(given), ""
        by_lower_case = {name.lower(): name for name in reversed([*self.columns])}
        candidates = [by_lower_case[name] for name in LABEL_NAMES if name in by_lower_case]
        candidates += [name for name in self.columns if name in self.classes]
        return (candidates[0], "") if candidates else ((self.input_columns() or [*self.columns])[-1], " (the last column)")

    def labels(self, name: str) -> tuple[np.ndarray, Mapping[int, InputError]]:
        """The values of a column of labels, and an error for each row without one."""
        values = self.columns[name]
        if name in self.classes:
            class_names = dict(enumerate(map(as_word, self.classes[name])))
            named = [[*map(class_names.get, index)] if isinstance(index, list) else class_names.get(index) for index in values.tolist()]
            values = object_array(named)
            missing = [row for row, value in enumerate(named) if value is None]
        else:
            if values.dtype.kind in "OU":
                values = object_array([as_word(value) if isinstance(value, str) else value for value in values.tolist()])
            missing = [row for row, value in enumerate(values.tolist()) if _no_label(value)]
        places = {row: f"{self.name}, {self.place(row)}, column {name!r}" for row in missing}
        return values, {row: InputError(place, expected="a label", got="no value") for row, place in places.items()}


def _no_label(value: Any) -> bool:
    return is_missing(value) or (isinstance(value, str) and value in NO_LABEL)


def require_header(names: Sequence[str], what: str) -> None:
    """Raise InputError if there are no names of columns, too many, or a name occurs twice."""
    require_few_columns(what, len(names))
    if not names or len(set(names)) < len(names):
        raise InputError(what, expected="a header line of names that differ", got=list(names)[:50] or "none")


def column_array(values: Sequence[Any]) -> np.ndarray:
    """Values as an array of one axis: of numbers if all are numbers, else of objects."""
    if values and all(type(value) in (int, float, bool) for value in values):
        numbers = np.asarray(values)
        if numbers.dtype.kind in "fiub":
            return numbers
    return object_array(values)


def plain_labels(values: np.ndarray, *, words_stay: bool = False, fractions: bool = True) -> Any:
    """Labels as they are learned: words (objects, for one may be long) or numbers in an array, collections of labels in a list.

    Words that are all whole numbers, or all numbers and at least one of them a fraction, become numbers, for a text file has only words:
    but not 007, 1.0 or +1, which say more than the number. Words that are all true or false become True and False.

    Args:
        words_stay: whether words are known to be words, or names of classes.
        fractions: whether fractions become numbers; not where classes are asked for, which may be called 1.3.
    """
    plain = values.tolist()
    if not all(isinstance(value, str) for value in plain):
        return values if values.dtype != object else plain
    words = object_array(plain)
    if words_stay:
        return words
    if plain and all(WHOLE.fullmatch(word) for word in plain):
        return np.array([int(word) for word in plain])
    if plain and all(word.lower() in TRUTHS for word in plain):
        return np.array([TRUTHS[word.lower()] for word in plain], dtype=bool)
    if not fractions:
        return words
    try:
        numbers = words.astype(np.float64)
    except ValueError:
        return words
    return numbers if bool(np.isfinite(numbers).all()) and bool((numbers != numbers.round()).any()) else words
