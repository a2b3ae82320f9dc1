"""How searches went: the best score by generation, and every child's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from senpath.methods.munet.record import METHOD
from senpath.pathways.provenance import number
from senpath.reports.axes import Axis
from senpath.reports.facts import TaskFacts
from senpath.reports.stages import Tick
from senpath.reports.task_paths import TaskPath

SEARCHES = 8
"""At most so many searches are drawn, the latest."""
STEPS, DOTS = 40, 12
"""At most so many steps along the axis, with dots in each: of more children, the best ones."""
TICKS = 6
"""At most so many generations are named."""


@dataclass(frozen=True)
class Generations:
    """One search; places are in percent of the drawing, from its left or top.

    Attributes:
        line: the best score so far, `kept` and `dropped` dots for the children, as SVG paths.
        children: how many were tried, of which `joined` were kept and `failed` could not be trained.
        most: generations in one step of the line; `thinned` if children have no dot for want of space.
    """

    task: TaskFacts
    line: str
    kept: str
    dropped: str
    up: Sequence[Tick]
    across: Sequence[Tick]
    generations: int
    children: int
    joined: int
    failed: int
    best: float
    most: int
    thinned: bool


@dataclass(frozen=True)
class _Child:
    score: float
    kept: bool


def describe_search(path: TaskPath) -> Generations | None:
    """What the log says of the search for a path; None if it says nothing of it."""
    entry = path.task.entry
    told = entry.get("generations")
    if not isinstance(told, list) or _lasting(entry.get("record", entry.get(METHOD))) != _lasting(path.task.pathway.provenance.record):
        return None
    everyone = [[child for child in children if isinstance(child, dict)] for children in told if isinstance(children, list)]
    trained = [[found for child in children if (found := _child(child)) is not None] for children in everyone]
    joined = sum(child.kept for children in trained for child in children)
    if not joined:
        return None
    most = -(-len(trained) // STEPS)
    steps = [[child for children in trained[first : first + most] for child in children] for first in range(0, len(trained), most)]
    scores = [child.score for step in steps for child in step]
    axis = Axis.over(min(scores), max(scores), 3)
    count = sum(map(len, everyone))
    return Generations(
        task=path.task,
        line=_line(steps, axis),
        kept=_dots(steps, axis, kept=True),
        dropped=_dots(steps, axis, kept=False),
        up=[Tick(_down(share), words) for share, words in axis.words()],
        across=[Tick(_middle(place, len(steps)), str(place * most + 1)) for place in _spaced(len(steps))],
        generations=len(trained),
        children=count,
        joined=joined,
        failed=count - len(scores),
        best=max(child.score for step in steps for child in step if child.kept),
        most=most,
        thinned=any(len(step) > DOTS for step in steps),
    )


def _lasting(record: Any) -> dict[str, Any]:
    """What is recorded of a search and stays so: layers may be replaced later. Earlier formats' log has it under the method's name."""
    return {name: value for name, value in record.items() if name not in ("parts", "layers")} if isinstance(record, dict) else {}


def _child(child: Mapping[str, Any]) -> _Child | None:
    score = number(child.get("score"))
    return _Child(score, child.get("kept") is True) if score is not None else None


def _line(steps: Sequence[Sequence[_Child]], axis: Axis) -> str:
    parts, best = list[str](), float("-inf")
    for place, step in enumerate(steps):
        best = max([best, *(child.score for child in step if child.kept)])
        if best > float("-inf"):
            height = _down(axis.share(best))
            parts.append(f"{'V' if parts else f'M{_left(place, len(steps))} '}{height}H{_left(place + 1, len(steps))}")
    return "".join(parts)


def _dots(steps: Sequence[Sequence[_Child]], axis: Axis, *, kept: bool) -> str:
    """Strokes of no length: with round ends they are dots, and stay round where the drawing is stretched."""
    dots = list[str]()
    for place, step in enumerate(steps):
        shown = step if len(step) <= DOTS else sorted(step, key=lambda child: -child.score)[:DOTS]
        for number_, child in enumerate(shown):
            if child.kept is kept:
                across = _left(place + (number_ + 1) / (len(shown) + 1), len(steps))
                dots.append(f"M{across} {_down(axis.share(child.score))}h0")
    return "".join(dots)


def _left(place: float, steps: int) -> float:
    return round(100 * place / steps, 2)


def _middle(place: int, steps: int) -> float:
    return _left(place + 0.5, steps)


def _down(share: float) -> float:
    return round(100 * (1 - share), 2)


def _spaced(count: int) -> range:
    return range(0, count, -(-count // TICKS))
