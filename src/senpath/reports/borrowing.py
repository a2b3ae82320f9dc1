"""The network drawn: tasks one below the other in the order of learning, an arc for what each borrows from an earlier one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from senpath.pathways import Transfer
from senpath.reports.facts import Facts, TaskFacts

NODES, PAIRS, LISTED = 24, 60, 16
"""At most so many tasks are drawn, pairs of classes named per link, links listed with their pairs."""
ROW, NODE = 36, 6
"""Height of a task's row, and radius of a node, in CSS pixels."""
NARROW, STEP, WIDE = 22, 13, 100
"""How far an arc between neighbours reaches out, how much further with every row between, and at most."""


@dataclass(frozen=True)
class Borrowing:
    """What a task has from an earlier one.

    Attributes:
        similar: how many of its classes reach the threshold.
        pairs: the most similar classes first; `more` are not among them.
        classes: how many classes are linked; 0 where the hidden layer alone was copied.
        examples: labelled examples that set the link.
    """

    task: TaskFacts
    source: TaskFacts | None
    name: str
    similar: int
    pairs: Sequence[Transfer]
    more: int
    classes: int
    examples: int


@dataclass(frozen=True)
class Arc:
    """A line from a source to the task that borrows, and its head, as SVG paths in pixels."""

    borrowing: Borrowing
    line: str
    head: str
    width: float


@dataclass(frozen=True)
class Row:
    """A task's row, or where `task` is None a gap in which `left_out` tasks are not drawn."""

    task: TaskFacts | None
    left_out: int
    middle: float


@dataclass(frozen=True)
class Drawing:
    """The section on borrowing: rows, arcs, and every link in words.

    Attributes:
        gutter: width of the space for arcs; the nodes' middles are at its right edge.
        drawn: how many tasks have a row.
        listed: the links whose pairs of classes are listed, the newest first; `links` is how many there are.
    """

    rows: Sequence[Row]
    arcs: Sequence[Arc]
    gutter: float
    height: float
    drawn: int
    listed: Sequence[Borrowing]
    links: int


def draw_borrowing(facts: Facts) -> Drawing:
    """Place rows and arcs."""
    borrowings = [found for task in facts.tasks.values() for found in _borrowings(facts, task)]
    chosen = _chosen(facts, borrowings)
    rows, places = _rows(facts, chosen)
    drawn = [found for found in borrowings if {found.name, found.task.name} <= places.keys()]
    reaches = [_reach(abs(places[found.task.name] - places[found.name])) for found in drawn]
    gutter = NODE + max([0.0, *(reach + 6 for reach in reaches)])
    arcs = [_arc(found, places, gutter, reach) for found, reach in zip(drawn, reaches, strict=True)]
    links = [found for found in borrowings if found.classes]
    return Drawing(rows, arcs, gutter, len(rows) * ROW, len(chosen), links[::-1][:LISTED], len(links))


def _borrowings(facts: Facts, task: TaskFacts) -> list[Borrowing]:
    found = []
    for link in task.links:
        ranked = sorted(link.transfers, key=lambda transfer: -transfer.share)
        similar = sum(transfer.share >= task.threshold for transfer in ranked)
        source = facts.tasks.get(link.source)
        found.append(Borrowing(task, source, link.source, similar, ranked[:PAIRS], max(0, len(ranked) - PAIRS), len(ranked), link.examples))
    if task.copied is not None and task.copied not in task.sources:
        found.append(Borrowing(task, facts.tasks.get(task.copied), task.copied, 0, (), 0, 0, 0))
    return found


def _chosen(facts: Facts, borrowings: Sequence[Borrowing]) -> set[str]:
    """All tasks; of too many those at the newest links' ends, then the last ones."""
    if len(facts.tasks) <= NODES:
        return {*facts.tasks}
    chosen: set[str] = set()
    for found in reversed(borrowings):
        ends = {found.task.name, found.name} & facts.tasks.keys()
        if len(chosen | ends) <= NODES:
            chosen |= ends
    for name in reversed([*facts.tasks]):
        if len(chosen) < NODES:
            chosen.add(name)
    return chosen


def _rows(facts: Facts, chosen: set[str]) -> tuple[list[Row], dict[str, float]]:
    rows: list[Row] = []
    places: dict[str, float] = {}
    skipped = 0
    for name, task in facts.tasks.items():
        if name not in chosen:
            skipped += 1
            continue
        if skipped:
            rows.append(Row(None, skipped, (len(rows) + 0.5) * ROW))
            skipped = 0
        places[name] = (len(rows) + 0.5) * ROW
        rows.append(Row(task, 0, places[name]))
    if skipped:
        rows.append(Row(None, skipped, (len(rows) + 0.5) * ROW))
    return rows, places


def _reach(apart: float) -> float:
    return min(WIDE, NARROW + STEP * (apart / ROW - 1))


def _arc(borrowing: Borrowing, places: Mapping[str, float], gutter: float, reach: float) -> Arc:
    """Leaves the source's node to the left and comes back to the borrower's, wider the further apart they are."""
    top, bottom = places[borrowing.name], places[borrowing.task.name]
    width = round(1.5 + min(5.5, borrowing.similar * 0.22), 1) if borrowing.classes else 1.2
    point = 4 + width
    start, end = gutter - NODE, gutter - NODE - 2
    # The middle of a cubic curve is 3/4 of the way out to its control points.
    out = round(start - reach / 0.75, 1)
    line = f"M{start} {top}C{out} {top} {out} {bottom} {end - point} {bottom}"
    head = f"M{end} {bottom}l{-point - 2} {-point / 2 - 1.5}v{point + 3}z"
    return Arc(borrowing, line, head, width)
