"""Rows of columns in one array, which belong to tasks; and what a task's columns say of an input's class, beside what its pathway says."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
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


Likeness = Callable[[int, np.ndarray], np.ndarray]
"""From a task's place and rows of ranked inputs (m,) to log-likelihoods (m, columns) of that task's columns, up to a constant."""


@dataclass(frozen=True, eq=False)
class ColumnVote:
    """How the columns of one task vote on the class.

    Args:
        weight: of their vote; the pathway's is 1 less it.
        classes: int64 (columns,), the class of each column; every class has one.
        order: int64 (columns,), columns class by class; None where they are so.
        starts: int64 (classes,), where in that order each class begins; None where each has one column.
    """

    weight: float
    classes: np.ndarray
    order: np.ndarray | None
    starts: np.ndarray | None

    @staticmethod
    def of(task: StoredTask) -> ColumnVote | None:
        """None where its columns have no vote."""
        weight = task.figures.get("vote", 0.0)
        if not weight:
            return None
        classes = np.asarray(task.owners if task.owners else range(len(task.counts)), dtype=np.int64)
        order, numbers = classes.argsort(kind="stable"), np.arange(classes.max() + 1)
        starts = np.searchsorted(classes[order], numbers) if len(numbers) < len(classes) else None
        return ColumnVote(weight, classes, None if (np.diff(order) > 0).all() else order, starts)

    def shares(self, likeness: np.ndarray) -> np.ndarray:
        """P(class | task, input), float64 (m, classes), from log-likelihoods of the task's columns (m, columns)."""
        shares = likeness - likeness.max(1, keepdims=True)
        np.exp(shares, out=shares)
        shares /= shares.sum(1, keepdims=True)
        shares = shares if self.order is None else shares[:, self.order]
        return shares if self.starts is None else np.asarray(np.add.reduceat(shares, self.starts, axis=1))


class ColumnVotes:
    """What the columns of the tasks say of the classes of inputs that were ranked.

    Args:
        votes: of each task, by name, its place and how it votes; tasks whose columns have no vote are missing.
        likeness: of the ranked inputs.
    """

    def __init__(self, votes: Mapping[str, tuple[int, ColumnVote]], likeness: Likeness) -> None:
        self._votes, self._likeness = votes, likeness

    def pooled(self, task: str, rows: np.ndarray, values: np.ndarray) -> np.ndarray:
        """The weighted mean of what the pathway and the columns say (a linear opinion pool, Stone 1961), float64 (m, classes).

        Args:
            rows: int64 (m,), which of the ranked inputs.
            values: float64 (m, classes), P(class | task, input) by the task's pathway.
        """
        if task not in self._votes:
            return values
        place, vote = self._votes[task]
        shares = vote.shares(self._likeness(place, rows).astype(np.float64))
        shares *= vote.weight
        shares += (1 - vote.weight) * values
        return shares

    def only(self, places: np.ndarray) -> ColumnVotes:
        """Those on some of the inputs, by their places."""
        return ColumnVotes(self._votes, lambda task, rows: self._likeness(task, places[rows]))
