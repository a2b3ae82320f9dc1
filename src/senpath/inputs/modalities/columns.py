"""What one column of a table holds: numbers, or words of few values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from senpath.errors import InputError

MOST_WORDS = 32
"""A column of words has at most this many different ones; each becomes a number of its own, 0 or 1."""

WORDS = (str, int, float, np.integer, np.floating, np.bool_)
"""Types of what may stand among words."""
TRUTH = {"true": 1.0, "false": 0.0}


@dataclass(frozen=True)
class Column:
    """A column, read.

    Args:
        values: float64 (n,), or words, an object array (n,) of str.
        wrong: places of the values that are missing or of another kind, ascending.
    """

    values: np.ndarray
    wrong: np.ndarray

    @property
    def words(self) -> bool:
        """Whether it holds words."""
        return self.values.dtype == object


def read_column(name: str, values: np.ndarray, *, words: bool | None = None) -> Column:
    """Read a column.

    Numbers may be written as words, and so may the booleans, which count as 1 and 0.

    Args:
        name: what errors call it.
        values: of whatever type, shape (n,).
        words: whether they are to be words; None takes what at least half of them are.

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
    there = np.array([not is_missing(value) for value in values.tolist()], dtype=bool)
    if words is None:
        words = 2 * int((there & np.isnan(numbers)).sum()) > int(there.sum())
    if not words:
        return Column(numbers, np.flatnonzero(~usable))
    strange = next((value for value, known in zip(values.tolist(), there, strict=True) if known and not isinstance(value, WORDS)), None)
    if strange is not None:
        raise InputError(f"column {name!r}", expected="numbers or words", got=type(strange).__name__)
    found = np.empty(len(values), dtype=object)
    found[:] = [_word(value) if known else "" for value, known in zip(values.tolist(), there, strict=True)]
    return Column(found, np.flatnonzero(~there))


def wrong_value(where: str, name: str, column: Column, value: Any) -> InputError:
    """What is wrong with a value that `Column.wrong` names.

    Args:
        where: the row's or line's name.
        value: as it was given.
    """
    what = "a word" if column.words else "a finite number, as most of the column"
    got = "no value" if is_missing(value) else repr(value)
    do = "Fill the gap, or leave the row out" if is_missing(value) else ""
    return InputError(f"{where}, column {name!r}", expected=what, got=got, do=do)


def different_words(name: str, words: Sequence[str]) -> list[str]:
    """The different words of a column, sorted.

    Raises:
        InputError: if they are too many to be told apart one by one.
    """
    found = sorted({*words})
    if len(found) > MOST_WORDS:
        expected = f"numbers, or words of at most {MOST_WORDS} different values"
        got = f"{len(found)} different words, such as {found[0]!r:.60}"
        do = "Leave the column out, or encode it as numbers; if it holds texts to learn from, read it with modality='text'"
        raise InputError(f"column {name!r}", expected=expected, got=got, do=do)
    return found


def is_missing(value: Any) -> bool:
    """Whether there is nothing: None, NaN, pandas' NA and NaT, a word without letters."""
    if isinstance(value, str):
        return not value.strip()
    return value is None or (isinstance(value, float | np.floating) and math.isnan(value)) or type(value).__name__ in ("NAType", "NaTType")


def _numbers(values: np.ndarray) -> np.ndarray:
    """float64, NaN where a value is no number."""
    try:
        return values.astype(np.float64)
    except (TypeError, ValueError, OverflowError):
        return np.array([_number(value) for value in values.tolist()], dtype=np.float64)


def _number(value: Any) -> float:
    try:
        return TRUTH[value.strip().lower()] if isinstance(value, str) and value.strip().lower() in TRUTH else float(value)
    except (TypeError, ValueError):
        return math.nan
    except OverflowError:
        return math.inf


def _word(value: Any) -> str:
    """Of a number among words 3 and 3.0 are one."""
    if isinstance(value, str):
        return value.strip()
    return str(int(value)) if float(value).is_integer() else str(value)
