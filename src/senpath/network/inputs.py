"""Checking and encoding what is to be learned."""

from __future__ import annotations

from typing import Any, Protocol
from unicodedata import category

import torch

from senpath.errors import InputError, TaskExistsError
from senpath.modalities import (
    MODALITIES,
    Group,
    Targets,
    more_targets,
    no_targets,
    read_labelled,
    read_targets,
    require_targets,
    split_by_modality,
    type_key,
)
from senpath.modalities.base import require_finite
from senpath.network.view import View
from senpath.pathways import Pathway
from senpath.types import DataType, Examples

UNPRINTABLE = frozenset({"Cc", "Cs", "Zl", "Zp"})
"""Unicode's categories of control characters, half characters and breaks of lines: no part of a task's name."""


class Types(Protocol):
    """Knows which data type inputs are encoded as; a view does."""

    def data_type(self, group: Group) -> DataType: ...


def encode_examples(
    view: Types, x: Any, y: Any, *, kind: str | None = None, like: Examples | None = None, new_classes: bool = False
) -> Examples:
    """Labelled raw inputs of one data type, encoded.

    Args:
        view: whose data types they are brought to.
        x: see `senpath.modalities.split_by_modality`.
        y: one label per input, or several, or numbers; see `senpath.modalities.read_targets`.
        kind: of the task; None is what y looks like.
        like: examples of the same task: their type, kind and classes are taken, as test data needs it.
        new_classes: whether there may be labels that `like` does not have; they come behind its own.

    Raises:
        InputError: if they are of several types, of another than `like`, or cannot be read; for a label that `like` does not have
            and may not be new.
    """
    groups = split_by_modality(x)
    inputs = sum(len(group.rows) for group in groups)
    if like is None:
        targets = read_targets(y, inputs, kind)
    else:
        targets = more_targets(y, inputs, Targets(like.kind, like.classes, like.targets), new_classes=new_classes)
    if len(groups) > 1:
        raise InputError(
            "inputs of one task", expected="one data type", got=" and ".join(group.modality for group in groups), do="Learn a task of each"
        )
    if like is not None and type_key(groups[0]) != like.data_type.key:
        raise InputError("inputs", expected=f"the type {like.data_type.key!r}", got=repr(type_key(groups[0])))
    data_type = like.data_type if like is not None else view.data_type(groups[0])
    return Examples(
        data_type, MODALITIES[data_type.modality].encode(groups[0].items, data_type), targets.values, targets.classes, targets.kind
    )


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
    inputs = examples.inputs
    if inputs.dtype != torch.float32 or not len(inputs):
        raise InputError("encoded examples", expected="float32 inputs", got=f"{len(inputs)} of {inputs.dtype}")
    require_targets(examples.targets, examples.classes, examples.kind, len(inputs))
    require_finite(inputs, "encoded input")
    return examples


def read_more(view: View, pathway: Pathway, x: Any, y: Any, *, new_classes: bool) -> Examples:
    """Further examples of a task that the network has, encoded.

    Args:
        x, y: as for `Network.learn`.
        new_classes: whether labels may be new to the task; they come behind its own, sorted.

    Raises:
        InputError: if they are of another type, cannot be read, or have labels that are new and may not be.
    """
    data_type = view.manifest.types[pathway.data_type].data_type
    none = no_targets(pathway.kind, len(pathway.classes))
    like = Examples(data_type, torch.zeros(0, *data_type.shape), none, pathway.classes, pathway.kind)
    if not isinstance(x, Examples):
        return encode_examples(view, *read_labelled(x, y), like=like, new_classes=new_classes)
    same = x.data_type == data_type and x.kind == pathway.kind and x.inputs.shape[1:] == data_type.shape
    if not same or x.classes[: len(pathway.classes)] != pathway.classes or (len(x.classes) > len(pathway.classes) and not new_classes):
        raise InputError("encoded examples", expected=f"those of a task like {pathway.task!r}, its classes first", got="others")
    return x


def check_name(task: str, view: View) -> None:
    if not isinstance(task, str) or not task.strip() or len(task) > 200 or any(category(letter) in UNPRINTABLE for letter in task):
        raise InputError("task name", expected="1 to 200 printable characters", got=repr(task))
    if task in view.tasks:
        raise TaskExistsError(f"task {task!r}", expected="a new name", got="one the network has learned", do="Choose another name")
