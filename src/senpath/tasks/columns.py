"""Targets that are a table: a column for each label or number, named by a data frame or known by its place."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import torch

from senpath.arrays import as_array
from senpath.errors import InputError
from senpath.tasks.labels import Label


def stacked(y: Any) -> Any:
    """Rows of numbers that come one by one, as from a Dataset, as one array."""
    if isinstance(y, list) and y and all(isinstance(row, torch.Tensor | np.ndarray) and row.ndim == 1 for row in y):
        rows = [np.asarray(row) for row in y]
        return np.stack(rows) if len({len(row) for row in rows}) == 1 else y
    return y


def read_numbers(y: Any, inputs: int, what: str) -> np.ndarray:
    """Numbers (n, columns), float64.

    Args:
        inputs: how many rows there have to be.
        what: what errors call them.

    Raises:
        InputError: if they are no numbers, or of another shape.
    """
    y = stacked(y)
    try:
        values = as_array(y) if isinstance(y, torch.Tensor) else np.asarray(y)
        values = values.astype(np.float64) if values.dtype.kind in "iubfOU" else values  # words that are numbers, as a .csv has them
    except (ValueError, TypeError) as error:
        raise InputError(what, expected="numbers", got=str(error)) from error
    if values.dtype.kind != "f":
        raise InputError(what, expected="numbers", got=f"dtype {values.dtype}")
    values = values[:, None] if values.ndim == 1 else values
    if values.ndim != 2 or len(values) != inputs or not values.shape[1]:
        raise InputError(what, expected=f"shape ({inputs},) or ({inputs}, outputs), one row per input", got=f"shape {values.shape}")
    require_some(inputs)
    return np.ascontiguousarray(values)  # a data frame's are not: sums over them would differ from an array's in the last bit


def column_names(y: Any) -> tuple[Label, ...] | None:
    """The names of a data frame's columns; None where y has none.

    Raises:
        InputError: if two have one name.
    """
    if not hasattr(y, "columns"):
        return None
    names = tuple(int(name) if isinstance(name, int | np.integer) else str(name) for name in y.columns)
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


def listed(names: tuple[Label, ...]) -> str:
    """The first of the names, for an error."""
    return ", ".join(map(repr, names[:20])) + (", …" if len(names) > 20 else "")
