"""Cutting work that differs from task to task into blocks of equal shape."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

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
    found, starts, counts = np.unique(tasks[order], return_index=True, return_counts=True)
    for size in np.unique(sizes[found]):
        alike = np.flatnonzero(sizes[found] == size)
        alike = alike[np.argsort(counts[alike], kind="stable")]  # of like number side by side, so that little is filled up
        start = 0
        while start < len(alike):
            end = start + 1
            while end < len(alike) and (end + 1 - start) * max(counts[alike[end]], size) <= ROWS:
                end += 1
            mine = alike[start:end]
            steps = np.arange(counts[mine[-1]])
            real = steps < counts[mine][:, None]
            yield found[mine], order[starts[mine][:, None] + np.where(real, steps, 0)], real
            start = end
