"""Figures: panels that are drawn into a file of docs/figures."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

FIGURES = Path(__file__).resolve().parents[2] / "docs" / "figures"


@contextmanager
def figure(name: str, size: tuple[float, float], rows: int = 1, columns: int = 1, *, dpi: int = 120, **shared: Any) -> Iterator[Any]:
    """A figure and its panels (rows, columns), saved in docs/figures at the end.

    Args:
        name: of the file; its ending says the format.
        size: in inches.
        rows, columns: of panels.
        dpi: dots an inch.
        shared: which axes panels share, as `Figure.subplots` names them.
    """
    drawing = Figure(figsize=size, layout="constrained")
    panels: np.ndarray = drawing.subplots(rows, columns, squeeze=False, **shared)
    yield drawing, panels
    FIGURES.mkdir(exist_ok=True)
    drawing.savefig(FIGURES / name, dpi=dpi)
