"""The figure of an experiment: accuracy along the stream."""

from __future__ import annotations

from functools import partial
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from senpath.errors import InputError
from senpath.notebook import charts
from senpath.plugins import import_extra
from senpath.reports.markdown import share_bounds

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from senpath.experiments.results import ExperimentResults

NAMED = 12
"""Tasks along the axis that have their names below them, at most; more are counted."""
LEGEND = 30
"""Characters of a title in the legend."""
WIDEST = 80
"""Characters above the figure."""


def draw(results: ExperimentResults, figure: str, path: str | Path | None) -> Figure:
    """See `ExperimentResults.plot`."""
    drawing: Any = import_extra("matplotlib.figure", "figures", "plots").Figure(figsize=(7.5, 4.0), layout="constrained")
    drawing._repr_png_ = partial(_png, drawing)  # notebooks show a figure by themselves only where pyplot was used before
    panel = drawing.subplots()
    several = len({row.shots for row in results.rows()}) > 1
    for place, row in enumerate(results.rows()):
        matrices = row.matrices(figure)
        if not matrices:
            continue
        tasks = min((matrix.tasks for matrix in matrices), key=len)  # seeds at work are not all as far
        stages = [results.tasks.index(task) + 1 for task in tasks]
        means = np.array([[100 * matrix.values[row, : row + 1].mean() for row in range(len(tasks))] for matrix in matrices])
        low, high = np.array([share_bounds(column) for column in means.T]).T
        title = f"{row.title}, {row.shots} shots" if several else row.title
        colour, style = f"C{place % 10}", ("-", "--", ":")[place // 10 % 3]
        panel.plot(stages, means.mean(0), style, color=colour, marker="o", markersize=3, label=charts.plain(title, LEGEND))
        panel.fill_between(stages, low, high, color=colour, alpha=0.15, linewidth=0)
    if len(results.tasks) <= NAMED:
        names = [charts.plain(task) for task in results.tasks]
        panel.set_xticks(range(1, len(names) + 1), names, rotation=30, ha="right")
    else:
        panel.xaxis.get_major_locator().set_params(integer=True)
    panel.set_xlabel("after task")
    panel.set_ylabel("mean accuracy so far, %")
    where = "the task given" if figure == "given" else "the task found" if figure == "found" else figure
    panel.set_title(charts.plain(f"{results.name}: {where}", WIDEST), loc="left", fontsize=10)
    panel.grid(alpha=0.3)
    if panel.get_legend_handles_labels()[0]:
        panel.legend(fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
    if path is not None:
        try:
            drawing.savefig(path, dpi=120)
        except (OSError, ValueError) as error:
            raise InputError(f"figure {path}", expected="a file that can be written", got=str(error)) from error
    return cast("Figure", drawing)


def _png(drawing: Any) -> bytes:
    """A figure as notebooks show it."""
    content = BytesIO()
    drawing.savefig(content, format="png", dpi=80)
    return content.getvalue()
