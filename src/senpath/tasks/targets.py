"""Several labels or numbers for each input, as users give them: rows and columns, read and checked."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from senpath.arrays import as_array, as_word, names_of_columns, object_array, unmasked, written_number
from senpath.errors import InputError
from senpath.tasks.labels import Label, is_missing, listed, match_labels

DATE = re.compile("date|time", re.IGNORECASE)
DATES = (
    "Give times as numbers, such as seconds: y.astype('datetime64[s]').astype('int64'), or 'timedelta64[s]' for durations; "
    "of pandas' times with a zone y.dt.tz_convert(None) first"
)


def stacked(y: Any) -> Any:
    """Rows of numbers that come one by one, as from a Dataset, as one array; collections in an array, a series or a column, as a list.

    A sparse matrix becomes a dense one.
    """
    y = _as_list(y.toarray() if hasattr(y, "toarray") and hasattr(y, "nnz") else y)
    if isinstance(y, list) and any(isinstance(row, torch.Tensor) for row in y):
        y = [as_array(row) if isinstance(row, torch.Tensor) else row for row in y]
    if isinstance(y, list) and y and all(isinstance(row, np.ndarray) and row.ndim == 1 for row in y):
        rows = [np.asarray(row) for row in y]
        return np.stack(rows) if len({len(row) for row in rows}) == 1 else y
    return y


def _as_list(y: Any) -> Any:
    """A series, an array of objects or a column as a list, if what it holds are collections, and gaps; else y."""
    if isinstance(y, Sequence) and not isinstance(y, str | bytes | tuple):
        return [*y]
    dtype, axes = getattr(y, "dtype", None), getattr(y, "ndim", 1)
    listing = next((getattr(y, name) for name in ("to_pylist", "to_list", "tolist") if hasattr(y, name)), None)
    if listing is None or isinstance(y, torch.Tensor) or axes != 1 or (isinstance(dtype, np.dtype) and dtype.kind != "O"):
        return y
    # Words of an input may come in an array, as pandas reads them from Parquet files.
    rows = [row.tolist() if isinstance(row, np.ndarray) and row.dtype.kind in "OU" else row for row in listing()]
    collections = [isinstance(row, list | tuple | set | frozenset) for row in rows]
    return rows if any(collections) and all(one or is_missing(row) for one, row in zip(collections, rows, strict=True)) else y


def read_numbers(y: Any, inputs: int, what: str) -> np.ndarray:
    """Numbers (n, columns), float64.

    Args:
        inputs: how many rows there have to be.
        what: what errors call them.

    Raises:
        InputError: if they are no numbers, or of another shape.
    """
    y = stacked(y)
    if isinstance(y, list) and y and isinstance(y[0], str):
        y = object_array(y)  # strings of one width would all be as long as the longest
    if isinstance(y, np.ma.MaskedArray) and y.dtype.kind in "iubf":
        y = np.ma.filled(y.astype(np.float64), np.nan)
    try:
        given = _numbers_of_words(as_array(y) if isinstance(y, torch.Tensor) else unmasked(np.asarray(y)))
        values = given.astype(np.float64) if given.dtype.kind in "iubfOU" else given  # words that are numbers, as a .csv has them
    except (ValueError, TypeError) as error:
        raise InputError(what, expected="numbers", got=str(error), do=DATES if DATE.search(str(error)) else "") from error
    if values.dtype.kind != "f":
        raise InputError(what, expected="numbers", got=f"dtype {values.dtype}", do=DATES if values.dtype.kind in "mM" else "")
    values = values[:, None] if values.ndim == 1 else values
    if values.ndim != 2 or len(values) != inputs or not values.shape[1]:
        raise InputError(what, expected=f"shape ({inputs},) or ({inputs}, outputs), one row per input", got=f"shape {values.shape}")
    require_some(inputs)
    _require_kept(given.reshape(values.shape), values, what)
    return np.ascontiguousarray(values)  # a data frame's are not: sums over them would differ from an array's in the last bit


def _numbers_of_words(given: np.ndarray) -> np.ndarray:
    """Words as numpy reads numbers; see `senpath.arrays.written_number`."""
    if given.dtype.kind not in "OU":
        return given
    words = [written_number(value) if isinstance(value, str) else value for value in given.ravel().tolist()]
    return object_array(words).reshape(given.shape)


MOST_ROUNDED = 1e-6
"""Share of a column's spread by which its whole numbers may be rounded."""
LONG_WHOLE = re.compile(r"[+-]?[0-9]{16,}")


def _require_kept(given: np.ndarray, values: np.ndarray, what: str) -> None:
    """Refuse whole numbers that float64 does not tell apart as they were given.

    Args:
        values: the same numbers as float64.
    """
    large = np.isfinite(values) & (np.abs(values) > 2**53)
    for column in np.flatnonzero(large.any(0)) if given.dtype.kind in "iuOU" else ():
        mine = large[:, column]
        pairs = zip(given[mine, column].tolist(), values[mine, column].tolist(), strict=True)
        rounded = max(
            (abs(int(one) - int(kept)) for one, kept in pairs if isinstance(one, int) or LONG_WHOLE.fullmatch(str(one))), default=0
        )
        spread = float(np.std(values[:, column]))
        if rounded > MOST_ROUNDED * spread:
            got = f"numbers beyond 2⁵³, which it rounds by up to {rounded:,}, where they spread by {spread:,.4g}"
            raise InputError(
                what, expected="whole numbers that float64 tells apart", got=got, do="Give what they are more than the smallest"
            )


def column_names(y: Any, known: tuple[Label, ...] = ()) -> tuple[Label, ...] | None:
    """The names of a data frame's columns; None where y has none.

    Args:
        known: names that a task has; columns that mean one of them have its name, see `match_labels`.

    Raises:
        InputError: if two have one name.
    """
    columns = names_of_columns(y)
    if columns is None:
        return None
    given = [int(name) if isinstance(name, int | np.integer) else as_word(str(name)) for name in columns]
    names = tuple(name if match is None else match for name, match in zip(given, match_labels(given, known), strict=True))
    twice = next((name for name, times in Counter(names).items() if times > 1), None)
    if twice is not None:
        raise InputError("columns of y", expected="names that differ", got=f"{twice!r} twice")
    return names


def require_columns(names: tuple[Label, ...], known: tuple[Label, ...]) -> None:
    """Refuse columns among which one of a task's is missing."""
    missing = [name for name in known if name not in names]
    if missing:
        got = f"{listed(names)} without {missing[0]!r}"
        raise InputError("columns of y", expected=f"the task's, {listed(known)}", got=got, do="An array is taken in the task's order")


def require_some(inputs: int) -> None:
    """Refuse no inputs."""
    if not inputs:
        raise InputError("inputs", expected="at least one", got="none", do="Nothing can be learned from no data")
