"""The section on layers that tasks share: who uses whose, how the searches went, what each path costs for its accuracy."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from senpath.reports.axes import Axis
from senpath.reports.facts import Facts, TaskFacts
from senpath.reports.layer_graph import GONE, Graph, draw_graph
from senpath.reports.searches import SEARCHES, Generations, describe_search
from senpath.reports.stages import GAP, HEIGHT, Tick, spread
from senpath.reports.task_paths import TaskPath, read_paths

GRAPHS, LABELS, PARTNERS = 4, 12, 3
"""At most so many roots have a graph, tasks a label in the chart, and tasks are named of those that one shares with."""
TICK = 1.4
"""Half the height of the mark where a task was in the chart, in percent."""


@dataclass(frozen=True)
class Share:
    """Layers that a task has of another one, or together with it; `task` is None for the root, or one that is gone."""

    name: str
    task: TaskFacts | None
    layers: int


@dataclass(frozen=True)
class Entry:
    """One task in the table.

    Attributes:
        own: layers that it trained.
        taken: whose the others are.
        partners: the tasks that have most of its layers too; `more` are not among them.
        accounted, began: weights that it accounts for, now and when it was learned, as shares of the root's.
    """

    path: TaskPath
    parent: str
    own: int
    taken: Sequence[Share]
    partners: Sequence[Share]
    more: int
    accounted: float
    began: float | None

    @property
    def lenders(self) -> list[Share]:
        """The tasks of `taken`."""
        return [share for share in self.taken if share.task is not None]


@dataclass(frozen=True)
class Dot:
    """One task in the chart; places are in percent of it, from its left or top.

    Attributes:
        value: accuracy with the task given, or where it was not `measured`, the quality on the examples that the search held out.
        trace: from where it was when it was learned, as an SVG path; "" where that is not known.
        right: where the trace and the dot end, across.
        label: where its label is, down; None if it has none.
    """

    entry: Entry
    value: float
    measured: bool
    across: float
    down: float
    trace: str
    right: float
    label: float | None


@dataclass(frozen=True)
class Layers:
    """What the section shows.

    Attributes:
        entries: by task.
        graphs: of the roots with the most paths, of `roots`; `gone` if one shows layers of a task that is not there any more.
        searches: the latest, of `told` that the log tells of.
        dots: of tasks of which a value is known.
    """

    entries: Mapping[str, Entry]
    graphs: Sequence[Graph]
    roots: int
    gone: bool
    searches: Sequence[Generations]
    told: int
    dots: Sequence[Dot]
    across: Sequence[Tick]
    up: Sequence[Tick]


def describe_layers(facts: Facts) -> Layers | None:
    """Everything that the section shows; None for a network without such tasks."""
    paths = read_paths(facts)
    if not paths:
        return None
    roots: dict[str, list[TaskPath]] = {}
    for path in paths:
        roots.setdefault(path.root.key, []).append(path)
    largest = sorted(roots.values(), key=len, reverse=True)[:GRAPHS]
    searches = [found for path in paths if (found := describe_search(path)) is not None]
    entries = _entries(facts, paths)
    dots, across, up = _chart([*entries.values()])
    graphs = [draw_graph(facts, mine) for mine in roots.values() if mine in largest]
    return Layers(
        entries=entries,
        graphs=graphs,
        roots=len(roots),
        gone=any(node.colour == GONE for graph in graphs for node in graph.nodes),
        searches=searches[-SEARCHES:],
        told=len(searches),
        dots=dots,
        across=across,
        up=up,
    )


def _entries(facts: Facts, paths: Sequence[TaskPath]) -> dict[str, Entry]:
    users: dict[str, list[str]] = {}
    for path in paths:
        for layer in path.layers:
            users.setdefault(layer.component, []).append(path.task.name)
    return {path.task.name: _entry(facts, path, users) for path in paths}


def _entry(facts: Facts, path: TaskPath, users: Mapping[str, Sequence[str]]) -> Entry:
    name = path.task.name
    taken = Counter(layer.trainer for layer in path.layers if layer not in path.own)
    partners = Counter(user for layer in path.layers for user in users[layer.component] if user != name).most_common()
    return Entry(
        path=path,
        parent="the root" if path.parent is None else "its own path" if path.parent == name else path.parent,
        own=len(path.own),
        taken=[
            Share("root" if by.name is None else by.name, None if by.gone else facts.tasks.get(by.name or ""), count)
            for by, count in taken.most_common()
        ],
        partners=[Share(user, facts.tasks[user], count) for user, count in partners[:PARTNERS]],
        more=max(0, len(partners) - PARTNERS),
        accounted=path.accounted / max(1.0, path.root.weights),
        began=path.began / max(1.0, path.root.weights) if path.began is not None else None,
    )


def _chart(entries: Sequence[Entry]) -> tuple[list[Dot], list[Tick], list[Tick]]:
    values = [(entry, value) for entry in entries if (value := _value(entry.path)) is not None]
    if not values:
        return [], [], []
    most = max(max(entry.accounted, entry.began or 0.0) for entry, _ in values)
    widths = Axis.over(0, 100 * most, 5)
    heights = Axis.over(100 * min(value for _, value in values), 100 * max(value for _, value in values), 5)
    dots = [_dot(entry, value, widths, heights) for entry, value in values]
    across = [Tick(_percent(share), words) for share, words in widths.words()]
    return _labelled(dots), across, [Tick(_percent(1 - share), words) for share, words in heights.words()]


def _dot(entry: Entry, value: float, widths: Axis, heights: Axis) -> Dot:
    across, down = _percent(widths.share(100 * entry.accounted)), _percent(1 - heights.share(100 * value))
    since = _percent(widths.share(100 * entry.began)) if entry.began is not None else across
    trace = f"M{across} {down}H{since}M{since} {down - TICK:.2f}V{down + TICK:.2f}" if entry.began is not None else ""
    return Dot(entry, value, entry.path.task.score is not None, across, down, trace, max(across, since), None)


def _value(path: TaskPath) -> float | None:
    return path.task.score.accuracy if path.task.score is not None else path.quality


def _labelled(dots: Sequence[Dot]) -> list[Dot]:
    """The last tasks with labels that are apart, from top to bottom; the others before them."""
    rest, named = dots[:-LABELS], sorted(dots[-LABELS:], key=lambda dot: dot.down)
    edge = 100 * GAP / 2 / HEIGHT
    places = spread([dot.down for dot in named], 100 * GAP / HEIGHT, edge, 100 - edge)
    return [*rest, *(replace(dot, label=round(place, 2)) for dot, place in zip(named, places, strict=True))]


def _percent(share: float) -> float:
    return round(100 * share, 2)
