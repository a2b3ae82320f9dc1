"""The figures of a measurement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class TaskScore:
    """Figures of one task; shares in 0 … 1.

    Attributes:
        examples: how many.
        accuracy: right labels with the task given. In a multilabel task the mean Jaccard index of the labels answered and the true ones; of
            a regression the coefficient of determination R², which has no least value.
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
