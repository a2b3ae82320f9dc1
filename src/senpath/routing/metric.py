"""The metric in which tasks are compared, and the index by which columns are found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import islice
from math import ceil
from threading import Lock
from typing import Any, TypeVar

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load, save

from senpath.errors import StoreError
from senpath.routing.covariances import Common, inverted, lately_inverted, pack, unpack

T = TypeVar("T")
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

    def _numbers(self, nearest: np.ndarray) -> np.ndarray:
        """Numbers of the points that faiss found, −1 where it found none."""
        return np.where(nearest >= 0, self._rows[nearest], -1)

    def _add(self, points: np.ndarray, cells: np.ndarray) -> None:
        from faiss.contrib.ivf_tools import add_preassigned

        if len(self.sizes) == 1:
            self._index.add(points)
        else:
            add_preassigned(self._index, points, cells)  # type: ignore[no-untyped-call]

    def _search_cells(self, points: np.ndarray, cells: np.ndarray, distances: np.ndarray) -> np.ndarray:
        from faiss.contrib.ivf_tools import search_preassigned

        nearest: np.ndarray = search_preassigned(self._index, points, NEAREST, cells, distances)[1]  # type: ignore[no-untyped-call]
        return nearest


SHRINKAGE = 0.03
"""Share of its mean variance that is added to the pooled covariance (Friedman 1989, with the identity as target)."""
ALWAYS, GROWTH = 16, 1.25
"""Up to this many tasks the metric is of all of them; beyond, of 20, 25, 32 …, the next number when there are so many more, so that what
renewing costs, which grows with the columns, stays constant per task."""
INDEXED = 1_000
"""Columns from which on a metric comes with coordinates; below, every column is scored."""
OUT_OF_ORDER = 100.0
"""Columns this many times as long as the median one decide nothing for the others."""
COORDINATES = 160
"""Directions that are kept of a column to look it up by."""
SAMPLE = 20_000
"""Columns that the directions and the cells are found from, at most."""
PART = 4_096


@dataclass(frozen=True, eq=False)
class Coordinates:
    """Where columns lie along the directions that tell them apart best (Fisher 1936; Rao 1948), and a division of that space into cells.

    Args:
        projection: float32 (features, directions), from centred features to coordinates.
        cells: float32 (cells, directions), the cells' centres.
        columns: float32 (rows, directions).
    """

    projection: torch.Tensor
    cells: torch.Tensor
    columns: torch.Tensor


@dataclass(frozen=True, eq=False)
class Metric:
    """The inverse of the tasks' mean covariance, shrunk towards its mean variance.

    Args:
        precision: float32 (features, features).
        freedom: the effective number of features, what a squared distance within a task comes to on average.
        centre: float32 (features,). The scores of all tasks change alike when everything is moved, and numbers around zero keep more
            of float32's digits.
        tasks: how many it is made of.
        norms: float32 (rows,), squared lengths of the columns that there were, centred.
        coordinates: of these columns, where there are many.
    """

    precision: torch.Tensor
    freedom: float
    centre: torch.Tensor
    tasks: int
    norms: torch.Tensor
    coordinates: Coordinates | None

    @staticmethod
    def of(
        covariance: np.ndarray,
        tasks: int,
        columns: np.ndarray,
        device: torch.device,
        owned: np.ndarray | None = None,
        scarcity: float = 0.0,
    ) -> Metric:
        """Compute it.

        Args:
            covariance: what the tasks have in common, float64, packed.
            tasks: how many they are.
            columns: float32 (rows, features), all that there are.
            device: where to compute, and where the result is.
            owned: int64, the rows that are one of these tasks'; by default all. The others are covered, and decide nothing.
            scarcity: added to the shrinkage, see `senpath.routing.statistics`.
        """
        mine = columns if owned is None or len(owned) == len(columns) else columns[owned]
        ordinary, common = _ordinary(mine), Common(covariance, columns.shape[1], SHRINKAGE + scarcity)
        centre, coordinates = _mean(ordinary), None
        if len(mine) >= INDEXED:
            precision, freedom, root = inverted(common)
            coordinates = _coordinates(ordinary, centre, root, device)
        else:
            precision, freedom = lately_inverted(common)
        metric = Metric(precision.to(device), freedom, centre.to(device), tasks, torch.zeros(0, device=device), coordinates)
        return metric.reaching(columns)

    def reaching(self, more: np.ndarray) -> Metric:
        """The same metric, covering further columns too.

        However many come at once, the numbers are the same: who reads tasks one by one answers as who reads them all.
        """
        if not len(more):
            return self
        parts, places = [self.norms], []
        for start in range(0, len(more), PART):
            centred = torch.from_numpy(np.array(more[start : start + PART])).to(self.centre.device) - self.centre
            parts.append(self.squares(centred))
            if self.coordinates is not None:
                places.append(centred @ self.coordinates.projection)
        lookup = self.coordinates
        if lookup is not None:
            lookup = Coordinates(lookup.projection, lookup.cells, torch.cat([lookup.columns, *places]))
        return Metric(self.precision, self.freedom, self.centre, self.tasks, torch.cat(parts), lookup)

    def covering(self, columns: np.ndarray) -> Metric:
        """The same distance for these columns in place of those that there were: answers move by rounding only.

        Centre and cells are means of the new columns, so that what they say of the others goes; all scores change alike with the centre.

        Args:
            columns: float32 (rows, features), all of them a task's.
        """
        centre, old = _mean(_ordinary(columns)).to(self.centre.device), self.coordinates
        none = self.norms[:0]
        if old is None:
            return Metric(self.precision, self.freedom, centre, self.tasks, none, None).reaching(columns)
        bare = Coordinates(old.projection, old.cells + (self.centre - centre) @ old.projection, old.columns[:0])
        covered = Metric(self.precision, self.freedom, centre, self.tasks, none, bare).reaching(columns)
        return replace(covered, coordinates=_with_own_cells(covered.coordinates))

    def squares(self, vectors: torch.Tensor) -> torch.Tensor:
        """Squared lengths (n,), float32, of vectors (n, features)."""
        # How products are rounded depends on how many there are; in float64 that is lost on the way back.
        exact = vectors.double()
        return ((exact @ self.precision.double()) * exact).sum(1).float()

    @staticmethod
    def first(tasks: Mapping[str, T]) -> dict[str, T]:
        """The first of these tasks, which a metric is made of: as many as follows from how many there are, not from what went."""
        made = min(len(tasks), ALWAYS)
        while made >= ALWAYS and ceil(GROWTH * made) <= len(tasks):
            made = ceil(GROWTH * made)
        return dict(islice(tasks.items(), made))

    @property
    def index_numbers(self) -> tuple[int, int]:
        """Numbers with which columns are looked up: those of the index itself, and those of each column."""
        lookup = self.coordinates
        return (lookup.projection.numel() + lookup.cells.numel(), lookup.columns.shape[1]) if lookup is not None else (0, 0)

    def dump(self) -> bytes:
        """Content of its file, in the safetensors format."""
        tensors = {
            "precision": torch.from_numpy(pack(self.precision)),
            "freedom": torch.tensor([self.freedom], dtype=torch.float64),
            "centre": self.centre.cpu(),
            "tasks": torch.tensor([self.tasks]),
            "norms": self.norms.cpu(),
        }
        if self.coordinates is not None:
            tensors |= {name: getattr(self.coordinates, name).cpu() for name in ("projection", "cells", "columns")}
        return save({name: values.contiguous() for name, values in tensors.items()})

    @staticmethod
    def parse(content: bytes, where: str, device: torch.device, width: int, rows: int) -> Metric:
        """The metric in this content.

        Args:
            width: features of the columns.
            rows: how many columns there are; it covers the first of them.

        Raises:
            StoreError: if it is not what `dump` writes.
        """
        try:
            tensors = load(content)
            _check_shapes(tensors, width, rows)
            precision = unpack(tensors["precision"].numpy(), width).float().to(device)
            coordinates = None
            if "projection" in tensors:
                coordinates = Coordinates(*(tensors[name].to(device) for name in ("projection", "cells", "columns")))
            return Metric(
                precision,
                float(tensors["freedom"]),
                tensors["centre"].to(device),
                int(tensors["tasks"]),
                tensors["norms"].to(device),
                coordinates,
            )
        except (SafetensorError, KeyError, ValueError, RuntimeError, OverflowError) as error:
            raise StoreError(where, expected="the metric of a dispatcher", got=f"{type(error).__name__}: {error}") from error


def _check_shapes(tensors: dict[str, torch.Tensor], width: int, rows: int) -> None:
    """Raises ValueError, or KeyError where a part is missing."""
    norms = len(tensors["norms"])
    shapes: dict[str, tuple[int, ...]] = {
        "precision": (width * (width + 1) // 2,),
        "freedom": (1,),
        "centre": (width,),
        "tasks": (1,),
        "norms": (norms,),
    }
    if "projection" in tensors:
        cells, directions = tensors["cells"].shape
        shapes |= {"projection": (width, directions), "cells": (cells, directions), "columns": (norms, directions)}
    types = {"freedom": torch.float64, "tasks": torch.int64}
    for name, shape in shapes.items():
        values = tensors[name]
        if tuple(values.shape) != shape or values.dtype != types.get(name, torch.float32) or not bool(values.isfinite().all()):
            raise ValueError(f"{name} of {tuple(values.shape)}, {values.dtype}, not all finite or not {shape}")
    if not 0 < norms <= rows or tensors["tasks"] < 1 or ("cells" in tensors and not tensors["cells"].numel()):
        raise ValueError(f"{norms} columns of {rows}, {int(tensors['tasks'])} tasks")


def _ordinary(columns: np.ndarray) -> np.ndarray:
    """The columns that are of the order of the others: centre, directions and cells are made of these."""
    lengths = np.sqrt(np.einsum("ij,ij->i", columns, columns, dtype=np.float64))
    beyond = lengths > OUT_OF_ORDER * np.median(lengths)
    return columns[~beyond] if beyond.any() else columns


def _mean(columns: np.ndarray) -> torch.Tensor:
    """In float64, so that the order of the tasks does not show."""
    return torch.from_numpy(columns.mean(0, dtype=np.float64).astype(np.float32))


def _with_own_cells(coordinates: Coordinates | None) -> Coordinates | None:
    """Each cell's centre moved to the mean of the columns in it; a cell without any goes. The division stays nearly as it was."""
    if coordinates is None:
        return None
    mine = torch.cat([torch.cdist(part, coordinates.cells).argmin(1) for part in coordinates.columns.split(PART)])
    used, mine = mine.unique(return_inverse=True)
    sums = coordinates.columns.new_zeros(len(used), coordinates.columns.shape[1], dtype=torch.float64)
    sums.index_add_(0, mine, coordinates.columns.double())
    cells = (sums / mine.bincount()[:, None]).float()
    return Coordinates(coordinates.projection, cells, coordinates.columns)


def _coordinates(columns: np.ndarray, centre: torch.Tensor, root: torch.Tensor, device: torch.device) -> Coordinates:
    """Directions and cells for these columns; the columns' own places are left to `reaching`.

    Args:
        root: float64, lower triangle; the covariance is root · rootᵀ.
    """
    step = ceil(len(columns) / SAMPLE)
    sample = torch.from_numpy(np.array(columns[::step])) - centre
    between = (sample.T @ sample).double() / len(sample)
    white = torch.linalg.solve_triangular(root, torch.linalg.solve_triangular(root, between, upper=False).T, upper=False)
    _, directions = torch.linalg.eigh((white + white.T) / 2)
    best = directions[:, -COORDINATES:]
    projection = torch.linalg.solve_triangular(root.T, best, upper=True).float()
    places = sample @ projection
    return Coordinates(projection.to(device), torch.from_numpy(find_cells(places.numpy(), len(columns))).to(device), places[:0].to(device))
