"""What learns tasks one after another, so that methods and baselines can be compared on one footing."""

from __future__ import annotations

import shutil
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch

from senpath.errors import UnknownTaskError
from senpath.history.copying import copy_network
from senpath.methods import SenSettings
from senpath.network import Network
from senpath.pathways import LearningCost, count_activation
from senpath.snapshot import Method
from senpath.store.files import go_with, temporary_folder
from senpath.types import DataType, Examples, Label

Classes = Mapping[str, tuple[Label, ...]]
"""Tasks and their classes."""
Answers = tuple[np.ndarray, np.ndarray]
"""Of each input the task that answers and the label: two arrays of objects (n,)."""

BATCH = 4096


class Strategy(ABC):
    """A learner at one moment. `learn` answers with its next moment and leaves this one as it is, so a sequence can branch.

    Attributes:
        cost: what the last `learn` ran and changed; None before the first.

    Example:
        >>> from senpath.evaluation import Single, Strategy
        >>> issubclass(Single, Strategy), Single().cost
        (True, None)
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

    @torch.no_grad()
    def find(self, test: Examples, tasks: Classes) -> Answers:
        """What it answers where the task is not given: the most probable class of all tasks, each with a softmax of its own.

        Args:
            test: inputs; their labels are not read.
            tasks: those that it has learned of the inputs' type. Types are told apart by themselves.
        """
        parts = [
            torch.cat([torch.log_softmax(self.logits(task, inputs).float(), 1) for task in tasks], 1).argmax(1).cpu()
            for inputs in test.inputs.split(BATCH)
        ]
        return answers_at(torch.cat(parts) if parts else torch.zeros(0, dtype=torch.int64), tasks)


def best_of(outputs: Callable[[torch.Tensor], torch.Tensor], inputs: torch.Tensor, columns: Mapping[str, range], tasks: Classes) -> Answers:
    """The best column among those of some tasks, wherever they stand.

    Args:
        outputs: of inputs (n, …) how much each column is answered, (n, columns).
        columns: of every task that was learned.
        tasks: those in question.

    Raises:
        UnknownTaskError: if one was not learned.
    """
    unknown = next((task for task in tasks if task not in columns), None)
    if unknown is not None:
        raise UnknownTaskError(
            f"task {unknown!r}", expected=f"one that was learned: {', '.join(columns) or 'none yet'}", got="another name"
        )
    places = [place for task in tasks for place in columns[task]]
    parts = [outputs(part)[:, places].argmax(1).cpu() for part in inputs.split(BATCH)]
    return answers_at(torch.cat(parts) if parts else torch.zeros(0, dtype=torch.int64), tasks)


def answers_at(columns: torch.Tensor, tasks: Classes) -> Answers:
    """Task and label of columns, counted through the classes of all tasks in their order."""
    names = np.array([task for task, classes in tasks.items() for _ in classes], dtype=object)
    labels = np.array([None, *(label for classes in tasks.values() for label in classes)], dtype=object)[1:]
    return names[columns.numpy()], labels[columns.numpy()]


class Growing(Strategy):
    """A network that grows by a method. Each moment is a folder of its own, so a sequence can branch.

    Args:
        net: what there is at first; None is an empty network. It is not changed.
        cost: of the task learned last.
        method: with settings of its own; None is `sen` with the settings that `learn` is given.

    Example:
        >>> from senpath.evaluation import Growing
        >>> examples = net.encode_examples(x, y)
        >>> learned = Growing().learn("low", examples, sp.SenSettings(epochs=1))
        >>> learned.cost is not None
        True
    """

    def __init__(self, net: Network | None = None, cost: LearningCost | None = None, method: Method | None = None) -> None:
        self.net = net if net is not None else Network()
        self.cost, self.method = cost, method

    @property
    def name(self) -> str:
        return "SEN" if self.method is None else self.method.name

    def learn(self, task: str, examples: Examples, settings: SenSettings) -> Growing:
        folder, source = temporary_folder(), self.net.path
        if isinstance(source, Path):
            shutil.copytree(source, folder / "grown.sen")
        else:
            copy_network(source, folder / "grown.sen")
        net = Network(folder / "grown.sen", device=self.net.device)
        go_with(net, folder)
        if self.method is not None:
            return Growing(net, net.learn(task, examples, method=self.method, progress=False).cost, self.method)
        return Growing(net, net.learn(task, examples, method="sen", progress=False, **asdict(settings)).cost)

    def logits(self, task: str, inputs: torch.Tensor) -> torch.Tensor:
        return self.net.view.logits(task, inputs)

    def find(self, test: Examples, tasks: Classes) -> Answers:
        """What `Network.predict` answers, told that every input belongs to a task."""
        answers = self.net.predict(test, reject=False)
        return answers.task, answers.label

    def takes(self, data_type: DataType) -> bool:
        return True

    def activated(self, task: str) -> int:
        view = self.net.view
        return count_activation([view.pathway(task)], view.sizes).total

    @property
    def weights(self) -> int:
        return self.net.weights["pathways"]
