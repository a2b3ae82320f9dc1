"""Looking up the columns nearest to an input among very many: an inverted file of the faiss library, to which columns are appended."""

from __future__ import annotations

from threading import Lock

import numpy as np
import torch

NEAREST = 32
"""Columns that are looked up for an input; their tasks are then scored exactly."""
ROWS_PER_CELL, LEAST_CELLS, MOST_CELLS = 32, 32, 1_024
PROBED = 32
"""Cells that are searched for an input. What is missed by that is measured in docs/results/scale.md."""
ALONE = 64
"""Batches up to this size are searched by one thread: starting others costs more."""


def find_cells(points: np.ndarray, rows: int) -> np.ndarray:
    """Centres of cells for an index of `rows` points like these, float32 (cells, directions)."""
    import faiss

    cells = min(len(points), max(LEAST_CELLS, min(MOST_CELLS, rows // ROWS_PER_CELL)))
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

        self._faiss = faiss
        self._cells = faiss.IndexFlatL2(cells.shape[1])
        self._cells.add(np.ascontiguousarray(cells))
        self._index = faiss.IndexIVFFlat(self._cells, cells.shape[1], len(cells))
        self._index.is_trained = True
        self._index.nprobe = min(PROBED, len(cells))
        self.sizes = np.zeros(len(cells), dtype=np.int64)
        self._lock = Lock()  # faiss does not append while it searches

    def __len__(self) -> int:
        return int(self._index.ntotal)

    def append(self, points: np.ndarray) -> None:
        """Add points (n, directions), float32, behind those that are there."""
        from faiss.contrib.ivf_tools import add_preassigned

        if not len(points):
            return
        points = np.ascontiguousarray(points)
        with self._lock:
            cells = self._cells.search(points, 1)[1]
            add_preassigned(self._index, points, cells[:, 0])  # type: ignore[no-untyped-call]
            self.sizes = self.sizes + np.bincount(cells[:, 0], minlength=len(self.sizes))

    def search(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The columns nearest to each of n points, and the cells that were searched for them.

        Returns:
            int64 (n, NEAREST), numbers of points, −1 where there are no more, and int64 (n, cells searched).
        """
        from faiss.contrib.ivf_tools import search_preassigned

        points = np.ascontiguousarray(points)
        with self._lock:
            self._faiss.omp_set_num_threads(1 if len(points) <= ALONE else torch.get_num_threads())
            distances, cells = self._cells.search(points, self._index.nprobe)
            found = search_preassigned(self._index, points, NEAREST, cells, distances)  # type: ignore[no-untyped-call]
            return found[1], cells
