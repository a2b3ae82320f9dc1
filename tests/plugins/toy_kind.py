"""A kind of component: how near an input is to each of some points."""

from __future__ import annotations

import torch
from torch import nn

from senpath.components import ComponentKind, register


class Nearness(nn.Module):
    """Minus half the squared distance to points.

    Args:
        inputs: numbers in one input, all axes together.
        points: how many there are.
    """

    def __init__(self, inputs: int, points: int) -> None:
        super().__init__()
        self.places = nn.Parameter(torch.zeros(points, inputs))

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return -(inputs.flatten(1)[:, None] - self.places).square().sum(2) / 2


NEARNESS = register(ComponentKind("senpath-toys:nearness.v1", Nearness))
