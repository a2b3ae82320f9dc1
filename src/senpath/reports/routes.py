"""Where unlabelled inputs went: true task by answering task, as shares to be shown as a heat table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from senpath.evaluation import Recorded
from senpath.reports.facts import Facts, TaskFacts

TASKS = 12
"""Of more tasks, those whose inputs were most often answered by another are shown."""
OTHERS, NONE_FITS = "other tasks", "none fits"


@dataclass(frozen=True)
class Cell:
    """A share of a task's inputs, in 0 … 1, and how strongly it is coloured; `kind` is "right", "wrong" or "refused"."""

    share: float
    strength: float
    kind: str


@dataclass(frozen=True)
class Routes:
    """The table.

    Attributes:
        stage: when it was measured.
        rows: a task, and a cell per column.
        columns: of these tasks; then `extra` ones.
        measured: how many tasks were measured.
        candidates: pathways that ran per input, the mean over the tasks.
    """

    stage: Recorded
    rows: Sequence[tuple[TaskFacts, Sequence[Cell]]]
    columns: Sequence[TaskFacts]
    extra: Sequence[str]
    measured: int
    candidates: float


def describe_routes(facts: Facts) -> Routes | None:
    """The latest stage's confusions; None without one."""
    if not facts.stages:
        return None
    stage = facts.stages[-1]
    confusion, scores = stage.evaluation.confusion, stage.evaluation.scores
    measured = [name for name in facts.tasks if name in confusion]
    astray = {name: 1 - confusion[name].get(name, 0) / max(1, sum(confusion[name].values())) for name in measured}
    shown = measured if len(measured) <= TASKS else sorted(sorted(measured, key=lambda name: -astray[name])[:TASKS], key=measured.index)
    answering = {answer for name in shown for answer in confusion[name] if answer is not None}
    columns = [name for name in facts.tasks if name in shown or (name in answering and len(facts.tasks) <= TASKS)]
    beyond = bool(answering - {*columns})
    rows = [(facts.tasks[name], _cells(stage, name, columns, beyond)) for name in shown]
    extra = [OTHERS, NONE_FITS] if beyond else [NONE_FITS]
    mean = stage.evaluation.mean.candidates if scores else 0.0
    return Routes(stage, rows, [facts.tasks[name] for name in columns], extra, len(measured), mean)


def _cells(stage: Recorded, name: str, columns: Sequence[str], beyond: bool) -> list[Cell]:
    counts = stage.evaluation.confusion[name]
    total = max(1, sum(counts.values()))
    cells = [_cell(counts.get(column, 0) / total, "right" if column == name else "wrong") for column in columns]
    refused = counts.get(None, 0)
    if beyond:
        cells.append(_cell((total - refused - sum(counts.get(column, 0) for column in columns)) / total, "wrong"))
    return [*cells, _cell(refused / total, "refused")]


def _cell(share: float, kind: str) -> Cell:
    # What went wrong is little, most often: the root makes it visible.
    return Cell(share, round(share if kind == "right" else max(0.0, share) ** 0.5, 3), kind)
