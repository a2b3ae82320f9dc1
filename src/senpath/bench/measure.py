"""Measuring one row in one cell, and what the figures mean."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from math import ceil
from statistics import median
from typing import Any

import numpy as np
import torch
from sklearn.metrics import roc_auc_score

from senpath import __version__
from senpath.arrays import object_array
from senpath.bench.protocol import BenchCell, BenchRow, RowAnswers, Unlabelled
from senpath.bench.rows import find_row, learn_pathways
from senpath.bench.streams import RoutingStream, TypeGroup, groups_of
from senpath.errors import InputError
from senpath.evaluation.closed_form import ClassSums
from senpath.experiments.jobs import Record, Tell

FORMULAS = {
    "right task": (
        "(1/T) Σₜ |{x ∈ Xₜ : task(x) = t}| / |Xₜ|",
        "share of test inputs whose task is found, none refused; each of the T tasks has the same weight",
    ),
    "right label": ("(1/T) Σₜ |{x ∈ Xₜ : task(x) = t, label(x) = y}| / |Xₜ|", "share that gets the right task and the right label in it"),
    "label alone": (
        "(1/T) Σₜ |{x ∈ Xₜ : name of label(x) = name of y}| / |Xₜ|",
        "share that gets a label of the right name, whatever the task: the usual figure where tasks share their labels",
    ),
    "among": ("(1/T) Σₜ |{x ∈ Xₜ : t ∈ C(x)}| / |Xₜ|", "share whose task is among the candidates C(x)"),
    "candidates": (
        "(1/T) Σₜ mean |C(x)|",
        "tasks that come into question for an input: of senpath those whose pathways ran, of rows that score every class the best two, "
        "of the largest softmax all",
    ),
    "AUROC": (
        "(1/U) Σᵤ P(s(x) < s(u))",
        "chance that an unknown input u looks stranger than a known one of the same type of data; tasks have the same weight, and so have "
        "the U unknown sets",
    ),
    "refused known": (
        "(1/T) Σₜ |{x ∈ Xₜ : refused}| / |Xₜ|",
        "share of known tasks' test inputs that get no answer at the row's own limit",
    ),
    "refused unknown": ("(1/U) Σᵤ |{x ∈ Xᵤ : refused}| / |Xᵤ|", "share of unknown inputs that get none"),
    "drift": (
        "(1/h) Σ_{t≤h} (R[T,t] − R[h,t]), h = ⌈T/2⌉",
        "how the right labels of the first half of a type's tasks moved while the second half was learned; R[i,t] is the right label of "
        "task t after i tasks",
    ),
    "weights": ("mean", "numbers of the model that one input is computed with, pretrained encoders left out"),
    "ms": (
        "median",
        "milliseconds of one encoded input alone; in brackets how many times as long as features and distances to class means take, in "
        "turn with it",
    ),
    "µs": ("median", "microseconds of an input in a batch of 256, in brackets likewise"),
}
"""What is measured: its formula and what it means."""
BATCH, ALONE, ROUNDS = 256, 15, 3
"""Inputs in the batch that is timed, inputs that are timed alone, and how often the batch is."""


def learn_cell(cell: BenchCell, stream: RoutingStream, most: int, tell: Tell) -> None:
    """Learn the pathways of a cell, for the rows that run them."""
    start = time.perf_counter()
    for group in groups_of(cell, stream, most):
        learn_pathways(group.cell, group.lessons)
    tell({"part": "learned", **_where(cell), "seconds": time.perf_counter() - start})


def measure(cell: BenchCell, name: str, stream: RoutingStream, most: int, tell: Tell) -> None:
    """Measure a row: a record for each task, each unknown set, and each type of data's cost."""
    kind = find_row(name)
    groups = list(groups_of(cell, stream, most))
    if not all(_takes(kind, group) for group in groups):
        tell({"part": "none", **_where(cell), "row": name, "title": kind.title})
        return
    for group in groups:
        for record in _measure_group(kind, group):
            tell({**_where(cell), "row": name, "title": kind.title, "sense": group.cell.sense, **record})


def _where(cell: BenchCell) -> Record:
    return {"stream": cell.stream, "shots": cell.shots, "seed": cell.seed, "version": __version__}


def _takes(kind: type[BenchRow], group: TypeGroup) -> bool:
    return not hasattr(kind, "takes") or kind.takes(group.data_type)


def _measure_group(kind: type[BenchRow], group: TypeGroup) -> Iterator[Record]:
    row, tasks = kind(group.cell), len(group.lessons)
    half = ceil(tasks / 2)
    steady = getattr(kind, "at_once", False) or getattr(kind, "given", False)
    before: list[float] | None = None
    for place, lesson in enumerate(group.lessons, 1):
        row.learn(lesson)
        if place == half < tasks and not steady:
            answers, truth, targets = _ask_known(row, group, half, given=False)
            before = [float(right.mean()) for right in _by_task(_right(answers, truth, targets), truth)]
    answers, truth, targets = _ask_known(row, group, tasks, given=getattr(kind, "given", False))
    yield from _of_tasks(answers, truth, targets, group, before)
    if answers.ood_score is not None:
        yield from _of_unknown(row, group, answers.ood_score, truth)
    yield {"part": "cost", "weights": answers.weights, "choice": getattr(row, "choice", {}), **_times(row, group)}


def _ask_known(row: BenchRow, group: TypeGroup, tasks: int, *, given: bool) -> tuple[RowAnswers, np.ndarray, np.ndarray]:
    """Answers to the test inputs of the first tasks together, the place of each one's task, and its target."""
    tests = group.tests[:tasks]
    asked = Unlabelled(torch.cat([inputs.inputs for inputs, _ in tests]), group.read)
    truth = np.repeat(np.arange(tasks), [len(inputs) for inputs, _ in tests])
    return _ask(row, asked, truth if given else None), truth, torch.cat([targets for _, targets in tests]).numpy()


