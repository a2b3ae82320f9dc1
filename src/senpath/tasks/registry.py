"""The kinds of task by name, and reading targets of whatever kind they look like."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from senpath.errors import InputError
from senpath.tasks.base import Targets, TaskKind
from senpath.tasks.classification import Classification
from senpath.tasks.multilabel import Multilabel, is_collection
from senpath.tasks.regression import Regression
from senpath.tasks.targets import stacked

TASK_KINDS: dict[str, TaskKind] = {kind.name: kind for kind in (Classification(), Multilabel(), Regression())}


def task_kind(name: str) -> TaskKind:
    """The kind of task of this name.

    Args:
        name: "classification", "multilabel" or "regression".

    Raises:
        InputError: if there is none.

    Example:
        >>> from senpath.tasks import task_kind
        >>> task_kind("regression").has_labels
        False
    """
    kind = TASK_KINDS.get(name) if isinstance(name, str) else None
    if kind is None:
        raise InputError("kind of task", expected=f"one of {', '.join(TASK_KINDS)}, or None", got=repr(name))
    return kind


def read_targets(y: Any, inputs: int, kind: str | None = None) -> Targets:
    """Make targets of what a user gives as y.

    Args:
        y: for a classification one label per input; for a multilabel task a list of collections of labels, or 0s and 1s (n, labels),
            whose columns a data frame names; for a regression numbers (n,) or (n, outputs).
        inputs: how many there have to be.
        kind: of the task; None takes one label each for a classification and several for a multilabel task.

    Raises:
        InputError: if y is not of this kind or number.
    """
    if kind is not None:
        return task_kind(kind).read(y, inputs)
    y = stacked(y)
    _refuse_one_hot(y)
    targets = (Multilabel if _has_several(y) else Classification)().read(y, inputs)
    _refuse_one_each(y)
    return targets


def _has_several(y: Any) -> bool:
    """Whether y has several labels for an input; an array of two axes has, as in scikit-learn."""
    if isinstance(y, list | tuple) and len(y) and all(is_collection(labels) for labels in y):
        return True
    return _axes(y) == 2 and y.shape[1] > 1


def _axes(y: Any) -> int:
    """Of an array or a data frame; of polars' only the shape says it."""
    return len(getattr(y, "shape", ()))


def _refuse_one_hot(y: Any) -> None:
    """A single 1 in every row is how some write one class; a task of several labels would then be learned by mistake."""
    if _axes(y) != 2 or y.shape[1] < 2:
        return
    rows = np.asarray(y.detach().cpu() if isinstance(y, torch.Tensor) else y)
    if rows.dtype.kind in "iubf" and len(rows) and bool(((rows == 0) | (rows == 1)).all()) and bool((rows.sum(1) == 1).all()):
        pick = "y.idxmax(axis=1)" if hasattr(y, "idxmax") else "y.argmax(1)"
        do = f"For one class each pass {pick}; if several could hold, kind='multilabel'"
        raise InputError("labels y", expected="one label per input, or several", got="one-hot rows, which may mean either", do=do)


def _refuse_one_each(y: Any) -> None:
    """Collections of one label each are, like one-hot rows, how some write one class."""
    if isinstance(y, list | tuple) and len(y) and all(is_collection(labels) and len(labels) == 1 for labels in y):
        do = "For one class each pass the labels themselves; if several could hold, kind='multilabel'"
        raise InputError(
            "labels y", expected="one label per input, or several", got="collections of one label, which may mean either", do=do
        )
