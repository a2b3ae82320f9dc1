"""What learns tasks one after another, so that methods and baselines can be compared on one footing."""

from __future__ import annotations

import shutil
from abc import ABC, abstractmethod
from dataclasses import asdict

import torch

from senpath.methods import SenSettings
from senpath.network import Network
from senpath.pathways import LearningCost, count_activation
from senpath.store.files import go_with, temporary_folder
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


class Growing(Strategy):
    """A network that grows by the method `sen`. Each moment is a folder of its own, so a sequence can branch.

    Args:
        net: what there is at first; None is an empty network. It is not changed.
        cost: of the task learned last.
    """

    def __init__(self, net: Network | None = None, cost: LearningCost | None = None) -> None:
        self.net = net if net is not None else Network()
        self.cost = cost

    @property
    def name(self) -> str:
        return "SEN"

    def learn(self, task: str, examples: Examples, settings: SenSettings) -> Growing:
        folder = temporary_folder()
        net = Network(shutil.copytree(self.net.path, folder / "grown.sen"), device=self.net.device)
        go_with(net, folder)
        return Growing(net, net.learn(task, examples, method="sen", **asdict(settings)).cost)

    def logits(self, task: str, inputs: torch.Tensor) -> torch.Tensor:
        return self.net.view.logits(task, inputs)

    def takes(self, data_type: DataType) -> bool:
        return True

    def activated(self, task: str) -> int:
        view = self.net.view
        return count_activation([view.pathway(task)], view.sizes).total

    @property
    def weights(self) -> int:
        return self.net.weights["pathways"]
