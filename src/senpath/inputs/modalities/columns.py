"""Columns of tables: each holds numbers, words, or dates and times."""

from __future__ import annotations

import math
import re
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from numbers import Real
from typing import Any, Literal, overload

import numpy as np

from senpath.arrays import as_numpy, as_word, object_array, unmasked, written_number
from senpath.errors import InputError

ColumnForm = Literal["numbers", "words", "times"]
MAX_WORDS = 32
"""Up to so many different words of a column each become a number of their own, 0 or 1."""
NO_LABEL = frozenset({"NA", "N/A", "n/a", "#N/A", "<NA>", "NaN", "nan", "NULL", "null"})
"""Words that stand for no label, as programs that write tables put them."""
NO_VALUE = NO_LABEL | {"None", "?"}
"""Words that stand for a missing value."""
EXPECTED = {"numbers": "a finite number", "words": "a word", "times": "a date or time"}
"""What errors call a value of each kind."""
SINGLE = "a number up to ±3.4e38, the largest in single precision"
SMALLER = "Give the column in a larger unit, or its logarithms"
NONE_WRONG = np.zeros(0, dtype=np.int64)
LOOKED_AT = 100
"""Values by which it is seen soon that words are no times."""
WORD_TYPES = (str, int, float, np.integer, np.floating, np.bool_)
"""Types of values that may stand among words."""
CELL_TYPES = (str, Real, Decimal, date, time, timedelta, np.generic)
"""Types of values that a row may hold, beside missing ones."""
WITH_UNITS = (timedelta, np.timedelta64, np.datetime64)
"""Types of values of which numpy makes numbers without their unit."""
CATEGORIES = ("CategoricalDtype", "Categorical", "Enum")
"""Types of the columns of pandas and polars whose values are names, whatever they look like."""
TRUTH = {"true": 1.0, "false": 0.0}
WHOLE_FLOAT = re.compile(r"([+-]?[0-9]+)\.0*")
TIME = re.compile(
    r"\d{4}-\d\d(-\d\d([T ]\d\d:\d\d(:\d\d([.,]\d{1,9})?)?( ?(Z|[+-]\d\d:?\d\d))?)?)?|\d\d:\d\d(:\d\d(\.\d{1,6})?)?", re.ASCII
)
"""Times as ISO 8601 and most programs write them: a month, a day, a moment or a time of day."""
DAY_ONE = date(1970, 1, 1)
"""The day that a time of day is taken to be on."""


class Rows(Sequence[Any]):
    """Rows of a table: `rows[3]` is one of them, a dict; `rows[:3]` and `rows[[0, 5]]` are several.

    Args:
        columns: arrays of one length, by name.
        named: whether the names are the user's; those of an array are x0, x1, …
    """

    def __init__(self, columns: Mapping[str, np.ndarray], *, named: bool = True) -> None:
        self._columns, self.named = {as_word(name): values for name, values in columns.items()}, named
        if len(self._columns) < len(columns):
            twice = next(name for name in self._columns if [*map(as_word, columns)].count(name) > 1)
            raise InputError("columns", expected="names that differ", got=f"{twice!r} twice")

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
        if not self._columns:  # without which a loop over the rows would have no end
            raise IndexError(index)
        row = {name: values[index] for name, values in self._columns.items()}
        return {name: plain_value(value) for name, value in row.items()}


class Names(np.ndarray):
    """An object array of words that are names, and no numbers or times, whatever they look like; see `values_of`."""


@dataclass(frozen=True)
class Column:
    """The values of a column.

    Args:
        form: "numbers", "words" or "times".
        values: numbers, float64 (n,), NaN where one is missing or no number; words, an object array (n,) of str, None where one is missing;
            or times, datetime64[us] (n,) in UTC, NaT where one is missing. What was read from `Names` is `Names`, for it is read again.
        wrong: rows of the values that are of another kind, ascending.
    """

    form: ColumnForm
    values: np.ndarray
    wrong: np.ndarray

    @property
    def missing(self) -> np.ndarray:
        """Where there is no value of the kind, bool (n,)."""
        if self.form == "words":
            return np.fromiter((value is None for value in self.values), dtype=bool, count=len(self.values))
        missing: np.ndarray = np.isnan(self.values) if self.form == "numbers" else np.isnat(self.values)
        return missing


