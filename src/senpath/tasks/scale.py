"""The units in which a regression's pathway answers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import final

import numpy as np
import torch

CONSTANT = 2.0**-50
"""Numbers that differ by less than this share of their size are equal, but for rounding."""


@final
@dataclass(frozen=True)
class TargetScale:
    """A user's number is offset + spread · output, in double precision.

    Layers compute in float32, which holds seven digits: of seconds since 1970 not even the minute. So the large part of numbers far from 0,
    and the size of tiny or huge ones, are kept beside the layers, which see numbers of usual size.

    Args:
        offset, spread: one for each output. A spread is a power of two and an offset has few digits, so numbers that are scaled and brought
            back lose next to nothing.

    Raises:
        ValueError: if they are not finite, a spread is not positive, or there are not as many of one as of the other.
    """

    offset: tuple[float, ...]
    spread: tuple[float, ...]

    def __post_init__(self) -> None:
        whole = all(map(math.isfinite, (*self.offset, *self.spread))) and min(self.spread, default=0) > 0
        if not whole or len(self.offset) != len(self.spread):
            raise ValueError("offsets and positive spreads, as many of each")

    @staticmethod
    def of(numbers: torch.Tensor) -> TargetScale:
        """The scale of these numbers, float64 (n, outputs)."""
        pairs = [_scale(column) for column in numbers.double().T]
        return TargetScale(tuple(offset for offset, _ in pairs), tuple(spread for _, spread in pairs))

    def to_outputs(self, numbers: torch.Tensor) -> torch.Tensor:
        """Numbers (n, outputs) as a pathway answers them: float64."""
        offset, spread = (torch.tensor(part, dtype=torch.float64, device=numbers.device) for part in (self.offset, self.spread))
        return (numbers.double() - offset) / spread

    def to_numbers(self, outputs: torch.Tensor) -> torch.Tensor:
        """What a pathway answers, (n, outputs), as the user's numbers: float64."""
        offset, spread = (torch.tensor(part, dtype=torch.float64, device=outputs.device) for part in (self.offset, self.spread))
        return outputs.double() * spread + offset


SMALLEST = 2.0**-1000
"""Spread of numbers that spread less: a sixteenth of it is no 0 yet."""


def _scale(column: torch.Tensor) -> tuple[float, float]:
    mean = float(column.mean())
    away = column - mean
    largest = float(away.abs().max())
    if largest <= CONSTANT * abs(mean):
        return mean, 2.0 ** (math.floor(math.log2(abs(mean))) - 20) if mean else 1.0
    # Squares of tiny numbers would be 0.
    spread = max(SMALLEST, 2.0 ** round(math.log2(largest * float((away / largest).square().mean().sqrt()))))
    return float(np.round(mean / (spread / 16)) * (spread / 16)), spread


def relative_spread(truth: torch.Tensor) -> torch.Tensor:
    """Of float64 (n, outputs) each output's largest distance from its mean, (outputs,); 0 where all are equal but for rounding."""
    mean = truth.mean(0)
    largest = (truth - mean).abs().amax(0)
    return torch.where(largest > CONSTANT * mean.abs(), largest, 0)
