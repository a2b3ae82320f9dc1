"""Predictions: what was collected for each input, and what ran for it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from senpath.arrays import object_array
from senpath.pathways import Activation, Pathway, Transfer, count_activation
from senpath.types import Label


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


@dataclass(frozen=True, eq=False)
class Routes:
    """Which pathways ran for each of n inputs.

    Args:
        candidates: int64 (n, k), the pathways' places in the network, the likelier first, two of each modality; −1 for none.
        dispatcher: int64 (n,), numbers of the dispatcher that ran.
        paths: the pathways by their places.
        sizes: number of weights of every component.
        encoders: number of weights of the pretrained encoders, by key of the type that each reads.
    """

    candidates: np.ndarray
    dispatcher: np.ndarray
    paths: Mapping[int, Pathway]
    sizes: Mapping[str, int]
    encoders: Mapping[str, int]

    def names(self) -> np.ndarray:
        """Object array (n,), tuples of the tasks' names."""
        return object_array([tuple(self.paths[place].task for place in pair if place >= 0) for pair in self.candidates.tolist()])

    def activated(self) -> np.ndarray:
        """Object array (n,) of `Activation`."""
        ran: dict[tuple[int, ...], Activation] = {}
        activations = []
        for row in map(tuple, np.column_stack([self.candidates, self.dispatcher]).tolist()):
            if row not in ran:
                *places, dispatcher = row
                paths = [self.paths[place] for place in places if place >= 0]
                ran[row] = count_activation(paths, self.sizes, dispatcher, self.encoders)
            activations.append(ran[row])
        return object_array(activations)

    @staticmethod
    def together(routes: Sequence[Routes]) -> Routes:
        """What ran for n things of which several modalities tell: all that ran for each of them."""
        candidates = np.concatenate([part.candidates for part in routes], axis=1)
        paths = {place: path for part in routes for place, path in part.paths.items()}
        return Routes(candidates, np.sum([part.dispatcher for part in routes], axis=0), paths, routes[0].sizes, routes[0].encoders)


class Prediction:
    """Answers for n inputs, in their order.

    Attributes:
        task: object array (n,), name of the task, or None where nothing fits.
        label: (n,), the label within that task, or None. Of a multilabel task a tuple of labels; of a regression a number, or a tuple of
            numbers. An array of int64 or float64 where all are whole numbers or all are numbers, else of objects.
        confidence: float64 (n,), P(task, label | input), or P(task | input) for a regression; 0 where nothing fits.
        probabilities: per task, see `Probabilities`.
        routes: which pathways ran.
        ood_score: float64 (n,), squared distance of an input from what its likeliest task was learned from, divided by that task's limit;
            above 1 nothing fits. Infinite where no task has the input's type, NaN where the task or the concept was given.
    """

    def __init__(
        self,
        task: np.ndarray,
        label: np.ndarray,
        confidence: np.ndarray,
        probabilities: Probabilities,
        routes: Routes,
        ood_score: np.ndarray,
    ) -> None:
        self.task, self.label, self.confidence, self.probabilities, self.routes = task, label, confidence, probabilities, routes
        self.ood_score = ood_score

    def __len__(self) -> int:
        return len(self.task)

    def __repr__(self) -> str:
        return f"Prediction({len(self)} inputs, {len(self.probabilities)} tasks)"

    @cached_property
    def candidates(self) -> np.ndarray:
        """Object array (n,), tuples of the names of the candidates, the likelier first."""
        return self.routes.names()

    @cached_property
    def activated(self) -> np.ndarray:
        """Object array (n,) of `Activation`: which pathways ran, and how many weights. Counted on first use."""
        return self.routes.activated()

    def top(self, k: int) -> list[list[tuple[str, Any, float]]]:
        """For each input its k most probable (task, label, probability), most probable first; see `Probabilities.of_input`."""
        return [self.probabilities.of_input(index, names)[:k] for index, names in enumerate(self.candidates)]


@dataclass(frozen=True)
class LinkUse:
    """What one link added to an output: to the logit of the answer, of each of its labels, or to each of a regression's numbers."""

    output: Label
    source: str
    transfer: Transfer | None
    added: float


@dataclass(frozen=True)
class Explanation:
    """Why one input got its answer.

    Attributes:
        task: the task, or None where nothing fits.
        label: its answer, see `Prediction`, or None.
        confidence: P(task, label | input).
        scores: the dispatcher's P(task | input), most probable first: for every task of the input's type or, where there are very many, for
            those that came into question.
        ood_score: how far the input is from what its likeliest task was learned from; above 1 nothing fits.
        candidates: the tasks whose pathways ran.
        links: what each link of the answering pathway contributed.
        activated: what ran, in weights.
        share: share of the network's weights that ran, in 0 … 1.
        top: the five most probable answers.
    """

    task: str | None
    label: Any
    confidence: float
    scores: dict[str, float]
    ood_score: float
    candidates: tuple[str, ...]
    links: tuple[LinkUse, ...]
    activated: Activation
    share: float
    top: tuple[tuple[str, Any, float], ...]
