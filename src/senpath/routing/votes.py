"""What a task's columns say of an input's class, beside what its pathway says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from senpath.routing.columns import StoredTask, places_by_task

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


class Votes:
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

    def only(self, places: np.ndarray) -> Votes:
        """Those on some of the inputs, by their places."""
        return Votes(self._votes, lambda task, rows: self._likeness(task, places[rows]))


class PortableVotes(nn.Module):
    """`Votes` in tensors: for each candidate of an input P(class | task, input) by its columns, and the weight of that.

    Args:
        sizes: int64 (tasks,), columns of each task; they follow one another.
        votes: see `Votes`.
    """

    def __init__(self, sizes: np.ndarray, votes: Mapping[str, tuple[int, ColumnVote]]) -> None:
        super().__init__()
        own = places_by_task(sizes)
        classes, weights = torch.zeros_like(own), torch.zeros(len(sizes))
        for place, vote in votes.values():
            classes[place, : sizes[place]] = torch.from_numpy(vote.classes)
            weights[place] = vote.weight
        self.own, self.classes, self.weights = nn.Buffer(own), nn.Buffer(classes), nn.Buffer(weights)

    def forward(self, likeness: torch.Tensor, candidates: torch.Tensor, width: int) -> tuple[torch.Tensor, torch.Tensor]:
        """(n, columns) and int64 (n, k), each a task's place, to (n, k, width) and (n, k).

        Args:
            width: the most classes of a task.
        """
        padded = torch.nn.functional.pad(likeness, (0, 1), value=-torch.inf).unsqueeze(1).expand(-1, candidates.shape[1], -1)
        likely = torch.softmax(padded.gather(2, self.own[candidates]), 2)
        shares = likely.new_zeros(likely.shape[0], likely.shape[1], width).scatter_add(2, self.classes[candidates], likely)
        return shares, self.weights[candidates]
