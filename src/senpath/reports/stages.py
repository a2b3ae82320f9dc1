"""Accuracy after each stage: the lines of a chart, the matrix behind it, and what it comes to in single figures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import isnan, nan

import numpy as np

from senpath.evaluation import Recorded, TaskScore
from senpath.evaluation.metrics import FORMULAS, AccuracyMatrix
from senpath.reports.facts import Facts, TaskFacts

LINES, TICKS, ROWS, MARKED = 10, 10, 12, 16
"""At most so many lines in the chart, labels below it, stages in the matrix, and stages with marks in the chart."""
FIGURES = {"ACC": "acc", "BWT": "bwt", "forgetting": "forgetting"}
"""Of `AccuracyMatrix`, those that an evaluation after each stage allows."""
HEIGHT, GAP = 320, 19
"""Of the chart, and between the labels of two lines, in CSS pixels."""


@dataclass(frozen=True)
class Line:
    """One task's line; every place is in percent of the chart, from its left or top.

    Attributes:
        given: the line with the task given, and `found` that with the task found, as SVG paths; `dots` and `rings` mark what was
            measured on them.
        end: where the line ends, `label` where its label is.
        score: the last figures, measured at `version`.
    """

    task: TaskFacts
    given: str
    found: str
    dots: str
    rings: str
    end: float
    label: float
    score: TaskScore
    version: int


@dataclass(frozen=True)
class Tick:
    """A label of an axis, at `place` percent."""

    place: float
    text: str
    more: str = ""


@dataclass(frozen=True)
class Summary:
    """One figure over all tasks: with the task given, with the task found, and how it is computed."""

    name: str
    given: float
    found: float
    formula: str
    words: str


@dataclass(frozen=True)
class Stages:
    """What the report's section on accuracy shows.

    Attributes:
        stages: the matrix's rows: the last `ROWS` stages, each with the tasks that came with it.
        tasks: the matrix's columns and the chart's tasks: all, or the `LINES` whose accuracy with the task found moved most (is least,
            where there is one stage).
        across: labels below the chart, each `apart` per cent from the next; `up` are those beside it.
        measured: how many tasks were measured at all.
        changed: how many tasks' accuracy with the task given is another than at first.
        later: how many tasks came after the last measurement.
    """

    stages: Sequence[tuple[Recorded, str]]
    all_stages: int
    tasks: Sequence[TaskFacts]
    measured: int
    lines: Sequence[Line]
    across: Sequence[Tick]
    apart: float
    up: Sequence[Tick]
    summaries: Sequence[Summary]
    changed: int
    later: int


def describe_stages(facts: Facts) -> Stages:
    """Everything that the section shows; nothing is left to the template but words."""
    stages = facts.stages
    measured = [task for name, task in facts.tasks.items() if any(name in stage.evaluation.scores for stage in stages)]
    shown = _telling(measured, stages)
    named = _added(facts)
    low = _floor([_points(stages, task) for task in shown])
    return Stages(
        stages=[(stage, words) for stage, words in zip(stages, named, strict=True)][-ROWS:],
        all_stages=len(stages),
        tasks=shown,
        measured=len(measured),
        lines=_lines(shown, stages, low),
        across=[Tick(_across(index, len(stages)), f"v{stages[index].version}", named[index]) for index in _spaced(len(stages))],
        apart=round(96 / max(1, min(TICKS, len(stages)) - 1), 2),
        up=[Tick(_up(value / 100, low), str(value)) for value in _ticks(low)],
        summaries=_summaries(facts),
        changed=sum(_moved(stages, task, given=True) > 0 for task in measured),
        later=sum(task.learned > stages[-1].version for task in facts.tasks.values()) if stages else 0,
    )


def spread(values: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Places for labels, near ascending `values`, at least `gap` apart and within low … high where there is room for all."""
    placed: list[float] = []
    for value in values:
        placed.append(max(value, placed[-1] + gap if placed else low))
    for index in range(len(placed) - 1, -1, -1):
        placed[index] = min(placed[index], placed[index + 1] - gap if index + 1 < len(placed) else high)
    return placed


def _added(facts: Facts) -> list[str]:
    """For each stage, the tasks that came since the one before, in words."""
    words, before = [], 0
    for stage in facts.stages:
        names = [task.name for task in facts.tasks.values() if before < task.learned <= stage.version]
        words.append(", ".join(names[:2]) + (f" and {len(names) - 2} more" if len(names) > 2 else ""))
        before = stage.version
    return words


