"""The pictures of the page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from senpath.bench import tables
from senpath.bench.streams import STREAMS
from senpath.errors import MissingExtraError
from senpath.experiments.records import Records
from senpath.reports.growth import INK

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = {
    "senpath": "#3366aa",
    "ranpac": "#ee7733",
    "ridge": "#ddaa33",
    "class-means": "#228855",
    "neighbours": "#aa3377",
    "largest-softmax": "#777777",
    "semantic-router": "#884422",
    "joint": "#000000",
    "oracle": "#aaaaaa",
}
OTHER = "#33aaaa"


def draw_figures(records: Records, folder: Path) -> dict[str, str]:
    """Write label.png and unknown.png; gives what each shows, by file name. Without records nothing is drawn.

    Raises:
        MissingExtraError: if matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtraError.of("drawing", "matplotlib", "plots") from error
    if not records:
        return {}
    folder.mkdir(parents=True, exist_ok=True)
    streams = list(dict.fromkeys(stream for stream, _ in tables.cells_of(records)))
    shown = {"label.png": ("right label", "right label, %"), "unknown.png": ("AUROC", "AUROC, known against unknown")}
    about = {
        "label.png": "Right labels by examples of a class, one panel a stream: lines are rows, dashed the bounds",
        "unknown.png": "AUROC of unknown against known inputs by examples of a class, one panel a stream",
    }
    for file, (figure, words) in shown.items():
        drawing = Figure(figsize=(4.1 * len(streams) + 2.2, 4.0), layout="constrained")
        panels = drawing.subplots(1, len(streams), squeeze=False)[0]
        for axes, stream in zip(panels, streams, strict=True):
            _panel(axes, records.where(stream=stream), figure)
            axes.set_title(STREAMS[stream].title if stream in STREAMS else stream, loc="left", color=INK, fontsize=10)
        panels[0].set_ylabel(words)
        handles, labels = [], []
        for axes in panels:
            for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
                if label not in labels:
                    handles.append(handle)
                    labels.append(label)
        drawing.legend(handles, labels, loc="outside right center", frameon=False, fontsize=9)
        drawing.savefig(folder / file, dpi=110)
    return about


def _panel(axes: Axes, records: Records, figure: str) -> None:
    shots = [shots for _, shots in tables.cells_of(records)]
    for name in tables.rows_of(records):
        points = [(place, figure_of) for place, one in enumerate(shots) if (figure_of := _mean(records, name, one, figure)) is not None]
        if points:
            x, y = zip(*points, strict=True)
            dashed = "--" if name in tables.BOUNDS else "-"
            axes.plot(
                x, y, dashed, marker="o", markersize=4, linewidth=2.2 if name == "senpath" else 1.2, color=COLOURS.get(name, OTHER),
                label=tables.title_of(records, name),
            )  # fmt: skip
    axes.set_xticks(range(len(shots)), [tables.shots_word(one) for one in shots])
    axes.set_xlabel("examples of a class")
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", alpha=0.2)


def _mean(records: Records, name: str, shots: int | None, figure: str) -> float | None:
    values = tables.figure_of(records.where(shots=shots, row=name), figure)
    return float(np.mean(values)) if values else None
