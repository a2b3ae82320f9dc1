"""Rows in closed form over the dispatcher's features: ridge, ridge behind a random projection, class means."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch

from senpath.bench.protocol import BenchCell
from senpath.bench.rows.columns import ColumnRow, FeatureBatch, Score
from senpath.evaluation.closed_form import STRENGTHS, ClassSums, RandomProjection, RidgeSums, widened

AT_ONCE = 4_096
"""Examples that are projected at once."""
PROJECTED = 5_000
"""Outputs of the random projection."""
WIDE, WIDE_STRENGTHS = 2_000, tuple(10.0**power for power in range(-4, 1))
"""Where there are more features than this, and more examples than features, a fit takes seconds, and fewer strengths are tried."""


class Ridge(ColumnRow):
    """Ridge regression onto one-hot classes of all tasks."""

    title = "ridge"
    about = "Ridge regression onto the classes of all tasks; its strength is chosen. How well an input fits is its largest output."

    def __init__(self, cell: BenchCell) -> None:
        super().__init__(cell)
        self._projection: RandomProjection | None = None

    def _project(self, features: torch.Tensor) -> torch.Tensor:
        return features

    def _width(self, features: int) -> int:
        return features

    def _sums(self, batch: FeatureBatch) -> RidgeSums:
        sums = RidgeSums(self._width(batch.features.shape[1]))
        for features, columns in zip(batch.features.split(AT_ONCE), batch.columns.split(AT_ONCE), strict=True):
            sums.add(self._project(features), columns)
        return sums

    def _scores(self, weights: torch.Tensor) -> Score:
        return lambda features: torch.cat([self._project(part) @ weights for part in features.split(AT_ONCE)])

    def _ways(self, fitted: FeatureBatch, columns: int) -> Iterator[tuple[dict[str, Any], Score]]:
        sums = self._sums(fitted)
        quick = sums.examples <= sums.features or sums.features <= WIDE
        for strength in sorted(STRENGTHS if quick else WIDE_STRENGTHS, reverse=True):
            yield {"strength": strength}, self._scores(widened(sums.solve(strength), columns))

    def _final(self, choice: dict[str, Any], batch: FeatureBatch, columns: int) -> Score:
        return self._scores(widened(self._sums(batch).solve(choice["strength"]), columns))

    def _weights(self, batch: FeatureBatch, columns: int) -> int:
        return self._width(batch.features.shape[1]) * columns


class RanPacRow(Ridge):
    """Ridge behind a frozen random projection with ReLU (McDonnell et al. 2023)."""

    title = "RanPAC's closed form"
    about = f"A frozen random projection to {PROJECTED:,} numbers, ReLU, then the row ridge (McDonnell et al. 2023)."

    def _project(self, features: torch.Tensor) -> torch.Tensor:
        if self._projection is None:
            self._projection = RandomProjection(features.shape[1], PROJECTED, self.cell.seed)
        return self._projection(features)

    def _width(self, features: int) -> int:
        return PROJECTED

    def _weights(self, batch: FeatureBatch, columns: int) -> int:
        return PROJECTED * (batch.features.shape[1] + columns)


class ClassMeans(ColumnRow):
    """The class whose mean is nearest."""

    title = "nearest class mean"
    about = "The class whose examples' mean is nearest, by distance or by angle, whichever serves better."

    def _ways(self, fitted: FeatureBatch, columns: int) -> Iterator[tuple[dict[str, Any], Score]]:
        for by in ("distance", "angle"):
            yield {"by": by}, self._final({"by": by}, fitted, columns)

    def _final(self, choice: dict[str, Any], batch: FeatureBatch, columns: int) -> Score:
        sums = ClassSums(batch.features.shape[1])
        sums.add(batch.features, batch.columns)
        means = sums.means
        missing = columns - len(means)
        empty = torch.cat([torch.bincount(batch.columns, minlength=columns) == 0])
        means = torch.nn.functional.pad(means, (0, 0, 0, missing))
        if choice["by"] == "angle":
            unit = torch.nn.functional.normalize(means)
            return lambda features: (torch.nn.functional.normalize(features) @ unit.T).masked_fill(empty, -torch.inf)
        return lambda features: (-torch.cdist(features, means)).masked_fill(empty, -torch.inf)

    def _weights(self, batch: FeatureBatch, columns: int) -> int:
        return columns * batch.features.shape[1]
