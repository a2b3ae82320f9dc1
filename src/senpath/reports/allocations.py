"""Which components tasks use that were learned together: the matrix of probabilities, and how alike its rows are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from senpath.methods import Allocation
from senpath.pathways.provenance import number
from senpath.reports.facts import Facts, TaskFacts
from senpath.reports.routes import Cell

GROUPS, TASKS, LAYERS = 4, 24, 12
"""At most so many groups are shown, the last ones; of each so many tasks, the first, and so many layers."""


@dataclass(frozen=True)
class Row:
    """A task and its cells; of a layer's table also how many components it uses there."""

    task: TaskFacts
    cells: Sequence[Cell]
    used: int = 0


@dataclass(frozen=True)
class Together:
    """Tasks that were learned together.

    Attributes:
        tasks: that are shown, of `count`.
        components: names of the columns, as settings have them.
        layers: a table each, of the `depth` that there are.
        alike: 1 − mean |pᵢ − pⱼ| of each two tasks; the weakest colour is that of `least`.
    """

    tasks: Sequence[TaskFacts]
    count: int
    components: Sequence[str]
    layers: Sequence[Sequence[Row]]
    depth: int
    alike: Sequence[Row]
    least: float


@dataclass(frozen=True)
class _Noted:
    task: TaskFacts
    components: tuple[str, ...]
    probabilities: tuple[tuple[float, ...], ...]


def describe_allocations(facts: Facts) -> Sequence[Together]:
    """Every group of tasks that were learned together by this method, the last ones; tasks of one group have their first component in
    common."""
    groups: dict[Any, list[_Noted]] = {}
    for task in facts.tasks.values():
        noted = _noted(task)
        if noted is not None:
            key = (task.pathway.components[0], noted.components, len(noted.probabilities))
            groups.setdefault(key, []).append(noted)
    return [_together(members) for members in list(groups.values())[-GROUPS:]]


def _noted(task: TaskFacts) -> _Noted | None:
    """What the notes say of a task's allocation; None if they say nothing that can be read."""
    notes = task.pathway.provenance.record
    if task.method != Allocation.name or not task.pathway.components:
        return None
    names, layers = notes.get("components"), notes.get("probabilities")
    if not isinstance(names, list) or not isinstance(layers, list) or not names or not layers:
        return None
    probabilities = tuple(tuple(number(value) for value in layer) if isinstance(layer, list) else () for layer in layers)
    found = tuple(tuple(value for value in layer if value is not None and 0 <= value <= 1) for layer in probabilities)
    return _Noted(task, tuple(map(str, names)), found) if all(len(layer) == len(names) for layer in found) else None


def _together(members: Sequence[_Noted]) -> Together:
    shown = members[:TASKS]
    depth = len(shown[0].probabilities)
    alike = [[_similarity(mine, other) for other in shown] for mine in shown]
    least = min(value for row in alike for value in row)
    spread = max(1 - least, 1e-9)
    return Together(
        tasks=[noted.task for noted in shown],
        count=len(members),
        components=shown[0].components,
        layers=[[_row(noted, place) for noted in shown] for place in range(min(depth, LAYERS))],
        depth=depth,
        alike=[
            Row(noted.task, [Cell(value, round((value - least) / spread, 3), "right") for value in row])
            for noted, row in zip(shown, alike, strict=True)
        ],
        least=least,
    )


def _row(noted: _Noted, place: int) -> Row:
    probabilities = noted.probabilities[place]
    cells = [Cell(probability, round(probability, 3), "right" if probability > 0.5 else "refused") for probability in probabilities]
    return Row(noted.task, cells, sum(probability > 0.5 for probability in probabilities))


def _similarity(mine: _Noted, other: _Noted) -> float:
    """As `senpath.methods.allocation.similarity`."""
    both = [
        (first, second)
        for one, two in zip(mine.probabilities, other.probabilities, strict=True)
        for first, second in zip(one, two, strict=True)
    ]
    return 1 - sum(abs(first - second) for first, second in both) / len(both)
