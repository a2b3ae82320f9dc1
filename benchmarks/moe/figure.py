"""The figure: which experts the tasks' tokens go to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import Patch

from benchmarks.common import DOCS

FIGURE = DOCS / "figures" / "moe.png"


def draw(records: Sequence[dict[str, Any]]) -> None:
    """A panel for each seed; bars are shares of a task's training tokens, paler where the task does not keep the expert."""
    seeds = sorted({record["seed"] for record in records})
    figure, panels = plt.subplots(1, len(seeds), figsize=(4.2 * len(seeds), 3.2), sharey=True, layout="constrained", squeeze=False)
    for axes, seed in zip(panels[0], seeds, strict=True):
        mine = [record for record in records if record["seed"] == seed]
        width = 0.8 / len(mine)
        for place, record in enumerate(mine):
            block = record["experts"][0]
            experts = sorted(block["shares"], key=int)
            across = np.arange(len(experts)) + (place - (len(mine) - 1) / 2) * width
            heights = [100 * block["shares"][expert] for expert in experts]
            bars = axes.bar(across, heights, width, color=f"C{place}")
            for bar, expert in zip(bars, experts, strict=True):
                bar.set_alpha(1 if int(expert) in block["rows"] else 0.3)
        axes.set(title=f"seed {seed}", xlabel="expert", xticks=range(len(mine[0]["experts"][0]["shares"])))
        axes.grid(alpha=0.25, axis="y")
    panels[0][0].set_ylabel("share of the task's tokens, %")
    tasks = list(dict.fromkeys(record["task"] for record in records))
    figure.legend([Patch(color=f"C{place}") for place in range(len(tasks))], tasks, loc="outside lower center", ncols=len(tasks))
    FIGURE.parent.mkdir(exist_ok=True)
    figure.savefig(FIGURE, dpi=120)
    plt.close(figure)
