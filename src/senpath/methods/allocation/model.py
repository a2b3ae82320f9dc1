"""The network of shared components while it is trained, and the router that learns which of them a task uses.

Each component runs once, over the inputs of the tasks that use it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import log, sqrt
from typing import Any, cast

import torch
from torch import nn

from senpath.components import Linear
from senpath.methods.allocation.blueprint import Blueprint

LayerFunction = Callable[[Sequence[nn.Module], torch.Tensor, torch.Tensor, torch.Tensor, tuple[int, ...]], torch.Tensor]
"""From a layer's components, its inputs, their tasks, the allocation and the shape of an output to the layer's outputs."""


class SharedModel(nn.Module):
    """Stem, layers of components, and an output layer of each task.

    Args:
        blueprint: what it is made of.
        classes: outputs of each task.
    """

    def __init__(self, blueprint: Blueprint, classes: Sequence[int]) -> None:
        super().__init__()
        self._shapes = blueprint.shapes
        self.stem = blueprint.stem.build()
        self.layers = nn.ModuleList([nn.ModuleList([part.build() for part in layer]) for layer in blueprint.layers])
        self.heads = nn.ModuleList([Linear(blueprint.features, count) for count in classes])

    def features(self, inputs: torch.Tensor, owner: torch.Tensor, use: torch.Tensor, run: LayerFunction) -> torch.Tensor:
        """What output layers read.

        Args:
            inputs: of all tasks in one batch, (n, …).
            owner: the task of each, int64 (n,), on the CPU.
            use: 1 where a task uses a component, else 0: float32 (tasks, layers, components).
            run: how a layer is computed, `grouped`.

        Returns:
            float32 (n, numbers).
        """
        values: torch.Tensor = self.stem(inputs)
        for place, shape in enumerate(self._shapes):
            values = run(self.components(place), values, owner, use[:, place], shape)
        return values.flatten(1)

    def components(self, layer: int) -> list[nn.Module]:
        """Those of one layer."""
        return [*cast(nn.ModuleList, self.layers[layer])]


def grouped(
    components: Sequence[nn.Module], inputs: torch.Tensor, owner: torch.Tensor, use: torch.Tensor, shape: tuple[int, ...]
) -> torch.Tensor:
    """A layer's outputs, (n, *shape): the mean of what the components say that an input's task uses, zeros if it uses none.

    Args:
        use: 1 where a task uses a component, else 0: float32 (tasks, components). No gradient reaches what is not used.
    """
    active = use.detach().cpu() > 0.5
    used = [(place, torch.nonzero(active[owner, place]).flatten()) for place in range(len(components))]
    used = [(place, rows) for place, rows in used if len(rows)]
    if not used:
        return inputs.new_zeros(len(inputs), *shape)
    share = shares(use)
    places = [rows.to(inputs.device) for _, rows in used]
    read = _Select.apply(inputs, *places)  # type: ignore[no-untyped-call]
    weights = [share[owner[rows].to(share.device), place] for place, rows in used]
    answers = [components[place](values) for (place, _), values in zip(used, read, strict=True)]
    made: torch.Tensor = _WeightedSum.apply(len(inputs), shape, places, *weights, *answers)  # type: ignore[no-untyped-call]
    return made


class _Select(torch.autograd.Function):
    """Several selections of rows. By itself each would make a gradient as large as all inputs, and these would be added up."""

    @staticmethod
    def forward(ctx: Any, inputs: torch.Tensor, *rows: torch.Tensor) -> tuple[torch.Tensor, ...]:
        ctx.save_for_backward(*rows)
        ctx.count = len(inputs)
        return tuple(inputs.index_select(0, places) for places in rows)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        total = gradients[0].new_zeros(ctx.count, *gradients[0].shape[1:])
        for places, gradient in zip(ctx.saved_tensors, gradients, strict=True):
            total.index_add_(0, places, gradient)
        return total, *[None] * len(gradients)


class _WeightedSum(torch.autograd.Function):
    """Sums of weighted answers, each at its rows: the weights' gradients need no product that is kept."""

    @staticmethod
    def forward(ctx: Any, count: int, shape: tuple[int, ...], rows: list[torch.Tensor], *both: torch.Tensor) -> torch.Tensor:
        weights, answers = both[: len(rows)], both[len(rows) :]
        ctx.save_for_backward(*rows, *both)
        made = answers[0].new_zeros(count, *shape)
        for places, weight, answer in zip(rows, weights, answers, strict=True):
            made.index_add_(0, places, answer * weight.view(-1, *[1] * len(shape)))
        return made

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        third = len(ctx.saved_tensors) // 3
        rows, weights, answers = (ctx.saved_tensors[start * third :][:third] for start in range(3))
        of_weights, of_answers = [], []
        for places, weight, answer in zip(rows, weights, answers, strict=True):
            selected = gradient.index_select(0, places)
            of_weights.append(torch.linalg.vecdot(selected.flatten(1), answer.flatten(1)))
            of_answers.append(selected.mul_(weight.view(-1, *[1] * (answer.ndim - 1))))
        return None, None, None, *of_weights, *of_answers


def masked(
    components: Sequence[nn.Module], inputs: torch.Tensor, owner: torch.Tensor, use: torch.Tensor, shape: tuple[int, ...]
) -> torch.Tensor:
    """The same by evaluating every component for every input: what `grouped` is compared with, in results and in time."""
    weights = shares(use)[owner.to(use.device)]
    outputs = [component(inputs) * weights[:, place].view(-1, *[1] * len(shape)) for place, component in enumerate(components)]
    return torch.stack(outputs).sum(0)


def shares(use: torch.Tensor) -> torch.Tensor:
    """What each component counts in the mean: (tasks, components), rows that add up to 1, or to 0.

    The count is differentiated too, so what reaches an entry in use is ⟨g, f − mean⟩ / count: whether a component is better than the others
    that the task uses. With a constant count it is ⟨g, f⟩ / count, which is mostly what all components have in common. On the toy of
    MNIST and its copies, from p0 = ½, the count as a constant did not pair all four tasks (one seed) where this did (three seeds); from
    p0 = .97 both paired all, and this separated the two kinds of tasks better.
    """
    used = use * (use.detach() > 0.5)
    return used / used.sum(1, keepdim=True).clamp(min=1)


class AllocationRouter(nn.Module):
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
