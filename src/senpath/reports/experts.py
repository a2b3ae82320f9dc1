"""Which experts tasks' tokens go to, where tasks are mixtures of experts: a histogram for each, to be shown as a heat table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from senpath.methods import Moe
from senpath.reports.facts import Facts, TaskFacts
from senpath.reports.routes import Cell

TASKS, EXPERTS = 60, 16
"""At most so many tasks, the latest, and experts are shown."""


@dataclass(frozen=True)
class Histogram:
    """Where one task's tokens went in one block.

    Attributes:
        block: counted from 1, of those with experts; 0 where a task has one alone.
        cells: a share for each expert; "right" of those that the task keeps, "wrong" of others.
        gate: what chose, and how the task was placed, in words.
        kept: how many experts the task keeps.
    """

    task: TaskFacts
    block: int
    cells: Sequence[Cell]
    gate: str
    kept: int


@dataclass(frozen=True)
class Experts:
    """The section.

    Attributes:
        rows: in the order of learning.
        experts: columns, how many.
        tasks: how many there are in all.
        shown: how many of them are shown.
    """

    rows: Sequence[Histogram]
    experts: int
    tasks: int
    shown: int


def describe_experts(facts: Facts) -> Experts | None:
    """The section; None where no task has experts."""
    found = {name: _blocks(task.pathway.provenance.record) for name, task in facts.tasks.items() if task.method == Moe.name}
    found = {name: blocks for name, blocks in found.items() if blocks}
    if not found:
        return None
    shown = [*found][-TASKS:]
    experts = min(EXPERTS, 1 + max(place for name in shown for _, shares in found[name] for place in shares))
    rows = [
        _histogram(facts.tasks[name], place if len(found[name]) > 1 else 0, rows, shares, experts)
        for name in shown
        for place, (rows, shares) in enumerate(found[name], 1)
    ]
    return Experts(rows, experts, len(found), len(shown))


def _histogram(task: TaskFacts, block: int, kept: Sequence[int], shares: Mapping[int, float], experts: int) -> Histogram:
    cells = []
    for place in range(experts):
        share = shares.get(place, 0.0)
        cells.append(Cell(share, round(share, 3), "right" if place in kept else "wrong"))
    provenance = task.pathway.provenance
    words = [word for word in (provenance.settings.get("gate"), provenance.record.get("embedding")) if isinstance(word, str)]
    return Histogram(task, block, cells, ", ".join(words), len(kept))


def _blocks(notes: Mapping[str, Any]) -> list[tuple[list[int], dict[int, float]]]:
    """Of each block the experts that are kept and the shares of all; what notes of somebody else's do not say is left out."""
    told, found = notes.get("experts"), []
    for block in told if isinstance(told, list) else ():
        rows, shares = (block.get("rows"), block.get("shares")) if isinstance(block, dict) else (None, None)
        if not isinstance(rows, list) or not isinstance(shares, dict):
            return []
        counted = {int(place): float(share) for place, share in shares.items() if place.isdecimal() and len(place) < 4 and _is_share(share)}
        if len(counted) != len(shares) or not counted or not all(row in counted for row in rows if isinstance(row, int)):
            return []
        found.append(([row for row in rows if isinstance(row, int)], counted))
    return found


def _is_share(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1
