"""What a new metric does to the routing of the tasks that there were, estimated from what is kept of them."""

from __future__ import annotations

from math import sqrt

import numpy as np
import torch

from senpath.routing.metric import Metric

ASKED, RIVALS = 64, 4_096
"""Columns whose inputs are asked about, and columns that they may be taken for, at most: the cost does not grow with the tasks."""
WARNED_OF = 0.02
"""From this share of misled inputs on a commit says so. None of the real sets in docs/results/drift.md comes to more than 0.001; tails
that are heavier than a Gaussian's make the estimate err on the low side."""


def misled(
    rows: np.ndarray, places: np.ndarray, owners: np.ndarray, common: torch.Tensor, before: Metric, after: Metric, temperature: float
) -> float:
    """The share of inputs that a metric takes for those of another task, less the share that an earlier one did: −1 … 1.

    Args:
        rows: float32 (rows, features).
        places: int64 (columns,), which of the rows are the tasks' columns.
        owners: int64 (columns,), the task of each.
        common: Σ, float64 (features, features), how inputs vary around their columns.
        before, after: the metrics.
        temperature: divides log-likelihood ratios, see `senpath.routing.statistics.Tuning`.
    """
    if owners[0] == owners[-1]:
        return 0.0
    asked, rivals = (np.unique(np.linspace(0, len(places) - 1, most).astype(np.int64)) for most in (ASKED, RIVALS))
    others = torch.from_numpy(rows[places[rivals]] - before.centre.cpu().numpy())
    mine = others if len(asked) == len(rivals) else torch.from_numpy(rows[places[asked]] - before.centre.cpu().numpy())
    own = torch.from_numpy(owners[asked][:, None] == owners[rivals])
    shares = [_misrouted(mine, others, own, metric.precision.cpu(), common.float(), temperature) for metric in (before, after)]
    return shares[1] - shares[0]


def _misrouted(
    mine: torch.Tensor, others: torch.Tensor, own: torch.Tensor, precision: torch.Tensor, common: torch.Tensor, temperature: float
) -> float:
    """The share of inputs around the columns `mine` that are taken for those of the nearest of the `others` that is not their `own`.

    Inputs are taken for Gaussian. Between two columns δ apart that is Φ(−½ δᵀPδ / √(T δᵀPΣPδ)), with the precision P (Fisher 1936).
    """
    whitened = others @ precision
    white = whitened if mine is others else mine @ precision
    distances = (white * mine).sum(1)[:, None] + (whitened * others).sum(1) - 2 * mine @ whitened.T
    nearest = distances.masked_fill(own, torch.inf).argmin(1)
    between, metric = mine - others[nearest], white - whitened[nearest]
    squares, variances = (metric * between).sum(1), ((metric @ common) * metric).sum(1)
    depth = 0.5 * squares / (temperature * variances).clamp(min=1e-30).sqrt()
    return float((0.5 * torch.erfc(depth / sqrt(2))).nan_to_num(0.5).mean())
