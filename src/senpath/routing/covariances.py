"""The covariance that tasks have in common, of which no task has more than a bounded share, and its inverse."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch

from senpath.errors import StoreError

CARRIERS = 32
"""Tasks of a type whose covariances are kept, the first of those that there are. What further ones would add is within what the choice of
tasks moves (docs/results/drift.md), and each takes as much space as ten pathways."""
MOST = 4.0
"""A task whose mean variance is more than this many ordinary ones is scaled down to an ordinary one: its numbers are in another unit, or
wrong. Those of real tasks of one type are within 3.5 of each other (docs/results/drift.md)."""
STRIP = 128
"""Rows of a covariance that are computed at once."""
NONE = 1e-9
"""Mean variances up to this are those of examples that do not differ but for rounding; they say nothing of what is ordinary."""

Read = Callable[[str], np.ndarray]
"""The covariance of a name, packed, float32 (features · (features + 1) / 2,)."""


@dataclass(frozen=True, eq=False)
class CommonCovariance:
    """The sum of tasks' covariances, each kept by itself, so that what one adds can be taken out again by adding up the others.

    Args:
        names: of the covariances, in order; several tasks may share one.
        total: float64, packed.
        spreads: the mean variance of each.
    """

    names: tuple[str, ...]
    total: np.ndarray
    spreads: tuple[float, ...]

    @staticmethod
    def of(names: Sequence[str], read: Read, width: int, before: CommonCovariance | None = None) -> CommonCovariance:
        """Add up the covariances of these names.

        Args:
            width: features of each.
            before: an earlier sum; if it is of the first of these names, they are not read again. The result is the same to the last bit.
        """
        if before is None or before.names != tuple(names[: len(before.names)]):
            before = CommonCovariance((), np.zeros(width * (width + 1) // 2), ())
        new, spreads, diagonal = names[len(before.names) :], list(before.spreads), diagonal_places(width)
        total = before.total.copy() if new else before.total
        for name in new:
            covariance = read(name)
            total += covariance
            spreads.append(float(covariance[diagonal].mean(dtype=np.float64)))
        return CommonCovariance(tuple(names), total, tuple(spreads))

    def mean(self, read: Read) -> np.ndarray:
        """The mean covariance, float64, packed; one that is out of all proportion is scaled down first."""
        weights = bounded_weights(self.spreads)
        if (weights == 1).all():
            return self.total / len(self.names)
        total = sum(weight * read(name).astype(np.float64) for name, weight in zip(self.names, weights, strict=True))
        return np.asarray(total / len(self.names))


def bounded_weights(spreads: Sequence[float]) -> np.ndarray:
    """What each covariance is multiplied by: 1, but what makes its spread the median one (of two, the smaller) beyond `MOST` times that."""
    given = np.asarray(spreads)
    ordinary = np.sort(given[given > NONE])
    if not len(ordinary):
        return np.ones(len(given))
    median = ordinary[(len(ordinary) - 1) // 2]
    return np.asarray(np.where(given > MOST * median, median / np.maximum(given, median), 1.0))


def covariance_of(rests: torch.Tensor) -> torch.Tensor:
    """The mean product of rows (n, width), float32 (width, width), on the processor; below its diagonal there are zeros.

    Strip by strip, each from the diagonal on, for it is symmetric.
    """
    width = rests.shape[1]
    products = rests.new_zeros(width, width)
    for start in range(0, width, STRIP):
        products[start : start + STRIP, start:] = rests[:, start : start + STRIP].T @ rests[:, start:]
    products /= len(rests)  # exact but for the last digit, as a quotient in float64 would be once it is kept in float32
    return products.cpu()


def pack(matrix: torch.Tensor) -> np.ndarray:
    """The upper triangle of a symmetric matrix, row by row, in its precision."""
    rows = matrix.cpu().numpy()
    return np.concatenate([row[place:] for place, row in enumerate(rows)])


def unpack(packed: np.ndarray, width: int) -> torch.Tensor:
    """The symmetric matrix (width, width) of which `pack` kept the upper triangle, in its precision."""
    return torch.from_numpy(np.take(packed, _places(width)))


@lru_cache(2)
def _places(width: int) -> np.ndarray:
    """Where in a packed triangle each number of the matrix is, int32 (width, width); row by row, which takes a fifth of `triu_indices`."""
    upper, start = np.zeros((width, width), dtype=np.int32), 0
    for place in range(width):
        upper[place, place:] = np.arange(start, start + width - place)
        start += width - place
    return np.maximum(upper, upper.T)


def is_covariance(packed: np.ndarray, width: int) -> bool:
    """Whether this can be a covariance: finite, no variance below 0, no correlation beyond 1, no direction of negative variance."""
    if packed.shape != (width * (width + 1) // 2,) or not np.isfinite(packed).all():
        return False
    matrix = unpack(packed.astype(np.float64), width)
    variances = matrix.diagonal()
    mean = float(variances.mean())
    if float(variances.min()) < 0 or not np.isfinite(mean):
        return False
    if mean == 0:
        return not bool(matrix.any())
    scaled = matrix / mean
    bound = (scaled.diagonal()[:, None] * scaled.diagonal()).sqrt()
    if bool((scaled.abs() > bound + ROUNDING).any()):
        return False
    return int(torch.linalg.cholesky_ex(scaled + ROUNDING * torch.eye(width, dtype=torch.float64)).info) == 0


def diagonal_places(width: int) -> np.ndarray:
    """Where the diagonal is in a packed triangle of this width, int64 (width,)."""
    steps = np.arange(width)
    return steps * width - steps * (steps - 1) // 2


ROUNDING = 1e-3
"""What a covariance that was added up in float32 may be off, as a share of its mean variance."""


@dataclass(frozen=True, eq=False)
class Common:
    """What tasks have in common, and how much of its mean variance is added to it.

    Args:
        covariance: float64, packed.
        width: features.
        shrinkage: the share.
    """

    covariance: np.ndarray
    width: int
    shrinkage: float

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Common) or (self.width, self.shrinkage) != (other.width, other.shrinkage):
            return False
        return np.array_equal(self.covariance.view(np.uint8), other.covariance.view(np.uint8))  # to the bit: 0 is not −0

    def __hash__(self) -> int:
        return hash((self.width, self.shrinkage, float(self.covariance[0]), float(self.covariance[-1])))


def inverted(common: Common) -> tuple[torch.Tensor, float, torch.Tensor]:
    """The inverse, float32, the effective number of features, and the root, float64 and a lower triangle, of the shrunk covariance.

    Raises:
        StoreError: if it is none.
    """
    matrix = unpack(common.covariance, common.width)
    ridge = common.shrinkage * max(float(matrix.diagonal().mean()), 1e-6)
    try:
        matrix.diagonal().add_(ridge)
        root = torch.linalg.cholesky(matrix)
    except RuntimeError as error:  # torch.linalg.LinAlgError is one
        do = "Restore the folder from a copy, or scale the inputs to the range of the network's earlier ones"
        raise StoreError("the dispatcher's statistics", expected="covariances", got=str(error), do=do) from error
    inverse = torch.cholesky_inverse(root)
    return inverse.float(), common.width - ridge * float(inverse.diagonal().sum()), root


@lru_cache(2)
def lately_inverted(common: Common) -> tuple[torch.Tensor, float]:
    """Inverse and effective number of features; the last ones are kept.

    To invert takes most of a small commit, and what is inverted is often the same again: where a task is extended, removed or given back,
    and where networks learn the same first tasks.
    """
    return inverted(common)[:2]
