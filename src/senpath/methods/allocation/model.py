"""The network of shared components while it is trained: each component runs once, over the inputs of the tasks that use it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import nn

from senpath.components import Linear, build
from senpath.methods.allocation.blueprint import Blueprint, Part

Mix = Callable[[Sequence[nn.Module], torch.Tensor, torch.Tensor, torch.Tensor, tuple[int, ...]], torch.Tensor]
"""From a layer's components, its inputs, their tasks, the allocation and the shape of an output to the layer's outputs."""


class Shared(nn.Module):
    """Stem, layers of components, and an output layer of each task.

    Args:
        blueprint: what it is made of.
        classes: outputs of each task.
    """

    def __init__(self, blueprint: Blueprint, classes: Sequence[int]) -> None:
        super().__init__()
        self._shapes = blueprint.shapes
        self.stem = _build(blueprint.stem)
        self.layers = nn.ModuleList([nn.ModuleList([_build(part) for part in layer]) for layer in blueprint.layers])
        self.heads = nn.ModuleList([Linear(blueprint.features, count) for count in classes])

    def features(self, inputs: torch.Tensor, owner: torch.Tensor, use: torch.Tensor, mix: Mix) -> torch.Tensor:
        """What output layers read.

        Args:
            inputs: of all tasks in one batch, (n, …).
            owner: the task of each, int64 (n,), on the CPU.
            use: 1 where a task uses a component, else 0: float32 (tasks, layers, components).
            mix: how a layer is computed, `grouped`.

        Returns:
            float32 (n, numbers).
        """
        values: torch.Tensor = self.stem(inputs)
        for place, layer in enumerate(self.layers):
            if not isinstance(layer, nn.ModuleList):
                raise TypeError("a layer is a list of components")
            values = mix([*layer], values, owner, use[:, place], self._shapes[place])
        return values.flatten(1)


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
    made: torch.Tensor = _Mix.apply(len(inputs), shape, places, *weights, *answers)  # type: ignore[no-untyped-call]
    return made


class _Select(torch.autograd.Function):
    """Several selections of rows. By itself each would make a gradient as large as all inputs, and these would be added up."""

    @staticmethod
    def forward(ctx: Any, inputs: torch.Tensor, *rows: torch.Tensor) -> tuple[torch.Tensor, ...]:
        ctx.save_for_backward(*rows)
        ctx.count = len(inputs)
        return tuple(inputs.index_select(0, mine) for mine in rows)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        total = gradients[0].new_zeros(ctx.count, *gradients[0].shape[1:])
        for mine, gradient in zip(ctx.saved_tensors, gradients, strict=True):
            total.index_add_(0, mine, gradient)
        return total, *[None] * len(gradients)


class _Mix(torch.autograd.Function):
    """Sums of weighted answers, each at its rows: the weights' gradients need no product that is kept."""

    @staticmethod
    def forward(ctx: Any, count: int, shape: tuple[int, ...], rows: list[torch.Tensor], *both: torch.Tensor) -> torch.Tensor:
        weights, answers = both[: len(rows)], both[len(rows) :]
        ctx.save_for_backward(*rows, *both)
        made = answers[0].new_zeros(count, *shape)
        for mine, weight, answer in zip(rows, weights, answers, strict=True):
            made.index_add_(0, mine, answer * weight.view(-1, *[1] * len(shape)))
        return made

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        third = len(ctx.saved_tensors) // 3
        rows, weights, answers = (ctx.saved_tensors[start * third :][:third] for start in range(3))
        of_weights, of_answers = [], []
        for mine, weight, answer in zip(rows, weights, answers, strict=True):
            selected = gradient.index_select(0, mine)
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
    p0 = .97 both paired all, and this told the two kinds of tasks further apart.
    """
    used = use * (use.detach() > 0.5)
    return used / used.sum(1, keepdim=True).clamp(min=1)


def _build(part: Part) -> nn.Module:
    return build(part.kind, part.config)