def read_column(name: str, values: np.ndarray, *, form: ColumnForm | None = None, known: Container[str] = ()) -> Column:
    """Read the values of a column as numbers, words or times.

    Numbers, booleans and times (ISO 8601) may be written as words; booleans count as 1 and 0, durations as seconds.

    Args:
        name: what errors call the column.
        values: of any type, shape (n,).
        form: what to read; None reads what at least half of the values are, and `Names` as words.
        known: words that stand for themselves, though they may stand for a missing value elsewhere.

    Raises:
        InputError: if the values are neither numbers, words nor times.
    """
    names = form == "words"  # what the column has been: whatever else stands in it is some category
    form = "words" if form is None and isinstance(values, Names) else form
    if values.dtype.kind == "m":
        values = np.where(np.isnat(values), np.nan, values / np.timedelta64(1, "s"))
    if values.dtype.kind == "M" and form in (None, "times"):
        return Column("times", values.astype("datetime64[us]"), NONE_WRONG)
    if values.dtype.kind not in "fiubOUS":
        raise InputError(f"column {name!r}", expected=EXPECTED.get(form or "", "numbers, words or times"), got=f"dtype {values.dtype}")
    numbers = _numbers(values)
    with np.errstate(over="ignore"):
        usable = np.isfinite(numbers.astype(np.float32))
    if usable.all() and form in (None, "numbers"):  # the usual case, and the fast one
        return Column("numbers", numbers, NONE_WRONG)
    if values.dtype.kind in "fiub" and form in (None, "numbers"):
        return Column("numbers", numbers, np.flatnonzero(~usable & ~np.isnan(numbers)))
    listed = values.tolist()
    present = np.array([_is_there(value, known) for value in listed], dtype=bool)
    form = form or _form_of(listed, present, numbers)
    if form == "numbers":
        return Column(form, np.where(present, numbers, np.nan), np.flatnonzero(~usable & present))
    if form == "times":
        times = np.array([_time(value) if there else None for value, there in zip(listed, present, strict=True)], dtype="datetime64[us]")
        return Column(form, times, np.flatnonzero(np.isnat(times) & present))
    if names and values.dtype.kind == "O":
        listed = [as_word(str(value)) if there and _is_category(value) else value for value, there in zip(listed, present, strict=True)]
    other = next((value for value, there in zip(listed, present, strict=True) if there and not isinstance(value, WORD_TYPES)), None)
    if other is not None:
        do = f"What is no row of a table is given apart from its labels: x=[*frame[{name!r}]]"
        if isinstance(other, dict):
            do = "Give what is in it columns of their own, as pandas.json_normalize does"
        elif isinstance(other, bytes):
            do = f"Decode them: frame[{name!r}].str.decode('utf-8')"
        elif hasattr(other, "to_timestamp"):
            do = f"Make times of it: frame[{name!r}].dt.to_timestamp()"
        raise InputError(f"column {name!r}", expected="numbers, words or times", got=type(other).__name__, do=do)
    words = object_array([_word(value) if there else None for value, there in zip(listed, present, strict=True)])
    return Column(form, words.view(Names) if isinstance(values, Names) else words, NONE_WRONG)


