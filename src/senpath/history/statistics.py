"""The dispatcher's statistics of the version that a commit makes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import torch

from senpath.pathways import Pathway
from senpath.routing import ALWAYS, CARRIERS, TUNING, Metric, misled, unpack
from senpath.snapshot.dispatchers import last_metric, make_metric, mean_covariance
from senpath.snapshot.proposal import Proposal
from senpath.snapshot.view import View
from senpath.store import Manifest, MetricRecord, StatisticsRecord, Store, TaskRecord, TypeRecord
from senpath.store.records import covariance_file


class StatisticsAccumulator:
    """Adds a proposal's statistics to those of a version.

    Args:
        store: the folder.
        proposal: that is committed.
        before: the version.

    Attributes:
        types: as the next version has them.
        columns: see `Change`.
        files: see `Change`.
        misled: by type, what a new metric does to the tasks that there were, see `senpath.routing.misled`.
    """

    def __init__(self, store: Store, proposal: Proposal, before: Manifest) -> None:
        self._store, self._proposal, self._before, self._version = store, proposal, before, before.version + 1
        self.types = dict(before.types)
        self.columns: dict[str, tuple[int, np.ndarray]] = {}
        self.files: dict[str, bytes] = {}
        self.misled: dict[str, float] = {}
        self._new: dict[str, np.ndarray] = {}
        removed = {before.tasks[task].pathway.data_type for task in proposal.removes}
        self._touched = removed | {path.data_type for path in proposal.pathways}
        self.types |= {key: self._apart(key, record) for key, record in before.types.items() if key in self._touched}

    def add(self, pathway: Pathway) -> StatisticsRecord:
        """Append a task's columns, and keep its covariance if it has one and there are few.

        A task that gets new columns leaves its old ones behind: rows are only ever appended.
        """
        key, statistics = pathway.data_type, self._proposal.statistics[pathway.task]
        columns = np.ascontiguousarray(statistics.columns, dtype="<f4")
        record = self._record(pathway, columns.shape[1])
        first = record.rows
        start, rows = self.columns.get(record.columns, (first, np.zeros((0, columns.shape[1]), dtype="<f4")))
        self.columns[record.columns] = (start, np.concatenate([rows, columns]))
        covariances = record.covariances
        if statistics.covariance is not None and len(covariances) < CARRIERS:
            covariances = {**covariances, pathway.task: self._keep(statistics.covariance)}
        self.types[key] = replace(record, rows=first + len(columns), covariances=covariances, segments=())
        return StatisticsRecord(
            first=first,
            rows=len(columns),
            sha256=hashlib.sha256(columns.tobytes()).hexdigest(),
            counts=tuple(statistics.counts.tolist()),
            figures=statistics.figures,
            gate=statistics.gate.hash if statistics.gate else None,
            owners=statistics.owners,
        )

    def drop_unused(self, tasks: set[str]) -> None:
        """Leave out the types, by key, that no task of the next version is of."""
        self.types = {key: record for key, record in self.types.items() if key in tasks}

    def renew_metrics(self, tasks: Mapping[str, TaskRecord], view: View) -> None:
        """Compute the metric anew of each type where what it is made of has changed.

        Up to so many tasks that is whatever is kept of them, beyond that which tasks they are and their covariances.

        Args:
            tasks: of the next version.
        """
        for key in self._touched & self.types.keys():
            record, earlier = self.types[key], _statistics(self._before.tasks, key)
            mine = self._now(key, tasks, earlier)
            first = Metric.first(mine)
            same = [*first] == [*Metric.first(earlier)] if len(mine) > ALWAYS else mine == earlier
            if record.metric is None or record.metric.tasks != len(first) or not same:
                grown = bool(earlier) and earlier.keys() < mine.keys()
                common = self._common(key, earlier) if grown else None
                content, metric = self._renew(key, mine, first, view.device)
                if common is not None:
                    temperature = TUNING[view.component(record.features).kind].temperature
                    self.misled[key] = self._compare(self._before.types[key], earlier, common, metric, temperature)
                self._store.metrics[key] = content, metric

    def _now(self, key: str, tasks: Mapping[str, TaskRecord], earlier: Mapping[str, StatisticsRecord]) -> dict[str, StatisticsRecord]:
        """The statistics of a type's tasks by then, in the order of learning."""
        if self._proposal.removes or self._proposal.replaces:
            return _statistics(tasks, key)
        changed = (*(pathway.task for pathway in self._proposal.pathways), *self._proposal.limits)  # a walk over all would take longer
        return {**earlier, **{name: tasks[name].statistics for name in changed if tasks[name].pathway.data_type == key}}

    def _renew(
        self, key: str, mine: Mapping[str, StatisticsRecord], first: Mapping[str, StatisticsRecord], device: torch.device
    ) -> tuple[str, Metric]:
        """The hash of the file of a type's new metric, and the metric."""
        record = self.types[key]
        rows = self._all_columns(key, mine)
        metric = make_metric(self._store, record, first, rows, device, self._new)
        name, content = f"{key}.{self._version}.metric", metric.dump()
        self.files[name] = content
        kept = MetricRecord(name, hashlib.sha256(content).hexdigest(), len(first), *metric.index_numbers)
        self.types[key] = replace(record, metric=kept)
        return kept.sha256, metric

    def _common(self, key: str, earlier: Mapping[str, StatisticsRecord]) -> torch.Tensor | None:
        """What the tasks that there were have in common, (width, width); None where there is nothing to compare with."""
        record, first = self._before.types[key], Metric.first(earlier)
        if record.metric is None or not (record.pooled or first.keys() & record.covariances.keys()):
            return None
        return unpack(mean_covariance(self._store, record, first), record.width)

    def _compare(
        self, record: TypeRecord, earlier: Mapping[str, StatisticsRecord], common: torch.Tensor, metric: Metric, temperature: float
    ) -> float:
        if record.metric is None:
            return 0.0
        before = last_metric(self._store, record, record.metric, metric.centre.device)
        places = np.concatenate([np.arange(kept.first, kept.first + kept.rows) for kept in earlier.values()])
        owners = np.repeat(np.arange(len(earlier)), [kept.rows for kept in earlier.values()])
        return round(misled(self._store.columns(record), places, owners, common, before, metric, temperature), 4)

    def _record(self, pathway: Pathway, width: int) -> TypeRecord:
        """The type's record, or that of a type which is new."""
        key = pathway.data_type
        if key in self.types:
            return self.types[key]
        data_type, features = self._proposal.types[key]
        # What is there under this name may belong to a type that was removed, and a kept version needs it.
        plain = f"{key}.columns"
        name = f"{key}.{self._version}.columns" if self._store.holds(plain) else plain
        return TypeRecord(data_type, features.hash, rows=0, width=width, columns=name)

    def _keep(self, covariance: np.ndarray) -> str:
        """Write a covariance, and give its hash."""
        packed = np.ascontiguousarray(covariance, dtype="<f4")
        content = packed.tobytes()
        name = hashlib.sha256(content).hexdigest()
        self.files[covariance_file(name)], self._new[name] = content, packed
        return name

    def _apart(self, key: str, record: TypeRecord) -> TypeRecord:
        """The type without the covariances of tasks that are removed. Tasks of which formats 1 to 6 had added them up share the mean."""
        covariances = record.covariances
        if record.pooled:
            names = [name for name, task in self._before.tasks.items() if task.pathway.data_type == key]
            covariances = dict.fromkeys(names[:CARRIERS], self._keep(self._store.pooled(record) / record.summed))
        covariances = {task: name for task, name in covariances.items() if task not in self._proposal.removes}
        return replace(record, covariances=covariances, pooled="", pooled_sha256="", summed=0)

    def _all_columns(self, key: str, mine: Mapping[str, StatisticsRecord]) -> np.ndarray:
        """All rows of a type up to the last that is a task's.

        Those that are no task's are zero: nobody checked them, and what they say of a task that went must not go on.
        """
        record = self._before.types.get(key)
        _, rows = self.columns.get(self.types[key].columns, (0, np.zeros((0, self.types[key].width), dtype="<f4")))
        if record is not None and record.columns == self.types[key].columns:
            old = self._store.columns(record)
            for kept in mine.values():
                if kept.first < record.rows:
                    self._store.check_columns(old, record, kept)
            rows = np.concatenate([old, rows])
        owned = np.zeros(len(rows), dtype=bool)
        for kept in mine.values():
            owned[kept.first : kept.first + kept.rows] = True
        rows = rows[: np.flatnonzero(owned)[-1] + 1]
        rows[~owned[: len(rows)]] = 0
        return rows


def _statistics(tasks: Mapping[str, TaskRecord], key: str) -> dict[str, StatisticsRecord]:
    return {name: task.statistics for name, task in tasks.items() if task.pathway.data_type == key}
