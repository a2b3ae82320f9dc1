"""What `predict` and `explain` answer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from senpath.pathways import Activation, Pathway, Transfer, count_activation
from senpath.types import Label


@dataclass(frozen=True, eq=False)
class Part:
    """What one task answers to some of the inputs.

    Args:
        rows: int64 (k,), the inputs' places, ascending.
        values: float64 (k, classes), P(task, class | input).
    """

    rows: np.ndarray
    values: np.ndarray


class Probabilities(Mapping[str, np.ndarray]):
    """For each task that was a candidate of some input: float64 (n, classes), P(task, class | input); NaN where it was none.

    Rows are filled in when a task is looked up, so nothing is held for the tasks that were no candidates.
    """

    def __init__(self, inputs: int, parts: Mapping[str, Part], classes: Mapping[str, tuple[Label, ...]]) -> None:
        self._inputs, self._parts, self.classes = inputs, parts, classes

    def __getitem__(self, task: str) -> np.ndarray:
        part = self._parts[task]
        filled = np.full((self._inputs, part.values.shape[1]), np.nan)
        filled[part.rows] = part.values
        return filled

    def __iter__(self) -> Iterator[str]:
        return iter(self._parts)

    def __len__(self) -> int:
        return len(self._parts)

    def of_input(self, index: int, tasks: Iterable[str]) -> list[tuple[str, Label, float]]:
        """(task, label, probability) of every class of these tasks, candidates of this input, most probable first."""
        found = []
        for task in tasks:
            part = self._parts[task]
            values = part.values[np.searchsorted(part.rows, index)]
            found += [(task, label, float(p)) for label, p in zip(self.classes[task], values, strict=True)]
        return sorted(found, key=lambda entry: -entry[2])


@dataclass(frozen=True, eq=False)
class Routes:
    """Which pathways ran for each of n inputs.

    Args:
        candidates: int64 (n, 2), the pathways' places in the network, the likelier first; −1 for none.
        dispatcher: int64 (n,), numbers of the dispatcher that ran.
        paths: the pathways by their places.
        sizes: number of weights of every component.
    """

    candidates: np.ndarray
    dispatcher: np.ndarray
    paths: Mapping[int, Pathway]
    sizes: Mapping[str, int]

    def names(self) -> np.ndarray:
        """Object array (n,), tuples of the tasks' names."""
        return objects([tuple(self.paths[place].task for place in pair if place >= 0) for pair in self.candidates.tolist()])

    def activated(self) -> np.ndarray:
        """Object array (n,) of `Activation`."""
        ran: dict[tuple[int, ...], Activation] = {}
        found = []
        for first, second, dispatcher in np.column_stack([self.candidates, self.dispatcher]).tolist():
            if (first, second, dispatcher) not in ran:
                paths = [self.paths[place] for place in (first, second) if place >= 0]
                ran[first, second, dispatcher] = count_activation(paths, self.sizes, dispatcher)
            found.append(ran[first, second, dispatcher])
        return objects(found)


class Prediction:
    """Answers for n inputs, in their order.

    Attributes:
        task: object array (n,), the task's name, or None where nothing fits.
        label: object array (n,), the label within that task, or None.
        confidence: float64 (n,), P(task, label | input); 0 where nothing fits.
        probabilities: per task, see `Probabilities`.
    """

    def __init__(self, task: np.ndarray, label: np.ndarray, confidence: np.ndarray, probabilities: Probabilities, routes: Routes) -> None:
        self.task, self.label, self.confidence, self.probabilities, self._routes = task, label, confidence, probabilities, routes

    def __len__(self) -> int:
        return len(self.task)

    def __repr__(self) -> str:
        return f"Prediction({len(self)} inputs, {len(self.probabilities)} tasks)"

    @cached_property
    def candidates(self) -> np.ndarray:
        """Object array (n,), tuples of the candidates' names, the likelier first."""
        return self._routes.names()

    @cached_property
    def activated(self) -> np.ndarray:
        """Object array (n,) of `Activation`: the pathways that ran, and how many weights. Counted when it is first asked for."""
        return self._routes.activated()

    def top(self, k: int) -> list[list[tuple[str, Label, float]]]:
        """For each input its k most probable (task, label, probability), most probable first."""
        return [self.probabilities.of_input(index, names)[:k] for index, names in enumerate(self.candidates)]


def objects(values: Sequence[object]) -> np.ndarray:
    """An array of these objects, whatever they are."""
    return np.fromiter(values, dtype=object, count=len(values))


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
        scores: P(task | input) of the dispatcher, most probable first: for every task of the input's type, or, where there are very
            many, for those that came into question.
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
