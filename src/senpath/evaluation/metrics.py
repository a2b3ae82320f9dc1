"""Figures of continual learning, read off the matrix of accuracies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from senpath.errors import InputError
from senpath.notebook.html import Html, block, note, shade, table

FORMULAS = {
    "ACC": ("(1/T) Σⱼ R[T,j]", "mean accuracy after the last task (Lopez-Paz and Ranzato 2017)"),
    "BWT": ("(1/(T−1)) Σ_{j<T} (R[T,j] − R[j,j])", "backward transfer: how later tasks moved earlier ones (Lopez-Paz and Ranzato 2017)"),
    "FWT": (
        "(1/(T−1)) Σ_{j>1} (R[j−1,j] − b[j])",
        "forward transfer: before any step on a task, against untrained (Lopez-Paz and Ranzato 2017)",
    ),
    "forgetting": ("(1/(T−1)) Σ_{j<T} (max_{j≤i<T} R[i,j] − R[T,j])", "from the best there was to the last (Chaudhry et al. 2018)"),
}
"""R[i,j] is the accuracy on task j after task i, b[j] that of an untrained model; T tasks.

Example:
    >>> from senpath.evaluation import FORMULAS
    >>> list(FORMULAS)
    ['ACC', 'BWT', 'FWT', 'forgetting']
"""


@dataclass(frozen=True)
class AccuracyMatrix:
    """Accuracy on every task after every task.

    Args:
        tasks: names, in the order of learning.
        values: float (T, T), R[i, j] on task j after task i, shares in 0 … 1; R[j−1, j] is measured before any step on task j; NaN where
            nothing was measured.
        untrained: float (T,), accuracy on each task of a model that has learned nothing; NaN where it was not measured.

    Raises:
        InputError: if the shapes do not fit the names, or a value is no share.

    Example:
        >>> from senpath.evaluation import AccuracyMatrix
        >>> matrix = AccuracyMatrix(("a", "b"), np.array([[0.9, 0.5], [0.7, 0.9]]), np.array([0.5, 0.5]))
        >>> round(matrix.acc, 2), round(matrix.bwt, 2)
        (0.8, -0.2)
    """

    tasks: tuple[str, ...]
    values: np.ndarray
    untrained: np.ndarray

    def __post_init__(self) -> None:
        for name in ("values", "untrained"):  # lists are as good
            try:
                object.__setattr__(self, name, np.asarray(getattr(self, name), dtype=np.float64))
            except (TypeError, ValueError) as error:
                raise InputError("accuracy matrix", expected=f"numbers as {name}", got=str(error)) from error
        object.__setattr__(self, "tasks", tuple(self.tasks))
        size = len(self.tasks)
        if self.values.shape != (size, size) or self.untrained.shape != (size,):
            got = f"{self.values.shape} and {self.untrained.shape}"
            raise InputError("accuracy matrix", expected=f"({size}, {size}) values and ({size},) untrained, for {size} tasks", got=got)
        known = np.concatenate([self.values.ravel(), self.untrained])
        known = known[~np.isnan(known)]
        if size == 0 or np.any((known < 0) | (known > 1)):
            raise InputError("accuracy matrix", expected="at least one task, shares in 0 … 1", got="none, or other numbers")

    @property
    def acc(self) -> float:
        """Mean accuracy after the last task."""
        return float(self.values[-1].mean())

    @property
    def bwt(self) -> float:
        """Backward transfer; below 0 earlier tasks got worse. NaN for one task."""
        return _mean(self.values[-1, :-1] - np.diag(self.values)[:-1])

    @property
    def fwt(self) -> float:
        """Forward transfer: accuracy before any step on a task, less that of an untrained model. NaN for one task."""
        return _mean(np.diag(self.values, k=1) - self.untrained[1:])

    @property
    def forgetting(self) -> float:
        """From the best accuracy that there was before the last task to that after it; at least BWT's fall. NaN for one task."""
        last = len(self.tasks) - 1
        return _mean(np.array([self.values[task:last, task].max() - self.values[-1, task] for task in range(last)]))

    @property
    def figures(self) -> dict[str, float]:
        """All of them, by the names of `FORMULAS`."""
        return {"ACC": self.acc, "BWT": self.bwt, "FWT": self.fwt, "forgetting": self.forgetting}

    def _repr_html_(self) -> str:
        cells = [[Html() if np.isnan(value) else shade(value, f"{100 * value:.1f}") for value in row] for row in self.values.tolist()]
        rows = [(f"after {task}", *row) for task, row in zip(self.tasks, cells, strict=True)]
        figures = ", ".join(f"{name} –" if np.isnan(value) else f"{name} {100 * value:+.1f}" for name, value in self.figures.items())
        return block("accuracy on each task, %", table(["", *self.tasks], rows, range(1, len(rows) + 1)), note(figures))


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if len(values) else float("nan")
