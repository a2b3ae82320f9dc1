"""Paths drawn as lines through layers: a column per name of a layer, a row per task that trained layers, a node per layer."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

from senpath.methods.munet.path import ADAPTER
from senpath.methods.munet.report.paths import LayerTrainer, TaskLayer, TaskPath
from senpath.sections import NetworkSummary, cut

PATHS, OUTSIDE = 1000, 12
"""At most so many paths are drawn, the last ones; and rows of tasks whose paths are not."""
NAMED = 6
"""At most so many tasks are named in a tooltip."""
NODE, SLOT, ROUND = 28, 4, 5
"""Width of a node, height of a line's slot in it, its margin above and below these, in CSS pixels."""
ROW, SPACE = 30, 5
"""Least height of a row, and space between nodes that are in one column of it."""
NARROWEST, WIDEST, WIDTH = 62, 92, 900
"""Of a column, at least and at most; and what all columns take together where that is possible."""
ROOT, GONE = "of-root", "of-gone"
"""Classes of what no task of today trained."""
OTHERS = LayerTrainer(None, gone=True)
"""In a row's place, for all tasks outside that have no row of their own."""


class Shape(NamedTuple):
    """A layer's outline or a task's path as an SVG path, the class that colours it, and what it is in words."""

    path: str
    colour: str
    words: str


class Row(NamedTuple):
    """The layers that one task trained, or that are the root's: its name, and what there is to say of it."""

    name: str
    note: str
    colour: str
    height: float


@dataclass
class _Stop:
    """Where a line crosses a column: in a layer, or past the layers of a row; `offset` from the row's top is its own."""

    column: int
    row: LayerTrainer
    layer: TaskLayer | None
    offset: float = 0.0


class _Box(NamedTuple):
    """Where a layer is."""

    column: int
    row: LayerTrainer
    layer: TaskLayer
    offset: float
    height: float


def draw_graph(network: NetworkSummary, paths: Sequence[TaskPath]) -> dict[str, Any]:
    """Place the layers and the lines of paths from one root.

    Columns are in the order in which layers run, each `pitch` wide; `borders` are between rows. There are lines for the last ones of all
    `paths`; so many nodes are `shared` by several tasks.
    """
    shown = paths[-PATHS:]
    columns = in_order([[layer.name for layer in path.layers] for path in shown])
    pitch = round(min(WIDEST, max(NARROWEST, WIDTH / len(columns))), 1)
    order, row_of = _order(network, shown)
    stops = [_stops(path, columns, row_of) for path in shown]
    boxes, heights = _settle([stop for mine in stops for stop in mine])
    tops, below = dict[LayerTrainer, float](), 0.0
    for trainer in order:
        tops[trainer] = below
        below += heights[trainer]
    users: dict[str, list[str]] = defaultdict(list)
    for task in network.tasks.values():
        for component in task.pathway.references:
            users[component].append(task.name)
    return {
        "root": paths[0].root,
        "columns": columns,
        "pitch": pitch,
        "rows": [_row(network, trainer, heights[trainer], shown, row_of) for trainer in order],
        "borders": [tops[trainer] for trainer in order[1:]],
        "nodes": [_node(network, box, tops[box.row], pitch, users[box.layer.component]) for box in boxes],
        "lines": [_line(path, mine, tops, pitch) for path, mine in zip(shown, stops, strict=True)],
        "width": round(len(columns) * pitch, 1),
        "height": below,
        "paths": len(paths),
        "shared": sum(len(users[box.layer.component]) > 1 for box in boxes),
    }


def in_order(sequences: Sequence[Sequence[str]]) -> list[str]:
    """All places of sequences that each have some of them, in one order that suits all sequences; adapters come first, behind theirs."""
    places = list(dict.fromkeys(place for sequence in sequences for place in sequence))
    before: dict[str, set[str]] = {place: set() for place in places}
    for sequence in sequences:
        for earlier, later in pairwise(sequence):
            before[later].add(earlier)
    ordered: list[str] = []
    while places:
        # Where no order suits all, as no search would make it, the first one that is seen goes first.
        free = [place for place in places if before[place] <= {*ordered}] or places
        adapter = f"{ADAPTER} {ordered[-1]}" if ordered else ""
        ordered.append(adapter if adapter in free else free[0])
        places.remove(ordered[-1])
    return ordered


def _order(network: NetworkSummary, shown: Sequence[TaskPath]) -> tuple[list[LayerTrainer], dict[LayerTrainer, LayerTrainer]]:
    """The rows from the top, and for each trainer its row: the root, tasks without a path here, then the paths' tasks."""
    counts = Counter(layer.trainer for path in shown for layer in path.layers)
    places = {name: place for place, name in enumerate(network.tasks)}
    mine = {LayerTrainer(path.task.name) for path in shown}
    outside = [trainer for trainer in counts if trainer not in mine and trainer.name is not None]
    kept = {*sorted(outside, key=lambda trainer: -counts[trainer])[: OUTSIDE if len(outside) <= OUTSIDE else OUTSIDE - 1]}
    row_of = {trainer: OTHERS if trainer in outside and trainer not in kept else trainer for trainer in counts}

    def rank(row: LayerTrainer) -> tuple[int, int]:
        group = 0 if row == LayerTrainer(None) else 1 if row == OTHERS else 2 if row.gone else 3 if row not in mine else 4
        return group, places.get(row.name or "", 0)

    return sorted({*row_of.values()}, key=rank), row_of


