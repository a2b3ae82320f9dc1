"""The discriminant form of the dispatcher: every column a Gaussian in one metric, a task the mixture of its columns."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch

from senpath.components import Component
from senpath.routing.columns import Columns, ColumnVote, ColumnVotes, Likeness, StoredTask, blocks
from senpath.routing.covariances import CommonCovariance
from senpath.routing.dispatcher import Dispatcher, Ranking
from senpath.routing.limits import Surroundings, soft_nearest, squares_between
from senpath.routing.metric import ColumnIndex, Coordinates, Metric
from senpath.routing.portable import Lookup, PortableDiscriminant, PortableVotes
from senpath.routing.statistics import TUNING, TaskStatistics, scarcity, temperature_of

TOGETHER = 512
"""Inputs that are scored together, so that memory does not grow with the batch."""
SHORTLIST = 8
"""Tasks that are scored exactly where there are many columns: those that the coordinates put first."""


@dataclass(frozen=True, eq=False)
class _Loaded:
    """All columns in memory, where they are so few that every one is scored.

    Args:
        weights: float32 (features, columns), centred columns multiplied by the metric and divided by the temperature; or the columns'
            coordinates, of as many features as there are directions. In this order one input's product reads them fastest.
        offsets: float32 (columns,), what is added to an input's products with them, so that the scores are the mixtures of the sums.
    """

    weights: torch.Tensor
    offsets: torch.Tensor


@dataclass(eq=False)
class _LookedUp:
    """What tasks are looked up by, and where their columns lie: in their file; an accelerator has a copy.

    Args:
        coordinates: of the metric.
        places: the coordinates of all tasks' columns, and what is added; None where there is an index.
        index: by which those nearest to an input are found; None where all are compared.
        rows: float32 (rows, features).
    """

    coordinates: Coordinates
    places: _Loaded | None
    index: ColumnIndex | None
    rows: torch.Tensor


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
        known, earlier_tasks = len(covered.norms), len(before.names) if before is not None else 0
        columns.require(np.flatnonzero(columns.first >= known))
        self._owned = np.flatnonzero(columns.owner >= 0)
        self.metric: Metric = covered.reaching(columns.rows[known:])
        device = self.metric.centre.device
        self._limits = np.array([task.figures["limit"] for task in tasks])
        self._softness = np.array([task.figures.get("softness", 0.0) for task in tasks], dtype=np.float32)
        tuning = TUNING[features.kind]
        corrections = np.array([task.figures.get("correction", tuning.correction) for task in tasks], dtype=np.float32)
        self._shares = torch.from_numpy(corrections[columns.owner] / columns.counts.clip(min=1)).to(device)
        self._offsets = 0.5 * (self.metric.freedom * self._shares - self.metric.norms)
        few = np.array([bool(task.figures["few"]) and not tuning.careful for task in tasks])
        priors = np.array([task.figures.get("prior", 1.0) for task in tasks], dtype=np.float32)
        self._log_sizes = torch.from_numpy(priors * _log_sizes(columns.sizes, few)).to(device)
        self._temperature = temperature_of(features.kind, (task.figures for task in tasks))
        votes = ((task.name, place, ColumnVote.of(task)) for place, task in enumerate(tasks))
        self._kept: dict[int, Surroundings] = {}
        self._votes = {name: (place, vote) for name, place, vote in votes if vote is not None}
        earlier = before._held if before is not None and before._temperature == self._temperature else None
        if self.metric.coordinates is None:
            # A task that came back has old rows: which are new to the earlier dispatcher is for its tasks to say.
            self._held: _Loaded | _LookedUp = self._load(
                earlier.weights if isinstance(earlier, _Loaded) else None, np.arange(earlier_tasks, len(tasks))
            )
        else:
            self._held = self._look_up(self.metric.coordinates, earlier if isinstance(earlier, _LookedUp) else None)

    @staticmethod
    def of(features: Component, tasks: Mapping[str, TaskStatistics], device: torch.device) -> Discriminant:
        """The dispatcher of tasks whose statistics are in memory."""
        rows = np.concatenate([kept.columns for kept in tasks.values()])
        firsts = np.cumsum([0, *(len(kept.columns) for kept in tasks.values())])
        stored = [
            StoredTask(name, int(first), kept.counts.tolist(), kept.figures, kept.owners)
            for first, (name, kept) in zip(firsts, tasks.items(), strict=False)
        ]
        carried = {name: kept.covariance for name, kept in tasks.items() if kept.covariance is not None}
        common = CommonCovariance.of([*carried], carried.__getitem__, rows.shape[1]).mean(carried.__getitem__)
        scarce = scarcity(TUNING[features.kind].careful, rows.shape[1], [tasks[name].counts.tolist() for name in carried])
        metric = Metric.of(common, len(tasks), rows, device, scarcity=scarce)
        return Discriminant(features, metric, Columns(rows, stored, lambda task: None), stored)

    @property
    def indexed(self) -> bool:
        """Whether tasks are looked up before they are scored."""
        return isinstance(self._held, _LookedUp)

    def portable(self) -> PortableDiscriminant:
        places, rows = self.columns.take(np.arange(len(self.names)))
        mine, metric, lookup = torch.from_numpy(places), self.metric, None
        if metric.coordinates is not None:
            held = self._placed(metric.coordinates)
            lookup = Lookup(metric.coordinates.projection.cpu(), held.weights.cpu(), held.offsets.cpu(), SHORTLIST)
        return PortableDiscriminant(
            rows=rows,
            sizes=torch.from_numpy(self.columns.sizes),
            offsets=self._offsets.cpu()[mine],
            log_sizes=self._log_sizes.cpu(),
            limits=torch.from_numpy(self._limits),
            softness=torch.from_numpy(self._softness),
            centre=metric.centre.cpu(),
            precision=metric.precision.cpu(),
            temperature=self._temperature,
            lookup=lookup,
            votes=PortableVotes(self.columns.sizes, self._votes) if self._votes else None,
        )

    def _load(self, before: torch.Tensor | None, new: np.ndarray) -> _Loaded:
        """All columns, of which those of the tasks in `new` are not in `before`."""
        everything = np.arange(len(self.names))
        rows = self.columns.take(new if before is not None else everything)[1].to(self.metric.centre.device) - self.metric.centre
        # In float64, so that it does not show how many columns came together.
        weights = ((rows.double() @ self.metric.precision.double()) / self._temperature).float().T
        sizes, places = self.columns.sizes, torch.from_numpy(self.columns.places(everything)).to(weights.device)
        logs = self._log_sizes.repeat_interleave(torch.from_numpy(sizes).to(weights.device))
        offsets = self._offsets.index_select(0, places) / self._temperature - logs
        return _Loaded((weights if before is None else torch.cat([before, weights], 1)).contiguous(), offsets)

    def _look_up(self, coordinates: Coordinates, before: _LookedUp | None) -> _LookedUp:
        rows, device = torch.from_numpy(self.columns.rows), self.metric.centre.device
        if device.type != "cpu":
            there = before.rows if before is not None else rows[:0].to(device)
            rows = torch.cat([there, rows[len(there) :].to(device)])
        if len(coordinates.cells) == 1:
            return _LookedUp(coordinates, self._placed(coordinates), None, rows)
        return _LookedUp(coordinates, None, self._reaching(coordinates, before.index if before is not None else None), rows)

    def _placed(self, coordinates: Coordinates) -> _Loaded:
        """All columns by their coordinates. The offsets that they have in the metric would count what the coordinates leave out."""
        places = torch.from_numpy(self.columns.places(np.arange(len(self.names)))).to(coordinates.columns.device)
        mine = coordinates.columns.index_select(0, places)
        ridge = (len(self.metric.centre) - self.metric.freedom) / float(self.metric.precision.diagonal().double().sum())
        freedom = mine.shape[1] - ridge * float(coordinates.projection.double().square().sum())
        shares = self._shares.index_select(0, places)
        logs = self._log_sizes.repeat_interleave(torch.from_numpy(self.columns.sizes).to(mine.device))
        offsets = 0.5 * (freedom * shares - mine.square().sum(1)) / self._temperature - logs
        return _Loaded((mine.T / self._temperature).contiguous(), offsets)

    def _reaching(self, coordinates: Coordinates, index: ColumnIndex | None) -> ColumnIndex:
        """This index, or a new one, with the columns of all tasks in it; rows of no task would take the places of others."""
        index = index if index is not None else ColumnIndex(coordinates.cells.cpu().numpy())
        index.reach(coordinates.columns.cpu().numpy(), self._owned)
        return index

    def _rank(self, features: torch.Tensor) -> Ranking:
        centred, held = features - self.metric.centre, self._held
        return self._rank_all(centred, held) if isinstance(held, _Loaded) else self._rank_nearest(centred, held)

    def _rank_all(self, centred: torch.Tensor, held: _Loaded) -> Ranking:
        likeness = torch.addmm(held.offsets, centred, held.weights)
        scores = _mixtures(likeness, self.columns.sizes)
        numbers = self._base_numbers() + held.weights.numel()
        ends = np.cumsum(self.columns.sizes)

        def of_task(task: int, rows: np.ndarray) -> np.ndarray:
            return np.asarray(likeness.cpu().numpy()[rows, ends[task] - self.columns.sizes[task] : ends[task]])

        probabilities = torch.softmax(scores.double().cpu(), 1)
        return Ranking(None, probabilities, np.full(len(scores), numbers), lambda: numbers, self._voting(of_task))

    def _voting(self, likeness: Likeness) -> ColumnVotes | None:
        """What columns say of the classes of inputs for which they are this likely."""
        return ColumnVotes(self._votes, likeness) if self._votes else None

    def _rank_nearest(self, centred: torch.Tensor, held: _LookedUp) -> Ranking:
        parts = centred.split(TOGETHER) if len(centred) > TOGETHER else [centred]
        looked = [self._likely(part, held) for part in parts]
        queries = [self._query(part) for part in parts]
        scores = torch.cat([self._score(query, likely, held) for query, (likely, _) in zip(queries, looked, strict=True)])
        tasks, cells = (np.concatenate(same) if len(parts) > 1 else same[0] for same in zip(*looked, strict=True))
        wide, (shared, each) = self.columns.rows.shape[1], self.metric.index_numbers
        base, sizes = self._base_numbers() + shared, held.index.sizes if held.index is not None else np.array([len(self._owned)])
        looked_at, scored = sizes[cells].sum(1), np.where(tasks >= 0, self.columns.sizes[tasks], 0).sum(1)

        def together() -> int:
            once = np.unique(tasks[tasks >= 0])
            return int(base + each * sizes[np.unique(cells)].sum() + wide * self.columns.sizes[once].sum())

        query = torch.cat(queries) if len(queries) > 1 else queries[0]

        def of_task(task: int, rows: np.ndarray) -> np.ndarray:
            own = slice(int(self.columns.first[task]), int(self.columns.first[task] + self.columns.sizes[task]))
            if len(query) == 1 and query.device.type == "cpu":  # numpy is quicker for one
                return np.asarray((query.numpy() @ self.columns.rows[own].T + self._offsets.numpy()[own]) / self._temperature)
            products = query[torch.from_numpy(rows).to(query.device)] @ held.rows[own].T
            return np.asarray(((products + self._offsets[own]) / self._temperature).cpu().numpy())

        probabilities = torch.softmax(scores.double().cpu(), 1)
        return Ranking(tasks, probabilities, base + each * looked_at + wide * scored, together, self._voting(of_task))

    def _likely(self, centred: torch.Tensor, held: _LookedUp) -> tuple[np.ndarray, np.ndarray]:
        """The tasks that come into question for each input, and the cells of the index that were searched for them.

        Returns:
            int64 (n, k), k at most SHORTLIST where all columns are compared, else at most NEAREST, −1 for none; and int64 (n, cells).
        """
        if held.places is not None:
            projected = centred @ held.coordinates.projection
            peaks = _peaks(torch.addmm(held.places.offsets, projected, held.places.weights), self.columns.sizes)
            return peaks.topk(min(SHORTLIST, len(self.names)), dim=1).indices.cpu().numpy(), np.zeros((len(centred), 1), dtype=np.int64)
        if held.index is None or len(held.index) > len(self._owned):  # a later version has appended columns, and they would take our places
            held.index = self._reaching(held.coordinates, None)
        rows, cells = held.index.search((centred @ held.coordinates.projection).cpu().numpy())
        return self._owners(rows), cells

    def _owners(self, rows: np.ndarray) -> np.ndarray:
        """The tasks of these rows of the index, the nearest first: int64 (n, k), each once in a line, no more than SHORTLIST; else −1."""
        owner = self.columns.owner
        # While they are looked up another thread may append those of a later version.
        tasks = np.where((rows >= 0) & (rows < len(owner)), owner[np.minimum(rows, len(owner) - 1)], -1)
        again = np.tril(tasks[:, :, None] == tasks[:, None, :], -1).any(2) | (tasks < 0)
        tasks[again | (np.cumsum(~again, 1) > SHORTLIST)] = -1
        tasks[(tasks < 0).all(1), -1] = 0  # only if all cells searched were empty: some task has to be measured
        return tasks

    def _query(self, centred: torch.Tensor) -> torch.Tensor:
        """Centred features (n, features), multiplied by the metric."""
        if len(centred) == 1 and centred.device.type == "cpu":  # numpy is quicker for one
            return torch.from_numpy((centred.numpy()[0] @ self.metric.precision.numpy())[None])
        return centred @ self.metric.precision

    def _score(self, query: torch.Tensor, tasks: np.ndarray, held: _LookedUp) -> torch.Tensor:
        """Scores (n, k) of these tasks; of none, −∞."""
        if len(query) == 1 and query.device.type == "cpu":
            return torch.from_numpy(self._score_one(query.numpy()[0], tasks[0])[None])
        return self._score_pairs(query, tasks, held.rows)

    def _score_one(self, query: np.ndarray, tasks: np.ndarray) -> np.ndarray:
        """As `_score_pairs` for one input (features,) and its tasks (k,): at this size calling torch takes longer than computing."""
        asked = tasks[tasks >= 0]
        self.columns.require(asked)
        places, sizes = self.columns.places(asked), self.columns.sizes[asked]
        likeness = (self.columns.rows.take(places, axis=0) @ query + self._offsets.numpy()[places]) / self._temperature
        scores = np.full(len(tasks), -np.inf)
        scores[tasks >= 0] = np.logaddexp.reduceat(likeness, np.cumsum(sizes) - sizes) - self._log_sizes.numpy()[asked]
        return scores

    def _score_pairs(self, query: torch.Tensor, tasks: np.ndarray, rows: torch.Tensor) -> torch.Tensor:
        """Scores (n, k) of these tasks: of the product of all inputs and all columns, what is asked for is computed."""
        member, slot = np.nonzero(tasks >= 0)
        asked = tasks[member, slot]
        if not len(asked):
            return query.new_zeros(tasks.shape)
        self.columns.require(asked)
        places = self.columns.places(asked)
        products = _products(query, rows, torch.from_numpy(places).to(query.device), member, self.columns.sizes[asked])
        pair_scores = self._scores(products, places, asked)
        if len(asked) == tasks.size:
            return pair_scores.view(tasks.shape)
        scores = query.new_full((tasks.size,), -torch.inf)
        scores[torch.from_numpy(member * tasks.shape[1] + slot).to(query.device)] = pair_scores
        return scores.view(tasks.shape)

    def _scores(self, products: torch.Tensor, places: np.ndarray, tasks: np.ndarray) -> torch.Tensor:
        """Log-likelihoods of mixtures (…, tasks) from products of inputs and columns (…, columns), those of a task after another's."""
        device, sizes = products.device, self.columns.sizes[tasks]
        likeness = (products + self._offsets.index_select(0, torch.from_numpy(places).to(device))) / self._temperature
        return _mixtures(likeness, sizes) - self._log_sizes.index_select(0, torch.from_numpy(tasks).to(device))

    def _base_numbers(self) -> int:
        width = len(self.metric.centre)
        return self.features.weights + width * (width + 1) // 2

    def _ood_score(self, features: torch.Tensor, tasks: np.ndarray) -> np.ndarray:
        """Squared plain distance to the nearest column of the task, as a share of its limit."""
        if features.device.type == "cpu" and (len(tasks) == 1 or not self.indexed):
            return self._ood_score_by_task(features.numpy(), tasks)
        ratios = np.full(len(tasks), np.inf)
        for some, places, real in blocks(tasks, self.columns.sizes):
            columns = self.columns.take(some)[1].to(features.device).view(len(some), -1, features.shape[1])
            mine = features[torch.from_numpy(places).to(features.device)]
            squares, soft = squares_between(mine, columns), torch.from_numpy(self._softness[some][:, None])
            nearest = soft_nearest(squares, soft).double().cpu().numpy()
            ratios[places[real]] = (nearest / self._limits[some][:, None])[real]
        return ratios

    def _ood_score_by_task(self, features: np.ndarray, tasks: np.ndarray) -> np.ndarray:
        """The same for one input, or from columns in memory: task after task, where numpy is quicker than torch."""
        ratios = np.empty(len(tasks))
        for task in np.unique(tasks).tolist():
            mine = np.flatnonzero(tasks == task)
            squares, soft = self._squares(task, features[mine]), float(self._softness[task])
            nearest = squares.min(1)
            if soft > 0:  # as `soft_nearest` has it
                nearest = np.maximum(nearest - soft * np.log(np.exp((nearest[:, None] - squares) / soft).sum(1)), 0)
            ratios[mine] = nearest / self._limits[task]
        return ratios

    def _squares(self, task: int, inputs: np.ndarray) -> np.ndarray:
        """Squared distances (n, columns) of inputs (n, features) from a task's columns."""
        if len(inputs) == 1:
            self.columns.require(np.array([task]))
            first = int(self.columns.first[task])
            apart = self.columns.rows[first : first + int(self.columns.sizes[task])] - inputs
            return np.asarray(np.einsum("ij,ij->i", apart, apart)[None])
        if task not in self._kept:
            self._kept[task] = Surroundings.of(self.columns.take(np.array([task]))[1].numpy())
        return self._kept[task].squares(inputs)