def _ask(row: BenchRow, asked: Unlabelled, truth: np.ndarray | None = None) -> RowAnswers:
    """A row's answers, which have to be of the right shapes.

    Raises:
        InputError: if they are not.
    """
    answers = row.answer(asked) if truth is None else row.answer(asked, truth)
    count, what = len(asked), f"answers of the row {type(row).__name__}"
    for name in ("task", "label", "ood_score", "refused"):
        values = getattr(answers, name, None)
        if values is None and name in ("ood_score", "refused"):
            continue
        if not isinstance(values, np.ndarray) or values.shape != (count,):
            raise InputError(
                f"{what}: {name}", expected=f"an array of shape ({count},)", got=getattr(values, "shape", type(values).__name__)
            )
    if not isinstance(answers.candidates, np.ndarray) or answers.candidates.ndim != 2 or len(answers.candidates) != count:
        raise InputError(
            f"{what}: candidates", expected=f"an array of shape ({count}, k)", got=getattr(answers.candidates, "shape", "none")
        )
    if answers.ood_score is not None and np.isnan(answers.ood_score).any():
        raise InputError(f"{what}: ood_score", expected="numbers", got="NaN")
    return answers


def _right(answers: RowAnswers, truth: np.ndarray, targets: np.ndarray) -> np.ndarray:
    right: np.ndarray = (answers.task == truth) & (answers.label == targets)
    return right


def _named(tasks: np.ndarray, labels: np.ndarray, group: TypeGroup) -> np.ndarray:
    """The labels by name, as an object array (n,)."""
    classes = [lesson.examples.classes for lesson in group.lessons]
    return object_array([classes[task][label] for task, label in zip(tasks.tolist(), labels.tolist(), strict=True)])


def _by_task(values: np.ndarray, truth: np.ndarray) -> list[np.ndarray]:
    return [values[truth == place] for place in range(int(truth.max()) + 1)]


def _of_tasks(
    answers: RowAnswers, truth: np.ndarray, targets: np.ndarray, group: TypeGroup, before: list[float] | None
) -> Iterator[Record]:
    figures = {
        "right task": answers.task == truth,
        "right label": _right(answers, truth, targets),
        "label alone": _named(answers.task, answers.label, group) == _named(truth, targets, group),
        "among": (answers.candidates == truth[:, None]).any(1),
        "candidates": (answers.candidates >= 0).sum(1),
        "refused": answers.refused if answers.refused is not None else np.zeros(len(truth), dtype=bool),
    }
    parts = {name: _by_task(values, truth) for name, values in figures.items()}
    for place, lesson in enumerate(group.lessons):
        record: Record = {name: float(values[place].mean()) for name, values in parts.items()}
        if answers.refused is None:
            del record["refused"]
        if before is not None and place < len(before):
            record["drift"] = record["right label"] - before[place]
        went = answers.task[truth == place].tolist()
        wrong = {group.lessons[other].task: went.count(other) for other in set(went) - {place}}
        yield {"part": "task", "task": lesson.task, "inputs": int((truth == place).sum()), **record, "went to": wrong}


def _of_unknown(row: BenchRow, group: TypeGroup, known: np.ndarray, truth: np.ndarray) -> Iterator[Record]:
    weights = (1 / np.bincount(truth))[truth]
    for name, asked in group.unknown.items():
        answers = _ask(row, Unlabelled(asked.inputs, group.read))
        if answers.ood_score is None:
            raise InputError(f"answers of the row {type(row).__name__}: ood_score", expected="always numbers, or always None", got="both")
        scores = np.r_[known, answers.ood_score].clip(-1e300, 1e300)
        labels = np.r_[np.zeros(len(truth)), np.ones(len(asked))]
        area = float(roc_auc_score(labels, scores, sample_weight=np.r_[weights, np.full(len(asked), 1 / len(asked))]))
        record: Record = {"part": "unknown", "set": name, "inputs": len(asked), "AUROC": area}
        yield record if answers.refused is None else {**record, "refused": float(answers.refused.mean())}


def _times(row: BenchRow, group: TypeGroup) -> Record:
    """Milliseconds of an input alone and microseconds in a batch, in turn with the bare arithmetic of class means."""
    pool = torch.cat([inputs.inputs[:: max(1, len(inputs) * len(group.tests) // BATCH)] for inputs, _ in group.tests])[:BATCH]
    sums = ClassSums(group.lessons[0].features.shape[1])
    start = 0
    for lesson in group.lessons:
        sums.add(lesson.features, lesson.examples.targets + start)
        start += len(lesson.examples.classes)
    means = sums.means

    def bare(inputs: torch.Tensor) -> Any:
        return torch.cdist(group.read(inputs), means).argmin(1)

    def whole(inputs: torch.Tensor) -> Any:
        return row.answer(Unlabelled(inputs, group.read))

    ways: tuple[Callable[[torch.Tensor], Any], ...] = (whole, bare)
    alone = [[_seconds(way, pool[place : place + 1]) for way in ways] for place in range(min(ALONE, len(pool)))]
    batch = [[_seconds(way, pool) for way in ways] for _ in range(ROUNDS)]
    ms, ratio = 1e3 * median(one for one, _ in alone), median(one / other for one, other in alone)
    us, batch_ratio = 1e6 * median(one for one, _ in batch) / len(pool), median(one / other for one, other in batch)
    return {"ms": ms, "ms ratio": ratio, "µs": us, "µs ratio": batch_ratio}


def _seconds(way: Callable[[torch.Tensor], Any], inputs: torch.Tensor) -> float:
    start = time.perf_counter()
    way(inputs)
    return time.perf_counter() - start
