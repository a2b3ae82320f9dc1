"""The figures of a measurement, and measurements that are kept with the network: its folder's evaluations.jsonl."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
from pydantic import TypeAdapter, ValidationError

from senpath.errors import InputError, StoreError
from senpath.evaluation.drawing import draw_classes, draw_tasks
from senpath.network import Network
from senpath.notebook.html import SHOWN, block, note, percent, table
from senpath.types import Label

OF_AN_EVALUATION = {"scores", "confusion"}
"""Of what is recorded one of these says that it is an evaluation."""


@dataclass(frozen=True)
class TaskScore:
    """Figures of one task; all but `examples` and `candidates` are shares in 0 … 1.

    Attributes:
        examples: number of test inputs.
        accuracy: share of right labels with the task given. Of a multilabel task the mean Jaccard index of answered and true labels; of a
            regression the coefficient of determination R², which has no lower bound, and is NaN where it is not defined: all true numbers
            are equal, as that of a single input is.
        accuracy_unlabelled: share with the right task and label when the task is not given; a refused input counts as wrong, in R² as
            answered by the mean of the true numbers: where nothing is answered it is 0.
        first: the right task is the dispatcher's first choice.
        task: the right task answers; where two pathways ran, their answers decide. Refused inputs are not left out.
        among: the right task is among the candidates.
        candidates: mean number of candidates.
        refused: share of inputs that were said to fit no task: they are further from it than its own examples, see `Prediction.reason`.

    Example:
        >>> score = sp.evaluate(net, {"iris": tiny_task("iris")}).scores["iris"]
        >>> score.examples, 0 <= score.refused <= 1
        (150, True)
    """

    examples: int
    accuracy: float
    accuracy_unlabelled: float
    first: float
    task: float
    among: float
    candidates: float
    refused: float


MOST = 2**53
"""Inputs of a measurement."""
MOST_CLASSES = 2**12
"""Of a confusion matrix: it takes the square of them."""


@dataclass(frozen=True)
class ClassConfusion:
    """Which classes of a classification were answered for which, with the task given.

    Attributes:
        classes: the task's labels, in the order of its outputs.
        pairs: (place of the true class, place of the answered one, how often), ascending; what did not occur is left out.

    Example:
        >>> confusion = sp.evaluate(net, {"iris": tiny_task("iris")}).by_class["iris"]
        >>> confusion.classes, confusion.matrix.shape, int(confusion.matrix.sum())
        ((0, 1, 2), (3, 3), 150)
    """

    classes: tuple[Label, ...]
    pairs: tuple[tuple[int, int, int], ...]

    def __post_init__(self) -> None:
        known = range(len(self.classes))
        if any(true not in known or label not in known or not 0 < count <= MOST for true, label, count in self.pairs):
            raise ValueError("classes confused that the task does not have")

    @property
    def matrix(self) -> np.ndarray:
        """int64 (classes, classes): rows are true classes, columns answered ones. Made on use.

        Raises:
            InputError: of more than `MOST_CLASSES`; `pairs` and `worst` have what it would.
        """
        if len(self.classes) > MOST_CLASSES:
            raise InputError("confusion matrix", expected=f"at most {MOST_CLASSES:,} classes", got=f"{len(self.classes):,}")
        counts = np.zeros((len(self.classes), len(self.classes)), dtype=np.int64)
        for true, label, count in self.pairs:
            counts[true, label] = count
        return counts

    @property
    def worst(self) -> list[tuple[Label, Label, int, float]]:
        """(true class, answered class, how often, share of the true class's inputs), of wrong answers, the most frequent first."""
        totals = Counter[int]()
        for true, _, count in self.pairs:
            totals[true] += count
        wrong = [(true, label, count) for true, label, count in self.pairs if true != label]
        ordered = sorted(wrong, key=lambda pair: -pair[2])
        return [(self.classes[true], self.classes[label], count, count / totals[true]) for true, label, count in ordered]


@dataclass(frozen=True)
class Evaluation:
    """What `evaluate` measured.

    Attributes:
        scores: by task.
        confusion: for each true task, how many of its inputs each task answered; None stands for refused inputs.
        by_class: of each classification, which classes were answered for which; empty where an earlier senpath recorded it.

    Example:
        >>> measured = sp.evaluate(net, {"low": tiny_task("low")})
        >>> list(measured.scores), measured.mean.examples
        (['low'], 150)
    """

    scores: Mapping[str, TaskScore]
    confusion: Mapping[str, Mapping[str | None, int]]
    by_class: Mapping[str, ClassConfusion] = field(default_factory=dict)

    @property
    def mean(self) -> TaskScore:
        """The mean of each figure over the tasks where it is defined, each task with the same weight."""
        scores = list(self.scores.values())
        names = [name for name in TaskScore.__dataclass_fields__ if name != "examples"]
        means = {name: _mean([getattr(score, name) for score in scores]) for name in names}
        return TaskScore(sum(score.examples for score in scores), **means)

    def plot(self, task: str | None = None, axes: Any = None) -> Any:
        """Draw a confusion matrix with matplotlib: which tasks answered for which, or within a task which classes.

        Args:
            task: a classification, for its classes; None for the tasks.
            axes: matplotlib's; None for a new figure.

        Returns:
            The axes.

        Raises:
            InputError: if nothing is known of the task's classes.
            MissingExtraError: if matplotlib is not installed.
        """
        if task is None:
            return draw_tasks(self.confusion, axes)
        if task not in self.by_class:
            known = ", ".join(map(repr, self.by_class)) or "none"
            raise InputError("task", expected=f"a classification that was measured: {known}", got=repr(task))
        confusion = self.by_class[task]
        return draw_classes(task, confusion.classes, confusion.matrix, axes)

    def _repr_html_(self) -> str:
        head = ["task", "inputs", "accuracy", "task not given", "right task", "refused"]
        rows = [_cells(task, score) for task, score in [*self.scores.items(), ("mean", self.mean)][: None if self.scores else 0]]
        worst = [(task, *pair) for task, of in self.by_class.items() for pair in of.worst[:1]]
        words = [f"{task}: {percent(share)} of {true!r} taken for {label!r}" for task, true, label, _, share in worst]
        return block("evaluation", table(head, rows, range(1, len(head))), *map(note, words[:SHOWN]))


def _cells(task: str, score: TaskScore) -> tuple[object, ...]:
    shares = (score.accuracy, score.accuracy_unlabelled, score.task, score.refused)
    return (task, f"{score.examples:,}", *map(percent, shares))


def _mean(values: Sequence[float]) -> float:
    defined = [value for value in values if not math.isnan(value)]
    return float(np.mean(defined)) if defined else math.nan


@dataclass(frozen=True)
class Recorded:
    """An evaluation that was kept with the network.

    Attributes:
        version: the network's version that was measured.
        time: when, in UTC, as ISO 8601.
        evaluation: the figures.
        place: among `Network.evaluations`.
        identities: `Pathway.identity` of the tasks, by name; a task that has one of these names since may be another. Empty where an
            earlier senpath recorded it.

    Example:
        >>> measured = sp.evaluate(net, {"iris": tiny_task("iris")}, record=True)
        >>> [(recorded.version, recorded.place) for recorded in sp.recorded_evaluations(net)]
        [(3, 0)]
    """

    version: int
    time: str
    evaluation: Evaluation
    place: int = 0
    identities: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _Line:
    """A line of the file. Refused inputs are counted apart, since any string may be a task's name; a figure that is not defined is null."""

    version: int
    time: str
    scores: dict[str, TaskScore]
    confusion: dict[str, dict[str, int]]
    refused: dict[str, int]
    identities: dict[str, str] = field(default_factory=dict)
    by_class: dict[str, ClassConfusion] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for task, score in self.scores.items():
            shares = [score.first, score.task, score.among, score.refused]
            right = [score.accuracy, score.accuracy_unlabelled]  # of a regression R², which has no least value
            fits = all(0 <= share <= 1 for share in shares) and all(math.isnan(value) or -math.inf < value <= 1 for value in right)
            if not 1 <= score.examples <= MOST or not fits or not 0 <= score.candidates < math.inf:
                raise ValueError(f"figures of {task!r} out of their range")
        if not all(-MOST <= count <= MOST for counts in (self.refused, *self.confusion.values()) for count in counts.values()):
            raise ValueError("numbers of inputs that cannot be")
        if not set(self.confusion) == set(self.refused) == set(self.scores):
            raise ValueError("scores, confusion and refused of different tasks")
        if not set(self.by_class) <= set(self.scores):
            raise ValueError("classes of a task without scores")


_LINE = TypeAdapter(_Line)


def record_evaluation(net: Network, evaluation: Evaluation) -> None:
    """Keep figures, measured of the version that `net` shows, with the network. No figures leave no record.

    Raises:
        StoreError: if the folder cannot be written.
    """
    if not evaluation.scores:
        return
    scores = {task: asdict(score) for task, score in evaluation.scores.items()}
    tasks = {*evaluation.scores, *(name for row in evaluation.confusion.values() for name in row if name is not None)}
    net.record_evaluation(
        {
            "scores": {task: {name: None if math.isnan(value) else value for name, value in of.items()} for task, of in scores.items()},
            "confusion": {
                task: {name: count for name, count in row.items() if name is not None} for task, row in evaluation.confusion.items()
            },
            "refused": {task: row.get(None, 0) for task, row in evaluation.confusion.items()},
            "identities": {task: net.view.pathway(task).identity for task in sorted(tasks) if task in net.view.tasks},
            "by_class": {task: {"classes": [*of.classes], "pairs": of.pairs} for task, of in evaluation.by_class.items()},
        }
    )


def recorded_evaluations(net: Network) -> list[Recorded]:
    """The evaluations that were recorded up to the version that `net` shows, oldest first; tasks have the names that they have now.

    Raises:
        StoreError: if a line of the file is not a measurement; names file and line.

    Example:
        >>> sp.recorded_evaluations(net)  # nothing was recorded yet
        []
    """
    return [entry for entry in _all(net) if entry.version <= net.version]


def _all(net: Network) -> list[Recorded]:
    """The evaluations that were recorded, of whatever version; figures of a user's own are none."""
    where, names = net._at.store.journals.where, {record.pathway.identity: name for name, record in net.view.tasks.items()}
    read = (_read(entry, where(place), place) for place, entry in enumerate(net.evaluations) if OF_AN_EVALUATION & entry.keys())
    return [_with_present_names(entry, names, net) for entry in read]


def _with_present_names(entry: Recorded, names: Mapping[str, str], net: Network) -> Recorded:
    """An evaluation in which tasks that were renamed since have their present names, and another that had one of these says so.

    Args:
        names: of the present tasks, by identity.
    """
    then = entry.identities
    now = {task: names[own] for task, own in then.items() if own in names and own != _identity(net, task)}
    if not now:
        return entry
    taken = set(now.values())
    evaluation = entry.evaluation
    tasks = {*evaluation.scores, *then, *(answer for row in evaluation.confusion.values() for answer in row if answer is not None)}
    to = {task: now.get(task, f"{task}, earlier" if task in taken else task) for task in tasks}
    confusion = {
        to[task]: {answer if answer is None else to[answer]: count for answer, count in row.items()}
        for task, row in evaluation.confusion.items()
    }
    scores = {to[task]: score for task, score in evaluation.scores.items()}
    by_class = {to[task]: of for task, of in evaluation.by_class.items()}
    return replace(entry, evaluation=Evaluation(scores, confusion, by_class), identities={to[task]: own for task, own in then.items()})


def _identity(net: Network, task: str) -> str:
    return net.view.tasks[task].pathway.identity if task in net.view.tasks else ""


def remove_evaluation(net: Network, which: Recorded | int) -> None:
    """Remove an evaluation that was recorded; the others stay, and so does the network's version.

    Args:
        net: the network.
        which: one of `recorded_evaluations`, or its place in `Network.evaluations`.

    Raises:
        InputError: if there is none, or no more.
        ConflictError: if another program removes evaluations at the same time.
        StoreError: if the folder cannot be written.

    Example:
        >>> measured = sp.evaluate(net, {"iris": tiny_task("iris")}, record=True)
        >>> sp.remove_evaluation(net, 0)
        >>> sp.recorded_evaluations(net)
        []
    """
    if not isinstance(which, Recorded):
        net.remove_evaluation(which)
        return
    same = repr(replace(which, place=0))  # others may have been removed before it; and NaN is not equal to itself
    place = next((entry.place for entry in _all(net) if repr(replace(entry, place=0)) == same), None)
    if place is None:
        raise InputError("evaluation to remove", expected="one that is recorded", got=f"one of {which.time} that is not, or no more")
    net.remove_evaluation(place, which.time)


def latest_by_version(recorded: Sequence[Recorded]) -> list[Recorded]:
    """One entry a version, in order: of every task that was measured at it, the latest figures."""
    latest: dict[int, Recorded] = {}
    for entry in sorted(recorded, key=lambda entry: entry.version):
        before, now = latest.get(entry.version, entry).evaluation, entry.evaluation
        merged = Evaluation({**before.scores, **now.scores}, {**before.confusion, **now.confusion}, {**before.by_class, **now.by_class})
        identities = {**latest.get(entry.version, entry).identities, **entry.identities}
        latest[entry.version] = replace(entry, evaluation=merged, identities=identities)
    return [*latest.values()]


def _read(entry: dict[str, Any], where: str, place: int) -> Recorded:
    try:
        line = _LINE.validate_python(_with_nan(entry))
    except ValidationError as error:
        first = error.errors()[0]
        got = f"{first['msg']} at {'.'.join(map(str, first['loc'])) or 'the line'}"
        raise StoreError(where, expected="a measurement", got=got, do="Remove the line") from error
    confusion: dict[str, Mapping[str | None, int]] = {}
    for task, row in line.confusion.items():
        refused: dict[str | None, int] = {None: line.refused[task]} if line.refused[task] else {}
        confusion[task] = {**dict[str | None, int](row.items()), **refused}
    return Recorded(line.version, line.time, Evaluation(line.scores, confusion, line.by_class), place, line.identities)


def _with_nan(entry: dict[str, Any]) -> dict[str, Any]:
    """A line whose figures that are not defined are NaN, as Python has it."""
    scores = entry.get("scores")
    if not isinstance(scores, dict) or not all(isinstance(score, dict) for score in scores.values()):
        return entry
    of = {task: {name: math.nan if value is None else value for name, value in score.items()} for task, score in scores.items()}
    return {**entry, "scores": of}
