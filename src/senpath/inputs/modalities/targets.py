"""What is to be learned of each input: one class, any number of labels, or numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np
import torch

from senpath.errors import InputError
from senpath.inputs.modalities.base import as_array
from senpath.inputs.modalities.labels import index_labels, plain_label, read_labels
from senpath.types import Label, TaskKind

LARGEST = 1e12
"""Numbers to learn are at most this large: float32 has to hold them, and their differences."""


@dataclass(frozen=True)
class Targets:
    """The targets of a task's examples; see `senpath.types.Examples`."""

    kind: TaskKind
    classes: tuple[Label, ...]
    values: torch.Tensor


def read_targets(y: Any, inputs: int, kind: str | None = None) -> Targets:
    """Make targets of what a user gives as y.

    Args:
        y: for a classification one label per input; for a multilabel task a list of collections of labels, or 0s and 1s (n, labels),
            whose columns a data frame names; for a regression numbers (n,) or (n, outputs).
        inputs: how many there have to be.
        kind: see `TaskKind`; None takes one label each for a classification and several for a multilabel task.

    Raises:
        InputError: if y is not of this kind or number.
    """
    y = _stacked(y)
    if kind is None:
        _refuse_one_hot(y)
    found = _kind(y) if kind is None else kind
    if found == "classification":
        return Targets("classification", *index_labels(y, inputs))
    if found == "multilabel":
        several = _several(y, inputs)
        if kind is None:
            _refuse_one_each(y)
        if not bool(several.values.any()):
            raise InputError("labels y of a multilabel task", expected="at least one label", got="none on any input")
        return several
    if found == "regression":
        return _numbers(y, inputs)
    raise InputError("kind of task", expected=f"one of {', '.join(get_args(TaskKind))}, or None", got=repr(kind))


def more_targets(y: Any, inputs: int, known: Targets, *, new_classes: bool) -> Targets:
    """Targets of further examples of a task.

    Args:
        y: as for `read_targets`. Columns of a data frame are found by name, in whatever order; of an array by their places. A multilabel
            task's labels may be on no input.
        known: the task's kind and classes.
        new_classes: whether labels may be new; they come behind the known ones, sorted.

    Raises:
        InputError: if y is not of the task's kind, a column is missing, or it has a label that is new and may not be.
    """
    y = _stacked(y)
    if known.kind == "regression":
        return _known_numbers(y, inputs, known)
    if known.kind == "multilabel":
        found = _several(y, inputs, known.classes)
        classes = _joined(found.classes, known.classes, new_classes)
        values = torch.zeros(inputs, len(classes))
        values[:, [classes.index(label) for label in found.classes]] = found.values
        return Targets(known.kind, classes, values)
    labels = read_labels(y, inputs)
    found_classes, places = np.unique(labels, return_inverse=True)
    plain = tuple(plain_label(label) for label in found_classes)
    classes = _joined(plain, known.classes, new_classes)
    where = np.array([classes.index(label) for label in plain], dtype=np.int64)
    return Targets(known.kind, classes, torch.from_numpy(where[places]))


def no_targets(kind: TaskKind, classes: int) -> torch.Tensor:
    """Targets of no examples."""
    return torch.zeros(0, dtype=torch.int64) if kind == "classification" else torch.zeros(0, classes)


def require_targets(targets: torch.Tensor, classes: tuple[Label, ...], kind: TaskKind, inputs: int, *, known: int = 0) -> None:
    """Check encoded targets.

    Args:
        known: how many classes, the first ones, were learned before and need no example; each other one of a classification does.

    Raises:
        InputError: if they are of another type or shape than the kind has, or there is nothing to tell apart.
    """
    if kind not in get_args(TaskKind):
        raise InputError("encoded examples", expected=f"a kind among {', '.join(get_args(TaskKind))}", got=repr(kind))
    shape, dtype = ((inputs,), torch.int64) if kind == "classification" else ((inputs, len(classes)), torch.float32)
    if targets.dtype != dtype or tuple(targets.shape) != shape:
        got = f"{targets.dtype} of shape {tuple(targets.shape)}"
        raise InputError("encoded examples", expected=f"{dtype} targets of shape {shape} for a {kind}", got=got)
    if len(set(classes)) != len(classes) or len(classes) < (2 if kind == "classification" else 1):
        raise InputError("encoded examples", expected="different classes, two at least for a classification", got=f"{classes[:5]}")
    if kind == "classification":
        _require_places(targets, classes, known)
    if kind == "multilabel" and not bool(((targets == 0) | (targets == 1)).all()):
        raise InputError("encoded examples", expected="targets of 0 and 1", got="other numbers")
    if kind == "regression" and not bool((targets.abs() <= LARGEST).all()):
        raise InputError("encoded examples", expected=f"targets up to ±{LARGEST:g}", got="NaN, infinity or larger ones")


