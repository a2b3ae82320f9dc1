"""Rows that keep the examples themselves: nearest neighbours, and the rule of semantic-router."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch.nn.functional import normalize

from senpath.bench.protocol import KEPT
from senpath.bench.rows.columns import ColumnRow, FeatureBatch, Score
from senpath.types import DataType

AT_ONCE = 512
"""Inputs that are compared with all examples at once."""


class _Nearest(ColumnRow):
    """Scores columns by the k examples that are nearest by angle; k is chosen."""

    KS: tuple[int, ...]

    def _ways(self, fitted: FeatureBatch, columns: int) -> Iterator[tuple[dict[str, Any], Score]]:
        for k in self.KS:
            if k <= len(fitted.columns):
                yield {"k": k}, self._final({"k": k}, fitted, columns)

    def _final(self, choice: dict[str, Any], batch: FeatureBatch, columns: int) -> Score:
        known, k = normalize(batch.features), choice["k"]

        def score(features: torch.Tensor) -> torch.Tensor:
            parts = []
            for part in normalize(features).split(AT_ONCE):
                near = (part @ known.T).topk(k, 1)
                owners = batch.columns[near.indices]
                parts.append(self._counted(owners, near.values, columns))
            return torch.cat(parts)

        return score

    @abstractmethod
    def _counted(self, owners: torch.Tensor, likeness: torch.Tensor, columns: int) -> torch.Tensor:
        """What the nearest examples say for each column, (n, columns).

        Args:
            owners: the columns of the nearest examples, (n, k).
            likeness: theirs, (n, k), the largest first.
        """


class NearestNeighbours(_Nearest):
    """The class that most of the k nearest examples have, the nearer one where as many have another."""

    title = "k nearest neighbours"
    about = "The class of most of the k nearest examples by angle; k is chosen. All examples are kept."
    KS = (1, 3, 5, 9, 15)

    def _counted(self, owners: torch.Tensor, likeness: torch.Tensor, columns: int) -> torch.Tensor:
        shape = len(owners), columns
        votes = torch.zeros(shape).scatter_add_(1, owners, torch.ones_like(likeness))
        best = torch.full(shape, -torch.inf).scatter_reduce_(1, owners, likeness, "amax")
        return votes + best  # likeness is at most 1: it decides between equals, and says how far the nearest is

    def _ood_score(self, best: torch.Tensor, column: torch.Tensor) -> np.ndarray:
        near: np.ndarray = -(best - best.ceil() + 1).double().numpy()  # the likeness of the winner's nearest example, votes left out
        return near

    def _weights(self, batch: FeatureBatch, columns: int) -> int:
        return int(batch.features.numel())


class SemanticRouter(_Nearest):
    """What semantic-router does with routes: the mean likeness of those among the k nearest utterances that are a route's, and a threshold
    for each route. A class of a task is a route."""

    title = "semantic-router's rule"
    about = (
        "For texts: of the k nearest utterances those of a route are averaged, and the best route answers if it passes its threshold. "
        "A class is a route; k (that package's default is 5) and thresholds are set on requests held out."
    )
    KS = (1, 5, 10, 20)
    LEAST = 5
    """Held-out requests of a route from which it has a threshold of its own."""

    @staticmethod
    def takes(data_type: DataType) -> bool:
        return data_type.modality == "text"

    def _counted(self, owners: torch.Tensor, likeness: torch.Tensor, columns: int) -> torch.Tensor:
        shape = len(owners), columns
        sums = torch.zeros(shape).scatter_add_(1, owners, likeness)
        counts = torch.zeros(shape).scatter_add_(1, owners, torch.ones_like(likeness))
        return torch.where(counts > 0, sums / counts.clamp(min=1), -1.0)  # a likeness that no route is below

    def _ood_score(self, best: torch.Tensor, column: torch.Tensor) -> np.ndarray:
        return (self._thresholds[column] - best).double().numpy()

    def _read_limits(self, scores: torch.Tensor, columns: torch.Tensor) -> float:
        best, column = scores.max(1)
        self._thresholds = torch.full((scores.shape[1],), float(best.quantile(1 - KEPT)))
        for route in column.unique().tolist():
            mine = best[column == route]
            if len(mine) >= self.LEAST:
                self._thresholds[route] = mine.quantile(1 - KEPT)
        return 0.0

    def _weights(self, batch: FeatureBatch, columns: int) -> int:
        return int(batch.features.numel())
