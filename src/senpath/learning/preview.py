"""How well a task might go, in a moment: before it is learned, and without learning it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch

from senpath.errors import InputError
from senpath.inputs.modalities import split_by_modality
from senpath.routing.dispatcher import read_features
from senpath.snapshot.view import View
from senpath.tasks import Classification, Label, read_targets
from senpath.types import Examples

MOST = 2_000
"""Examples that are looked at, at most, evenly spread."""
PENALTY = 0.1
"""Of the ridge regression, as a share of the features' variance."""


@dataclass(frozen=True)
class Preview:
    """What examples tell of a task before it is learned.

    Attributes:
        examples: how many there are.
        accuracy: share of them that a ridge regression on the dispatcher's features of all others gets right; None where nothing can be
            told, which `reason` explains.
        per_class: the same by class.
        few: classes with a single example, which no other one speaks for.
        nearest_task: the task of the same type of data that most of them are taken for; None if there is none.
        nearest_share: share of the examples that are within that task's limit: near 1 the network may know these already.
        reason: what is missing.
        read_as: see `Learned`.
    """

    examples: int
    accuracy: float | None = None
    per_class: Mapping[Label, float] = field(default_factory=dict)
    few: tuple[Label, ...] = ()
    nearest_task: str | None = None
    nearest_share: float | None = None
    reason: str | None = None
    read_as: str = ""


def preview(view: View, x: Any, y: Any, *, kind: str | None = None) -> Preview:
    """Look at examples of a task that is not learned yet.

    The figure is leave-one-out in closed form (Allen 1974; Hastie, Tibshirani and Friedman 2009, section 7.10), so it takes a moment. What
    learning makes of the examples is usually better, for it trains more than one layer, and borrows.

    Args:
        x, y, kind: as for `Network.learn`.

    Raises:
        InputError: if they cannot be read.
    """
    groups = split_by_modality(x)
    if len(groups) != 1:
        raise InputError("inputs of one task", expected="one data type", got=" and ".join(group.title for group in groups) or "none")
    choice = view.choose_type(groups[0])
    data_type = choice.data_type
    inputs = view.encode(groups[0].items, data_type)
    nearest, share = _nearest(view, data_type.key, inputs)
    told = Preview(len(inputs), nearest_task=nearest, nearest_share=share, read_as=choice.why)
    if kind in (None, Classification.name) and len({*map(repr, y)}) < 2:
        return replace(told, few=tuple(y) if len(y) == 1 else (), reason="examples of a second class are missing")
    targets = read_targets(y, len(inputs), kind)
    examples = Examples(data_type, inputs, targets.values, targets.classes, targets.kind)
    if not examples.task_kind.exclusive:
        return replace(told, reason=f"a {examples.task_kind.name} cannot be judged before it is learned")
    counts = torch.bincount(examples.targets, minlength=len(examples.classes)).tolist()
    few = tuple(label for label, count in zip(examples.classes, counts, strict=True) if count < 2)
    if few:
        return replace(told, few=few, reason=f"a second example is missing of {', '.join(map(repr, few))}")
    places = torch.linspace(0, len(examples) - 1, min(MOST, len(examples))).round().long()
    part = examples.subset(places)
    features = read_features(view.feature_map(data_type), part.inputs.to(view.device)).cpu()
    right, truth = leave_one_out(features, part.targets, len(examples.classes)), part.targets.numpy()
    per_class = {label: float(right[truth == place].mean()) for place, label in enumerate(examples.classes) if (truth == place).any()}
    return replace(told, accuracy=float(right.mean()), per_class=per_class)


def leave_one_out(features: torch.Tensor, targets: torch.Tensor, classes: int) -> np.ndarray:
    """Which examples a ridge regression on all others gets right: bool (n,).

    Args:
        features: float32 (n, features).
        targets: int64 (n,), in 0 … classes − 1.
    """
    wide = features.double()
    products = wide @ wide.T
    spread = (products.diagonal().mean() - products.mean()).clamp(min=1e-12)
    products = products + spread  # a constant feature: to subtract the mean instead would tell of the example that is left out
    hat = torch.linalg.solve(products + PENALTY * spread * torch.eye(len(wide), dtype=torch.float64), products)
    wanted = torch.nn.functional.one_hot(targets, classes).double()
    own = hat.diagonal().clamp(max=1 - 1e-9)[:, None]
    answers = (hat @ wanted - own * wanted) / (1 - own)
    right: np.ndarray = (answers.argmax(1) == targets).numpy()
    return right


def _nearest(view: View, key: str, inputs: torch.Tensor) -> tuple[str | None, float | None]:
    """The task that most inputs are taken for, and the share of all that it would answer."""
    if not view.tasks_of_type(key):
        return None, None
    decision = view.dispatcher(key).decide(inputs.to(view.device))
    likeliest = decision.order[:, 0]
    task = int(np.bincount(likeliest).argmax())
    return decision.names[task], float(np.mean(decision.known & (likeliest == task)))