def _require_places(targets: torch.Tensor, classes: tuple[Label, ...], known: int) -> None:
    """Check the targets of a classification: each a place among the classes, and each class that is new among them."""
    if len({isinstance(label, str) for label in classes}) > 1 or not all(isinstance(label, int | str) for label in classes):
        raise InputError("encoded examples", expected="classes that are all whole numbers or all strings", got=f"{classes[-5:]}")
    found = {*targets.unique().tolist()}
    if not found <= {*range(len(classes))} or not {*range(known, len(classes))} <= found:
        expected = f"targets from 0 to {len(classes) - 1}, and examples of each {'new ' if known else ''}class"
        raise InputError("encoded examples", expected=expected, got=f"targets {sorted(found)[:20]} of {len(classes)} classes")


def _kind(y: Any) -> TaskKind:
    """The kind that y looks like; an array of two axes is one of several labels, as in scikit-learn."""
    if isinstance(y, list | tuple) and len(y) and all(_is_collection(labels) for labels in y):
        return "multilabel"
    axes = getattr(y, "ndim", 1)
    return "multilabel" if axes == 2 and y.shape[1] > 1 else "classification"


def _stacked(y: Any) -> Any:
    """Rows of numbers that come one by one, as from a Dataset, as one array."""
    if isinstance(y, list) and y and all(isinstance(row, torch.Tensor | np.ndarray) and row.ndim == 1 for row in y):
        rows = [np.asarray(row) for row in y]
        return np.stack(rows) if len({len(row) for row in rows}) == 1 else y
    return y


def _refuse_one_hot(y: Any) -> None:
    """A single 1 in every row is how some write one class; a task of several labels would then be learned by mistake."""
    if getattr(y, "ndim", 1) != 2 or y.shape[1] < 2:
        return
    rows = np.asarray(y.detach().cpu() if isinstance(y, torch.Tensor) else y)
    if rows.dtype.kind in "iubf" and len(rows) and bool(((rows == 0) | (rows == 1)).all()) and bool((rows.sum(1) == 1).all()):
        do = "For one class each pass y.argmax(1); if several could hold, kind='multilabel'"
        raise InputError("labels y", expected="one label per input, or several", got="one-hot rows, which may mean either", do=do)


def _refuse_one_each(y: Any) -> None:
    """Collections of one label each are, like one-hot rows, how some write one class."""
    if isinstance(y, list | tuple) and len(y) and all(_is_collection(labels) and len(labels) == 1 for labels in y):
        do = "For one class each pass the labels themselves; if several could hold, kind='multilabel'"
        raise InputError(
            "labels y", expected="one label per input, or several", got="collections of one label, which may mean either", do=do
        )


def _is_collection(value: Any) -> bool:
    return isinstance(value, Collection) and not isinstance(value, str | bytes | dict | torch.Tensor | np.ndarray)


def _joined(found: tuple[Label, ...], known: tuple[Label, ...], new_classes: bool) -> tuple[Label, ...]:
    strange = [label for label in found if label not in known]
    if strange and not new_classes:
        raise InputError("labels y", expected=f"labels that were learned, such as {known[0]!r}", got=repr(strange[0]))
    if any(isinstance(label, str) != isinstance(known[0], str) for label in strange):
        what = "strings" if isinstance(known[0], str) else "whole numbers"
        raise InputError("new labels", expected=f"{what}, as the task's other labels are", got=repr(strange[0]))
    return known + tuple(strange)


def _several(y: Any, inputs: int, known: tuple[Label, ...] = ()) -> Targets:
    """Targets of a multilabel task."""
    if isinstance(y, list | tuple) and all(_is_collection(labels) for labels in y):
        return _from_collections(y, inputs, known)
    names = _names(y)
    values = _matrix(y, inputs, "labels y of a multilabel task")
    _require_bits(values, learned=bool(known))
    if known and names is None and values.shape[1] != len(known):
        raise InputError("labels y", expected=f"{len(known)} columns, the task's labels", got=values.shape[1])
    if known and names is not None:
        _require_columns(names, known)
    classes = names if names is not None else known or tuple(range(values.shape[1]))
    return Targets("multilabel", classes, torch.from_numpy(values.astype(np.float32)))