def _points(stages: Sequence[Recorded], task: TaskFacts) -> list[tuple[int, TaskScore]]:
    return [(index, stage.evaluation.scores[task.name]) for index, stage in enumerate(stages) if task.name in stage.evaluation.scores]


def _moved(stages: Sequence[Recorded], task: TaskFacts, *, given: bool) -> float:
    values = [score.accuracy if given else score.accuracy_unlabelled for _, score in _points(stages, task)]
    return max(values) - min(values)


def _telling(tasks: Sequence[TaskFacts], stages: Sequence[Recorded]) -> list[TaskFacts]:
    """The tasks to show, in the order of learning."""

    def least(task: TaskFacts) -> float:
        return _points(stages, task)[0][1].accuracy_unlabelled if len(stages) == 1 else -_moved(stages, task, given=False)

    most = {task.name for task in sorted(tasks, key=least)[:LINES]}
    return [task for task in tasks if task.name in most]


def _floor(points: Sequence[Sequence[tuple[int, TaskScore]]]) -> float:
    """Where the axis begins: ten per cent or so below the least accuracy, in 0 … 1."""
    least = min((min(score.accuracy, score.accuracy_unlabelled) for line in points for _, score in line), default=0.0)
    return min(9, max(0, int(least * 10 - 0.2))) / 10


def _ticks(low: float) -> range:
    start = round(100 * low)
    step = 20 if start < 50 else 10 if start < 80 else 5
    return range(100 - (100 - start) // step * step, 101, step)


def _up(value: float, low: float) -> float:
    return round(100 * (1 - (value - low) / (1 - low)), 2)


def _across(index: int, stages: int) -> float:
    return round(2 + 96 * index / max(1, stages - 1), 2)


def _spaced(count: int) -> list[int]:
    step = -(-count // TICKS)
    return list(range((count - 1) % step, count, step)) if count else []


def _lines(tasks: Sequence[TaskFacts], stages: Sequence[Recorded], low: float) -> list[Line]:
    found = []
    for task in tasks:
        points = _points(stages, task)
        index, score = points[-1]
        given = [(_across(place, len(stages)), _up(value.accuracy, low)) for place, value in points]
        free = [(_across(place, len(stages)), _up(value.accuracy_unlabelled, low)) for place, value in points]
        dots, rings = (_marks(line, len(stages)) for line in (given, free))
        found.append(Line(task, _path(given), _path(free), dots, rings, given[-1][1], 0, score, stages[index].version))
    found.sort(key=lambda line: line.end)
    edge = 100 * GAP / 2 / HEIGHT
    places = spread([line.end for line in found], 100 * GAP / HEIGHT, edge, 100 - edge)
    return [replace(line, label=round(place, 2)) for line, place in zip(found, places, strict=True)]


def _marks(points: Sequence[tuple[float, float]], stages: int) -> str:
    """Strokes of no length: with round ends they are dots, and stay round where the drawing is stretched."""
    return "".join(f"M{x} {y}h0" for x, y in (points if stages <= MARKED else points[-1:]))


def _path(points: Sequence[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{x} {y}" for x, y in points)


def _summaries(facts: Facts) -> list[Summary]:
    """The figures for which enough was measured."""
    if not facts.stages:
        return []
    given = _matrix(facts, lambda score: score.accuracy)
    found = _matrix(facts, lambda score: score.accuracy_unlabelled)
    if given is None or found is None:
        return []
    figures = [(name, getattr(given, figure), getattr(found, figure)) for name, figure in FIGURES.items()]
    return [Summary(name, known, free, *FORMULAS[name]) for name, known, free in figures if not isnan(known + free)]


def _matrix(facts: Facts, read: Callable[[TaskScore], float]) -> AccuracyMatrix | None:
    """R[i, j]: accuracy on task j right after task i, NaN where nothing was measured then; the last row is the last stage."""
    last = facts.stages[-1]
    known = [task for task in facts.tasks.values() if task.learned <= last.version]
    if not known:
        return None
    scores = {stage.version: stage.evaluation.scores for stage in facts.stages}
    versions = [*(task.learned for task in known[:-1]), last.version]
    values = [[read(scores[row][task.name]) if task.name in scores.get(row, {}) else nan for task in known] for row in versions]
    return AccuracyMatrix(tuple(task.name for task in known), np.array(values), np.full(len(known), nan))
