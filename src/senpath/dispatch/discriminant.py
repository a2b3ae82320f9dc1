"""The dispatcher in closed form: a linear discriminant over all tasks of one data type."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from functools import cache

import numpy as np
import torch

from senpath.components import Component
from senpath.dispatch.blocks import blocks
from senpath.dispatch.columns import Columns, StoredTask
from senpath.dispatch.dispatcher import Dispatcher, Ranking
from senpath.dispatch.index import ColumnIndex
from senpath.dispatch.metric import Metric
from senpath.dispatch.statistics import TaskStatistics

TEMPERATURE = {"conv-features.v1": 15.0, "dense-features.v1": 2.0}
"""By kind of feature map: divides log-likelihood ratios, which take the features for more independent than they are."""
CORRECTION = 0.3
"""Share of the expected error of a column's mean that is made good; few examples would else look far away."""


TOGETHER = 1_024
"""Inputs that are scored together, so that memory does not grow with the batch."""


class Discriminant(Dispatcher):
    """Every column is the mean of a Gaussian, all with one covariance, the tasks' pooled one.

    After Fisher 1936; Hastie, Tibshirani and Friedman 2009, section 4.3. A task's score is the log-likelihood of the mixture of its
    columns. Where there are many columns, those nearest to an input are looked up in an index, and their tasks alone are scored.

    Args:
        features: the type's feature map.
        metric: the distance; it covers the first of the columns at least.
        columns: of all tasks.
        tasks: in the order of `columns`.
        before: an earlier version of this dispatcher with the same metric: what it has computed is taken over.
    """

    def __init__(
        self, features: Component, metric: Metric, columns: Columns, tasks: Sequence[StoredTask], before: Discriminant | None = None
    ) -> None:
        super().__init__(tuple(task.name for task in tasks), features)
        self.columns, self.tasks = columns, tuple(tasks)
        covered = before.metric if before is not None else metric
        known = len(covered.norms)
        new = np.flatnonzero(columns.first >= known)
        columns.require(new)
        self.metric: Metric = covered.reaching(columns.rows[known:])
        device = self.metric.centre.device
        self._limits = np.array([task.figures["limit"] for task in tasks])
        counts = torch.from_numpy(columns.counts).to(device)
        self._offsets = 0.5 * (CORRECTION * self.metric.freedom / counts - self.metric.norms)
        few = np.array([bool(task.figures["few"]) for task in tasks])
        self._log_sizes = torch.from_numpy(_log_sizes(columns.sizes, few)).to(device)
        self._temperature = TEMPERATURE[features.kind]
        self._index = self._prepare_index(before)
        self._all = self._prepare_all(before, new) if self._index is None else None
        self._rows = self._prepare_rows(before, device) if self._index is not None else None

    @staticmethod
    def of(features: Component, tasks: Mapping[str, TaskStatistics], device: torch.device) -> Discriminant:
        """The dispatcher of tasks whose statistics are in memory."""
        rows = np.concatenate([kept.columns for kept in tasks.values()])
        firsts = np.cumsum([0, *(len(kept.columns) for kept in tasks.values())])
        stored = [
            StoredTask(name, int(first), kept.counts.tolist(), kept.figures)
            for first, (name, kept) in zip(firsts, tasks.items(), strict=False)
        ]
        pooled = sum(kept.pooled for kept in tasks.values())
        metric = Metric.of(np.asarray(pooled), len(tasks), rows, device)
        return Discriminant(features, metric, Columns(rows, stored, lambda task: None), stored)

    @property
    def indexed(self) -> bool:
        """Whether tasks are looked up before they are scored."""
        return self._index is not None

    def _prepare_index(self, before: Discriminant | None) -> ColumnIndex | None:
        coordinates = self.metric.coordinates
        if coordinates is None:
            return None
        index = before._index if before is not None and before._index is not None else ColumnIndex(coordinates.cells.cpu().numpy())
        index.reach(coordinates.columns.cpu().numpy())
        return index

    def _prepare_all(self, before: Discriminant | None, new: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
        """Of all tasks: the columns, centred, and for each task the places of its own among them."""
        tasks = new if before is not None else np.arange(len(self.names))
        rows = self.columns.take(tasks)[1].to(self.metric.centre.device) - self.metric.centre
        if before is not None and before._all is not None:
            rows = torch.cat([before._all[0], rows])
        return rows, _padding(self.columns.sizes).to(rows.device)

    def _prepare_rows(self, before: Discriminant | None, device: torch.device) -> torch.Tensor:
        """All columns where they lie in their file; an accelerator has a copy."""
        rows = torch.from_numpy(self.columns.rows)
        if device.type == "cpu" or before is None or before._rows is None:
            return rows.to(device)
        return torch.cat([before._rows, rows[len(before._rows) :].to(device)])

    def _rank(self, features: torch.Tensor) -> Ranking:
        centred = features - self.metric.centre
        query = centred @ self.metric.precision
        if self._index is None:
            return self._rank_all(query)
        return self._rank_nearest(query, centred, self._index)

    def _rank_all(self, query: torch.Tensor) -> Ranking:
        assert self._all is not None
        everything = np.arange(len(self.names))
        columns, padding = self._all
        scores = self._scores(query @ columns.T, self.columns.places(everything), padding, everything)
        numbers = self._base_numbers() + columns.numel()
        tasks = np.broadcast_to(everything, tuple(scores.shape))
        return Ranking(tasks, torch.softmax(scores.double().cpu(), 1), np.full(len(scores), numbers), lambda: numbers)

    def _rank_nearest(self, query: torch.Tensor, centred: torch.Tensor, index: ColumnIndex) -> Ranking:
        coordinates = self.metric.coordinates
        assert coordinates is not None
        if len(index) > len(self.columns.owner):  # a later version has appended its columns, and they would take the places of ours
            self._index = index = ColumnIndex(coordinates.cells.cpu().numpy())
            index.reach(coordinates.columns.cpu().numpy())
        rows, cells = index.search((centred @ coordinates.projection).cpu().numpy())
        tasks = self._owners(rows)
        if len(query) == 1 and query.device.type == "cpu":
            scores = torch.from_numpy(self._score_one(query.numpy()[0], tasks[0])[None])
        else:
            starts = range(TOGETHER, len(tasks), TOGETHER)
            parts = zip(query.tensor_split([*starts]), np.split(tasks, starts), strict=True)
            scores = torch.cat([self._score_pairs(mine, candidates) for mine, candidates in parts])
        wide, deep = self.columns.rows.shape[1], coordinates.columns.shape[1]
        base = self._base_numbers() + self.metric.index_numbers[0]
        looked_at, scored = index.sizes[cells].sum(1), np.where(tasks >= 0, self.columns.sizes[tasks], 0).sum(1)

        def together() -> int:
            once = np.unique(tasks[tasks >= 0])
            return int(base + deep * index.sizes[np.unique(cells)].sum() + wide * self.columns.sizes[once].sum())

        return Ranking(tasks, torch.softmax(scores.double().cpu(), 1), base + deep * looked_at + wide * scored, together)

    def _owners(self, rows: np.ndarray) -> np.ndarray:
        """The tasks of these rows of the index, int64 (n, k), each once in a line; −1 for none."""
        owner = self.columns.owner
        # While they are looked up another thread may append those of a later version.
        tasks = np.where((rows >= 0) & (rows < len(owner)), owner[np.minimum(rows, len(owner) - 1)], -1)
        tasks.sort(axis=1)
        tasks[:, 1:][tasks[:, 1:] == tasks[:, :-1]] = -1
        tasks[(tasks < 0).all(1), -1] = 0  # only if all cells searched were empty: some task has to be measured
        return tasks

    def _score_one(self, query: np.ndarray, tasks: np.ndarray) -> np.ndarray:
        """As `_score_pairs` for one input (features,) and its tasks (k,): at this size calling torch takes longer than computing."""
        asked = tasks[tasks >= 0]
        self.columns.require(asked)
        places, sizes = self.columns.places(asked), self.columns.sizes[asked]
        likeness = (self.columns.rows.take(places, axis=0) @ query + self._offsets.numpy()[places]) / self._temperature
        scores = np.full(len(tasks), -np.inf)
        scores[tasks >= 0] = np.logaddexp.reduceat(likeness, np.cumsum(sizes) - sizes) - self._log_sizes.numpy()[asked]
        return scores

    def _score_pairs(self, query: torch.Tensor, tasks: np.ndarray) -> torch.Tensor:
        """Scores (n, k) of these tasks: of the product of all inputs and all columns, what is asked for is computed."""
        member, slot = np.nonzero(tasks >= 0)
        asked = tasks[member, slot]
        if not len(asked):
            return query.new_zeros(tasks.shape)
        self.columns.require(asked)
        sizes, places = self.columns.sizes[asked], torch.from_numpy(self.columns.places(asked)).to(query.device)
        assert self._rows is not None
        products = _products(query, self._rows, places, member, sizes)
        found = _mixtures((products + self._offsets.index_select(0, places)) / self._temperature, sizes)
        found -= self._log_sizes.index_select(0, torch.from_numpy(asked).to(query.device))
        if len(asked) == tasks.size:
            return found.view(tasks.shape)
        scores = query.new_full((tasks.size,), -torch.inf)
        scores[torch.from_numpy(member * tasks.shape[1] + slot).to(query.device)] = found
        return scores.view(tasks.shape)

    def _scores(self, products: torch.Tensor, rows: np.ndarray, padding: torch.Tensor, tasks: np.ndarray) -> torch.Tensor:
        """Log-likelihoods of the tasks' mixtures (n, tasks) from the products of inputs and columns (n, columns)."""
        likeness = (products + self._offsets[torch.from_numpy(rows).to(products.device)]) / self._temperature
        likeness = torch.nn.functional.pad(likeness, (0, 1), value=-torch.inf)[:, padding]
        return torch.logsumexp(likeness, 2) - self._log_sizes[torch.from_numpy(tasks).to(products.device)]

    def _base_numbers(self) -> int:
        width = len(self.metric.centre)
        return self.features.weights + width * (width + 1) // 2

    def _strangeness(self, features: torch.Tensor, tasks: np.ndarray) -> np.ndarray:
        """Squared plain distance to the nearest column of the task, as a share of its limit."""
        found = np.full(len(tasks), np.inf)
        for some, places, real in blocks(tasks, self.columns.sizes):
            columns = self.columns.take(some)[1].to(features.device).view(len(some), -1, features.shape[1])
            mine = features[torch.from_numpy(places).to(features.device)]
            nearest = torch.cdist(mine, columns).square().min(2).values.double().cpu().numpy()
            found[places[real]] = (nearest / self._limits[some][:, None])[real]
        return found


def _products(query: torch.Tensor, rows: torch.Tensor, places: torch.Tensor, member: np.ndarray, sizes: np.ndarray) -> torch.Tensor:
    """Products of each query (n, features) with rows of its own.

    Args:
        places: of the rows, group after group.
        member: for each group, whose it is; ascending.
        sizes: of the groups.
    """
    _hear_warnings()
    counts = np.bincount(member, weights=sizes, minlength=len(query)).astype(np.int64)
    ends = torch.from_numpy(np.concatenate([[0], np.cumsum(counts)])).to(query.device)
    asked = torch.sparse_csr_tensor(ends, places, query.new_zeros(len(places)), (len(query), len(rows)), check_invariants=False)
    found: torch.Tensor = torch.sparse.sampled_addmm(asked, query, rows.T, beta=0.0).values()
    return found


@cache
def _hear_warnings() -> None:
    """Torch says once per process that its sparse tensors are a beta."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        torch.sparse_csr_tensor(torch.tensor([0, 1]), torch.tensor([0]), torch.ones(1), (1, 1), check_invariants=False)


def _mixtures(likeness: torch.Tensor, sizes: np.ndarray) -> torch.Tensor:
    """Log of the sums of exponentials of groups (of these sizes) that follow one another."""
    if sizes.min() == sizes.max():
        return torch.logsumexp(likeness.view(len(sizes), -1), 1)
    padded = torch.nn.functional.pad(likeness, (0, 1), value=-torch.inf)
    return torch.logsumexp(padded[_padding(sizes).to(likeness.device)], 1)


def _log_sizes(sizes: np.ndarray, few: np.ndarray) -> np.ndarray:
    """What is taken off a task's mixture for its number of columns, float32.

    A task of few examples has one column a class; that is no reason to expect it more often than a task of many columns.
    """
    logs = np.log(sizes)
    usual = logs[~few].mean() if not few.all() else None
    return np.asarray(np.where(few, logs if usual is None else usual, logs), dtype=np.float32)


def _padding(sizes: np.ndarray) -> torch.Tensor:
    """For tasks whose columns follow one another the places of each task's own, int64 (tasks, most); the rest points behind all."""
    starts = np.cumsum(sizes) - sizes
    steps = np.arange(sizes.max())
    return torch.from_numpy(np.where(steps < sizes[:, None], starts[:, None] + steps, sizes.sum()))