def _form_of(values: Sequence[Any], present: np.ndarray, numbers: np.ndarray) -> ColumnForm:
    """What more than half of the values that are there are, else numbers."""
    count, others = int(present.sum()), np.flatnonzero(present & np.isnan(numbers)).tolist()
    if 2 * len(others) <= count:
        return "numbers"
    few = others[:: max(1, len(others) // LOOKED_AT)]
    if 2 * sum(_time(values[place]) is not None for place in few) <= len(few):
        return "words"
    return "times" if 2 * sum(_time(values[place]) is not None for place in others) > count else "words"


def wrong_value(where: str, name: str, column: Column, value: Any) -> InputError:
    """The error for a value that `Column.wrong` lists, or for a missing one where there may be none.

    Args:
        where: the name of its row or line.
        value: as it was given.
    """
    expected, gap = f"{EXPECTED[column.form]}, as most of the column", is_missing(value)
    do = "Fill the gap, or leave the row out" if gap else ""
    if column.form == "numbers" and math.isfinite(_number(value)):
        expected, do = SINGLE, SMALLER
    value = value.item() if isinstance(value, np.generic) else value
    return InputError(f"{where}, column {name!r}", expected=expected, got="no value" if gap else repr(value), do=do)


def is_missing(value: Any) -> bool:
    """Whether a value is None, NaN, pandas' NA or NaT, or blank."""
    if isinstance(value, str):
        return not as_word(value)
    if value is None or value is np.ma.masked or type(value).__name__ in ("NAType", "NaTType"):
        return True
    if isinstance(value, Decimal):
        return value.is_nan()
    return isinstance(value, float | np.floating | np.datetime64 | np.timedelta64) and bool(np.isnan(value))


def is_frame(data: Any) -> bool:
    """Whether this is a data frame, as pandas and polars have them."""
    return hasattr(data, "to_numpy") and hasattr(data, "columns")


def is_list_row(item: Any) -> bool:
    """Whether a list or tuple is a row of a table: of single values, at least one of which is neither a word nor None."""
    if not isinstance(item, list | tuple) or not all(isinstance(value, CELL_TYPES) or is_missing(value) for value in item):
        return False
    return any(value is not None and not isinstance(value, str) for value in item)


def array_of(row: Sequence[Any]) -> np.ndarray:
    """A row in a list as an array, of objects if not all are numbers: numpy would make words of all."""
    numbers = np.asarray(row)
    return numbers if numbers.dtype.kind in "fiub" else object_array(row)


def row_of(item: Any) -> Any:
    """A row of pandas, of a database or in a mapping of another kind as a dict, or without names as a list; an array as one of numpy."""
    if isinstance(item, str | dict | np.ndarray) or not hasattr(item, "keys"):
        return item if isinstance(item, str | dict) else unmasked(as_numpy(item))
    names = [*item.keys()]
    named = isinstance(item, Mapping) or all(isinstance(name, str) for name in names)
    return {name: item[name] for name in names} if named else [*item]


def plain_value(value: Any) -> Any:
    """A value of an array as Python has it; times and durations to the microsecond, for of finer ones numpy makes plain numbers."""
    if not isinstance(value, np.generic):
        return value
    return value.astype(f"{value.dtype.kind}8[us]").item() if value.dtype.kind in "mM" else value.item()


def values_of(column: Any) -> np.ndarray:
    """The values of a column of a data frame, (n,).

    Those of categories are `Names`, also where they are numbers, such as postal codes, or intervals. Numbers that have an order stay
    numbers, truth values truth values, and times times.
    """
    dtype, values = column.dtype, unmasked(np.asanyarray(column.to_numpy()))
    if values.ndim > 1:  # polars makes one array of arrays of one length, and of records
        values = object_array(column.to_list() if type(dtype).__name__ == "Struct" else [*values])
    measured = values.dtype.kind in "bmM" or (values.dtype.kind in "iuf" and getattr(dtype, "ordered", False))
    return values if measured or type(dtype).__name__ not in CATEGORIES else names_of(values)


def _is_category(value: Any) -> bool:
    """Whether a value is no word itself, but stands for a category: a time, or an interval of pandas."""
    return isinstance(value, date | time | timedelta | np.datetime64 | np.timedelta64) or type(value).__name__ == "Interval"


def names_of(values: np.ndarray) -> Names:
    """Values of categories as the words that stand for them, None where one is missing."""
    listed = values.tolist()
    words = [None if is_missing(each) else _word(each) if isinstance(each, WORD_TYPES) else as_word(str(each)) for each in listed]
    return object_array(words).view(Names)


def _numbers(values: np.ndarray) -> np.ndarray:
    """float64, NaN where a value is no number."""
    listed = values.tolist() if values.dtype.kind in "OUS" else []
    if not any(map(_is_odd, listed)):
        try:
            return values.astype(np.float64, copy=False)
        except (TypeError, ValueError, OverflowError):
            pass
    return np.array([_number(value) for value in listed], dtype=np.float64)


def _is_odd(value: Any) -> bool:
    """Whether Python and numpy take it for a number that it is not: between digits they ignore an underscore, and of times the unit."""
    return "_" in value if isinstance(value, str) else isinstance(value, WITH_UNITS)


def _number(value: Any) -> float:
    try:
        if isinstance(value, timedelta | np.timedelta64):
            return float(value / np.timedelta64(1, "s"))
        if isinstance(value, np.datetime64):
            return math.nan
        if isinstance(value, str):
            value = TRUTH.get(value.strip().lower(), written_number(value))
        return float(value)
    except (TypeError, ValueError):
        return math.nan
    except OverflowError:
        return math.inf


def _is_there(value: Any, known: Container[str]) -> bool:
    """Whether a value is not missing, nor a word that says so."""
    if isinstance(value, str):
        word = as_word(value)
        return bool(word) and (word not in NO_VALUE or word in known)
    return not is_missing(value)


def _time(value: Any) -> datetime | None:
    """A date or time as one of UTC without a zone; None for anything else."""
    if isinstance(value, str):
        value = _parsed(value.strip().replace("/", "-"))
    elif isinstance(value, np.datetime64):
        value = value.astype("datetime64[us]").item()
    if isinstance(value, time):
        value = datetime.combine(DAY_ONE, value)
    elif isinstance(value, date) and not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day)
    if not isinstance(value, datetime):
        return None
    try:
        return value if value.tzinfo is None else value.astimezone(UTC).replace(tzinfo=None)
    except OverflowError:  # a zone that leads beyond the year 9999
        return None


def _parsed(text: str) -> date | time | None:
    if not TIME.fullmatch(text):
        return None
    try:
        if text[2] == ":":
            return time.fromisoformat(text)
        return datetime.fromisoformat(f"{text}-01" if len(text) == len("2020-01") else text.replace(" ", "T", 1).replace(" ", ""))
    except ValueError:  # no such day
        return None


def _word(value: Any) -> str:
    """A value among words; 3 and 3.0 are one word."""
    if isinstance(value, str):
        return as_word(value)
    whole = isinstance(value, int) or float(value).is_integer()
    return str(int(value)) if whole else str(value)


def plain_word(word: str) -> str:
    """The one form of words that programs write for the same whole number or truth value: 3 for 3.0, 1 for True."""
    if word.lower() in TRUTH:
        return str(int(TRUTH[word.lower()]))
    whole = WHOLE_FLOAT.fullmatch(word)
    return whole[1] if whole else word
