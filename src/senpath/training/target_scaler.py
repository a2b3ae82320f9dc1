"""Numbers to learn, brought to a mean of 0 and a standard deviation of 1."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import torch
from torch import nn

from senpath.components import ClassLink
from senpath.types import Examples


@final
@dataclass(frozen=True)
class TargetScaler:
    """A regression is trained on numbers around 0 that vary by 1; the maps that make its outputs then take the scale in.

    Args:
        scale: mean and standard deviation, float32 (outputs,) each, 1 where an output is constant; None where targets are no numbers, and
            nothing is to be scaled.
    """

    scale: tuple[torch.Tensor, torch.Tensor] | None

    @staticmethod
    def fit(examples: Examples) -> TargetScaler:
        """The scaler of these examples' targets."""
        return TargetScaler(examples.task_kind.standardisation(examples.targets))

    def transform(self, targets: torch.Tensor) -> torch.Tensor:
        """Targets as they are trained on: float32, where they are numbers."""
        if self.scale is None:
            return targets
        mean, spread = self.scale
        return ((targets - mean) / spread).float()

    def inverse(self) -> TargetScaler:
        """From the targets' own units to those that are trained on."""
        if self.scale is None:
            return self
        mean, spread = self.scale
        return TargetScaler((-mean / spread, 1 / spread))

    def fold_into(self, head: nn.Linear | None, links: Sequence[ClassLink] = ()) -> None:
        """Make output layers, which are trained, answer in the targets' own units."""
        if self.scale is None:
            return
        mean, spread = self.scale
        left = mean.clone()  # what the parts answer is added up, so the first that has an output carries its mean
        maps = [] if head is None else [(head.weight, head.bias, torch.arange(head.out_features))]
        maps += [(link.weight, link.bias, link.classes.cpu()) for link in links]
        with torch.no_grad():
            for weight, bias, outputs in maps:
                factor = spread[outputs].to(weight.device)
                weight.mul_(factor[:, None])
                bias.mul_(factor).add_(left[outputs].to(weight.device))
                left[outputs] = 0
