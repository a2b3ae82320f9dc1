"""Classifiers over fixed features that follow in closed form from sums, accumulated example by example: no training, no forgetting.

Columns stand for the classes of all tasks, numbered as they come. What is computed does not depend on the order of the examples.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

STRENGTHS = tuple(10.0**power for power in range(-7, 2))
"""Ridge strengths to choose among, as shares of the features' mean square sum."""


class RandomProjection:
    """Random features ReLU(x·W) with a frozen Gaussian W (McDonnell et al. 2023, RanPAC, section 4).

    Args:
        features: numbers of an input.
        outputs: numbers that they become.
        seed: W follows from it.
    """

    def __init__(self, features: int, outputs: int, seed: int) -> None:
        generator = torch.Generator().manual_seed(seed)
        self.weight = torch.randn(features, outputs, generator=generator)

    def __call__(self, features: torch.Tensor) -> torch.Tensor:
        """Float32 (n, features) to (n, outputs)."""
        return (features @ self.weight).relu()


class RidgeSums:
    """Sums from which ridge regression onto one-hot targets follows, for any strength: G = Σ φφᵀ and C = Σ φyᵀ.

    As long as there are fewer examples than features, their features themselves are the smaller form of the same sums; the answers are the
    same.

    Args:
        features: how many.
    """

    def __init__(self, features: int) -> None:
        self.features, self.columns, self.examples = features, 0, 0
        self._rows: list[tuple[torch.Tensor, torch.Tensor]] | None = []
        self._gram, self._cross = torch.zeros(0), torch.zeros(0)

    def add(self, features: torch.Tensor, columns: torch.Tensor) -> None:
        """Take examples in.

        Args:
            features: float32 (n, features).
            columns: int64 (n,), the number of each one's class, counted over all tasks; new ones may come at any time.
        """
        if not len(columns):
            return
        self.columns, self.examples = max(self.columns, int(columns.max()) + 1), self.examples + len(columns)
        if self._rows is None:
            self._sum(features, columns)
            return
        self._rows.append((features, columns))
        if self.examples > self.features:
            rows, self._rows = self._rows, None
            self._gram, self._cross = torch.zeros(self.features, self.features), torch.zeros(self.features, 0)
            for part in rows:
                self._sum(*part)

    def __add__(self, other: RidgeSums) -> RidgeSums:
        """The sums over the examples of both."""
        first, second = sorted((self, other), key=lambda sums: sums._rows is not None)
        total = RidgeSums(self.features)
        total.columns, total.examples = first.columns, first.examples
        total._rows = None if first._rows is None else [*first._rows]
        total._gram, total._cross = first._gram.clone(), first._cross.clone()
        if second._rows is not None:
            for part in second._rows:
                total.add(*part)
            return total
        total.columns, total.examples = max(first.columns, second.columns), first.examples + second.examples
        total._gram += second._gram
        total._cross = widened(first._cross, total.columns) + widened(second._cross, total.columns)
        return total

    def solve(self, strength: float) -> torch.Tensor:
        """The weights float32 (features, columns) of least squares, shrunk.

        Args:
            strength: above 0, as a share of the mean of G's diagonal.
        """
        if self._rows is not None:
            features = torch.cat([part for part, _ in self._rows]) if self._rows else torch.zeros(0, self.features)
            columns = torch.cat([part for _, part in self._rows]) if self._rows else torch.zeros(0, dtype=torch.int64)
            kernel = (features @ features.T).double()
            penalty = strength * max(float(kernel.diagonal().sum()) / self.features, 1e-30)
            solved = _solve(kernel, one_hot(columns, self.columns).double(), penalty)
            return features.T @ solved.float()
        gram = self._gram.double()
        return _solve(gram, self._cross.double(), strength * max(float(gram.diagonal().mean()), 1e-30)).float()

    def _sum(self, features: torch.Tensor, columns: torch.Tensor) -> None:
        self._gram.addmm_(features.T, features)
        self._cross = widened(self._cross, self.columns) + features.T @ one_hot(columns, self.columns)


class ClassSums:
    """Sums from which the classes' mean features follow.

    Args:
        features: how many.
    """

    def __init__(self, features: int) -> None:
        self._sums, self._counts = torch.zeros(0, features), torch.zeros(0)

    @property
    def columns(self) -> int:
        """How many classes there are."""
        return len(self._counts)

    def add(self, features: torch.Tensor, columns: torch.Tensor) -> None:
        """Take examples in; see `RidgeSums.add`."""
        missing = max(0, int(columns.max()) + 1 - self.columns) if len(columns) else 0
        self._sums = torch.nn.functional.pad(self._sums, (0, 0, 0, missing)).index_add(0, columns, features)
        self._counts = torch.nn.functional.pad(self._counts, (0, missing)) + columns.bincount(minlength=self.columns + missing)

    @property
    def means(self) -> torch.Tensor:
        """Float32 (columns, features); of a class without examples zeros."""
        return self._sums / self._counts.clamp(min=1)[:, None]


def choose_strength(
    sums: RidgeSums, features: torch.Tensor, columns: torch.Tensor, strengths: Sequence[float] = STRENGTHS
) -> tuple[float, torch.Tensor]:
    """The strength at which most held-out examples get their class; of equals the largest. And the weights that belong to it.

    Args:
        sums: of the other examples.
        features: float32 (n, features) of those held out.
        columns: int64 (n,), their classes.
        strengths: to choose among.
    """
    best: tuple[int, float, torch.Tensor] | None = None
    for strength in sorted(strengths, reverse=True):
        weights = sums.solve(strength)
        right = int(((features @ weights).argmax(1) == columns).sum())
        if best is None or right > best[0]:
            best = right, strength, weights
    if best is None:
        raise ValueError("no strengths to choose among")
    return best[1], best[2]


def one_hot(columns: torch.Tensor, count: int) -> torch.Tensor:
    """Float32 (n, count), 1 in each example's column."""
    targets = torch.zeros(len(columns), count)
    return targets.scatter_(1, columns[:, None], 1.0)


def widened(cross: torch.Tensor, columns: int) -> torch.Tensor:
    """With columns of zeros for classes that came since, or of which every example was held out."""
    return torch.nn.functional.pad(cross, (0, columns - cross.shape[1]))


def _solve(matrix: torch.Tensor, right: torch.Tensor, penalty: float) -> torch.Tensor:
    """(matrix + penalty · I)⁻¹ right, by Cholesky; a penalty too small for the arithmetic is raised."""
    for _ in range(8):
        shifted = matrix.clone()
        shifted.diagonal().add_(penalty)
        factor, failed = torch.linalg.cholesky_ex(shifted)
        if not int(failed):
            return torch.cholesky_solve(right, factor)
        penalty *= 10
    raise ValueError("the features' sums are no positive matrix")
