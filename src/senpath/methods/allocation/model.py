"""The network of shared components while it is trained, and the router that learns which of them a task uses."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
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
        self.norms = nn.ModuleList([blueprint.norm.build() for _ in blueprint.layers])
        self.heads = nn.ModuleList([Linear(blueprint.features, count) for count in classes])

    def features(self, inputs: torch.Tensor, owner: torch.Tensor, use: torch.Tensor, run: LayerFunction) -> torch.Tensor:
        """What output layers read.

        Args:
            inputs: of all tasks in one batch, (n, …).
            owner: the task of each, int64 (n,), on the CPU.
            use: 1 where a task uses a component, else 0: float32 (tasks, layers, components).
            run: how a layer is computed, one of `ESTIMATORS`.

        Returns:
            float32 (n, numbers).
        """
        values: torch.Tensor = self.stem(inputs)
        for place, shape in enumerate(self._shapes):
            values = self.norms[place](run(self.components(place), values, owner, use[:, place], shape))
        return values.flatten(1)

    def components(self, layer: int) -> list[nn.Module]:
        """Those of one layer."""
        return [*cast(nn.ModuleList, self.layers[layer])]


def grouped(
    components: Sequence[nn.Module],
    inputs: torch.Tensor,
    owner: torch.Tensor,
    use: torch.Tensor,
    shape: tuple[int, ...],
    *,
    unused: bool = False,
) -> torch.Tensor:
    """A layer's outputs, (n, *shape): the mean of what the components say that an input's task uses, zeros if it uses none.

    Each component runs once, over the inputs of the tasks that use it.

    Args:
        use: 1 where a task uses a component, else 0: float32 (tasks, components).
        unused: whether components answer the other inputs too, so that what is not used gets a gradient as well: by what the loss would
            change. Their weights get none from that, so it is computed without one, and takes as long as answering.
    """
    active = use.detach().cpu() > 0.5
    used, others = (
        [(place, torch.nonzero(rows).flatten()) for place, rows in enumerate(mask.T)] for mask in (active[owner], ~active[owner])
    )
    used = [(place, rows) for place, rows in used if len(rows)]
    others = [(place, rows) for place, rows in others if len(rows)] if unused and torch.is_grad_enabled() else []
    if not used and not others:
        return inputs.new_zeros(len(inputs), *shape)
    share = shares(use, unused)
    places = [rows.to(inputs.device) for _, rows in (*used, *others)]
    read = _Select.apply(inputs, *places[: len(used)]) if used else ()  # type: ignore[no-untyped-call]
    answers = [components[place](values) for (place, _), values in zip(used, read, strict=True)]
    with torch.no_grad():
        answers += [components[place](inputs[rows]) for (place, _), rows in zip(others, places[len(used) :], strict=True)]
    weights = [share[owner[rows].to(share.device), place] for place, rows in (*used, *others)]
    made: torch.Tensor = _WeightedSum.apply(inputs.new_zeros(len(inputs), *shape), len(used), places, *weights, *answers)  # type: ignore[no-untyped-call]
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
    """Sums of weighted answers, each at its rows: the weights' gradients need no product that is kept.

    Only the first `count` answers are added, for the other weights are 0.
    """

    @staticmethod
    def forward(ctx: Any, zeros: torch.Tensor, count: int, rows: list[torch.Tensor], *both: torch.Tensor) -> torch.Tensor:
        weights, answers = both[: len(rows)], both[len(rows) :]
        ctx.save_for_backward(*rows, *both)
        ctx.count = count
        for places, weight, answer in list(zip(rows, weights, answers, strict=True))[:count]:
            zeros.index_add_(0, places, answer * weight.view(-1, *[1] * (answer.ndim - 1)))
        ctx.mark_dirty(zeros)
        return zeros

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        third = len(ctx.saved_tensors) // 3
        rows, weights, answers = (ctx.saved_tensors[start * third :][:third] for start in range(3))
        of_weights, of_answers = list[torch.Tensor](), list[torch.Tensor | None]()
        for number, (places, weight, answer) in enumerate(zip(rows, weights, answers, strict=True)):
            selected = gradient.index_select(0, places)
            of_weights.append(torch.linalg.vecdot(selected.flatten(1), answer.flatten(1)))
            of_answers.append(selected.mul_(weight.view(-1, *[1] * (answer.ndim - 1))) if number < ctx.count else None)
        return None, None, None, *of_weights, *of_answers


def masked(
    components: Sequence[nn.Module], inputs: torch.Tensor, owner: torch.Tensor, use: torch.Tensor, shape: tuple[int, ...]
) -> torch.Tensor:
    """What `grouped` with `unused` computes, as the paper's code does it, every component for every input: to compare the time."""
    weights = shares(use, unused=True)[owner.to(use.device)]
    outputs = [component(inputs) * weights[:, place].view(-1, *[1] * len(shape)) for place, component in enumerate(components)]
    return torch.stack(outputs).sum(0)


ESTIMATORS: dict[str, LayerFunction] = {"all": partial(grouped, unused=True), "used": grouped}
"""How a layer is computed while it is trained, by the setting `evaluate`."""


def shares(use: torch.Tensor, unused: bool) -> torch.Tensor:
    """What each component counts in the mean: (tasks, components), rows that add up to 1, or to 0.

    The count is differentiated too, so what reaches an entry is ⟨g, f − mean⟩ / count: whether a component is better than those that the
    task uses. With a constant count it is ⟨g, f⟩ / count, which is mostly what all components have in common. On the toy of MNIST and its
    copies, from p0 = ½, the count as a constant did not pair all four tasks (one seed) where this did (three seeds); from p0 = .97 both
    paired all, and this separated the two kinds of tasks better.

    Args:
        unused: whether entries that are 0 get a gradient.
    """
    used = use if unused else use * (use.detach() > 0.5)
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

    def entropy(self) -> torch.Tensor:
        """Of all decisions of each task together, in nats: float32 (tasks,)."""
        shares, logarithms = self.logits.softmax(-1), self.logits.log_softmax(-1)
        return -(shares * logarithms).flatten(1).sum(1)

    @torch.no_grad()
    def press(self, budget: float, by: float, tasks: Sequence[int]) -> None:
        """One step down the budget loss λ·max(0, mean p − b) of each of these tasks.

        It is a step by itself, as weight decay in AdamW (Loshchilov and Hutter 2019): Adam would divide by the gradient's size, so that λ
        said nothing. It goes along the loss's gradient p(1 − p), and is as long on average, over the logits of a task, as λ says: the
        router's own gradient keeps nearly everything in use, and near p = 1 the loss's own length would be no match for it.

        Args:
            budget: b.
            by: λ times the learning rate.
        """
        probabilities = self.probabilities()
        over = torch.zeros(len(probabilities), dtype=torch.bool, device=probabilities.device)
        over[list(tasks)] = True
        over &= probabilities.flatten(1).mean(1) > budget
        slope = probabilities * (1 - probabilities)
        step = by * over[:, None, None] * slope / slope.mean((1, 2), keepdim=True).clamp(min=1e-12)
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
