"""Which components a task uses: a binary matrix, learned with the weights (Maziarz et al. 2019, section 3)."""

from __future__ import annotations

from collections.abc import Sequence
from math import log, sqrt

import torch
from torch import nn


class Router(nn.Module):
    """Two logits for each task, layer and component: of using it, and of not.

    Args:
        tasks, layers, components: how many.
        p0: probability of using a component at first.
    """

    def __init__(self, tasks: int, layers: int, components: int, p0: float) -> None:
        super().__init__()
        self.logits = nn.Parameter(torch.tensor([log(p0), log(1 - p0)]).repeat(tasks, layers, components, 1))

    def probabilities(self) -> torch.Tensor:
        """Of using each component: float32 (tasks, layers, components)."""
        return self.logits.softmax(-1)[..., 0]

    def active(self) -> torch.Tensor:
        """What is used where nothing is drawn, as in answering: bool (tasks, layers, components)."""
        return self.probabilities().detach() > 0.5

    def draw(self, noise: torch.Tensor, temperature: float) -> torch.Tensor:
        """An allocation at random, float32 (tasks, layers, components): 1 for use and 0 for none, with the gradients of the softmax.

        The straight-through Gumbel-softmax of Jang, Gu and Poole (2017).

        Args:
            noise: of the standard Gumbel distribution, of the logits' shape.
            temperature: of the softmax; it has no part in what is drawn.
        """
        disturbed = self.logits + noise
        soft = (disturbed / temperature).softmax(-1)[..., 0]
        hard = (disturbed[..., 0] > disturbed[..., 1]).to(soft.dtype)
        return hard + (soft - soft.detach())  # the bracket is exactly 0

    @torch.no_grad()
    def press(self, budget: float, by: float, tasks: Sequence[int]) -> None:
        """One step down the budget loss λ·max(0, mean p − b) of each of these tasks, its gradient times the number of p's of a task.

        It is a step by itself, as weight decay in AdamW (Loshchilov and Hutter 2019): Adam would divide by the gradient's size, so that λ
        said nothing, and its momentum would carry every p past the budget, to where nothing is in use.

        Args:
            budget: b.
            by: λ times the learning rate.
        """
        probabilities = self.probabilities()
        over = torch.zeros(len(probabilities), dtype=torch.bool, device=probabilities.device)
        over[list(tasks)] = True
        over &= probabilities.flatten(1).mean(1) > budget
        step = by * probabilities * (1 - probabilities) * over[:, None, None]
        self.logits[..., 0] -= step
        self.logits[..., 1] += step


def temperature(updates: int) -> float:
    """After so many updates, each task of an update counted: max(½, 50/√(updates + 1)), as in the paper."""
    return max(0.5, 50 / sqrt(updates + 1))


def gumbel(shape: torch.Size, seed: int) -> torch.Tensor:
    """Noise of the standard Gumbel distribution."""
    return -torch.empty(shape).exponential_(generator=torch.Generator().manual_seed(seed)).log()


def similarity(probabilities: torch.Tensor) -> torch.Tensor:
    """How alike tasks' allocations are: 1 − the mean |pᵢ − pⱼ| over all components of all layers, in 0 … 1, (tasks, tasks).

    Args:
        probabilities: (tasks, layers, components).
    """
    flat = probabilities.flatten(1)
    return 1 - (flat[:, None] - flat[None]).abs().mean(-1)
