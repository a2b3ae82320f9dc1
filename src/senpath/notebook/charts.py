"""Charts of plain numbers with matplotlib, on axes of the caller's or new ones that a notebook shows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from senpath.errors import MissingExtraError, printable

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LABELLED = 40
"""Names along an axis, at most; of more every so many is written."""
LONGEST = 24
"""Characters of a name along an axis."""
WRITTEN = 15
"""Rows of a heat table whose cells have their numbers written in them, at most."""
COLOUR, OTHER = "#3366aa", "#ee7733"


def new_axes(columns: int = 1, width: float = 6.0, height: float = 4.0) -> Any:
    """Axes of a new figure of pyplot, which a notebook shows by itself: one, or an array of several side by side.

    Raises:
        MissingExtraError: if matplotlib is not installed.
    """
    try:
        from matplotlib import pyplot  # large, and only charts need it
    except ImportError as error:
        raise MissingExtraError.of("drawing", "matplotlib", "plots") from error
    return pyplot.subplots(1, columns, figsize=(width * columns, height), layout="constrained")[1]


def heat(axes: Axes, counts: np.ndarray, rows: Sequence[object], columns: Sequence[object], down: str, across: str) -> None:
    """A table of counts, each cell coloured by its share of its row.

    Args:
        counts: (rows, columns).
        rows, columns: their names.
        down, across: what they are.
    """
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    _name(axes.set_xticks, columns, 0 if max(map(len, map(str, columns)), default=0) < 4 else 90 if len(columns) > 8 else 30)
    _name(axes.set_yticks, rows, 0)
    axes.set_xlabel(across)
    axes.set_ylabel(down)
    if len(rows) <= WRITTEN:
        for (row, column), count in np.ndenumerate(counts):
            if count:
                dark = shares[row, column] > 0.5
                axes.text(column, row, f"{count:,}", ha="center", va="center", fontsize=7, color="white" if dark else "black")


def _name(set_ticks: Any, names: Sequence[object], rotation: int) -> None:
    places = range(0, len(names), -(-len(names) // LABELLED) or 1)
    shown = [plain(names[place]) for place in places]
    set_ticks(
        [*places],
        shown,
        rotation=rotation,
        ha="right" if rotation or set_ticks.__name__ == "set_yticks" else "center",
        rotation_mode="anchor",
        fontsize=8,
    )


def plain(name: object, longest: int = LONGEST) -> str:
    """A name as matplotlib draws it as it stands: no control characters, no formulas, not too long."""
    text = printable(str(name))
    return (text if len(text) <= longest else text[: longest - 1] + "…").replace("$", r"\$")


def bars(axes: Axes, names: Sequence[object], series: Sequence[tuple[str, Sequence[float]]], across: str) -> None:
    """Lying bars, the first name on top.

    Args:
        series: for each its name, and a value for each of the names.
    """
    height = 0.8 / len(series)
    for place, (label, values) in enumerate(series):
        colour = COLOUR if not place else OTHER
        axes.barh(np.arange(len(names)) + height * place - 0.4 + height / 2, values, height, label=label, color=colour)
    _name(axes.set_yticks, names, 0)
    axes.invert_yaxis()
    axes.set_xlabel(across)
    if len(series) > 1:
        axes.legend(fontsize=8, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=len(series))


def spread(axes: Axes, values: np.ndarray, limit: float, across: str, said: str) -> None:
    """How often values occur, and a limit; those far beyond it are together in the last bar.

    Args:
        said: what is beyond the limit.
    """
    known = values[~np.isnan(values)]
    top = 3 * limit
    axes.hist(np.minimum(known, top), bins=np.linspace(0, top, 31).tolist(), color=COLOUR)
    axes.axvline(limit, color=OTHER, label=f"limit: beyond it {said}")
    axes.set_xlabel(f"{across}, {top:g} and more together")
    axes.set_ylabel("inputs")
    axes.legend(fontsize=8)


def links(axes: Axes, names: Sequence[object], weights: Sequence[float], borrowed: Sequence[tuple[str, str]]) -> None:
    """Things in their order from top to bottom with a bar of how large each is, and arcs to what each borrows from."""
    bars(axes, names, [("", weights)], "weights of its own")
    places, widest = {name: place for place, name in enumerate(names)}, max([*weights, 1])
    for one, other in dict.fromkeys(borrowed):
        if one in places and other in places:
            arrow = {"arrowstyle": "->", "connectionstyle": "arc3,rad=0.3", "color": OTHER, "alpha": 0.7}
            axes.annotate("", (widest * 1.04, places[other]), (widest * 1.04, places[one]), arrowprops=arrow, annotation_clip=False)
    if borrowed:
        axes.set_xlim(0, widest * 1.25)
        axes.set_title("arrows lead to the tasks that it borrows from", fontsize=8)
