"""Columns of tables: each holds numbers, or words of few different values."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, overload

import numpy as np

from senpath.arrays import as_word, object_array
from senpath.errors import InputError

MAX_WORDS = 32
"""Different words that a column of words may have; each becomes a number of its own, 0 or 1."""
WORD_TYPES = (str, int, float, np.integer, np.floating, np.bool_)
"""Types of values that may stand among words."""
TRUTH = {"true": 1.0, "false": 0.0}
THOUSANDS = re.compile(r"\s*[+-]?\d{1,3}(,\d{3})+(\.\d*)?\s*")
"""Numbers such as 1,234,567.8."""


class Rows(Sequence[Any]):
    """Rows of a table: `rows[3]` is one of them, a dict; `rows[:3]` and `rows[[0, 5]]` are several.

    Args:
        columns: arrays of one length, by name.
        named: whether the names are the user's; those of an array are x0, x1, …
    """

    def __init__(self, columns: Mapping[str, np.ndarray], *, named: bool = True) -> None:
        self._columns, self.named = {as_word(name): values for name, values in columns.items()}, named

    @property
    def columns(self) -> list[str]:
        """Names of the columns."""
        return list(self._columns)

    def column(self, name: str) -> np.ndarray:
        """The values of a column, one for each row."""
        return self._columns[name]

    def to_numpy(self) -> np.ndarray:
        """The values without names, shape (rows, columns)."""
        return np.stack([*self._columns.values()], axis=1)

    def __len__(self) -> int:
        return len(next(iter(self._columns.values()), ()))

    @overload
    def __getitem__(self, index: int | np.integer[Any]) -> dict[str, Any]: ...

    @overload
    def __getitem__(self, index: Any) -> Rows: ...

    def __getitem__(self, index: Any) -> dict[str, Any] | Rows:
        if not isinstance(index, int | np.integer):
            return Rows({name: values[index] for name, values in self._columns.items()}, named=self.named)
        row = {name: values[index] for name, values in self._columns.items()}
        return {name: value.item() if isinstance(value, np.generic) else value for name, value in row.items()}


@dataclass(frozen=True)
class Column:
    """The values of a column.

    Args:
        values: numbers, float64 (n,); or words, an object array (n,) of str.
        wrong: rows of the values that are missing or of another kind, ascending.
    """

    values: np.ndarray
    wrong: np.ndarray

    @property
    def words(self) -> bool:
        """Whether it holds words."""
        return self.values.dtype == object


def read_column(name: str, values: np.ndarray, *, words: bool | None = None) -> Column:
    """Read the values of a column as numbers or as words.

    Numbers and booleans may be written as words; booleans count as 1 and 0.

    Args:
        name: what errors call the column.
        values: of any type, shape (n,).
        words: whether to read words; None reads what at least half of the values are.

    Raises:
        InputError: if the values are neither numbers nor words.
    """
    if values.dtype.kind not in "fiubOUS":
        raise InputError(f"column {name!r}", expected="numbers or words", got=f"dtype {values.dtype}")
    numbers = _numbers(values)
    with np.errstate(over="ignore"):
        usable = np.isfinite(numbers.astype(np.float32))
    if usable.all() and not words:  # the usual case, and the fast one
        return Column(numbers, np.zeros(0, dtype=np.int64))
    present = np.array([not is_missing(value) for value in values.tolist()], dtype=bool)
    if words is None:
        words = 2 * int((present & np.isnan(numbers)).sum()) > int(present.sum())
    if not words:
        return Column(numbers, np.flatnonzero(~usable))
    other = next((value for value in values[present].tolist() if not isinstance(value, WORD_TYPES)), None)
    if other is not None:
        raise InputError(f"column {name!r}", expected="numbers or words", got=type(other).__name__)
    return Column(object_array(["" if is_missing(value) else _word(value) for value in values.tolist()]), np.flatnonzero(~present))


def wrong_value(where: str, name: str, column: Column, value: Any) -> InputError:
    """The error for a value that `Column.wrong` lists.

    Args:
        where: the name of its row or line.
        value: as it was given.
    """
    what = "a word" if column.words else "a finite number, as most of the column"
    got = "no value" if is_missing(value) else repr(value)
    do = "Fill the gap, or leave the row out" if is_missing(value) else ""
    return InputError(f"{where}, column {name!r}", expected=what, got=got, do=do)


def distinct_words(name: str, words: Sequence[str]) -> list[str]:
    """The different words of a column, sorted.

    Raises:
        InputError: if there are more than `MAX_WORDS`.
    """
    distinct = sorted({*words})
    if len(distinct) > MAX_WORDS:
        expected = f"numbers, or words of at most {MAX_WORDS} different values"
        got = f"{len(distinct)} different words, such as {distinct[0]!r:.60}"
        do = "Leave the column out, or encode it as numbers; if it holds texts to learn from, read it with modality='text'"
        raise InputError(f"column {name!r}", expected=expected, got=got, do=do)
    return distinct


def is_missing(value: Any) -> bool:
    """Whether a value is None, NaN, pandas' NA or NaT, or blank."""
    if isinstance(value, str):
        return not as_word(value)
    if value is None or value is np.ma.masked or type(value).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(value, float | np.floating) and math.isnan(value)


def is_frame(data: Any) -> bool:
    """Whether this is a data frame, as pandas and polars have them."""
    return hasattr(data, "to_numpy") and hasattr(data, "columns")


def _numbers(values: np.ndarray) -> np.ndarray:
    """float64, NaN where a value is no number."""
    try:
        return values.astype(np.float64)
    except (TypeError, ValueError, OverflowError):
        return np.array([_number(value) for value in values.tolist()], dtype=np.float64)


def _number(value: Any) -> float:
    try:
        if isinstance(value, str):
            value = TRUTH.get(value.strip().lower(), value.replace(",", "") if THOUSANDS.fullmatch(value) else value)
        return float(value)
    except (TypeError, ValueError):
        return math.nan
    except OverflowError:
        return math.inf


def _word(value: Any) -> str:
    """A value among words; 3 and 3.0 are one word."""
    if isinstance(value, str):
        return as_word(value)
    return str(int(value)) if float(value).is_integer() else str(value)
