"""How far from a task an input may be: what is measured, and the limit that a task's own examples set."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil, sqrt
from statistics import NormalDist
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

if TYPE_CHECKING:
    from senpath.routing.statistics import Collected

LIMIT_QUANTILE = 0.97
"""Share of a task's further inputs that its limit is to let in."""
LEAST = 1e-6
ENOUGH = 200
"""Distances from which on their quantile is the sixth largest at least, which no odd picture sets."""
USUAL_SPREAD, USUAL_WEIGHT = 0.4, 5
"""Standard deviation of the logarithms of drawn pictures' squared distances, .37 to .5 in tasks of two to fifty classes, and how many
distances that is worth (docs/results/routing-trials.md)."""
LONGER = 1.2
"""Times what normal logarithms allow for, that a limit of few drawn pictures may be; of hands that sign it is 1.3 times as much."""
USUAL_LIMIT, NARROWED = 23.0, 1.25
"""Limit of tasks of few drawn pictures, the geometric mean of letters and fifty alphabets, whatever the filters' seed; and how many times
less a wider one becomes, at most (docs/results/routing-trials.md)."""


def limit_of(collected: Collected) -> float:
    """Squared plain distance to the nearest column that LIMIT_QUANTILE of the held-out examples stay within.

    Plain, because the pooled covariance moves on with every task and a limit measured in it would go stale. An example that stands behind
    a column is compared with what that is without it. Where strangers are to be expected and a class has several columns, its own column
    does not count: a stranger has none. "Nearest" is as `soft_nearest` has it. Of few drawn pictures see `limit_of_few` and `narrowed`.
    """
    means, softness = collected.means, collected.softness
    strangers = collected.strangers and len(means) > len(collected.classes.unique())
    bare = collected.careful or not bool(collected.scatter.any())  # there are no copies of examples that would show a distance
    if not len(collected.held) and bare and len(means) > 1:  # one example a class: as far as the classes are from each other
        squares = torch.cdist(means, means).square().fill_diagonal_(torch.inf)
    elif not len(collected.held):  # twice the distance that its copies show, for want of anything to measure
        return max(4 * float(collected.scatter.diagonal().double().sum()), float(means.square().sum(1).mean()) / 4, LEAST)
    else:
        squares = torch.cdist(collected.held, means).square()
        if strangers and collected.means_without is None:
            squares.scatter_(1, squares.argmin(1, keepdim=True), torch.inf)
        elif collected.means_without is not None and collected.stand_behind is not None:
            own = (collected.held - collected.means_without).square().sum(1, keepdim=True)
            own = torch.full_like(own, torch.inf) if strangers and collected.careful else own
            squares = squares.scatter(1, collected.stand_behind.to(squares.device)[:, None], own)
    distances = soft_nearest(squares, softness)
    limit = float((limit_of_few if collected.drawn and len(distances) < ENOUGH else limit_within)(distances))
    return max(narrowed(limit) if collected.drawn and collected.few else limit, LEAST)


def is_refused(columns: torch.Tensor, figures: Mapping[str, float], features: np.ndarray) -> bool:
    """Whether an input with these features (features,) is further from a task, of these columns (columns, features), than it may be."""
    squares = (columns - torch.from_numpy(features)).square().sum(1)
    return float(soft_nearest(squares, figures.get("softness", 0.0))) > figures["limit"]


def limit_within(distances: torch.Tensor) -> torch.Tensor:
    """The smallest of n distances that a further one from the same source is within with probability LIMIT_QUANTILE at least.

    It is the ⌈(n + 1) · LIMIT_QUANTILE⌉-th smallest (Vovk, Gammerman and Shafer 2005, chapter 2: conformal prediction), or the largest
    where they are too few: an interpolated quantile of forty numbers would refuse one in twenty of the next.
    """
    rank = ceil((len(distances) + 1) * LIMIT_QUANTILE)
    return distances.sort().values[min(rank, len(distances)) - 1]


