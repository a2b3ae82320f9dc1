"""Learning a sequence of tasks and measuring every task after every task."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from senpath.errors import InputError
from senpath.evaluation.metrics import AccuracyMatrix
from senpath.evaluation.strategy import Strategy
from senpath.inputs.sources import read_labelled
from senpath.methods import SenSettings
from senpath.network import Network
from senpath.snapshot import encode_examples
from senpath.types import Examples


@dataclass(frozen=True)
class Split:
    """One task's encoded examples, with the same classes.

    Args:
        train: to learn from.
        test: to measure on.

    Example:
        >>> from senpath.evaluation import Split
        >>> examples = net.encode_examples(x, y)
        >>> split = Split(examples.subset(np.arange(100)), examples.subset(np.arange(100, 150)))
        >>> len(split.train), len(split.test)
        (100, 50)
    """

    train: Examples
    test: Examples

    @staticmethod
    def of(train: Any, test: Any) -> Split:
        """Encode raw data.

        Args:
            train: (x, y), or what `Network.learn` takes in place of them.
            test: the same; its labels among those of `train`.

        Raises:
            InputError: if the data cannot be read, or a test label is not among the labels that are learned.
        """
        view = Network().view
        read = [read_labelled(*part) if isinstance(part, tuple) else read_labelled(part) for part in (train, test)]
        known = encode_examples(view, *read[0])
        return Split(known, encode_examples(view, *read[1], like=known))


@dataclass(frozen=True)
class Score:
    """How good a strategy's answers to one task's test examples are: shares in 0 … 1.

    Args:
        given: right labels where the task is given (task-incremental).
        found: right task and label where it is not (class-incremental).
        routed: right task where it is not.
        label: right label, of whatever task, where it is not (domain-incremental, if the tasks have the same labels).

    Example:
        >>> from senpath.evaluation import Score
        >>> Score(given=0.9, found=0.8, routed=0.95, label=0.8).given
        0.9
    """

    given: float
    found: float
    routed: float
    label: float


def score(strategy: Strategy, task: str, test: Examples, learned: Mapping[str, Examples]) -> Score:
    """Measure a strategy on one task, with the task given and found.

    Args:
        task: one of those that it has learned.
        test: its test examples.
        learned: examples, whichever, of every task that it has learned.
    """
    rivals = {name: each.classes for name, each in learned.items() if each.data_type.key == test.data_type.key}
    tasks, labels = strategy.find(test, rivals)
    truth = np.array([None, *test.classes], dtype=object)[1:][test.targets.numpy()]
    right_task, right_label = tasks == task, labels == truth
    shares = [float(right.mean()) for right in (right_task & right_label, right_task, right_label)]
    return Score(strategy.accuracy(task, test), *shares)


@dataclass(frozen=True)
class Stage:
    """What was seen when one task of a sequence was learned.

    Args:
        task: its name.
        before: the strategy that had not learned it yet.
        after: the strategy that has.
        untouched: accuracy on it before any gradient step: added with `epochs=0`, its labelled examples at hand.
        accuracies: of each task so far, this one included, in the order of learning.

    Example:
        >>> from senpath.evaluation import Single, Split, learn_in_turn
        >>> examples = net.encode_examples(x, y)
        >>> split = Split(examples.subset(np.arange(100)), examples.subset(np.arange(100, 150)))
        >>> stage = next(learn_in_turn(Single(), {"low": split}, sp.SenSettings(epochs=1)))
        >>> stage.task, 0 <= stage.untouched <= 1
        ('low', True)
    """

    task: str
    before: Strategy
    after: Strategy
    untouched: float
    accuracies: Mapping[str, float]


def learn_in_turn(
    strategy: Strategy, splits: Mapping[str, Split], settings: SenSettings, known: Mapping[str, Split] | None = None
) -> Iterator[Stage]:
    """Learn the tasks one after another; after each, measure all so far, with the task given.

    Tasks that the strategy cannot take (another type of data) are left out.

    Args:
        strategy: what there is at first.
        splits: the tasks, in the order of learning.
        settings: of every task alike.
        known: tasks that it has learned already, to be measured too.

    Example:
        >>> from senpath.evaluation import Single, Split, learn_in_turn
        >>> examples = net.encode_examples(x, y)
        >>> split = Split(examples.subset(np.arange(100)), examples.subset(np.arange(100, 150)))
        >>> stages = list(learn_in_turn(Single(), {"low": split}, sp.SenSettings(epochs=1)))
        >>> stages[0].task, list(stages[0].accuracies)
        ('low', ['low'])
    """
    learned = dict(known or {})
    for task, split in splits.items():
        if not strategy.takes(split.train.data_type):
            continue
        untouched = strategy.learn(task, split.train, replace(settings, epochs=0)).accuracy(task, split.test)
        before, strategy = strategy, strategy.learn(task, split.train, settings)
        learned[task] = split
        accuracies = {name: strategy.accuracy(name, each.test) for name, each in learned.items()}
        yield Stage(task, before, strategy, untouched, accuracies)


def accuracy_matrix(stages: list[Stage], untrained: Mapping[str, float]) -> AccuracyMatrix:
    """The matrix of a whole sequence.

    Args:
        stages: as `learn_in_turn` gives them.
        untrained: accuracy on each task of a model that has learned nothing.

    Raises:
        InputError: if there is none for a task.

    Example:
        >>> from senpath.evaluation import Single, Split, accuracy_matrix, learn_in_turn
        >>> examples = net.encode_examples(x, y)
        >>> split = Split(examples.subset(np.arange(100)), examples.subset(np.arange(100, 150)))
        >>> stages = list(learn_in_turn(Single(), {"low": split}, sp.SenSettings(epochs=1)))
        >>> accuracy_matrix(stages, {"low": 0.2}).values.shape
        (1, 1)
    """
    tasks = tuple(stage.task for stage in stages)
    if not set(tasks) <= set(untrained):
        raise InputError("untrained accuracies", expected=f"one for each of {', '.join(tasks)}", got=", ".join(untrained) or "none")
    values = np.full((len(tasks), len(tasks)), np.nan)
    for row, stage in enumerate(stages):
        values[row, : row + 1] = [stage.accuracies[name] for name in tasks[: row + 1]]
        if row:
            values[row - 1, row] = stage.untouched
    return AccuracyMatrix(tasks, values, np.array([untrained[name] for name in tasks]))
