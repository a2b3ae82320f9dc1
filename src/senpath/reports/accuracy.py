"""Accuracy after each stage: the lines of a chart, the matrix behind it, and what it comes to in single figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isnan, nan
from typing import Any, NamedTuple

import numpy as np

from senpath.evaluation import FORMULAS, AccuracyMatrix, Recorded, TaskScore
from senpath.sections import NetworkSummary, Tick, spread_labels

LINES, TICKS, ROWS, MARKED = 10, 10, 12, 16
"""At most so many lines with names in the chart, labels below it, stages in the matrix, and stages with marks in the chart."""
POINTS = 20_000
"""Of all lines without names together, at most about so many are drawn."""
FIGURES = ("ACC", "BWT", "forgetting")
"""Of `AccuracyMatrix`, those that an evaluation after each stage allows."""

Points = Sequence[tuple[int, TaskScore]]
"""The stages, by place, at which a task was measured, and its figures."""


class Summary(NamedTuple):
    """One figure over all tasks: with the task given, with the task found by the network, and how it is computed."""

    name: str
    given: float
    unlabelled: float
    formula: str
    words: str


def describe_accuracy(network: NetworkSummary, stages: Sequence[Recorded]) -> dict[str, Any]:
    """Everything that the section shows; nothing is left to the template but words.

    The chart has a line for each task that was `measured`. Those with names, the `tasks`, are all, or the `LINES` whose accuracy without
    the task given moved most (is least, where there is one stage); `faint` are the others. `changed` is how many tasks' accuracy with the
    task given is another than at first, `later` how many came after the last measurement. Ticks `across` are `apart` per cent from each
    other.
    """
    points = {
        name: measured
        for name in network.tasks
        if (measured := [(place, stage.evaluation.scores[name]) for place, stage in enumerate(stages) if name in stage.evaluation.scores])
    }
    shown = _telling(points, len(stages))
    drawn = points.values() if len(stages) > 1 else (points[name] for name in shown)
    least = min((min(score.accuracy, score.accuracy_unlabelled) for measured in drawn for _, score in measured), default=0.0)
    low = min(9, max(0, int(least * 10 - 0.2))) / 10  # the axis begins ten per cent or so below
    step = -(-len(stages) // TICKS) or 1
    named = _added(network, stages)
    return {
        "stages": [*zip(stages, named, strict=True)][-ROWS:],
        "all_stages": len(stages),
        "tasks": [network.tasks[name] for name in shown],
        "bars": [network.tasks[name] for name in points],
        "faint": _faint({name: points[name] for name in points if name not in shown}, network, stages, low) if len(stages) > 1 else [],
        "measured": len(points),
        "lines": _lines({name: points[name] for name in shown}, network, stages, low),
        "across": [
            Tick(_across(place, len(stages)), f"v{stages[place].version}", named[place])
            for place in range((len(stages) - 1) % step, len(stages), step)
        ],
        "apart": round(96 / max(1, min(TICKS, len(stages)) - 1), 2),
        "up": [Tick(_up(value / 100, low), str(value)) for value in _ticks(low)],
        "summaries": _summaries(network, stages),
        "changed": sum(_moved(measured, "accuracy") > 0 for measured in points.values()),
        "later": sum(task.learned > stages[-1].version for task in network.tasks.values()) if stages else 0,
    }


def _telling(points: Mapping[str, Points], stages: int) -> list[str]:
    """Names of the tasks to show, in the order of learning."""

    def rank(name: str) -> float:
        return points[name][0][1].accuracy_unlabelled if stages == 1 else -_moved(points[name], "accuracy_unlabelled")

    most = {*sorted(points, key=rank)[:LINES]}
    return [name for name in points if name in most]


def _moved(points: Points, figure: str) -> float:
    values: list[float] = [getattr(score, figure) for _, score in points]
    return max(values) - min(values)


def _added(network: NetworkSummary, stages: Sequence[Recorded]) -> list[str]:
    """For each stage, the tasks that came since the one before, in words."""
    words, before = [], 0
    for stage in stages:
        names = [task.name for task in network.tasks.values() if before < task.learned <= stage.version]
        words.append(", ".join(names[:2]) + (f" and {len(names) - 2} more" if len(names) > 2 else ""))
        before = stage.version
    return words


def _ticks(low: float) -> range:
    start = round(100 * low)
    step = 20 if start < 50 else 10 if start < 80 else 5
    return range(100 - (100 - start) // step * step, 101, step)


def _up(value: float, low: float) -> float:
    return round(100 * (1 - (value - low) / (1 - low)), 2)


def _across(place: int, stages: int) -> float:
    return round(2 + 96 * place / max(1, stages - 1), 2)


def _lines(points: Mapping[str, Points], network: NetworkSummary, stages: Sequence[Recorded], low: float) -> list[dict[str, Any]]:
    """A line with the task given and one without, by where they end: SVG paths; `dots` and `rings` mark what was measured on them."""
    lines = []
    for name, measured in points.items():
        line: dict[str, Any] = {"task": network.tasks[name], "score": measured[-1][1], "version": stages[measured[-1][0]].version}
        line["end"] = _up(line["score"].accuracy, low)
        for figure, path, marks in (("accuracy", "given", "dots"), ("accuracy_unlabelled", "unlabelled", "rings")):
            places = [f"{_across(place, len(stages))} {_up(getattr(score, figure), low)}" for place, score in measured]
            line[path] = "M" + "L".join(places)
            # Strokes of no length: with round ends they are dots, and stay round where the drawing is stretched.
            line[marks] = "".join(f"M{place}h0" for place in (places if len(stages) <= MARKED else places[-1:]))
        lines.append(line)
    lines.sort(key=lambda line: float(line["end"]))
    for line, place in zip(lines, spread_labels([line["end"] for line in lines]), strict=True):
        line["label"] = round(place, 2)
    return lines


def _faint(points: Mapping[str, Points], network: NetworkSummary, stages: Sequence[Recorded], low: float) -> list[tuple[str, str, str]]:
    """Lines of tasks that have no names beside them: name, and SVG paths with the task given and without."""
    thin = -(-sum(map(len, points.values())) // POINTS) or 1
    lines = []
    for name, measured in points.items():
        few = [*measured[:-1:thin], measured[-1]]
        given, unlabelled = (
            "M" + "L".join(f"{_across(place, len(stages))} {_up(getattr(score, figure), low)}" for place, score in few)
            for figure in ("accuracy", "accuracy_unlabelled")
        )
        lines.append((network.tasks[name].name, given, unlabelled))
    return lines


def _summaries(network: NetworkSummary, stages: Sequence[Recorded]) -> list[Summary]:
    """The figures for which enough was measured.

    R[i, j] is the accuracy on task j right after task i, NaN where nothing was measured then; the last row is the last stage.
    """
    known = [task for task in network.tasks.values() if stages and task.learned <= stages[-1].version]
    if not known:
        return []
    scores = {stage.version: stage.evaluation.scores for stage in stages}
    rows = [scores.get(version, {}) for version in (*(task.learned for task in known[:-1]), stages[-1].version)]
    given, unlabelled = (
        AccuracyMatrix(
            tuple(task.name for task in known),
            np.array([[getattr(row.get(task.name), figure, nan) for task in known] for row in rows]),
            np.full(len(known), nan),
        ).figures
        for figure in ("accuracy", "accuracy_unlabelled")
    )
    figures = [Summary(name, given[name], unlabelled[name], *FORMULAS[name]) for name in FIGURES]
    return [figure for figure in figures if not isnan(figure.given + figure.unlabelled)]
