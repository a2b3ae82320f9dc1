"""Affine maps: a task's output layer, and links that add to it."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from senpath.components.base import Component, freeze
from senpath.components.kind import ComponentKind, register


class Linear(nn.Linear):
    """One affine map: a task's output layer.

    Args:
        inputs: numbers in one input.
        outputs: classes.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs)


class ClassLink(nn.Module):
    """Adds to some of a task's outputs what an earlier task's hidden layer says: one row of weights and a bias per linked class.

    Args:
        inputs: units of the hidden layer that is read.
        outputs: classes of the task that is written to.
        classes: indices of the linked classes, ascending.
    """

    classes: torch.Tensor

    def __init__(self, inputs: int, outputs: int, classes: Sequence[int]) -> None:
        super().__init__()
        self.outputs = outputs
        self.weight = nn.Parameter(torch.zeros(len(classes), inputs))
        self.bias = nn.Parameter(torch.zeros(len(classes)))
        # Derived from the configuration, so not saved with the weights.
        self.register_buffer("classes", torch.tensor(list(classes), dtype=torch.int64, device="cpu"), persistent=False)

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        rows = nn.functional.linear(hidden, self.weight, self.bias)
        return rows.new_zeros(rows.shape[0], self.outputs).index_copy(1, self.classes, rows)


LINEAR = register(ComponentKind("linear.v1", Linear, prunable=True, grouped=True))
LINK = register(ComponentKind("link.v1", ClassLink, grouped=True))


def freeze_head(head: nn.Linear) -> Component:
    """A trained output layer as a component."""
    return freeze(LINEAR, {"inputs": head.in_features, "outputs": head.out_features}, head)


def freeze_link(link: ClassLink) -> Component:
    """A trained link as a component."""
    return freeze(LINK, {"inputs": link.weight.shape[1], "outputs": link.outputs, "classes": link.classes.tolist()}, link)
