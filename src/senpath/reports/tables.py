"""Tables that any network has: where its unlabelled inputs went, and its log."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from senpath.evaluation import Recorded
from senpath.sections import Cell, NetworkSummary

TASKS = 12
"""Of more tasks, those whose inputs were most often answered by another are shown."""
CLASSES = 20
"""Of more pairs of classes that were confused, those that were confused most often are shown."""
OTHERS, NONE_FITS = "other tasks", "none fits"
COMMITS, LONGEST = 200, 400
"""At most so many commits are listed, the newest; and characters of a value in the log."""
COLUMNS = frozenset({"version", "time", "tasks", "method", "examples", "data", "settings"})
"""What has a column of its own in the table of commits."""


def describe_routes(network: NetworkSummary, stages: Sequence[Recorded]) -> dict[str, Any] | None:
    """Shares of tasks' inputs by true task and answering task at the latest stage; None without one.

    The heat table has a row of cells for each task, and columns for tasks, then `extra` ones. `candidates` is how many pathways ran per
    input, the mean over the tasks.
    """
    if not stages:
        return None
    confusion, scores = stages[-1].evaluation.confusion, stages[-1].evaluation.scores
    measured = [name for name in network.tasks if name in confusion]
    astray = {name: 1 - confusion[name].get(name, 0) / max(1, sum(confusion[name].values())) for name in measured}
    shown = measured if len(measured) <= TASKS else sorted(sorted(measured, key=lambda name: -astray[name])[:TASKS], key=measured.index)
    answering = {answer for name in shown for answer in confusion[name] if answer is not None}
    columns = [name for name in network.tasks if name in shown or (name in answering and len(network.tasks) <= TASKS)]
    beyond = bool(answering - {*columns})
    return {
        "stage": stages[-1],
        "rows": [(network.tasks[name], _cells(confusion[name], name, columns, beyond)) for name in shown],
        "columns": [network.tasks[name] for name in columns],
        "extra": [OTHERS, NONE_FITS] if beyond else [NONE_FITS],
        "measured": len(measured),
        "candidates": stages[-1].evaluation.mean.candidates if scores else 0.0,
    }


def _cells(counts: Mapping[str | None, int], name: str, columns: Sequence[str], beyond: bool) -> list[Cell]:
    total = max(1, sum(counts.values()))
    cells = [_cell(counts.get(column, 0) / total, "right" if column == name else "wrong") for column in columns]
    refused = counts.get(None, 0)
    if beyond:
        cells.append(_cell((total - refused - sum(counts.get(column, 0) for column in columns)) / total, "wrong"))
    return [*cells, _cell(refused / total, "refused")]


def _cell(share: float, outcome: str) -> Cell:
    # What went wrong is little, most often: the root makes it visible.
    return Cell(share, round(share if outcome == "right" else max(0.0, share) ** 0.5, 3), outcome)


def describe_classes(network: NetworkSummary, stages: Sequence[Recorded]) -> dict[str, Any] | None:
    """Of each task's latest measurement the classes that were taken for others, the most frequent first; None where none was.

    `rows` are (task, true class, answered class, how often, share of the true class's inputs); `beyond` is how many are not shown.
    """
    latest = {task: of for stage in stages for task, of in stage.evaluation.by_class.items() if task in network.tasks}
    rows = [
        (network.tasks[task], str(true), str(label), count, share) for task, of in latest.items() for true, label, count, share in of.worst
    ]
    rows.sort(key=lambda row: -row[3])
    return {"rows": rows[:CLASSES], "beyond": len(rows) - len(rows[:CLASSES]), "tasks": len(latest)} if rows else None


def describe_log(network: NetworkSummary) -> list[dict[str, Any]]:
    """The newest commits, the newest first, whatever a method wrote into their entries; what an entry does not say is ""."""
    return [_commit(entry) for entry in reversed(network.log[-COMMITS:])]


def _commit(entry: Mapping[str, Any]) -> dict[str, Any]:
    settings, tasks, examples = (entry.get(name) for name in ("settings", "tasks", "examples"))
    known = settings if isinstance(settings, dict) else {} if settings is None else {"settings": settings}
    more = {name: value for name, value in entry.items() if name not in COLUMNS}
    return {
        **{name: _word(entry.get(name)) for name in ("version", "time", "method", "data")},
        "tasks": [_word(task) for task in tasks] if isinstance(tasks, list) else [],
        "examples": f"{examples:,}" if isinstance(examples, int) else _word(examples),
        "seed": _word(known.get("random_state", entry.get("seed"))),
        "values": [(str(name), _word(value)) for name, value in (*known.items(), *more.items())],
    }


def _word(value: Any) -> str:
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
