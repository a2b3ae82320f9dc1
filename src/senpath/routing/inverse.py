"""The inverse of what tasks have in common."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch

from senpath.errors import StoreError
from senpath.routing.covariances import unpack


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
