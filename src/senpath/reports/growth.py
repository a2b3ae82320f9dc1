"""One picture of how a network grew: accuracy by stage, what was borrowed, where inputs went, how few weights ran."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from senpath.errors import MissingExtraError
from senpath.evaluation import Evaluation
from senpath.network import Network
from senpath.pathways import Transfer

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = ("#3366aa", "#ee7733", "#228855", "#aa3377", "#886644", "#55aacc", "#999933", "#cc3311", "#5544aa", "#777777")
INK, FAINT = "#222222", "#bbbbbb"
SIMILAR = 0.7
"""Similarity from which on a class is named in the picture."""


def draw_growth(
    net: Network, stages: Mapping[str, Evaluation], shares: Mapping[str, tuple[float, float]], caption: str, path: Path
) -> None:
    """Write the picture as PNG or SVG, by the path's ending.

    Args:
        stages: what was measured after each task was learned, of all tasks so far, in the order of learning.
        shares: by task, the mean share of all weights that ran for its test inputs without task id: (pathways and links, dispatcher).
        caption: one line on the data.
        path: where to.

    Raises:
        MissingExtraError: if matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtraError.of("drawing", "matplotlib", "plots") from error
    figure = Figure(figsize=(12.5, 8.2), layout="constrained", facecolor="white")
    grid = figure.subplots(2, 2)
    colours = dict(zip(net.tasks, COLOURS * (1 + len(net.tasks) // len(COLOURS)), strict=False))
    _draw_stages(grid[0, 0], stages, colours)
    _draw_network(grid[0, 1], net, colours)
    _draw_routes(grid[1, 0], [*stages.values()][-1])
    _draw_shares(grid[1, 1], shares, colours)
    figure.supxlabel(caption, fontsize=8, color="#666666")
    figure.savefig(path, dpi=110)


def _draw_stages(axes: Axes, stages: Mapping[str, Evaluation], colours: Mapping[str, str]) -> None:
    names = [*stages]
    ends = []
    for first, task in enumerate(names):
        places = range(first, len(names))
        scores = [stages[name].scores[task] for name in names[first:]]
        given = [100 * score.accuracy for score in scores]
        unlabelled = [100 * score.accuracy_unlabelled for score in scores]
        axes.plot(places, given, "-o", color=colours[task], markersize=4)
        axes.plot(places, unlabelled, ":", color=colours[task], linewidth=1.5)
        ends.append((given[-1], task))
    for height, (value, task) in zip(_spread([value for value, _ in sorted(ends)], 4.0), sorted(ends), strict=True):
        axes.text(len(names) - 0.92, height, f"{task} {value:.1f}", color=colours[task], va="center", fontsize=9)
    axes.set_xticks(range(len(names)), [f"+ {name}" for name in names])
    axes.set_xlim(-0.2, len(names) + 0.15)
    axes.set_ylabel("test accuracy, %")
    _title(axes, "Nothing is forgotten", "solid: task given · dotted: found by the network")


def _draw_network(axes: Axes, net: Network, colours: Mapping[str, str]) -> None:
    tasks = net.tasks
    names = list(tasks)
    for place, (name, info) in enumerate(tasks.items()):
        axes.add_patch(_box(place - 0.4, 0, 0.8, 0.5, colours[name], 0.18))
        axes.text(place, 0.36, name, ha="center", va="center", fontsize=9, color=INK, weight="bold")
        axes.text(place, 0.15, f"{info.weights / 1000:,.0f} k weights\n{info.examples:,} examples", ha="center", va="center", fontsize=7)
    arcs = [(source, name) for name in names for source in dict.fromkeys(source for source, _ in tasks[name].transfers) if source in tasks]
    for level, (source, name) in enumerate(arcs):
        transfers = [transfer for lender, transfer in tasks[name].transfers if lender == source]
        _draw_link(axes, (names.index(source), names.index(name)), transfers, colours[source], level % 2)
    axes.set_xlim(-0.6, len(names) - 0.4)
    axes.set_ylim(-0.08, 1.35)
    axes.axis("off")
    _title(axes, "What was borrowed", "arc: links to an earlier task's frozen layer, with the most similar classes")


def _draw_link(axes: Axes, ends: tuple[int, int], transfers: Sequence[Transfer], colour: str, level: int) -> None:
    first, last = ends
    similar = sorted((transfer for transfer in transfers if transfer.share >= SIMILAR), key=lambda transfer: -transfer.share)
    arrow = {"arrowstyle": "-|>", "color": colour, "linewidth": 1 + len(similar) / 6, "connectionstyle": "arc3,rad=-0.45"}
    axes.annotate("", (last, 0.53), (first, 0.53), arrowprops=arrow)
    words = [f"{transfer.source}→{transfer.target} {transfer.share:.2f}" for transfer in similar[:6]]
    lines = [
        f"{len(similar)} similar class{'es' if len(similar) > 1 else ''}",
        *("  ".join(words[start : start + 3]) for start in range(0, len(words), 3)),
    ]
    height = 0.56 + 0.2 * (last - first) + 0.22 * level
    axes.text((first + last) / 2, height, "\n".join(lines), ha="center", va="bottom", fontsize=8, color=colour)


def _draw_routes(axes: Axes, final: Evaluation) -> None:
    names = list(final.scores)
    columns: list[str | None] = [*names, None]
    shares = [[100 * final.confusion[true].get(to, 0) / final.scores[true].examples for to in columns] for true in names]
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=110, aspect="auto")
    for row, values in enumerate(shares):
        for column, value in enumerate(values):
            if value >= 0.05:
                axes.text(column, row, f"{value:.1f}", ha="center", va="center", fontsize=9, color="white" if value > 60 else INK)
    axes.set_xticks(range(len(columns)), [name or "none fits" for name in columns])
    axes.set_yticks(range(len(names)), names)
    axes.set_xlabel("task that answered, % of inputs")
    _title(axes, "Which pathway an unlabelled input activates", f"mean candidates per input: {final.mean.candidates:.2f}")


def _draw_shares(axes: Axes, shares: Mapping[str, tuple[float, float]], colours: Mapping[str, str]) -> None:
    names = [*shares]
    for row, name in enumerate(names):
        paths, dispatcher = (100 * value for value in shares[name])
        axes.barh(row, paths, color=colours[name])
        axes.barh(row, dispatcher, left=paths, color=FAINT)
        axes.text(paths + dispatcher + 1, row, f"{paths:.1f} + {dispatcher:.1f} %", va="center", fontsize=9)
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.set_xlim(0, 100)
    axes.set_xlabel("share of all weights that run for one input, %")
    _title(axes, "How few weights run", "colour: pathways and links · grey: dispatcher")


def _title(axes: Axes, title: str, explanation: str) -> None:
    axes.set_title(title, loc="left", fontsize=12, weight="bold", color=INK, pad=20)
    axes.text(0, 1.02, explanation, transform=axes.transAxes, fontsize=8.5, color="#666666", va="bottom")
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def _box(x: float, y: float, width: float, height: float, colour: str, alpha: float) -> Any:
    from matplotlib.patches import FancyBboxPatch

    return FancyBboxPatch((x, y), width, height, boxstyle="round,pad=0.02", facecolor=colour, alpha=alpha, edgecolor=colour)


def _spread(values: Sequence[float], gap: float) -> list[float]:
    """Ascending values pushed apart so that labels do not overlap; the highest stays where it is."""
    placed = list(values)
    for index in range(len(placed) - 2, -1, -1):
        placed[index] = min(placed[index], placed[index + 1] - gap)
    return placed
