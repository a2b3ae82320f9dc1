"""Checking and encoding what is to be learned."""

from __future__ import annotations

from typing import Any, Protocol
from unicodedata import category

import torch

from senpath.errors import InputError, TaskExistsError
from senpath.modalities import MODALITIES, Group, index_labels, split_by_modality, type_key
from senpath.modalities.base import require_finite
from senpath.network.view import View
from senpath.types import DataType, Examples

UNPRINTABLE = frozenset({"Cc", "Cs", "Zl", "Zp"})
"""Unicode's categories of control characters, half characters and breaks of lines: no part of a task's name."""


class Types(Protocol):
    """Knows which data type inputs are encoded as; a view does."""

    def data_type(self, group: Group) -> DataType: ...


def encode_examples(view: Types, x: Any, y: Any, *, like: Examples | None = None) -> Examples:
    """Labelled raw inputs of one data type, encoded.

    Args:
        view: whose data types they are brought to.
        x: see `senpath.modalities.split_by_modality`.
        y: one label per input.
        like: examples of the same task: their type and classes are taken, as test data needs it.

    Raises:
        InputError: if they are of several types, of another than `like`, or cannot be read; for a label that `like` does not have.
    """
    groups = split_by_modality(x)
    classes, targets = index_labels(y, sum(len(group.rows) for group in groups), like.classes if like else None)
    if len(groups) > 1:
        raise InputError(
            "inputs of one task", expected="one data type", got=" and ".join(group.modality for group in groups), do="Learn a task of each"
        )
    if like is not None and type_key(groups[0]) != like.data_type.key:
        raise InputError("inputs", expected=f"the type {like.data_type.key!r}", got=repr(type_key(groups[0])))
    data_type = like.data_type if like is not None else view.data_type(groups[0])
    return Examples(data_type, MODALITIES[data_type.modality].encode(groups[0].items, data_type), targets, classes)


def check_encoded(view: View, examples: Examples, y: Any) -> Examples:
    if y is not None:
        raise InputError("labels y", expected="None beside Examples, which hold their own labels", got=type(y).__name__)
    given, shape = examples.data_type, tuple(examples.inputs.shape[1:])
    record = view.manifest.types.get(given.key)
    fixed = view.settings.image_shape if given.modality == "image" else None
    known = record.data_type if record is not None else DataType("image", fixed) if fixed is not None else given
    if given != known:
        raise InputError("encoded examples", expected=f"the network's type {known}", got=str(given))
    if shape != given.shape:
        raise InputError("encoded examples", expected=f"inputs of shape {given.shape} each, as their type says", got=shape)
    inputs, targets, classes = examples.inputs, examples.targets, examples.classes
    if inputs.dtype != torch.float32 or targets.dtype != torch.int64 or targets.shape != inputs.shape[:1]:
        got = f"{inputs.dtype} and {targets.dtype} of shape {tuple(targets.shape)}"
        raise InputError("encoded examples", expected="float32 inputs and an int64 target for each", got=got)
    found = targets.unique().tolist()
    if len(set(classes)) < max(2, len(classes)) or found != list(range(len(classes))):
        got = f"targets {found[:20]} of {len(set(classes))} classes"
        raise InputError("encoded examples", expected="two different classes or more, with examples of each", got=got)
    require_finite(inputs, "encoded input")
    return examples


def check_name(task: str, view: View) -> None:
    if not isinstance(task, str) or not task.strip() or len(task) > 200 or any(category(letter) in UNPRINTABLE for letter in task):
        raise InputError("task name", expected="1 to 200 printable characters", got=repr(task))
    if task in view.tasks:
        raise TaskExistsError(f"task {task!r}", expected="a new name", got="one the network has learned", do="Choose another name")