def _require_bits(values: np.ndarray, *, learned: bool) -> None:
    if bool(np.isin(values, (0, 1)).all()):
        return
    gaps = bool(np.isnan(values).any())
    do = "Numbers to be predicted as such need kind='regression'" if not learned else ""
    raise InputError(
        "labels y of a multilabel task",
        expected="0 or 1 for each label, or collections of labels",
        got="NaN" if gaps else "other numbers",
        do="Leave out these inputs, or fill their gaps" if gaps else do,
    )


def _require_clear(y: Any) -> None:
    """Lists of 0s and 1s, all as long as each other, may be rows of a table or the labels 0 and 1."""
    rows = [labels for labels in y if isinstance(labels, list | tuple)]
    if len(rows) == len(y) and len({len(labels) for labels in rows}) == 1 and len(rows[0]) > 1 and {*rows[0]} <= {0, 1}:
        raise InputError(
            "labels y",
            expected="collections of labels, or an array of 0s and 1s",
            got="lists that may mean either",
            do="Make an array of a table, or sets of labels",
        )


def _from_collections(y: Any, inputs: int, known: tuple[Label, ...]) -> Targets:
    if len(y) != inputs:
        raise InputError("labels y", expected=f"{inputs} collections of labels, one per input", got=len(y))
    _require_some(inputs)
    _require_clear(y)
    flat = [label for labels in y for label in labels]
    if not flat:
        return Targets("multilabel", known, torch.zeros(inputs, len(known)))
    classes = np.unique(read_labels(flat, len(flat)))
    plain = tuple(plain_label(label) for label in classes)
    place = {label: index for index, label in enumerate(plain)}
    values = torch.zeros(inputs, len(plain))
    for row, labels in enumerate(y):
        values[row, [place[plain_label(label)] for label in labels]] = 1
    return Targets("multilabel", plain, values)


def _numbers(y: Any, inputs: int) -> Targets:
    """Targets of a regression."""
    names = _names(y)
    values = _matrix(y, inputs, "numbers y of a regression")
    if not bool((np.abs(values) <= LARGEST).all()):
        raise InputError("numbers y of a regression", expected=f"finite numbers up to ±{LARGEST:g}", got="NaN, infinity or larger ones")
    return Targets("regression", names or tuple(range(values.shape[1])), torch.from_numpy(values.astype(np.float32)))


def _known_numbers(y: Any, inputs: int, known: Targets) -> Targets:
    """Targets of further examples of a regression."""
    names, found = _names(y), _numbers(y, inputs)
    if names is None and len(found.classes) != len(known.classes):
        raise InputError("numbers y", expected=f"{len(known.classes)} for each input", got=len(found.classes))
    if names is None:
        return Targets(known.kind, known.classes, found.values)
    _require_columns(names, known.classes)
    if len(names) > len(known.classes):
        strange = next(name for name in names if name not in known.classes)
        raise InputError("columns of y", expected=f"the task's alone, {_listed(known.classes)}", got=repr(strange))
    return Targets(known.kind, known.classes, found.values[:, [names.index(name) for name in known.classes]])


def _names(y: Any) -> tuple[Label, ...] | None:
    """The names of a data frame's columns; None where y has none."""
    if not hasattr(y, "columns"):
        return None
    names = tuple(_name(name) for name in y.columns)
    twice = next((name for name, times in Counter(names).items() if times > 1), None)
    if twice is not None:
        raise InputError("columns of y", expected="names that differ", got=f"{twice!r} twice")
    return names


def _require_columns(names: tuple[Label, ...], known: tuple[Label, ...]) -> None:
    missing = [name for name in known if name not in names]
    if missing:
        got = f"{_listed(names)} without {missing[0]!r}"
        raise InputError("columns of y", expected=f"the task's, {_listed(known)}", got=got, do="An array is taken in the task's order")


def _listed(names: tuple[Label, ...]) -> str:
    return ", ".join(map(repr, names[:20])) + (", …" if len(names) > 20 else "")


def _require_some(inputs: int) -> None:
    if not inputs:
        raise InputError("inputs", expected="at least one", got="none", do="Nothing can be learned from no data")


def _matrix(y: Any, inputs: int, what: str) -> np.ndarray:
    """Numbers (n, columns), float64."""
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
    _require_some(inputs)
    return np.ascontiguousarray(values)  # a data frame's are not: sums over them would differ from an array's in the last bit


def _name(value: Any) -> Label:
    return int(value) if isinstance(value, int | np.integer) else str(value)
