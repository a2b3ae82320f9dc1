"""A layer beside its inputs: what reads both is at least a linear model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import nn

from senpath.arrays import bent, unbent
from senpath.components.dense import dense_stack
from senpath.components.kind import ComponentKind, TrainingDefaults, register
from senpath.components.limits import Reach, Size
from senpath.components.tokens import token_mean
from senpath.components.units import HEAD, HiddenUnits, UnitLayer, UnitSlice


class WideAndDeep(nn.Module):
    """Vectors, and beside them one fully connected layer with ReLU (Cheng et al. 2016): (n, …) to (n, inputs + hidden).

    Args:
        inputs: numbers in one vector.
        hidden: units of the layer.
        pool: makes the vectors of inputs; without it all axes together are the vector.
    """

    def __init__(self, inputs: Size, hidden: Size, *, pool: Callable[[torch.Tensor], torch.Tensor] | None = None) -> None:
        super().__init__()
        self.units = hidden
        self.pool = pool
        self.layers = dense_stack(inputs, [hidden])

    def vectors(self, inputs: torch.Tensor) -> torch.Tensor:
        """The wide half: (n, …) to (n, inputs)."""
        return inputs.flatten(1) if self.pool is None else self.pool(inputs)

    def balance(self, inputs: torch.Tensor) -> None:
        """Scale the layer so that over these inputs (n, …) it varies as much as they do: neither decides alone what is read of both."""
        wide = self.vectors(inputs)
        given, made = (values.var(0, correction=0).sum() for values in (wide, self.layers(wide)))
        scale = (given / made.clamp(min=1e-12)).sqrt()
        for parameter in self.layers.parameters():
            parameter.mul_(scale)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        wide = self.vectors(inputs)
        return torch.cat([wide, self.layers(wide)], 1)


def _units(config: Mapping[str, Any]) -> list[UnitLayer]:
    made = (UnitSlice("layers.0.weight", 0), UnitSlice("layers.0.bias", 0))
    return [UnitLayer(config["hidden"], "layers.1", (*made, UnitSlice(f"{HEAD}.weight", 1, first=config["inputs"])))]


WIDE_AND_DEEP = register(
    ComponentKind(
        "skip.v1",
        WideAndDeep,
        training=TrainingDefaults(4e-3, 128, 30, 6000, decay=1e-3),
        units=HiddenUnits(_units, lambda config, widths: {**config, "hidden": widths[0]}),
        prunable=True,
        dense=True,
        grouped=True,
    )
)
POOLED_WIDE_AND_DEEP = register(
    ComponentKind(
        "pooled-skip.v1", partial(WideAndDeep, pool=token_mean), training=TrainingDefaults(4e-3, 128, 30, 6000, decay=1e-3), dense=True
    )
)


class OwnScale(nn.Module):
    """Rows (n, columns) of which a type has bent what is far (see `senpath.arrays.bent`), on another scale: straightened, and bent anew.

    So a later task can read numbers that are thousands of times larger than those that the type is standardised by.

    Args:
        columns: in one row, all axes together.
        straight: beyond it numbers are bent.

    Attributes:
        centre, factor: float32 (columns,), what the straight numbers are lessened by, then multiplied by.
    """

    centre: torch.Tensor
    factor: torch.Tensor

    def __init__(self, columns: int, straight: float) -> None:
        super().__init__()
        self.straight = straight
        self.register_buffer("centre", torch.zeros(columns))
        self.register_buffer("factor", torch.ones(columns))

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        return bent((unbent(rows.flatten(1), self.straight) - self.centre) * self.factor, self.straight)


def _rescaled(inputs: Size, hidden: Size, straight: Reach) -> WideAndDeep:
    return WideAndDeep(inputs, hidden, pool=OwnScale(inputs, straight))


RESCALED_WIDE_AND_DEEP = register(replace(WIDE_AND_DEEP, name="rescaled-skip.v1", module=_rescaled, grouped=False))


CHANGE = 0.25
"""Scale of the differences beside mean and deviation, chosen on clips of training digits: both which digit and which way gain by it."""


def motion(frames: torch.Tensor) -> torch.Tensor:
    """What frames (n, t, width) show together, and how they change: (n, 4 · width).

    Their mean and deviation, which say nothing of their order; and how the means of the first, second and last third differ, which do: on a
    scale of its own, for what does not change counts more with most that people ask (docs/results/senses.md).
    """
    first, second, last = (frames[:, start:end].mean(1) for start, end in _thirds(frames.shape[1]))
    mean = frames.mean(1, keepdim=True)
    deviation = (frames - mean).square().mean(1).sqrt()
    return torch.cat([mean.squeeze(1), deviation, CHANGE * (second - first), CHANGE * (last - second)], 1)


def _thirds(length: int) -> list[tuple[int, int]]:
    """Where the thirds of so many frames begin and end; of fewer than three some share a frame."""
    return [(length * part // 3, max(length * part // 3 + 1, length * (part + 1) // 3)) for part in range(3)]


MOTION_WIDE_AND_DEEP = register(
    ComponentKind(
        "motion-skip.v1", partial(WideAndDeep, pool=motion), training=TrainingDefaults(4e-3, 128, 30, 6000, decay=1e-3), dense=True
    )
)
