"""Labels and numbers as users give them: read, checked, indexed."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import torch

from senpath.arrays import as_array, require_unicode
from senpath.errors import InputError

Label = int | str


def index_labels(y: Any, inputs: int) -> tuple[tuple[Label, ...], torch.Tensor]:
    """The labels that there are, sorted, and each input's place among them, int64 (n,).

    Args:
        y: labels.
        inputs: how many there have to be.

    Raises:
        InputError: for another number of labels than inputs, and for labels of any other kind than whole numbers and strings.
    """
    classes, places = np.unique(read_labels(y, inputs), return_inverse=True)
    return tuple(plain_label(label) for label in classes), torch.from_numpy(places.astype(np.int64))


def read_labels(y: Any, inputs: int) -> np.ndarray:
    """Labels, (n,), whole numbers or strings; see `index_labels`."""
    labels = one_per_input(y, inputs)
    if labels.dtype == object and all(isinstance(label, str) for label in labels):
        labels = labels.astype(str)
    if labels.dtype == np.float16:
        labels = labels.astype(np.float32)  # which 2**53 fits into
    if labels.dtype.kind == "f" and bool((np.abs(labels) < 2**53).all()) and bool((labels == labels.round()).all()):
        labels = labels.astype(np.int64)
    if labels.dtype.kind not in "iubU":
        do = "" if labels.dtype.kind != "f" else "Numbers to be predicted as such need kind='regression'"
        raise InputError("labels y", expected="whole numbers or strings", got=f"dtype {labels.dtype}: {labels[:3].tolist()} …", do=do)
    require_unicode(np.unique(labels), "label")
    return labels


def one_per_input(y: Any, inputs: int) -> np.ndarray:
    """Labels as an array (n,) of whatever type they have.

    Raises:
        InputError: if they are words and numbers, of another shape, of another number than the inputs, or none.
    """
    y = as_array(y) if isinstance(y, torch.Tensor) else y
    if isinstance(y, list | tuple) and len({isinstance(label, str) for label in y}) > 1:  # numpy would make strings of all
        raise InputError("labels y", expected="whole numbers or strings", got="both")
    try:
        labels = np.asarray(y)
    except ValueError as error:
        raise InputError("labels y", expected="shape (n,)", got=str(error)) from error
    if labels.ndim != 1:
        raise InputError("labels y", expected="shape (n,)", got=f"shape {labels.shape}")
    if len(labels) != inputs:
        raise InputError("labels y", expected=f"{inputs}, one per input", got=len(labels))
    if not inputs:
        raise InputError("inputs", expected="at least two", got="none", do="Nothing can be learned from no data")
    return labels


def plain_label(label: Any) -> Label:
    """A label as Python has it."""
    return str(label) if isinstance(label, str) else int(label)


def join_labels(known: tuple[Label, ...], more: tuple[Label, ...], *, may_be_new: bool) -> tuple[Label, ...]:
    """The labels of a task that gets further examples: those that are new come behind the known ones.

    Raises:
        InputError: if there are new ones and may be none, or they are strings where the others are whole numbers, or the other way.
    """
    new = [label for label in more if label not in known]
    if new and not may_be_new:
        raise InputError("labels y", expected=f"labels that were learned, such as {known[0]!r}", got=repr(new[0]))
    if any(isinstance(label, str) != isinstance(known[0], str) for label in new):
        what = "strings" if isinstance(known[0], str) else "whole numbers"
        raise InputError("new labels", expected=f"{what}, as the task's other labels are", got=repr(new[0]))
    return known + tuple(new)


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
