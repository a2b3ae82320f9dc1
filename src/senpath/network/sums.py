"""What the tasks of each data type add up to in the next version."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np
import torch

from senpath.dispatch import Metric
from senpath.network.proposal import Proposal
from senpath.pathways import Pathway
from senpath.store import Manifest, MetricRecord, StatisticsRecord, Store, TypeRecord


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
        self._tasks: dict[str, int] = {}

    @property
    def files(self) -> dict[str, bytes]:
        """See `Change`."""
        return {self.types[key].pooled: total.tobytes() for key, total in self._pooled.items()} | self._metrics

    def add(self, pathway: Pathway) -> StatisticsRecord:
        """Append a new task's columns and add its covariance."""
        key, statistics = pathway.data_type, self._proposal.statistics[pathway.task]
        columns = np.ascontiguousarray(statistics.columns, dtype="<f4")
        record = self.types.get(key)
        first = record.rows if record else 0
        start, rows = self.columns.get(key, (first, np.zeros((0, columns.shape[1]), dtype="<f4")))
        self.columns[key] = (start, np.concatenate([rows, columns]))
        total = self._pooled[key] if key in self._pooled else self._store.pooled(record) if record else 0
        self._pooled[key] = np.asarray(total + statistics.pooled, dtype="<f8")
        self._tasks[key] = self._tasks.get(key, 0) + 1
        self.types[key] = TypeRecord(
            data_type=record.data_type if record else self._proposal.types[key][0],
            features=record.features if record else self._proposal.types[key][1].hash,
            pooled=f"{key}.{self._version}.pooled",
            pooled_sha256=hashlib.sha256(self._pooled[key].tobytes()).hexdigest(),
            rows=first + len(columns),
            width=columns.shape[1],
            metric=record.metric if record else None,
        )
        return StatisticsRecord(
            first=first,
            rows=len(columns),
            sha256=hashlib.sha256(columns.tobytes()).hexdigest(),
            counts=tuple(statistics.counts.tolist()),
            figures=statistics.figures,
            gate=statistics.gate.hash if statistics.gate else None,
        )

    def renew_metrics(self, device: torch.device) -> None:
        """Compute the metric anew of each type where enough tasks have come since it was last done."""
        for key, pooled in self._pooled.items():
            record = self.types[key]
            tasks = self._tasks[key] + sum(task.pathway.data_type == key for task in self._before.tasks.values())
            if record.metric is None or Metric.due(record.metric.tasks, tasks):
                metric = Metric.of(pooled, tasks, self._all_columns(key), device)
                name, content = f"{key}.{self._version}.metric", metric.dump()
                self._metrics[name] = content
                kept = MetricRecord(name, hashlib.sha256(content).hexdigest(), tasks, *metric.index_numbers)
                self.types[key] = replace(record, metric=kept)

    def _all_columns(self, key: str) -> np.ndarray:
        record, (_, new) = self._before.types.get(key), self.columns[key]
        if record is None:
            return new
        rows = self._store.columns(record, key)
        for task in self._before.tasks.values():
            if task.pathway.data_type == key:
                self._store.check_columns(rows, key, task.statistics)
        return np.concatenate([rows, new])
