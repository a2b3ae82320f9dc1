"""How well a network answers, with and without being told the task."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from senpath.errors import InputError
from senpath.modalities import read_labelled
from senpath.network import Network, Prediction


@dataclass(frozen=True)
class TaskScore:
    """Figures of one task; shares in 0 … 1.

    Attributes:
        examples: how many.
        accuracy: right labels with the task given.
        accuracy_unlabelled: right task and label without it; an input refused as unknown counts as wrong.
        first: the right task is the dispatcher's first choice.
        task: the right task is the answer's; where two pathways ran, their answers decide. Refused inputs are not left out.
        among: the right pathway is among the candidates.
        candidates: mean number of pathways that were candidates.
        refused: inputs that were said to fit no task.
    """

    examples: int
    accuracy: float
    accuracy_unlabelled: float
    first: float
    task: float
    among: float
    candidates: float
    refused: float


@dataclass(frozen=True)
class Evaluation:
    """What `evaluate` measured.

    Attributes:
        scores: by task.
        confusion: by true task, how many of its inputs each task (None: refused) answered.
    """

    scores: Mapping[str, TaskScore]
    confusion: Mapping[str, Mapping[str | None, int]]

    @property
    def mean(self) -> TaskScore:
        """Each figure's mean over the tasks, every task with the same weight."""
        values = list(self.scores.values())
        names = [name for name in TaskScore.__dataclass_fields__ if name != "examples"]
        return TaskScore(
            sum(score.examples for score in values), **{name: float(np.mean([getattr(score, name) for score in values])) for name in names}
        )


def evaluate(net: Network, tests: Mapping[str, Any], *, admit: float | None = None, reject: bool = True) -> Evaluation:
    """Measure a network on labelled test data.

    Args:
        net: the network.
        tests: by task, (x, y), or what `Network.learn` takes in place of them.
        admit: see `Network.predict`.
        reject: likewise.

    Raises:
        UnknownTaskError: if a task is not in the network.
        InputError: if there are no test inputs, or not one label for each.
    """
    scores, confusion = {}, {}
    for task, data in tests.items():
        x, y = read_labelled(*data) if isinstance(data, tuple) else read_labelled(data)
        given = net.predict(x, task=task)
        _require_labels(task, y, len(given))
        free = net.predict(x, admit=admit, reject=reject)
        answered = free if not reject else net.predict(x, admit=admit, reject=False)
        scores[task] = _score(task, [*y], given, free, answered)
        confusion[task] = dict(Counter(free.task.tolist()))
    return Evaluation(scores, confusion)


def _require_labels(task: str, y: Any, inputs: int) -> None:
    if len(y) != inputs:
        raise InputError(f"test labels of {task!r}", expected=f"{inputs}, one per input", got=len(y))
    if not inputs:
        raise InputError(f"test data of {task!r}", expected="at least one input", got="none")


def _score(task: str, y: list[Any], given: Prediction, free: Prediction, answered: Prediction) -> TaskScore:
    def right(prediction: Prediction) -> np.ndarray:
        return np.array([_same(label, true) for label, true in zip(prediction.label, y, strict=True)])

    mine = free.task == task
    return TaskScore(
        examples=len(y),
        accuracy=float(right(given).mean()),
        accuracy_unlabelled=float((right(free) & mine).mean()),
        first=float(np.mean([bool(names) and names[0] == task for names in free.candidates])),
        task=float((answered.task == task).mean()),
        among=float(np.mean([task in names for names in free.candidates])),
        candidates=float(np.mean([len(names) for names in free.candidates])),
        refused=float(np.mean([name is None for name in free.task])),
    )


def _same(label: Any, true: Any) -> bool:
    plain = true.item() if hasattr(true, "item") else true
    return bool(label is not None and label == plain)
