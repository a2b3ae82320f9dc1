"""What the tasks of each data type add up to in the next version."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import torch

from senpath.pathways import Pathway
from senpath.routing import Metric, TaskStatistics, scarcity
from senpath.snapshot.proposal import Proposal
from senpath.store import Manifest, MetricRecord, StatisticsRecord, Store, TaskRecord, TypeRecord


class NextSums:
    """Adds a proposal's statistics to those of a version.

    Args:
        store: the folder.
        proposal: that is committed.
        before: the version.

    Attributes:
        types: as the next version has them.
        columns: see `Change`.
    """

    def __init__(self, store: Store, proposal: Proposal, before: Manifest) -> None:
        self._store, self._proposal, self._before, self._version = store, proposal, before, before.version + 1
        self.types = dict(before.types)
        self.columns: dict[str, tuple[int, np.ndarray]] = {}
        self._pooled: dict[str, np.ndarray] = {}
        self._metrics: dict[str, bytes] = {}

    @property
    def files(self) -> dict[str, bytes]:
        """See `Change`."""
        return {self.types[key].pooled: total.tobytes() for key, total in self._pooled.items()} | self._metrics

    def add(self, pathway: Pathway) -> StatisticsRecord:
        """Append a task's columns, and add its covariance if it has one to add.

        A task that gets new columns leaves its old ones behind: rows are only ever appended.
        """
        key, statistics = pathway.data_type, self._proposal.statistics[pathway.task]
        columns = np.ascontiguousarray(statistics.columns, dtype="<f4")
        record = self._record(pathway, columns.shape[1])
        first = record.rows
        start, rows = self.columns.get(record.columns, (first, np.zeros((0, columns.shape[1]), dtype="<f4")))
        self.columns[record.columns] = (start, np.concatenate([rows, columns]))
        self.types[key] = replace(record, rows=first + len(columns))
        self._add_pooled(key, statistics)
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

    def renew_metrics(self, tasks: Iterable[TaskRecord], device: torch.device) -> None:
        """Compute the metric anew of each type where enough tasks have come since it was last done.

        Args:
            tasks: of the next version.
        """
        tasks = list(tasks)
        for key, pooled in self._pooled.items():
            record = self.types[key]
            if record.metric is None or Metric.due(record.metric.tasks, record.summed):
                rows, owned = self._all_columns(key, tasks)
                counts = [task.statistics.counts for task in tasks if task.pathway.data_type == key]
                scarce = scarcity(record.data_type.form in ("vector", "tokens"), rows.shape[1], counts)
                metric = Metric.of(pooled, record.summed, rows, device, owned, scarce)
                name, content = f"{key}.{self._version}.metric", metric.dump()
                self._metrics[name] = content
                kept = MetricRecord(name, hashlib.sha256(content).hexdigest(), record.summed, *metric.index_numbers)
                self.types[key] = replace(record, metric=kept)

    def _record(self, pathway: Pathway, width: int) -> TypeRecord:
        """The type's record, or that of a type which is new."""
        key = pathway.data_type
        if key in self.types:
            return self.types[key]
        data_type, features = self._proposal.types[key]
        # What is there under this name may belong to a type that was removed, and a kept version needs it.
        plain = f"{key}.columns"
        name = f"{key}.{self._version}.columns" if self._store.holds(plain) else plain
        return TypeRecord(data_type, features.hash, "", "", rows=0, width=width, columns=name)

    def _add_pooled(self, key: str, statistics: TaskStatistics) -> None:
        if statistics.pooled is None:
            return
        record = self.types[key]
        total = self._pooled[key] if key in self._pooled else self._store.pooled(record) if record.summed else 0
        self._pooled[key] = np.asarray(total + statistics.pooled, dtype="<f8")
        digest = hashlib.sha256(self._pooled[key].tobytes()).hexdigest()
        self.types[key] = replace(record, pooled=f"{key}.{self._version}.pooled", pooled_sha256=digest, summed=record.summed + 1)

    def _all_columns(self, key: str, tasks: Iterable[TaskRecord]) -> tuple[np.ndarray, np.ndarray]:
        """All rows of a type, of which those that are no task's are zero, and the numbers of the others."""
        _, rows = self.columns[self.types[key].columns]
        mine = [task.statistics for task in tasks if task.pathway.data_type == key]
        record = self._before.types.get(key)
        if record is not None:
            old = self._store.columns(record)
            for kept in mine:
                if kept.first < record.rows:
                    self._store.check_columns(old, record, kept)
            rows = np.concatenate([old, rows])
        owned = np.zeros(len(rows), dtype=bool)
        for kept in mine:
            owned[kept.first : kept.first + kept.rows] = True
        rows[~owned] = 0  # nobody checked them, and what they say of a task that went must not go on
        return rows, np.flatnonzero(owned)
