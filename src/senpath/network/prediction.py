"""What `predict` and `explain` answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from senpath.pathways import Activation, Transfer
from senpath.types import Label


class Probabilities(Mapping[str, np.ndarray]):
    """For each task that was a candidate of some input: float64 (n, classes), P(task, class | input); NaN where it was none.

    Rows are filled in when a task is looked up, so nothing is held for the tasks that were no candidates.
    """

    def __init__(self, inputs: int, parts: Mapping[str, tuple[np.ndarray, np.ndarray]], classes: Mapping[str, tuple[Label, ...]]) -> None:
        self._inputs, self._parts, self.classes = inputs, parts, classes

    def __getitem__(self, task: str) -> np.ndarray:
        rows, values = self._parts[task]
        filled = np.full((self._inputs, values.shape[1]), np.nan)
        filled[rows] = values
        return filled

    def __iter__(self) -> Iterator[str]:
        return iter(self._parts)

    def __len__(self) -> int:
        return len(self._parts)

    def of_input(self, index: int) -> list[tuple[str, Label, float]]:
        """(task, label, probability) of every class of the candidates of one input, most probable first."""
        found = []
        for task, (rows, values) in self._parts.items():
            place = np.searchsorted(rows, index)
            if place < len(rows) and rows[place] == index:
                found += [(task, label, float(p)) for label, p in zip(self.classes[task], values[place], strict=True)]
        return sorted(found, key=lambda entry: -entry[2])


@dataclass(frozen=True)
class Prediction:
    """Answers for n inputs, in their order.

    Attributes:
        task: object array (n,), the task's name, or None where nothing fits.
        label: object array (n,), the label within that task, or None.
        confidence: float64 (n,), P(task, label | input); 0 where nothing fits.
        activated: object array (n,) of `Activation`: the pathways that ran, and how many weights.
        probabilities: per task, see `Probabilities`.
        candidates: object array (n,), tuples of the candidates' names, the likelier first.
    """

    task: np.ndarray
    label: np.ndarray
    confidence: np.ndarray
    activated: np.ndarray
    probabilities: Probabilities
    candidates: np.ndarray

    def __len__(self) -> int:
        return len(self.task)

    def top(self, k: int) -> list[list[tuple[str, Label, float]]]:
        """For each input its k most probable (task, label, probability), most probable first."""
        return [self.probabilities.of_input(index)[:k] for index in range(len(self))]


@dataclass(frozen=True)
class LinkUse:
    """What one link added to the answer's logit."""

    source: str
    transfer: Transfer | None
    added: float


@dataclass(frozen=True)
class Explanation:
    """Why one input got its answer.

    Attributes:
        task: the task, or None where nothing fits.
        label: its label, or None.
        confidence: P(task, label | input).
        scores: P(task | input) of the dispatcher for every task of the input's type, most probable first.
        strangeness: how far the input is from what the likeliest task was learned from; above 1 nothing fits.
        candidates: the tasks whose pathways ran.
        links: what each link of the answering pathway added to the answer.
        activated: what ran, in weights.
        share: of all weights of the network, the part that ran, in 0 … 1.
        top: the five most probable answers.
    """

    task: str | None
    label: Label | None
    confidence: float
    scores: dict[str, float]
    strangeness: float
    candidates: tuple[str, ...]
    links: tuple[LinkUse, ...]
    activated: Activation
    share: float
    top: tuple[tuple[str, Label, float], ...]