def _stops(path: TaskPath, columns: Sequence[str], row_of: Mapping[LayerTrainer, LayerTrainer]) -> list[_Stop]:
    """From left to right; a line stays in its row until the column before the next layer's."""
    stops, places = list[_Stop](), [columns.index(layer.name) for layer in path.layers]
    for layer, place, following in zip(path.layers, places, [*places[1:], 0], strict=True):
        row = row_of[layer.trainer]
        stops.append(_Stop(place, row, layer))
        stops += [_Stop(between, row, None) for between in range(place + 1, following)]
    return stops


def _settle(stops: Sequence[_Stop]) -> tuple[list[_Box], dict[LayerTrainer, float]]:
    """Give every stop its offset; returns the layers' places and the rows' heights."""
    cells: dict[tuple[int, LayerTrainer], dict[str, list[_Stop]]] = defaultdict(lambda: defaultdict(list))
    for stop in stops:
        cells[stop.column, stop.row][stop.layer.component if stop.layer is not None else ""].append(stop)
    boxes, heights = list[_Box](), dict[LayerTrainer, float]()
    margin = (ROW - SLOT) / 2 - ROUND
    for (column, row), groups in cells.items():
        passing = groups.pop("", [])  # below the layers
        below = margin
        for inside in [*groups.values(), *([passing] if passing else [])]:
            height = SLOT * len(inside) + 2 * ROUND
            for number, stop in enumerate(inside):
                stop.offset = below + ROUND + SLOT * (number + 0.5)
            if inside[0].layer is not None:
                boxes.append(_Box(column, row, inside[0].layer, below, height))
            below += height + SPACE
        heights[row] = max(heights.get(row, ROW), below - SPACE + margin)
    return boxes, heights


def _row(
    network: NetworkSummary, row: LayerTrainer, height: float, shown: Sequence[TaskPath], row_of: Mapping[LayerTrainer, LayerTrainer]
) -> Row:
    if row == OTHERS:
        return Row(f"{sum(other == OTHERS for other in row_of.values())} other tasks", "not drawn, or removed", GONE, height)
    if row.name is None:
        return Row("root", shown[0].root.name, ROOT, height)
    if row.gone:
        return Row(row.name, "as it was before" if row.name in network.tasks else "removed", GONE, height)
    note = "" if any(path.task.name == row.name for path in shown) else "not drawn"
    return Row(row.name, note, _colour(network, row), height)


def _colour(network: NetworkSummary, trainer: LayerTrainer) -> str:
    if trainer.name is None:
        return ROOT
    return GONE if trainer.gone else f"c{network.tasks[trainer.name].colour}"


def _node(network: NetworkSummary, box: _Box, top: float, pitch: float, users: Sequence[str]) -> Shape:
    left, up, flat, tall = (box.column + 0.5) * pitch - NODE / 2, top + box.offset, NODE - 2 * ROUND, box.height - 2 * ROUND
    corners = [f"a{ROUND} {ROUND} 0 0 1 {x} {y}" for x, y in ((ROUND, ROUND), (-ROUND, ROUND), (-ROUND, -ROUND), (ROUND, -ROUND))]
    outline = f"M{left + ROUND:.1f} {up:.1f}h{flat}{corners[0]}v{tall}{corners[1]}h{-flat}{corners[2]}v{-tall}{corners[3]}z"
    trainer, weights = box.layer.trainer, network.sizes[box.layer.component]
    who = "of the root" if trainer.name is None else f"trained by {cut(trainer.name)}{', which is gone' if trainer.gone else ''}"
    names = ", ".join(map(cut, users[:NAMED])) + (f" and {len(users) - NAMED} more" if len(users) > NAMED else "")
    return Shape(outline, _colour(network, trainer), f"{box.layer.name}: {weights:,} weights, {who}; used by {names}")


def _line(path: TaskPath, stops: Sequence[_Stop], tops: Mapping[LayerTrainer, float], pitch: float) -> Shape:
    points = [((stop.column + 0.5) * pitch, tops[stop.row] + stop.offset) for stop in stops]
    parts = [f"M{points[0][0] - NODE / 2:.1f} {points[0][1]:g}"]
    for (x, y), (next_x, next_y) in pairwise([*points, points[-1]]):
        parts.append(f"H{x + NODE / 2:.1f}")
        if next_y != y:
            start, end = x + NODE / 2, next_x - NODE / 2
            parts.append(f"C{(start + end) / 2:.1f} {y:g} {(start + end) / 2:.1f} {next_y:g} {end:.1f} {next_y:g}")
    return Shape("".join(parts), f"c{path.task.colour}", f"{path.task.name}: {len(path.layers)} layers, {path.own} trained by it")
