"""What trainings of several tasks at once have in common: each task's split, its loss, and the quality by which the best state is kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from math import isfinite

import torch

from senpath.training.folds import spare
from senpath.training.target_scaler import TargetScaler
from senpath.types import Examples

CHUNK = 256
"""Inputs that are answered at once."""


@dataclass(frozen=True)
class TaskSplit:
    """A task's examples, split into those to learn from and those to validate on.

    Args:
        examples: all of them.
        fitted, held: places of the ones and of the others, int64.
    """

    examples: Examples
    fitted: torch.Tensor
    held: torch.Tensor

    @staticmethod
    def spare(examples: Examples, most: int, seed: int) -> TaskSplit:
        """Hold out what can be spared, `most` at most, see `senpath.training.spare`."""
        return TaskSplit(examples, *spare(examples, most, seed))

    @cached_property
    def scaler(self) -> TargetScaler:
        """The scaler of the targets that are learned from."""
        return TargetScaler(self.examples.task_kind.standardisation(self.examples.targets[self.fitted]))

    def inputs(self, places: torch.Tensor) -> torch.Tensor:
        """Inputs of the examples at `places` among those to learn from."""
        return self.examples.inputs[self.fitted[places]]

    def loss(self, outputs: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
        """The loss of outputs for the examples at `places` among those to learn from."""
        targets = self.scaler.transform(self.examples.targets[self.fitted[places]])
        return self.examples.task_kind.loss(outputs, targets.to(outputs.device))

    def validate(self, answer: Callable[[torch.Tensor], torch.Tensor]) -> float | None:
        """The score on what is held out, 0 where it is no finite number; None where nothing is held out.

        Args:
            answer: from inputs (n, …) to outputs in the units that are trained on, on the CPU.
        """
        if not len(self.held):
            return None
        outputs, targets = answer(self.examples.inputs[self.held]), self.scaler.transform(self.examples.targets[self.held])
        score = self.examples.task_kind.score(outputs, targets)
        return score if isfinite(score) else 0.0


def mean_quality(scores: Iterable[float | None]) -> float | None:
    """The mean over tasks of which something is held out; None if there is none. R² has no least value, and one below 0 counts 0."""
    known = [max(0.0, score) for score in scores if score is not None]
    return sum(known) / len(known) if known else None


def in_chunks(answer: Callable[[torch.Tensor], torch.Tensor], inputs: torch.Tensor, device: torch.device) -> torch.Tensor:
    """What a model answers to inputs (n, …), a chunk at a time on the device, without gradients; on the CPU."""
    with torch.no_grad():
        return torch.cat([answer(part.to(device)).cpu() for part in inputs.split(CHUNK)])
