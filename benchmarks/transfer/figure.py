"""The figure: gain against similarity, a panel for each number of shots."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from benchmarks.common import DOCS
from benchmarks.transfer.measures import LEAST
from benchmarks.transfer.rules import Table, correlation
from benchmarks.transfer.tasks import TASKS

FIGURE = DOCS / "figures" / "transfer.png"
ROWS = {
    "highest": "similarity: highest share of a class",
    "separability": "classes told apart: highest shares, each source class once,\nless 1, ÷ classes less 1",
}


def draw(tables: dict[int, Table]) -> None:
    """Each point is an ordered pair of tasks, its mean over the seeds."""
    size = (5.6 * len(tables), 8.4)
    figure, panels = plt.subplots(len(ROWS), len(tables), figsize=size, sharey="col", layout="constrained", squeeze=False)
    for row, (name, title) in enumerate(ROWS.items()):
        for column, (shots, table) in enumerate(tables.items()):
            _panel(panels[row][column], table, name)
            panels[row][column].set(title=f"{shots} examples a class" if row == 0 else "", xlabel=f"{title}\n{_rank(table, name)}")
        panels[row][0].set_ylabel("gain over Single, points of test accuracy")
    handles, labels = panels[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=5 if len(tables) > 1 else 3, title="target")
    FIGURE.parent.mkdir(exist_ok=True)
    figure.savefig(FIGURE, dpi=120)
    plt.close(figure)


def _rank(table: Table, name: str) -> str:
    whole = len(table.names) == len(TASKS) * (len(TASKS) - 1)
    return f"rank correlation with the gain: {correlation(table, name)[0]:.2f}" if whole else f"{len(table.names)} of the pairs"


def _panel(axes: Axes, table: Table, name: str) -> None:
    measured, gains = table.by_pair(table.measures[name]), table.by_pair(table.gains)
    targets = np.array([target for _, target in table.names])
    axes.axhspan(-2 * table.noise, 2 * table.noise, color="grey", alpha=0.15, lw=0)
    axes.axhline(0, color="black", lw=0.8)
    if name == "highest":
        axes.axvline(LEAST, color="black", lw=1.2, ls="--")
        axes.annotate(f"{LEAST}", (LEAST, 1), xycoords=("data", "axes fraction"), xytext=(4, -14), textcoords="offset points")
    for index, target in enumerate(TASKS):
        mine = targets == target
        spread = 0.0025 * (index - len(TASKS) / 2)  # so that equal shares do not hide each other
        axes.scatter(measured[mine] + spread, gains[mine], s=30, color=f"C{index}", label=target, edgecolor="white", lw=0.4)
    axes.grid(alpha=0.25)
