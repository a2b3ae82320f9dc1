"""What learns tasks one after another, so that methods and baselines can be compared on one footing."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch

from senpath.methods import SenSettings
from senpath.pathways import LearningCost
from senpath.types import DataType, Examples

BATCH = 4096


class Strategy(ABC):
    """A learner at one moment. `learn` answers with its next moment and leaves this one as it is, so a sequence can branch.

    Attributes:
        cost: what the last `learn` ran and changed; None before the first.
    """

    cost: LearningCost | None = None

    @property
    @abstractmethod
    def name(self) -> str:
        """As tables print it."""

    @abstractmethod
    def learn(self, task: str, examples: Examples, settings: SenSettings) -> Strategy:
        """Learn a task.

        Args:
            task: a new name.
            examples: of a type that `takes`.
            settings: what all strategies share decides: model, width, epochs, batch size, learning rate, distortions and seed.
                `epochs=0` adds the task without a gradient step.

        Raises:
            InputError: if the examples are of another type.
        """

    @abstractmethod
    def logits(self, task: str, inputs: torch.Tensor) -> torch.Tensor:
        """What it answers for a task that it has learned, given the task: float32 (n, classes).

        Raises:
            UnknownTaskError: if it has not learned it.
        """

    @abstractmethod
    def takes(self, data_type: DataType) -> bool:
        """Whether it can learn a task of this type after what it has learned."""

    @abstractmethod
    def activated(self, task: str) -> int:
        """Weights that run to answer for a task, given the task."""

    @property
    @abstractmethod
    def weights(self) -> int:
        """All weights that answering for its tasks may need."""

    def accuracy(self, task: str, test: Examples) -> float:
        """Share of right answers with the task given, in 0 … 1."""
        right = 0
        for inputs, targets in zip(test.inputs.split(BATCH), test.targets.split(BATCH), strict=True):
            right += int((self.logits(task, inputs).argmax(1).cpu() == targets).sum())
        return right / max(1, len(test))
