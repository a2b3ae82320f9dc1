"""The figures of a measurement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np


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
