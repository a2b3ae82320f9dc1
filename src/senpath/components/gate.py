"""One small model per task that answers "mine or not mine"."""

from __future__ import annotations

import torch
from torch import nn

from senpath.components.kind import ComponentKind, register
from senpath.components.limits import Count, Size


class Gate(nn.Module):
    """An undercomplete linear autoencoder of one task's features (Aljundi et al. 2017, section 3.1).

    How badly it rebuilds an input says "not mine".

    Args:
        inputs: features of one input.
        rank: directions that are kept.
    """

    def __init__(self, inputs: Size, rank: Count) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(inputs))
        self.register_buffer("basis", torch.zeros(rank, inputs))
        self.register_buffer("limit", torch.ones(1))
        self.mean: torch.Tensor
        self.basis: torch.Tensor
        self.limit: torch.Tensor

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Shape (n,): the rebuilding error as a share of what the task's own held-out examples show at most."""
        centred = features - self.mean
        rest = centred - (centred @ self.basis.T) @ self.basis
        error: torch.Tensor = rest.norm(dim=1) / self.limit
        return error


GATE = register(ComponentKind("gate.v1", Gate))