def limit_of_few(distances: torch.Tensor) -> torch.Tensor:
    """As `limit_within`, but at most LONGER times what it is if logarithms are normal; and that where there are too few to say.

    Of fifty distances the quantile is the largest, and one odd picture would let in whatever is as near to a task as that. If their
    logarithms are normal, that of the next one is distributed as Student's t (Gelman et al. 2013, Bayesian Data Analysis, section 3.3);
    of its variance USUAL_WEIGHT usual observations are known before.
    """
    count = len(distances)
    logs = distances.double().clamp(min=LEAST).log()
    squares = float((logs - logs.mean()).square().sum()) + USUAL_WEIGHT * USUAL_SPREAD**2
    degrees = count - 1 + USUAL_WEIGHT
    reach = _student(degrees) * sqrt(squares / degrees * (1 + 1 / count))
    normal = (logs.mean() + reach).exp()
    if ceil((count + 1) * LIMIT_QUANTILE) > count:
        return torch.minimum(normal, 2 * distances.max().double())
    return torch.minimum(LONGER * normal, limit_within(distances).double())


def narrowed(limit: float) -> float:
    """A limit of few drawn pictures; if it is wider than usual, the geometric mean of both, but at most NARROWED times less.

    Few examples say little of how wide a task is, and the widest of many tasks takes most of what belongs to none.
    """
    return limit if limit <= USUAL_LIMIT else max(sqrt(limit * USUAL_LIMIT), limit / NARROWED)


def _student(degrees: int) -> float:
    """LIMIT_QUANTILE of Student's t, to a thousandth from five degrees of freedom on (Abramowitz and Stegun 1964, 26.7.5).

    To learn a task scipy, which has it exactly, would have to be imported.
    """
    z = NormalDist().inv_cdf(LIMIT_QUANTILE)
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92_160,
    )
    return z + sum(term / float(degrees) ** power for power, term in enumerate(terms, 1))


def soft_nearest(squares: torch.Tensor, softness: float | torch.Tensor) -> torch.Tensor:
    """The smallest of squared distances (…, columns), less what columns near it add, at least 0: (…).

    −s · log Σ exp(−d² / s): up to a constant the negative logarithm of a mixture of Gaussians around the columns (Parzen 1962), so that
    an input between many columns counts as nearer than one beside a single one.

    Args:
        softness: s, in the unit of d²; 0 for the smallest alone.
    """
    soft = torch.as_tensor(softness, dtype=squares.dtype, device=squares.device)
    nearest = squares.min(-1).values
    if not bool((soft > 0).any()):
        return nearest
    bounded = soft.clamp(min=LEAST)
    softened = (-bounded * torch.logsumexp(-squares / bounded[..., None], -1)).clamp(min=0)
    return torch.where(soft > 0, softened, nearest)


def squares_between(inputs: torch.Tensor, columns: torch.Tensor) -> torch.Tensor:
    """Squared distances (tasks, n, columns) of inputs (tasks, n, features), which are changed, and their tasks' columns.

    By products, which are fast; of differences from the mean of a task's columns, or little would be left of numbers that all are large.
    """
    centre = columns.mean(1, keepdim=True)
    inputs -= centre
    columns = columns - centre
    squares = inputs.norm(dim=2).square()[..., None] + columns.norm(dim=2).square()[:, None]
    return torch.baddbmm(squares, inputs, columns.mT, alpha=-2).clamp_(min=0)


class Surroundings(NamedTuple):
    """What squared distances from one task's columns are computed with: the same, prepared once.

    Args:
        centre: float32 (features,), the mean.
        columns: float32 (features, columns), less the mean; in this order products read them fastest.
        lengths: float32 (columns,), squared, of these.
    """

    centre: np.ndarray
    columns: np.ndarray
    lengths: np.ndarray

    @staticmethod
    def of(columns: np.ndarray) -> Surroundings:
        """Those of columns (columns, features)."""
        centre = columns.mean(0)
        apart = columns - centre
        return Surroundings(centre, np.ascontiguousarray(apart.T), _lengths(apart))

    def squares(self, inputs: np.ndarray) -> np.ndarray:
        """Squared distances (n, columns) of inputs (n, features)."""
        apart = inputs - self.centre
        products = torch.from_numpy(apart) @ torch.from_numpy(self.columns)  # torch's threads, which are as many as it is told
        squares = _lengths(apart)[:, None] + self.lengths - 2 * products.numpy()
        return np.asarray(np.maximum(squares, 0, out=squares))


def _lengths(vectors: np.ndarray) -> np.ndarray:
    return np.asarray(np.square(vectors).sum(1))
