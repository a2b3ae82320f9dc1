"""Confusion matrices, drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from senpath.notebook import charts
from senpath.types import Label

NONE_FITS = "none fits"


def draw_tasks(confusion: Mapping[str, Mapping[str | None, int]], axes: Any = None) -> Any:
    """Which tasks answered for which; see `Evaluation.plot`."""
    rows = [*confusion]
    others = dict.fromkeys(name for counts in confusion.values() for name in counts if name is not None and name not in confusion)
    columns: list[str | None] = [*rows, *others, None]
    counts = np.array([[confusion[row].get(column, 0) for column in columns] for row in rows]).reshape(len(rows), len(columns))
    names = [NONE_FITS if name is None else name for name in columns]
    axes = _axes(len(rows), axes)
    charts.heat(axes, counts, rows, names, "task of the input", "task that answered")
    return axes


def draw_classes(task: str, classes: Sequence[Label], counts: np.ndarray, axes: Any = None) -> Any:
    """Which classes were answered for which; see `Evaluation.plot`."""
    axes = _axes(len(classes), axes)
    charts.heat(axes, counts, classes, classes, "true class", "answered class")
    axes.set_title(charts.plain(task), fontsize=10)
    return axes


def _axes(rows: int, axes: Any) -> Any:
    side = min(9.0, max(3.0, 0.45 * rows + 1.5))
    return charts.new_axes(1, side * 1.15, side) if axes is None else axes
