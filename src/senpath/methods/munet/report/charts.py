"""How searches went, by generation; and what each path costs for its accuracy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from senpath.methods.munet.record import METHOD
from senpath.methods.munet.report.paths import TaskPath
from senpath.pathways.spec import number
from senpath.sections import Axis, Tick, spread_labels

STEPS, DOTS, TICKS = 40, 12, 6
"""At most so many steps along a search's axis, dots in each (of more children, the best ones), and generations named."""
LABELS = 12
"""At most so many tasks have a label in the chart of accuracies."""
MARK = 1.4
"""Half the height of the mark where a task was in the chart, in percent."""

Trial = tuple[float, bool]
"""A child's score, and whether it was kept."""


def draw_search(path: TaskPath) -> dict[str, Any] | None:
    """What the log says of the search for a path; None if it says nothing of it.

    Drawn are a line of the best score so far, and dots for the children that were `kept` and `dropped`, as SVG paths. Of all `children`
    so many `joined` or `failed`. A step of the line is `most` generations; it is `thinned` if children have no dot for want of space.
    """
    entry = path.task.log_entry
    generations = entry.get("generations")
    # Earlier formats' log has the record under the method's name.
    same = _lasting(entry.get("record", entry.get(METHOD))) == _lasting(path.task.pathway.provenance.record)
    if not isinstance(generations, list) or not same:
        return None
    children = [[child for child in each if isinstance(child, dict)] for each in generations if isinstance(each, list)]
    trials = [
        [(score, child.get("kept") is True) for child in each if (score := number(child.get("score"))) is not None] for each in children
    ]
    most = -(-len(trials) // STEPS) or 1
    steps = [[child for each in trials[first : first + most] for child in each] for first in range(0, len(trials), most)]
    scores = [score for step in steps for score, _ in step]
    kept = [score for step in steps for score, joined in step if joined]
    if not kept:
        return None
    axis, count = Axis.over(min(scores), max(scores), 3), sum(map(len, children))
    return {
        "task": path.task,
        "line": _line(steps, axis),
        "kept": _dots(steps, axis, kept=True),
        "dropped": _dots(steps, axis, kept=False),
        "up": [Tick(axis.down(value), text) for value, text in axis.labels()],
        "across": [Tick(_left(step + 0.5, steps), str(step * most + 1)) for step in range(0, len(steps), -(-len(steps) // TICKS))],
        "generations": len(trials),
        "children": count,
        "joined": len(kept),
        "failed": count - len(scores),
        "best": max(kept),
        "most": most,
        "thinned": any(len(step) > DOTS for step in steps),
    }


def draw_accuracies(paths: Sequence[TaskPath]) -> dict[str, Any]:
    """Accuracy against weights that a path accounts for: a dot for each task of which both are known, and labels of the axes.

    Accuracy is that with the task given, or where it was not `measured`, the quality on the examples that the search held out. A `trace`
    begins where the task was when it was learned, and is "" where that is not known. The last tasks have a label, from top to bottom.
    """
    values = [(path, value) for path in paths if (value := path.quality if path.task.accuracy is None else path.task.accuracy) is not None]
    if not values:
        return {"dots": []}
    most = max(path.of_root(max(path.accounted, path.began or 0.0)) for path, _ in values)
    widths = Axis.over(0, 100 * most, 5)
    heights = Axis.over(100 * min(value for _, value in values), 100 * max(value for _, value in values), 5)
    dots = [_dot(path, value, widths, heights) for path, value in values]
    rest, named = dots[:-LABELS], sorted(dots[-LABELS:], key=lambda dot: float(dot["down"]))
    for dot, place in zip(named, spread_labels([dot["down"] for dot in named]), strict=True):
        dot["label"] = round(place, 2)
    return {
        "dots": [*rest, *named],
        "across": [Tick(widths.across(value), text) for value, text in widths.labels()],
        "up": [Tick(heights.down(value), text) for value, text in heights.labels()],
    }


def _dot(path: TaskPath, value: float, widths: Axis, heights: Axis) -> dict[str, Any]:
    across, down = widths.across(100 * path.of_root(path.accounted)), heights.down(100 * value)
    since, trace = across, ""
    if path.began is not None:
        since = widths.across(100 * path.of_root(path.began))
        trace = f"M{across} {down}H{since}M{since} {down - MARK:.2f}V{down + MARK:.2f}"
    place = {"across": across, "down": down, "right": max(across, since), "trace": trace, "label": None}
    return {"path": path, "value": value, "measured": path.task.accuracy is not None, **place}


def _lasting(record: Any) -> dict[str, Any]:
    """What is recorded of a search and stays so: layers may be replaced later."""
    return {name: value for name, value in record.items() if name not in ("parts", "layers")} if isinstance(record, dict) else {}


def _line(steps: Sequence[Sequence[Trial]], axis: Axis) -> str:
    parts, best = list[str](), float("-inf")
    for place, step in enumerate(steps):
        best = max([best, *(score for score, kept in step if kept)])
        if best > float("-inf"):
            parts.append(f"{'V' if parts else f'M{_left(place, steps)} '}{axis.down(best)}H{_left(place + 1, steps)}")
    return "".join(parts)


def _dots(steps: Sequence[Sequence[Trial]], axis: Axis, *, kept: bool) -> str:
    """Strokes of no length: with round ends they are dots, and stay round where the drawing is stretched."""
    dots = list[str]()
    for place, step in enumerate(steps):
        shown = step if len(step) <= DOTS else sorted(step, key=lambda child: -child[0])[:DOTS]
        for order, (score, joined) in enumerate(shown, 1):
            if joined is kept:
                dots.append(f"M{_left(place + order / (len(shown) + 1), steps)} {axis.down(score)}h0")
    return "".join(dots)


def _left(place: float, steps: Sequence[object]) -> float:
    return round(100 * place / len(steps), 2)
