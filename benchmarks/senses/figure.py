"""The figure: senpath against the logistic regression, and what borrowing gained, each with its 95 % interval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib as mpl
import numpy as np

mpl.use("Agg")

import matplotlib.pyplot as plt
from matplotlib.axes import Axes

from benchmarks.common import DOCS
from senpath.reports.markdown import half_interval

FIGURE = DOCS / "figures" / "senses.png"
Gaps = Mapping[tuple[str, int], Sequence[float]]
"""Points, one a seed, by what was learned and the number of examples a class."""


def draw(alone: Gaps, borrowing: Gaps, peer: str) -> None:
    """Args:
    alone: senpath less the logistic regression.
    borrowing: with default settings after other tasks, less alone.
    peer: how the logistic regression was chosen.
    """
    figure, panels = plt.subplots(1, 2, figsize=(11, 4.6), layout="constrained")
    _panel(panels[0], alone, f"senpath less logistic regression (by {peer}), points")
    _panel(panels[1], borrowing, "after other tasks less alone, points")
    panels[0].axvline(-1, color="black", lw=0.8, ls="--")
    panels[0].legend(title="examples a class", loc="best")
    FIGURE.parent.mkdir(exist_ok=True)
    figure.savefig(FIGURE, dpi=120)
    plt.close(figure)


def _panel(axes: Axes, gaps: Gaps, title: str) -> None:
    names = list(dict.fromkeys(name for name, _ in gaps))
    for index, count in enumerate(dict.fromkeys(count for _, count in gaps)):
        mine = {name: values for (name, of), values in gaps.items() if of == count}
        places = [names.index(name) + 0.24 * (index - 0.5) for name in mine]
        means, halves = [np.mean(values) for values in mine.values()], [half_interval(values) for values in mine.values()]
        axes.errorbar(means, places, xerr=halves, fmt="o", markersize=4, lw=1.2, color=f"C{index}", label=str(count))
    axes.axvline(0, color="black", lw=0.8)
    axes.set(xlabel=title, yticks=range(len(names)), yticklabels=names)
    axes.invert_yaxis()
    axes.grid(axis="x", alpha=0.3)
