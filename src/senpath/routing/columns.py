"""Rows of columns in one array, which belong to tasks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

ROWS = 1_024
"""Rows in a block, at most, so that what is gathered for it stays in the processor's cache."""


def blocks(tasks: np.ndarray, sizes: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Group places by their task, and tasks into blocks.

    Args:
        tasks: int64 (n,), the task of each place; below 0 for none.
        sizes: int64 (all tasks,); the tasks of a block are of one size.

    Yields:
        the tasks of a block (g,), their places (g, most), and bool (g, most), which of these are places; the others only fill up.
    """
    order = np.argsort(tasks, kind="stable")[np.count_nonzero(tasks < 0) :]
    present, starts, counts = np.unique(tasks[order], return_index=True, return_counts=True)
    for size in np.unique(sizes[present]):
        alike = np.flatnonzero(sizes[present] == size)
        alike = alike[np.argsort(counts[alike], kind="stable")]  # of like number side by side, so that little is filled up
        start = 0
        while start < len(alike):
            end = start + 1
            while end < len(alike) and (end + 1 - start) * max(counts[alike[end]], size) <= ROWS:
                end += 1
            mine = alike[start:end]
            steps = np.arange(counts[mine[-1]])
            real = steps < counts[mine][:, None]
            yield present[mine], order[starts[mine][:, None] + np.where(real, steps, 0)], real
            start = end


def places_by_task(sizes: np.ndarray) -> torch.Tensor:
    """For tasks whose columns follow one another the places of each task's own, int64 (tasks, most); the rest points behind all."""
    starts, steps = np.cumsum(sizes) - sizes, np.arange(sizes.max())
    return torch.from_numpy(np.where(steps < sizes[:, None], starts[:, None] + steps, sizes.sum()))


@dataclass(frozen=True)
class StoredTask:
    """What is stored of a task's statistics; see `TaskStatistics`.

    Args:
        name: of the task.
        first: its first row in the columns' file.
        counts: examples behind each of its rows.
        figures, owners: see `TaskStatistics`.
    """

    name: str
    first: int
    counts: Sequence[float]
    figures: dict[str, float]
    owners: tuple[int | None, ...] = ()


class Columns:
    """Rows of one array, those of a task one after another, checked when they are first used.

    Args:
        rows: float32 (rows, features), such as a memory-mapped file.
        tasks: whose rows they are.
        check: called with a task's place in `tasks` before its rows are used; raises if they are not as they were written.
        checked: bool, the first of the tasks, those that need no check.
    """

    def __init__(
        self, rows: np.ndarray, tasks: Sequence[StoredTask], check: Callable[[int], None], checked: np.ndarray | None = None
    ) -> None:
        self.rows, self._check = np.asarray(rows), check
        self.first = np.array([task.first for task in tasks], dtype=np.int64)
        self.sizes = np.array([len(task.counts) for task in tasks], dtype=np.int64)
        places = self.places(np.arange(len(tasks)))
        self.owner = np.full(len(rows), -1, dtype=np.int64)  # a row may belong to no task
        self.owner[places] = np.repeat(np.arange(len(tasks)), self.sizes)
        self.counts = np.ones(len(rows), dtype=np.float32)
        self.counts[places] = np.concatenate([np.asarray(task.counts, dtype=np.float32) for task in tasks])
        self.checked = np.zeros(len(tasks), dtype=bool)
        if checked is not None:
            self.checked[: len(checked)] = checked

    def places(self, tasks: np.ndarray) -> np.ndarray:
        """Numbers of these tasks' rows, task after task."""
        sizes = self.sizes[tasks]
        ends = np.cumsum(sizes)
        places: np.ndarray = np.arange(ends[-1] if len(ends) else 0) + np.repeat(self.first[tasks] - (ends - sizes), sizes)
        return places

    def require(self, tasks: np.ndarray) -> None:
        """Check the rows of these tasks that were not checked yet."""
        fresh = ~self.checked[tasks]
        for task in np.unique(tasks[fresh]) if fresh.any() else ():
            self._check(int(task))
            self.checked[task] = True

    def take(self, tasks: np.ndarray) -> tuple[np.ndarray, torch.Tensor]:
        """Numbers of these tasks' rows, and the rows: float32, on the processor."""
        self.require(tasks)
        places = self.places(tasks)
        return places, torch.from_numpy(self.rows.take(places, axis=0))