def _products(query: torch.Tensor, rows: torch.Tensor, places: torch.Tensor, member: np.ndarray, sizes: np.ndarray) -> torch.Tensor:
    """Products of each query (n, features) with rows of its own.

    Args:
        places: of the rows, group after group.
        member: for each group, whose it is; ascending.
        sizes: of the groups.
    """
    _silence_beta_warning()
    counts = np.bincount(member, weights=sizes, minlength=len(query)).astype(np.int64)
    ends = torch.from_numpy(np.concatenate([[0], np.cumsum(counts)])).to(query.device)
    asked = torch.sparse_csr_tensor(ends, places, query.new_zeros(len(places)), (len(query), len(rows)), check_invariants=False)
    products: torch.Tensor = torch.sparse.sampled_addmm(asked, query, rows.T, beta=0.0).values()
    return products


@cache
def _silence_beta_warning() -> None:
    """Torch says once per process that its sparse tensors are a beta."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        torch.sparse_csr_tensor(torch.tensor([0, 1]), torch.tensor([0]), torch.ones(1), (1, 1), check_invariants=False)


def _peaks(likeness: torch.Tensor, sizes: np.ndarray) -> torch.Tensor:
    """The largest of groups (of these sizes) that follow one another: (n, columns) to (n, groups)."""
    if sizes.min() == sizes.max():
        peaks: torch.Tensor = likeness.unflatten(1, (len(sizes), -1)).amax(2)
        return peaks
    return torch.from_numpy(np.maximum.reduceat(likeness.cpu().numpy(), np.cumsum(sizes) - sizes, axis=1))


def _mixtures(likeness: torch.Tensor, sizes: np.ndarray) -> torch.Tensor:
    """Log of the sums of exponentials of groups (of these sizes) that follow one another: (…, columns) to (…, groups)."""
    if likeness.device.type != "cpu" and sizes.min() == sizes.max():
        return torch.logsumexp(likeness.unflatten(-1, (len(sizes), -1)), -1)
    # On a processor numpy takes a quarter of the time that torch's logsumexp does.
    values, starts = likeness.cpu().numpy(), np.cumsum(sizes) - sizes
    peaks = np.maximum.reduceat(values, starts, axis=-1)
    shares = values - np.repeat(peaks, sizes, axis=-1)
    np.exp(shares, out=shares)
    return torch.from_numpy(peaks + np.log(np.add.reduceat(shares, starts, axis=-1))).to(likeness.device)


def _log_sizes(sizes: np.ndarray, few: np.ndarray) -> np.ndarray:
    """What is taken off a task's mixture for its number of columns, float32.

    A task of few examples has one column a class; that is no reason to expect it more often than a task of many columns.
    """
    logs = np.log(sizes)
    usual = logs[~few].mean() if not few.all() else None
    return np.asarray(np.where(few, logs if usual is None else usual, logs), dtype=np.float32)
