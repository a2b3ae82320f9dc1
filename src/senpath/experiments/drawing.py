"""The figure of an experiment: accuracy along the stream."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from senpath.errors import InputError
from senpath.plugins import import_extra
from senpath.reports.markdown import share_bounds

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from senpath.experiments.results import ExperimentResults

LEGEND = 30
"""Characters of a title in the legend."""


def draw(results: ExperimentResults, figure: str, path: str | Path | None) -> Figure:
    """See `ExperimentResults.plot`."""
    drawing: Figure = import_extra("matplotlib.figure", "figures", "plots").Figure(figsize=(7.5, 4.0), layout="constrained")
    panel = drawing.subplots()
    several = len({row.shots for row in results.rows()}) > 1
    for place, row in enumerate(results.rows()):
        matrices = row.matrices(figure)
        if not matrices:
            continue
        stages = range(1, len(matrices[0].tasks) + 1)
        means = np.array([[100 * matrix.values[stage - 1, :stage].mean() for stage in stages] for matrix in matrices])
        low, high = np.array([share_bounds(column) for column in means.T]).T
        title = f"{row.title}, {row.shots} shots" if several else row.title
        colour, style = f"C{place % 10}", ("-", "--", ":")[place // 10 % 3]
        panel.plot(stages, means.mean(0), style, color=colour, marker="o", markersize=3, label=title[:LEGEND])
        panel.fill_between(stages, low, high, color=colour, alpha=0.15, linewidth=0)
    panel.set_xticks(range(1, len(results.tasks) + 1), results.tasks if len(results.tasks) <= 12 else None, rotation=30, ha="right")
    panel.set_xlabel("after task")
    panel.set_ylabel("mean accuracy so far, %")
    where = "the task given" if figure == "given" else "the task found" if figure == "found" else figure
    panel.set_title(f"{results.name}: {where}", loc="left", fontsize=10)
    panel.grid(alpha=0.3)
    if panel.get_legend_handles_labels()[0]:
        panel.legend(fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
    if path is not None:
        try:
            drawing.savefig(path, dpi=120)
        except (OSError, ValueError) as error:
            raise InputError(f"figure {path}", expected="a file that can be written", got=str(error)) from error
    return drawing
