"""How probable the labels of the tasks are that ran."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from senpath.pathways import Pathway


@dataclass(frozen=True, eq=False)
class Part:
    """What one task answers to some of the inputs.

    Args:
        rows: int64 (k,), the inputs' places, ascending.
        probabilities: float64 (k,), P(task | input).
        values: float64 (k, classes): P(class | task, input), of each label by itself in a multilabel task; for a regression its numbers.
    """

    rows: np.ndarray
    probabilities: np.ndarray
    values: np.ndarray

    def picked(self, rows: np.ndarray) -> Part:
        """The same of the inputs at these places, int64, in this order."""
        places = np.searchsorted(self.rows, rows)
        mine = np.flatnonzero(np.isin(rows, self.rows))
        return Part(mine, self.probabilities[places[mine]], self.values[places[mine]])


class Probabilities(Mapping[str, np.ndarray]):
    """For each task that was a candidate of some input: float64 (n, classes), P(task, class | input); NaN where it was none.

    In a multilabel task each label has a probability by itself. Regressions are not in here: their numbers are in `Prediction.label`.
    Rows are filled in when a task is looked up, so nothing is held for the tasks that were no candidates.

    Attributes:
        parts: of every such task, regressions too, what it answers to the inputs that it was a candidate of.
        paths: their pathways.
        classes: of those that have labels, these.
    """

    def __init__(self, inputs: int, parts: Mapping[str, Part], paths: Mapping[str, Pathway]) -> None:
        self._inputs, self.parts, self.paths = inputs, parts, paths
        self.classes = {name: path.classes for name, path in paths.items() if path.task_kind.has_labels}

    def __getitem__(self, task: str) -> np.ndarray:
        part = self.parts[task] if task in self.classes else None
        if part is None:
            raise KeyError(task)
        filled = np.full((self._inputs, part.values.shape[1]), np.nan)
        filled[part.rows] = part.values * part.probabilities[:, None]
        return filled

    def __iter__(self) -> Iterator[str]:
        return iter(self.classes)

    def __len__(self) -> int:
        return len(self.classes)

    def picked(self, rows: np.ndarray) -> Probabilities:
        """What is answered to the inputs at these places, int64, in this order."""
        parts = {task: part.picked(rows) for task, part in self.parts.items() if np.isin(rows, part.rows).any()}
        return Probabilities(len(rows), parts, {task: self.paths[task] for task in parts})

    def of_input(self, index: int, tasks: Iterable[str]) -> list[tuple[str, Any, float]]:
        """(task, label, probability) of every class of these tasks, candidates of this input, most probable first.

        A regression has one entry: its answer and P(task | input).
        """
        entries: list[tuple[str, Any, float]] = []
        for task in tasks:
            part = self.parts[task]
            place = int(np.searchsorted(part.rows, index))
            values, probability = part.values[place], float(part.probabilities[place])
            if task in self.classes:
                entries += [(task, label, float(p) * probability) for label, p in zip(self.classes[task], values, strict=True)]
            else:
                path = self.paths[task]
                entries.append((task, path.task_kind.answers(values[None], path.classes)[0], probability))
        return sorted(entries, key=lambda entry: -entry[2])
