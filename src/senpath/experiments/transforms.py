"""Many tasks made of one data set: its classes in groups, its pixels in other orders, its pictures turned."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
from torch.nn import functional

from senpath.errors import InputError
from senpath.tasks import Label
from senpath.types import Examples

Transform = Callable[[Examples], Examples]
CHUNK = 4096
"""Pictures that are turned at once."""


def only_classes(examples: Examples, classes: Sequence[Label]) -> Examples:
    """The examples of these classes, which become the task's own, in this order."""
    places = {label: place for place, label in enumerate(classes)}
    renamed = torch.tensor([places.get(label, -1) for label in examples.classes], dtype=torch.int64)
    targets = renamed[examples.targets]
    kept = targets >= 0
    return replace(examples, inputs=examples.inputs[kept], targets=targets[kept], classes=tuple(classes))


def groups_of(classes: Sequence[Label], split: int | Sequence[Sequence[Label]], order: int | None) -> list[list[Label]]:
    """Classes in groups, one a task.

    Args:
        classes: all.
        split: how many a task, the last perhaps fewer; or the groups themselves.
        order: seed by which classes are shuffled first; None leaves them as they are.

    Raises:
        InputError: if a group names a class that is not there, or one that another has, or has less than two.
    """
    if isinstance(split, int):
        shuffled = list(classes)
        if order is not None:
            places = torch.randperm(len(classes), generator=torch.Generator().manual_seed(order)).tolist()
            shuffled = [classes[place] for place in places]
        groups = [shuffled[start : start + split] for start in range(0, len(shuffled), split)]
    else:
        groups = [list(group) for group in split]
    named = [label for group in groups for label in group]
    wrong = [label for label in named if label not in classes or named.count(label) > 1]
    if wrong or any(len(group) < 2 for group in groups):
        got = f"{wrong[0]!r}, which is none, or twice there" if wrong else f"groups of {', '.join(str(len(group)) for group in groups)}"
        raise InputError("split", expected=f"groups of two or more of the {len(classes)} classes, each class once", got=got)
    return groups


def name_of_group(group: Sequence[Label]) -> str:
    """What a task of these classes is called."""
    return "+".join(map(str, group)) if len(group) <= 3 else f"{group[0]}…{group[-1]}"


def permuted(examples: Examples, seed: int) -> Examples:
    """The same with the numbers of every input in another order, which `seed` decides; of pictures all channels alike. 0 leaves it."""
    if seed == 0:
        return examples
    inputs = examples.inputs
    flat = inputs.flatten(2) if inputs.ndim == 4 else inputs.flatten(1)
    order = torch.randperm(flat.shape[-1], generator=torch.Generator().manual_seed(seed))
    return replace(examples, inputs=flat[..., order].reshape(inputs.shape))


def rotated(examples: Examples, degrees: float) -> Examples:
    """The same pictures turned counterclockwise about their centre (bilinear, zeros where nothing was)."""
    angle, (height, width) = math.radians(degrees), examples.inputs.shape[-2:]
    cos, sin = math.cos(angle), math.sin(angle)
    turn = torch.tensor([[cos, -sin * height / width, 0.0], [sin * width / height, cos, 0.0]])  # sides count as 2, whatever their length
    parts = []
    for inputs in examples.inputs.split(CHUNK):
        grid = functional.affine_grid(turn.expand(len(inputs), 2, 3), list(inputs.shape), align_corners=False)
        parts.append(functional.grid_sample(inputs, grid, align_corners=False))
    return replace(examples, inputs=torch.cat(parts))
