"""Telling which tasks an input may belong to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import log

import numpy as np
import torch

from senpath.components import Component
from senpath.dispatch.metric import Metric

TEMPERATURE = {"conv-features.v1": 15.0, "dense-features.v1": 2.0}
"""By kind of feature map: divides log-likelihood ratios, which take the features for more independent than they are."""
CORRECTION = 0.3
"""Share of the expected error of a column's mean that is made good; few examples would else look far away."""
ADMIT = 0.012
"""A second pathway runs where its P(task | input) is at least this."""
GATE_TEMPERATURE = 0.05
"""Of the binary form: differences of errors, as shares of the tasks' limits, are divided by this."""


@dataclass(frozen=True)
class StoredTask:
    """A task's statistics as they come from the store; see `TaskStatistics`."""

    name: str
    columns: np.ndarray
    counts: Sequence[float]
    figures: dict[str, float]
    gate: Component | None


@dataclass(frozen=True)
class Decision:
    """For n inputs the one or two tasks that come into question.

    Attributes:
        names: the tasks of the data type.
        order: int64 (n, k), indices of the most probable tasks, k at most 2.
        probability: float64 (n, k), P(task | input) of them.
        admitted: bool (n,), whether the second one runs too.
        strangeness: float64 (n,), distance from the likeliest task as a share of that task's limit.
    """

    names: tuple[str, ...]
    order: np.ndarray
    probability: np.ndarray
    admitted: np.ndarray
    strangeness: np.ndarray

    @property
    def known(self) -> np.ndarray:
        """bool (n,), whether the input is within the limit of the likeliest task."""
        return self.strangeness <= 1

    def groups(self) -> Iterator[tuple[tuple[str, ...], np.ndarray]]:
        """Inputs that have the same candidates: the candidates' names, the likelier first, and the inputs' indices, ascending."""
        pairs = np.stack([self.order[:, 0], np.where(self.admitted, self.order[:, -1], -1)], 1)
        found, member = np.unique(pairs, axis=0, return_inverse=True)
        for index, pair in enumerate(found):
            names = tuple(self.names[place] for place in pair if place >= 0)
            yield names, np.flatnonzero(member.ravel() == index)


class Dispatcher:
    """A linear discriminant over all tasks of one data type, or one gate per task.

    The discriminant form (Fisher 1936; Hastie, Tibshirani and Friedman 2009, section 4.3): every column is the mean of a Gaussian,
    all with one covariance, the tasks' pooled one. A task's score is the log-likelihood of the mixture of its columns. It is the same
    as if all tasks had been seen at once, in any order. What this class computes from the statistics is computed once per version.

    Args:
        features: the type's feature map.
        pooled: the tasks' covariances added up, packed.
        tasks: their statistics.
        binary: decide by the tasks' gates instead.
        device: where to compute.
    """

    def __init__(self, features: Component, pooled: np.ndarray, tasks: Sequence[StoredTask], *, binary: bool, device: torch.device) -> None:
        self.names = tuple(task.name for task in tasks)
        self.features, self.binary = features, binary
        self.gates = [task.gate for task in tasks]
        self.limits = torch.tensor([task.figures["limit"] for task in tasks], dtype=torch.float64)
        if not binary:
            self._prepare(pooled, tasks, device)

    def probabilities(self, inputs: torch.Tensor) -> np.ndarray:
        """P(task | input) for encoded inputs, float64 (n, tasks)."""
        chances: np.ndarray = self._chances(self.features(inputs)).numpy()
        return chances

    def decide(self, inputs: torch.Tensor, *, candidates: int = 2, admit: float | None = None) -> Decision:
        """The candidates of each encoded input; see `Decision`."""
        features = self.features(inputs)
        probability, order = self._chances(features).topk(min(2, len(self.names)), dim=1)
        second = probability[:, 1:] >= (ADMIT if admit is None else admit)
        admitted = second.any(1) & (candidates > 1)
        strangeness = self._strangeness(features, order[:, 0])
        return Decision(self.names, order.numpy(), probability.numpy(), admitted.numpy(), strangeness.numpy())

    def _prepare(self, pooled: np.ndarray, tasks: Sequence[StoredTask], device: torch.device) -> None:
        self.metric = Metric(pooled, len(tasks), device)
        self.columns = torch.from_numpy(np.concatenate([task.columns for task in tasks])).to(device)
        # The scores of all tasks change alike when everything is moved, and numbers around zero keep more of float32's digits.
        self.centre = self.columns.double().mean(0).float()  # float64, so that the order of the tasks does not show
        self.centred = self.columns - self.centre
        self.norms = self.metric.squares(self.centred)
        counts = torch.tensor([count for task in tasks for count in task.counts], dtype=torch.float32, device=device)
        self.corrections = CORRECTION * self.metric.freedom / counts
        self.sizes = [len(task.columns) for task in tasks]
        # A task of few examples has one column a class; that is no reason to expect it more often than a task of many columns.
        logs = [log(size) for size, task in zip(self.sizes, tasks, strict=True) if not task.figures["few"]]
        usual = sum(logs) / len(logs) if logs else None
        self.log_sizes = [
            usual if usual is not None and task.figures["few"] else log(size) for size, task in zip(self.sizes, tasks, strict=True)
        ]

    def _chances(self, features: torch.Tensor) -> torch.Tensor:
        """P(task | input), float64 (n, tasks)."""
        if self.binary:
            return torch.softmax(-self._errors(features) / GATE_TEMPERATURE, 1)
        query = (features - self.centre) @ self.metric.precision
        likeness = query @ self.centred.T - 0.5 * self.norms + 0.5 * self.corrections
        parts = (likeness / TEMPERATURE[self.features.kind]).split(self.sizes, 1)
        scores = [torch.logsumexp(part, 1) - size for part, size in zip(parts, self.log_sizes, strict=True)]
        return torch.softmax(torch.stack(scores, 1).double().cpu(), 1)

    def _strangeness(self, features: torch.Tensor, tasks: torch.Tensor) -> torch.Tensor:
        """Squared distance to the nearest column of the given task of each input, as a share of that task's limit: float64 (n,)."""
        if self.binary:
            return self._errors(features).gather(1, tasks[:, None])[:, 0]
        found = torch.zeros(len(tasks), dtype=torch.float64)
        for index, columns in enumerate(self.columns.split(self.sizes)):
            mine = tasks == index
            if bool(mine.any()):
                distances = torch.cdist(features[mine.to(features.device)], columns).square().min(1).values
                found[mine] = distances.double().cpu() / self.limits[index]
        return found

    def _errors(self, features: torch.Tensor) -> torch.Tensor:
        """Of the binary form: each task's gate, float64 (n, tasks)."""
        return torch.stack([gate(features) for gate in self.gates if gate is not None], 1).double().cpu()
