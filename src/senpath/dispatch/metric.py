"""The distance in which all tasks of a data type are compared."""

from __future__ import annotations

import numpy as np
import torch

from senpath.dispatch.statistics import unpack

SHRINKAGE = 0.03
"""Share of its mean variance that is added to the pooled covariance (Friedman 1989, with the identity as target)."""


class Metric:
    """The inverse of the tasks' mean covariance, shrunk towards its mean variance.

    Args:
        pooled: the tasks' covariances added up, packed.
        tasks: how many.
        device: where to compute.

    Attributes:
        precision: float32 (features, features).
        freedom: the effective number of features, what a squared distance within a task comes to on average.
    """

    def __init__(self, pooled: np.ndarray, tasks: int, device: torch.device) -> None:
        width = int((2 * len(pooled)) ** 0.5)
        covariance = unpack(pooled, width) / tasks
        ridge = SHRINKAGE * max(float(covariance.diagonal().mean()), 1e-6)
        identity = torch.eye(width, dtype=torch.float64)
        precision = torch.cholesky_inverse(torch.linalg.cholesky(covariance + ridge * identity))
        self.freedom = width - ridge * float(precision.diagonal().sum())
        self.precision = precision.float().to(device)

    def squares(self, vectors: torch.Tensor) -> torch.Tensor:
        """Squared lengths (n,) of vectors (n, features)."""
        return ((vectors @ self.precision) * vectors).sum(1)
