"""Looking up the columns nearest to an input among very many: an inverted file of the faiss library, to which columns are appended."""

from __future__ import annotations

from threading import Lock
from typing import Any

import numpy as np
import torch

NEAREST = 28
"""Columns that are looked up for an input; their tasks are then scored exactly."""
SCANNED = 10_000
"""Up to this many columns all are compared, which takes no longer than searching cells and misses none; beyond, there are cells."""
ROWS_PER_CELL, MOST_CELLS = 32, 1_024
PROBED = 48
"""Cells that are searched for an input. What is missed by that is measured in docs/results/scale.md."""
ALONE = 64
"""Batches up to this size are searched by one thread: starting others costs more."""


def find_cells(points: np.ndarray, rows: int) -> np.ndarray:
    """Centres of cells for an index of `rows` points like these, float32 (cells, directions); one, where all are compared."""
    import faiss

    if rows <= SCANNED:
        return np.asarray(points.mean(0, keepdims=True))
    cells = min(len(points), MOST_CELLS, rows // ROWS_PER_CELL)
    means = faiss.Kmeans(points.shape[1], cells, niter=10, seed=0, min_points_per_centroid=1, max_points_per_centroid=64)
    means.train(np.ascontiguousarray(points, dtype=np.float32))
    return np.asarray(means.centroids)


class ColumnIndex:
    """Columns by their coordinates. Points are only ever appended, so dispatchers of several versions may share an index.

    Args:
        cells: float32 (cells, directions), the cells' centres.
    """

    def __init__(self, cells: np.ndarray) -> None:
        import faiss

        self._faiss: Any = faiss
        self._cells = faiss.IndexFlatL2(cells.shape[1])
        self._cells.add(np.ascontiguousarray(cells))
        self._index: Any = faiss.IndexFlatL2(cells.shape[1])
        if len(cells) > 1:
            self._index = faiss.IndexIVFFlat(self._cells, cells.shape[1], len(cells))
            self._index.is_trained = True
            self._index.nprobe = min(PROBED, len(cells))
        self.sizes = np.zeros(len(cells), dtype=np.int64)
        self._rows = np.zeros(0, dtype=np.int64)  # numbers of the points that are there, in faiss's order
        self._lock = Lock()  # faiss does not append while it searches

    def __len__(self) -> int:
        return int(self._index.ntotal)

    def reach(self, points: np.ndarray, rows: np.ndarray | None = None) -> None:
        """Append of these points (n, directions), float32, those that are not there yet.

        Args:
            rows: int64, numbers of the points that are wanted; by default all.
        """
        rows = np.arange(len(points)) if rows is None else rows
        with self._lock:
            there = np.zeros(max(len(points), self._rows.max(initial=-1) + 1), dtype=bool)
            there[self._rows] = True
            rows = rows[~there[rows]]
            if len(rows):
                new = np.ascontiguousarray(points[rows])
                cells = self._cells.search(new, 1)[1][:, 0]
                self._add(new, cells)
                self._rows = np.concatenate([self._rows, rows])
                self.sizes = self.sizes + np.bincount(cells, minlength=len(self.sizes))

    def search(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The columns nearest to each of n points, and the cells that were searched for them.

        Returns:
            int64 (n, NEAREST), numbers of points, −1 where there are no more, and int64 (n, cells searched).
        """
        points = np.ascontiguousarray(points)
        with self._lock:
            self._faiss.omp_set_num_threads(1 if len(points) <= ALONE else torch.get_num_threads())
            if len(self.sizes) == 1:
                return self._numbers(self._index.search(points, NEAREST)[1]), np.zeros((len(points), 1), dtype=np.int64)
            distances, cells = self._cells.search(points, self._index.nprobe)
            return self._numbers(self._search_cells(points, cells, distances)), cells

    def _numbers(self, found: np.ndarray) -> np.ndarray:
        """Numbers of the points that faiss found, −1 where it found none."""
        return np.where(found >= 0, self._rows[found], -1)

    def _add(self, points: np.ndarray, cells: np.ndarray) -> None:
        from faiss.contrib.ivf_tools import add_preassigned

        if len(self.sizes) == 1:
            self._index.add(points)
        else:
            add_preassigned(self._index, points, cells)  # type: ignore[no-untyped-call]

    def _search_cells(self, points: np.ndarray, cells: np.ndarray, distances: np.ndarray) -> np.ndarray:
        from faiss.contrib.ivf_tools import search_preassigned

        found: np.ndarray = search_preassigned(self._index, points, NEAREST, cells, distances)[1]  # type: ignore[no-untyped-call]
        return found
