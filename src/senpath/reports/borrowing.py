"""The network drawn: tasks one below the other in the order of learning, an arc for what each borrows from an earlier one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from senpath.pathways import Transfer
from senpath.pathways.spec import number
from senpath.reports.growth import SIMILAR
from senpath.sections import NetworkSummary, Section, TaskSummary

NODES, PAIRS, LISTED = 1000, 60, 16
"""At most so many tasks are drawn, pairs of classes named per link, links listed with their pairs."""
AT_ONCE = 24
"""Rows of a drawing that are seen at once; a longer one is scrolled."""
ROW, NODE = 36, 6
"""Height of a task's row, and radius of a node, in CSS pixels."""
NARROW, STEP, WIDE = 22, 13, 100
"""How far an arc between neighbours reaches out, how much further with every row between, and at most."""


@dataclass(frozen=True)
class Borrowing:
    """What a task has from an earlier one.

    Attributes:
        source: None if it is gone.
        part: what was copied, "" for a link.
        similar: how many of `classes` linked classes reach the threshold.
        pairs: the most similar classes first; `more` are not among them.
        examples: labelled examples that set the link.
    """

    task: TaskSummary
    source: TaskSummary | None
    name: str
    part: str = ""
    threshold: float = SIMILAR
    similar: int = 0
    pairs: Sequence[Transfer] = ()
    more: int = 0
    classes: int = 0
    examples: int = 0


def draw_borrowing(network: NetworkSummary, sections: Sequence[Section]) -> dict[str, Any]:
    """The section on borrowing: rows, arcs, and every link in words.

    Arcs stand for links, and for what methods say was borrowed that have no drawing of their own. The nodes' middles are at the right edge
    of their `gutter`. `listed` are the newest of the `links`, whose pairs of classes are listed.
    """
    copies = [section for section in sections if section.template is None]
    borrowings = [each for task in network.tasks.values() for each in _borrowings(network, task, copies)]
    chosen = _chosen(network, borrowings)
    rows, places = _rows(network, chosen)
    drawn = [each for each in borrowings if each.source is not None and {each.name, each.task.name} <= places.keys()]
    reaches = [_reach(abs(places[each.task.name] - places[each.name])) for each in drawn]
    gutter = NODE + max([0.0, *(reach + 6 for reach in reaches)])
    links = [each for each in borrowings if each.classes]
    return {
        "rows": rows,
        "arcs": [_arc(each, places, gutter, reach) for each, reach in zip(drawn, reaches, strict=True)],
        "gutter": gutter,
        "height": len(rows) * ROW,
        "drawn": len(chosen),
        "listed": links[::-1][:LISTED],
        "links": len(links),
    }


def _borrowings(network: NetworkSummary, task: TaskSummary, copies: Sequence[Section]) -> list[Borrowing]:
    borrowings, threshold = [], _threshold(task)
    for link in task.pathway.links:
        ranked = sorted(link.transfers, key=lambda transfer: -transfer.share)
        similar = sum(transfer.share >= threshold for transfer in ranked)
        more, source = max(0, len(ranked) - PAIRS), network.lender(task, link)
        borrowings.append(Borrowing(task, source, link.source, "", threshold, similar, ranked[:PAIRS], more, len(ranked), link.examples))
    for section in copies:
        for name in section.borrowed.get(task.name, ()):
            borrowings.append(Borrowing(task, network.lender(task, name), name, section.part))
    return borrowings


def _threshold(task: TaskSummary) -> float:
    """Similarity from which on a class counts as similar to its source, where the method has such a setting."""
    threshold = number(task.pathway.provenance.settings.get("threshold"))
    return SIMILAR if threshold is None else threshold


def _chosen(network: NetworkSummary, borrowings: Sequence[Borrowing]) -> set[str]:
    """All tasks; of too many those at the newest links' ends, then the last ones."""
    if len(network.tasks) <= NODES:
        return {*network.tasks}
    chosen: set[str] = set()
    for each in reversed(borrowings):
        ends = {each.task.name, *([each.name] if each.source is not None else [])}
        if len(chosen | ends) <= NODES:
            chosen |= ends
    for name in reversed([*network.tasks]):
        if len(chosen) < NODES:
            chosen.add(name)
    return chosen


def _rows(network: NetworkSummary, chosen: set[str]) -> tuple[list[tuple[TaskSummary | None, int]], dict[str, float]]:
    """Tasks, or None in their place with how many are left out there; and where the middles of the chosen tasks' rows are."""
    rows: list[tuple[TaskSummary | None, int]] = []
    places: dict[str, float] = {}
    for is_chosen, tasks in groupby(network.tasks.values(), lambda task: task.name in chosen):
        if not is_chosen:
            rows.append((None, len([*tasks])))
            continue
        for task in tasks:
            places[task.name] = (len(rows) + 0.5) * ROW
            rows.append((task, 0))
    return rows, places


def _reach(apart: float) -> float:
    return min(WIDE, NARROW + STEP * (apart / ROW - 1))


def _arc(borrowing: Borrowing, places: Mapping[str, float], gutter: float, reach: float) -> dict[str, Any]:
    """Leaves the source's node to the left and comes back to the borrower's, wider the further apart they are."""
    top, bottom = places[borrowing.name], places[borrowing.task.name]
    width = round(1.5 + min(5.5, borrowing.similar * 0.22), 1) if borrowing.classes else 1.2
    point = 4 + width
    start, end = gutter - NODE, gutter - NODE - 2
    # The middle of a cubic curve is 3/4 of the way out to its control points.
    out = round(start - reach / 0.75, 1)
    line = f"M{start} {top}C{out} {top} {out} {bottom} {end - point} {bottom}"
    head = f"M{end} {bottom}l{-point - 2} {-point / 2 - 1.5}v{point + 3}z"
    return {"borrowing": borrowing, "line": line, "head": head, "width": width}
