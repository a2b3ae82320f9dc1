"""How tasks are compared, by kind of feature map: figures that were chosen by measurement, docs/results/foundation.md and senses.md."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Tuning:
    """What fits one kind of features.

    Args:
        temperature: divides log-likelihood ratios, which take the features for more independent than they are.
        correction: share of the expected error of a column's mean that is made good; few examples would else look far away.
        careful: whether few examples are allowed for in full. The metric is shrunk the more, the fewer examples stand behind it, see
            `scarcity`; a task of few examples counts its own columns; and its limit is read off the distance to any of its columns, as
            an input's is.
    """

    temperature: float
    correction: float
    careful: bool


TUNING = {
    "conv-features.v1": Tuning(15.0, 0.3, careful=False),
    "dense-features.v1": Tuning(2.0, 0.3, careful=False),
    "unit-features.v1": Tuning(4.0, 1.0, careful=True),
    "token-features.v1": Tuning(4.0, 1.0, careful=True),
}


def scarcity(careful: bool, features: int, counts: Iterable[Sequence[float]]) -> float:
    """Features per example behind the tasks' mean covariance: what is added to its shrinkage.

    The mean of covariances with d₁, d₂ … degrees of freedom each is as uncertain as one with k² / Σ 1/d.

    Args:
        careful: see `Tuning`; if not, nothing is added.
        features: how many.
        counts: for each task the examples behind its columns.
    """
    if not careful:
        return 0.0
    shares = [1 / max(1.0, sum(mine) - len(mine)) for mine in counts]
    return features * sum(shares) / len(shares) ** 2
