"""Predictions: what was collected for each input, and what ran for it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from numbers import Integral
from typing import Any

import numpy as np
import torch

from senpath.arrays import object_array, plain_array
from senpath.errors import InputError
from senpath.inference.answered import Answered, InputAnswer
from senpath.inference.unanswered import too_far
from senpath.notebook import charts
from senpath.pathways import Activation, Pathway, count_activation
from senpath.routing import ColumnVotes
from senpath.snapshot.view import View


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

    def picked(self, rows: np.ndarray) -> Routes:
        """What ran for the inputs at these places, int64, in this order."""
        return replace(self, candidates=self.candidates[rows], dispatcher=self.dispatcher[rows])

    @staticmethod
    def together(routes: Sequence[Routes]) -> Routes:
        """What ran for n things of which several modalities tell: all that ran for each of them."""
        candidates = np.concatenate([part.candidates for part in routes], axis=1)
        paths = {place: path for part in routes for place, path in part.paths.items()}
        return Routes(candidates, np.sum([part.dispatcher for part in routes], axis=0), paths, routes[0].sizes, routes[0].encoders)


class Prediction(Answered[InputAnswer]):
    """Answers for n inputs, in their order; see `Answered` for the ways to look at them.

    Attributes:
        task: object array (n,), name of the task, or None where nothing fits.
        label: (n,), the label within that task, or None. Of a multilabel task a tuple of labels; of a regression a number, or a tuple of
            numbers. An array of int64 or float64 where all are whole numbers or all are numbers, else of objects.
        confidence: float64 (n,), P(task, label | input), or P(task | input) for a regression; 0 where nothing fits.
        probabilities: per task, see `Probabilities`.
        routes: which pathways ran.
        ood_score: float64 (n,), squared distance of an input from what its likeliest task was learned from, divided by that task's limit;
            above 1 nothing fits. Infinite where no task could read the input, NaN where the task or the concept was given.
        gaps: of rows that were read, by their places, the columns without a value where none was missing when their type was first learned:
            what stands for it, such as the median, may lie between all groups, or look like one. `Network.predict` warns of those that have
            an answer, and `reason` names them of those that have none.
        samples: what notebooks show of the inputs; `unread` is in `reason`.

    Example:
        >>> answers = net.predict(x[:2])
        >>> answers.task, answers.label
        (array(['low', 'low'], dtype=object), array([0, 1]))
    """

    _one = InputAnswer

    def __init__(
        self,
        task: np.ndarray,
        label: np.ndarray,
        confidence: np.ndarray,
        probabilities: Probabilities,
        routes: Routes,
        ood_score: np.ndarray,
        unread: Mapping[int, str],
        samples: tuple[Any, ...] = (),
    ) -> None:
        self.task, self.label, self.confidence, self.probabilities, self.routes = task, label, confidence, probabilities, routes
        self.ood_score, self._unread, self.samples = ood_score, unread, samples
        self.gaps: Mapping[int, list[str]] = {}

    def __len__(self) -> int:
        return len(self.task)

    def __repr__(self) -> str:
        return f"Prediction({len(self)} inputs, {len(self.probabilities)} tasks)"

    def _columns(self) -> dict[str, np.ndarray]:
        values = self.task, self.label, self.confidence, self.ood_score, self.reason
        return dict(zip(InputAnswer._fields, values, strict=True))

    def _picked(self, rows: np.ndarray) -> Prediction:
        unread = {place: self._unread[row] for place, row in enumerate(rows.tolist()) if row in self._unread}
        arrays = self.task[rows], self.label[rows], self.confidence[rows]
        picked = Prediction(
            *arrays, self.probabilities.picked(rows), self.routes.picked(rows), self.ood_score[rows], unread, self._shown(rows)
        )
        picked.gaps = {place: self.gaps[row] for place, row in enumerate(rows.tolist()) if row in self.gaps}
        return picked

    @cached_property
    def reason(self) -> np.ndarray:
        """Object array (n,): why an input has no answer, in words; None where it has one. Made on first use.

        Either it is further from its likeliest task than that task's own examples are, or no task could read it.
        """
        reasons = np.full(len(self), None, dtype=object)
        for row in np.flatnonzero(self.task == None).tolist():  # noqa: E711 - of an array, item by item
            reasons[row] = self._unread.get(row) or self._too_far(row)
        return reasons

    def _too_far(self, row: int) -> str:
        task, score = self.routes.paths[int(self.routes.candidates[row, 0])].task, float(self.ood_score[row])
        if score <= 1 or math.isnan(score):
            return f"task {task!r} answers with no finite number"
        return too_far(task, score, self.gaps.get(row, ()))

    @cached_property
    def candidates(self) -> np.ndarray:
        """Object array (n,), tuples of the names of the candidates, the likelier first."""
        return self.routes.names()

    @cached_property
    def answers(self) -> np.ndarray:
        """Object array (n,) of mappings, the likelier candidate first: what each answers, (label, P(label | task, input)).

        Where tasks read the very same inputs, which one is meant cannot be told from an input: here are the answers of both. A regression
        is sure of its numbers, 1.
        """
        told: dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]] = {}
        for task, part in self.probabilities.parts.items():
            path = self.probabilities.paths[task]
            told[task] = part.rows, path.task_kind.answers(part.values, path.classes), path.task_kind.certainty(part.values)
        answers: list[dict[str, tuple[Any, float]]] = []
        for row, names in enumerate(self.candidates):
            places = {name: int(np.searchsorted(told[name][0], row)) for name in names}
            answers.append({name: (told[name][1][place], float(told[name][2][place])) for name, place in places.items()})
        return object_array(answers)

    @cached_property
    def activated(self) -> np.ndarray:
        """Object array (n,) of `Activation`: which pathways ran, and how many weights. Counted on first use."""
        return self.routes.activated()

    def plot(self, axes: Any = None) -> Any:
        """Draw how many inputs each task was a candidate of and answers, and how the ood scores are spread, with matplotlib.

        Args:
            axes: two of matplotlib's axes; None for a new figure.

        Returns:
            The two axes.

        Raises:
            MissingExtraError: if matplotlib is not installed.
        """
        left, right = axes = charts.new_axes(2) if axes is None else axes
        names = [*self.probabilities.parts]
        candidates, answers = Counter(name for names in self.candidates for name in names), Counter(self.task.tolist())
        series = [("candidate of", [candidates[name] for name in names]), ("answers", [answers[name] for name in names])]
        charts.bars(left, names, series, f"inputs; {answers[None]:,} of {len(self):,} fit no task")
        charts.spread(right, self.ood_score, 1.0, "ood score", "nothing fits")
        return axes

    def top(self, k: int) -> list[list[tuple[str, Any, float]]]:
        """For each input its k most probable (task, label, probability), most probable first; see `Probabilities.of_input`."""
        if not isinstance(k, Integral) or k < 0:
            raise InputError("k", expected="a whole number of answers", got=repr(k))
        return [self.probabilities.of_input(index, names)[:k] for index, names in enumerate(self.candidates)]


class Answers:
    """Answers to n inputs, added batch by batch.

    Args:
        view: of the network that answers.
        inputs: how many.
        task: that was given; its classes have probabilities also where there is no input that it reads.
    """

    def __init__(self, view: View, inputs: int, task: str | None = None) -> None:
        self._view, self._inputs, self._task = view, inputs, task
        self._parts: dict[str, list[Part]] = {}
        self._paths: dict[int, Pathway] = {}
        self._known, self._dispatcher = np.zeros(inputs, dtype=bool), np.zeros(inputs, dtype=np.int64)
        self._candidates = np.full((inputs, 2), -1)
        self._ood_score = np.full(inputs, np.inf)

    def add(
        self,
        inputs: torch.Tensor,
        rows: np.ndarray,
        candidates: np.ndarray,
        probabilities: np.ndarray,
        *,
        known: np.ndarray | bool = True,
        dispatcher: np.ndarray | int = 0,
        ood_score: np.ndarray | float = np.nan,
        votes: ColumnVotes | None = None,
    ) -> None:
        """Run the candidates of a batch.

        Args:
            inputs: encoded, of one data type, (n, …).
            rows: their places among all inputs (n,).
            candidates: int64 (n, k), k at most 2: the tasks' places in the network, −1 for none; the likelier first.
            probabilities: float64 (n, k), P(task | input).
            known: bool (n,), whether an input fits its likeliest task.
            dispatcher: how many numbers of the dispatcher each input ran.
            ood_score: float64 (n,), see `Prediction`.
            votes: what the dispatcher says of their classes, if it chose the candidates.
        """
        if not len(rows):  # no answers, of no task
            return
        self._known[rows], self._dispatcher[rows], self._ood_score[rows] = known, dispatcher, ood_score
        self._candidates[rows, : candidates.shape[1]] = candidates
        if len(rows) == 1:
            asked, member, probability = _of_one(candidates, probabilities)
            starts = np.arange(len(asked))
        else:
            member, column = np.nonzero(candidates >= 0)
            task = candidates[member, column]
            order = np.lexsort((member, task))
            member, probability = member[order], probabilities[member, column][order]
            asked, starts = np.unique(task[order], return_index=True)
        paths = {place: self._view.paths[place] for place in asked.tolist()}
        self._paths |= paths
        pathways = [*paths.values()]
        index = torch.from_numpy(member).to(inputs.device).tensor_split(starts[1:].tolist())
        logits = self._view.run(dict(zip(pathways, index, strict=True)), inputs)
        values = _values(pathways, [logits[path.task] / path.temperature for path in pathways])
        ends = [*starts[1:].tolist(), len(member)]
        places = rows[member]
        for pathway, start, end, value in zip(pathways, starts.tolist(), ends, values, strict=True):
            value = value if votes is None else votes.pooled(pathway.task, member[start:end], value)
            self._parts.setdefault(pathway.task, []).append(Part(places[start:end], probability[start:end], value))

    def prediction(self, unread: Mapping[int, str], samples: tuple[Any, ...] = ()) -> Prediction:
        """What was collected.

        Args:
            unread: why there is no answer to an input that was not added, by its place.
            samples: what is kept of the first inputs, to show them.
        """
        parts = {name: _joined(of_batches) for name, of_batches in self._parts.items()}
        if self._task is not None and self._task not in parts:
            parts[self._task] = Part(np.zeros(0, dtype=np.int64), np.zeros(0), np.zeros((0, len(self._view.pathway(self._task).classes))))
        paths = {name: self._view.pathway(name) for name in parts}
        incomparable = self._incomparable()
        task, label = np.full(self._inputs, None, dtype=object), np.full(self._inputs, None, dtype=object)
        confidence, best = np.zeros(self._inputs), np.zeros(self._inputs)
        for name, part in parts.items():
            kind = paths[name].task_kind
            joint = part.probabilities * kind.certainty(part.values)
            worth = joint if incomparable is None else np.where(incomparable[part.rows], part.probabilities, joint)
            better = np.flatnonzero(self._known[part.rows] & (worth > best[part.rows]))
            if len(better):
                rows = part.rows[better]
                task[rows], confidence[rows], best[rows] = name, joint[better], worth[better]
                label[rows] = kind.answers(part.values[better], paths[name].classes)
        shares = Probabilities(self._inputs, parts, paths)
        routes = Routes(self._candidates, self._dispatcher, self._paths, self._view.sizes, self._view.encoder_weights)
        return Prediction(task, plain_array(label), confidence, shares, routes, self._ood_score, unread, samples)

    def _incomparable(self) -> np.ndarray | None:
        """Inputs with a candidate that says no probability of one class, bool (n,): P(task | input) alone decides there. None of none."""
        others = [place for place, path in self._paths.items() if not path.task_kind.exclusive]
        return np.asarray(np.isin(self._candidates, others).any(1)) if others else None


def _of_one(candidates: np.ndarray, probabilities: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For one input its tasks (k,), ascending, k zeros, and P(task | input) of each."""
    places, shares = candidates[0], probabilities[0]
    if len(places) == 2 and places[0] > places[1]:  # there is no second one, or it comes first
        places, shares = (places[:1], shares[:1]) if places[1] < 0 else (places[::-1], shares[::-1])
    return places, np.zeros(len(places), dtype=np.int64), shares


def _values(pathways: Sequence[Pathway], outputs: Sequence[torch.Tensor]) -> list[np.ndarray]:
    """What outputs of these pathways mean, see `Part`; those of one kind in one go."""
    outputs = [part if path.scale is None else path.scale.to_numbers(part) for path, part in zip(pathways, outputs, strict=True)]
    values: list[np.ndarray] = [np.zeros(0)] * len(outputs)
    for kind in {path.task_kind for path in pathways}:
        places = [place for place, path in enumerate(pathways) if path.task_kind is kind]
        for place, part in zip(places, kind.values([outputs[place] for place in places]), strict=True):
            values[place] = part
    return values


def _joined(parts: Sequence[Part]) -> Part:
    """Those of several batches as one, in the order of the inputs."""
    if len(parts) == 1:
        return parts[0]
    rows, shares, values = map(np.concatenate, zip(*((part.rows, part.probabilities, part.values) for part in parts), strict=True))
    order = np.argsort(rows)
    return Part(rows[order], shares[order], values[order])
