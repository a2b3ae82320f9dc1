"""The figures of a measurement, and measurements that are kept with the network: its folder's evaluations.jsonl."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from pydantic import TypeAdapter, ValidationError

from senpath.errors import StoreError
from senpath.network import Network
from senpath.store import EVALUATIONS


@dataclass(frozen=True)
class TaskScore:
    """Figures of one task; all but `examples` and `candidates` are shares in 0 … 1.

    Attributes:
        examples: number of test inputs.
        accuracy: share of right labels with the task given. Of a multilabel task the mean Jaccard index of answered and true labels; of a
            regression the coefficient of determination R², which has no lower bound.
        accuracy_unlabelled: share with the right task and label when the task is not given; a refused input counts as wrong.
        first: the right task is the dispatcher's first choice.
        task: the right task answers; where two pathways ran, their answers decide. Refused inputs are not left out.
        among: the right task is among the candidates.
        candidates: mean number of candidates.
        refused: share of inputs that were said to fit no task.
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
        confusion: for each true task, how many of its inputs each task answered; None stands for refused inputs.
    """

    scores: Mapping[str, TaskScore]
    confusion: Mapping[str, Mapping[str | None, int]]

    @property
    def mean(self) -> TaskScore:
        """The mean of each figure over the tasks, each task with the same weight."""
        values = list(self.scores.values())
        names = [name for name in TaskScore.__dataclass_fields__ if name != "examples"]
        return TaskScore(
            sum(score.examples for score in values), **{name: float(np.mean([getattr(score, name) for score in values])) for name in names}
        )


@dataclass(frozen=True)
class Recorded:
    """An evaluation that was kept with the network.

    Attributes:
        version: the network's version that was measured.
        time: when, in UTC, as ISO 8601.
        evaluation: the figures.
    """

    version: int
    time: str
    evaluation: Evaluation


@dataclass(frozen=True)
class _Line:
    """A line of the file. Refused inputs are counted apart, since any string may be a task's name."""

    version: int
    time: str
    scores: dict[str, TaskScore]
    confusion: dict[str, dict[str, int]]
    refused: dict[str, int]

    def __post_init__(self) -> None:
        for task, score in self.scores.items():
            shares = [score.first, score.task, score.among, score.refused]
            right = [score.accuracy, score.accuracy_unlabelled]  # of a regression R², which has no least value
            fits = all(0 <= share <= 1 for share in shares) and all(-math.inf < value <= 1 for value in right)
            if score.examples < 1 or not fits or not 0 <= score.candidates < math.inf:
                raise ValueError(f"figures of {task!r} out of their range")
        if not set(self.confusion) == set(self.refused) == set(self.scores):
            raise ValueError("scores, confusion and refused of different tasks")


_LINE = TypeAdapter(_Line)


def record_evaluation(net: Network, evaluation: Evaluation) -> None:
    """Keep figures, measured of the version that `net` shows, with the network. No figures leave no record.

    Raises:
        StoreError: if the folder cannot be written.
    """
    if not evaluation.scores:
        return
    net.record_evaluation(
        {
            "scores": {task: asdict(score) for task, score in evaluation.scores.items()},
            "confusion": {
                task: {name: count for name, count in row.items() if name is not None} for task, row in evaluation.confusion.items()
            },
            "refused": {task: row.get(None, 0) for task, row in evaluation.confusion.items()},
        }
    )


def recorded_evaluations(net: Network) -> list[Recorded]:
    """The evaluations that were recorded up to the version that `net` shows, oldest first.

    Raises:
        StoreError: if a line of the file is not a measurement; names file and line.
    """
    path = net.path / EVALUATIONS
    entries = [_read(entry, f"{path}: line {number}") for number, entry in enumerate(net.evaluations, start=1)]
    return [entry for entry in entries if entry.version <= net.version]


def latest_by_version(recorded: Sequence[Recorded]) -> list[Recorded]:
    """One entry a version, in order: of every task that was measured at it, the latest figures."""
    latest: dict[int, Recorded] = {}
    for entry in sorted(recorded, key=lambda entry: entry.version):
        before, now = latest.get(entry.version, entry).evaluation, entry.evaluation
        merged = Evaluation({**before.scores, **now.scores}, {**before.confusion, **now.confusion})
        latest[entry.version] = replace(entry, evaluation=merged)
    return [*latest.values()]


def _read(entry: dict[str, Any], where: str) -> Recorded:
    try:
        line = _LINE.validate_python(entry)
    except ValidationError as error:
        first = error.errors()[0]
        got = f"{first['msg']} at {'.'.join(map(str, first['loc'])) or 'the line'}"
        raise StoreError(where, expected="a measurement", got=got, do="Remove the line") from error
    confusion: dict[str, Mapping[str | None, int]] = {}
    for task, row in line.confusion.items():
        refused: dict[str | None, int] = {None: line.refused[task]} if line.refused[task] else {}
        confusion[task] = {**dict[str | None, int](row.items()), **refused}
    return Recorded(line.version, line.time, Evaluation(line.scores, confusion))
