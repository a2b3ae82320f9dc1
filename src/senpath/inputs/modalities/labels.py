"""Labels of one class each."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from senpath.errors import InputError
from senpath.inputs.modalities.base import as_array, require_unicode
from senpath.types import Label


def index_labels(y: Any, inputs: int) -> tuple[tuple[Label, ...], torch.Tensor]:
    """The classes in sorted order, and each label's place among them, int64 (n,).

    Args:
        y: labels.
        inputs: how many there have to be.

    Raises:
        InputError: for another number of labels than inputs, for less than two classes, and for labels of any other kind than
            whole numbers and strings.
    """
    classes, targets = np.unique(read_labels(y, inputs), return_inverse=True)
    if len(classes) < 2:
        raise InputError(
            "labels y",
            expected="two classes or more",
            got=f"one class, {plain_label(classes[0])!r}",
            do="Add examples of what it is to be told from",
        )
    return tuple(plain_label(label) for label in classes), torch.from_numpy(targets.astype(np.int64))


def read_labels(y: Any, inputs: int) -> np.ndarray:
    """Labels, (n,), whole numbers or strings."""
    labels = label_array(y)
    if labels.ndim != 1:
        raise InputError("labels y", expected="shape (n,)", got=f"shape {labels.shape}")
    if len(labels) != inputs:
        raise InputError("labels y", expected=f"{inputs}, one per input", got=len(labels))
    if not inputs:
        raise InputError("inputs", expected="at least two", got="none", do="Nothing can be learned from no data")
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


def label_array(y: Any) -> np.ndarray:
    """Labels as an array of whatever type and shape they have.

    Raises:
        InputError: if they are words and numbers, or of no shape.
    """
    if isinstance(y, torch.Tensor):
        return as_array(y)
    if isinstance(y, list | tuple) and len({isinstance(label, str) for label in y}) > 1:  # numpy would make strings of all
        raise InputError("labels y", expected="whole numbers or strings", got="both")
    try:
        return np.asarray(y)
    except ValueError as error:
        raise InputError("labels y", expected="shape (n,)", got=str(error)) from error


def plain_label(label: Any) -> Label:
    """A label as Python has it."""
    return str(label) if isinstance(label, str) else int(label)
