"""What a dispatcher decides by, as torch modules of tensors alone: for models that run without senpath."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import nn

from senpath.routing.columns import ColumnVote, places_by_task
from senpath.routing.limits import LEAST


class Lookup(nn.Module):
    """How likely columns are by their coordinates alone: centred features (n, features) to (n, columns), larger if likelier.

    Args:
        projection: float32 (features, directions), see `Coordinates`.
        weights: float32 (directions, columns).
        offsets: float32 (columns,).
        shortlist: tasks that are scored exactly, those with the likeliest columns.
    """

    def __init__(self, projection: torch.Tensor, weights: torch.Tensor, offsets: torch.Tensor, shortlist: int) -> None:
        super().__init__()
        self.projection, self.weights, self.offsets = nn.Buffer(projection), nn.Buffer(weights), nn.Buffer(offsets)
        self.shortlist = shortlist

    def forward(self, centred: torch.Tensor) -> torch.Tensor:
        likeness: torch.Tensor = (centred @ self.projection) @ self.weights + self.offsets
        return likeness


class PortableVotes(nn.Module):
    """`ColumnVotes` in tensors: for each candidate of an input P(class | task, input) by its columns, and the weight of that.

    Args:
        sizes: int64 (tasks,), columns of each task; they follow one another.
        votes: see `ColumnVotes`.
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


class PortableDiscriminant(nn.Module):
    """The scores of all tasks from columns: (n, features) to P(task | input), float32 (n, tasks), and the ood score (n,).

    With votes the third is how likely columns are, float32 (n, columns), which `votes` reads.

    Args:
        rows: float32 (columns, features), those of a task one after another.
        sizes: columns of each task.
        offsets: float32 (columns,), added to an input's products with the columns.
        log_sizes: float32 (tasks,), what is taken off a task's mixture.
        limits: float64 (tasks,), squared distances.
        softness: float32 (tasks,), see `soft_nearest`.
        centre, precision: see `Metric`.
        temperature: see `Tuning`.
        lookup: of these columns, where coordinates say which tasks are scored.
        votes: of these columns, where they vote on classes.
    """

    def __init__(
        self,
        rows: torch.Tensor,
        sizes: torch.Tensor,
        offsets: torch.Tensor,
        log_sizes: torch.Tensor,
        limits: torch.Tensor,
        softness: torch.Tensor,
        centre: torch.Tensor,
        precision: torch.Tensor,
        temperature: float,
        lookup: Lookup | None,
        votes: PortableVotes | None = None,
    ) -> None:
        super().__init__()
        centred = rows - centre
        self.centre, self.columns = nn.Buffer(centre), nn.Buffer(centred)
        self.squares = nn.Buffer(centred.double().square().sum(1).float())
        self.temperature, self.tasks = temperature, len(sizes)
        self.offsets, self.log_sizes, self.limits = nn.Buffer(offsets), nn.Buffer(log_sizes), nn.Buffer(limits.float())
        self.softness = nn.Buffer(softness) if bool((softness > 0).any()) else None
        self.owner = nn.Buffer(torch.arange(len(sizes)).repeat_interleave(sizes))
        # Of each task, and the column behind the last one where it has fewer than another.
        self.own = nn.Buffer(places_by_task(sizes.numpy()))
        # One product with all columns, or one with the metric before it: whichever takes fewer numbers.
        before = len(rows) <= rows.shape[1]
        self.weights = nn.Buffer((centred.double() @ precision.double()).float() if before else centred)
        self.precision = None if before else nn.Buffer(precision)
        self.lookup, self.votes = lookup, votes

    def forward(self, features: torch.Tensor) -> tuple[torch.Tensor, ...]:
        centred = features - self.centre
        query = centred if self.precision is None else centred @ self.precision
        products = query @ self.weights.T
        likeness = (products + self.offsets) / self.temperature
        scores = self._by_task(likeness, -torch.inf).logsumexp(2) - self.log_sizes
        probabilities = torch.softmax(self._looked_up(centred, scores), 1)
        ood_score = self._ood_score(centred, probabilities.argmax(1))
        return (probabilities, ood_score) if self.votes is None else (probabilities, ood_score, likeness)

    def _by_task(self, values: torch.Tensor, empty: float) -> torch.Tensor:
        """(n, columns) as (n, tasks, the most columns of one), `empty` where a task has fewer."""
        padded = torch.nn.functional.pad(values, (0, 1), value=empty)
        own: torch.Tensor = padded.index_select(1, self.own.flatten()).unflatten(1, (self.tasks, -1))
        return own

    def _looked_up(self, centred: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """The scores, −∞ of tasks that coordinates do not put among the first, where tasks are looked up."""
        if self.lookup is None:
            return scores
        peaks = self._by_task(self.lookup(centred), -torch.inf).amax(2)
        least = peaks.topk(min(self.lookup.shortlist, self.tasks), dim=1).values[:, -1:]
        return torch.where(peaks >= least, scores, -torch.inf)

    def _ood_score(self, centred: torch.Tensor, task: torch.Tensor) -> torch.Tensor:
        """Squared distance to the nearest column of the task, as a share of its limit."""
        distances = self.squares - 2 * (centred @ self.columns.T)  # but for the input's own square; it says which column is nearest
        distances = torch.where(self.owner == task[:, None], distances, torch.inf)
        apart = centred - self.columns.index_select(0, distances.argmin(1))
        square = apart.square().sum(1)
        if self.softness is not None:
            soft = self.softness.index_select(0, task)[:, None].clamp(min=LEAST)
            further = torch.logsumexp((distances.amin(1, keepdim=True) - distances) / soft, 1)  # 0 where the others are far
            square = torch.where(self.softness.index_select(0, task) > 0, (square - soft[:, 0] * further).clamp(min=0), square)
        return square / self.limits.index_select(0, task)


class PortableGates(nn.Module):
    """The scores of all tasks from one gate each: (n, features) to P(task | input), float32 (n, tasks), and the ood score (n,).

    Args:
        gates: modules that answer errors (n,) as shares of their own limits.
        limits: float64 (tasks,), the tasks' limits as multiples of these.
        temperature: divides differences of errors.
    """

    def __init__(self, gates: Sequence[nn.Module], limits: torch.Tensor, temperature: float) -> None:
        super().__init__()
        self.gates, self.temperature = nn.ModuleList(gates), temperature
        self.limits = nn.Buffer(limits.float())

    def forward(self, features: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        errors = torch.stack([gate(features) for gate in self.gates], 1)
        return torch.softmax(-errors / self.temperature, 1), errors.amin(1) / self.limits.index_select(0, errors.argmin(1))
