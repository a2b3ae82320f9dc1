"""Reading the dispatcher of each data type, as far as possible from what a view of another version has read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch

from senpath.components import Component, Lookup
from senpath.errors import StoreError
from senpath.routing import Columns, Discriminant, Dispatcher, Gates, Metric, StoredTask
from senpath.store import Manifest, MetricRecord, StatisticsRecord, Store, TypeRecord
from senpath.store.manifest import RESTORE


class Dispatchers:
    """Reads the dispatchers of one version's data types.

    Args:
        store: the folder.
        manifest: the version.
        binary: whether there is one small model per task in place of the discriminant.
        device: where they compute.
        before: those of another version of the same folder; what has not changed is taken over.
    """

    def __init__(
        self,
        store: Store,
        manifest: Manifest,
        binary: bool,
        device: torch.device,
        before: Dispatchers | None,
    ) -> None:
        self._store, self._manifest, self._binary, self._device = store, manifest, binary, device
        self._earlier: dict[str, _Prepared] = {**before._earlier, **before._discriminants} if before is not None else {}
        self._discriminants: dict[str, _Prepared] = {}

    def read(self, key: str, component: Lookup) -> Dispatcher:
        """Read the dispatcher among the tasks of one type; `component` finds its components by hash."""
        record = self._manifest.types[key]
        features = component(record.features)
        tasks = {name: task.statistics for name, task in self._manifest.tasks.items() if task.pathway.data_type == key}
        if self._binary:
            gates = [component(kept.gate) for kept in tasks.values() if kept.gate is not None]
            _require_fit(record, [features], torch.zeros(1, *record.data_type.shape, device=self._device), (1, record.width))
            _require_fit(record, gates, torch.zeros(1, record.width, device=self._device), (1,))
            return Gates(tuple(tasks), features, gates)
        return self._read_discriminant(key, record, features, tasks)

    def _read_discriminant(self, key: str, record: TypeRecord, features: Component, tasks: dict[str, StatisticsRecord]) -> Discriminant:
        store, rows, records = self._store, self._store.columns(record), list(tasks.values())
        everything = rows
        before = self._earlier.get(key)
        if before is not None and not before.precedes(record, records):
            before = None
        if before is None:
            _require_fit(record, [features], torch.zeros(1, *record.data_type.shape, device=self._device), (1, record.width))

        def check(place: int) -> None:  # of the store, not of this view, which a dispatcher outlives
            store.check_columns(everything, record, records[place])

        stored = [StoredTask(name, kept.first, kept.counts, kept.figures) for name, kept in tasks.items()]
        metric = before.dispatcher.metric if before is not None else self._read_metric(record)
        # Rows behind the last task's are of tasks that went; a version that was returned to computes as it did without them.
        rows = rows[: max(*(kept.first + kept.rows for kept in records), len(metric.norms) if metric is not None else 0)]
        columns = Columns(rows, stored, check, before.dispatcher.columns.checked if before is not None else None)
        metric = metric if metric is not None else self._make_metric(record, columns)
        discriminant = Discriminant(features, metric, columns, stored, before.dispatcher if before is not None else None)
        self._discriminants[key] = _Prepared(discriminant, record, records)
        return discriminant

    def _read_metric(self, record: TypeRecord) -> Metric | None:
        return read_metric(self._store, record, record.metric, self._device) if record.metric is not None else None

    def _make_metric(self, record: TypeRecord, columns: Columns) -> Metric:
        """What an earlier senpath left to its readers."""
        columns.require(np.arange(len(columns.sizes)))
        try:
            return Metric.of(self._store.pooled(record), record.summed, columns.rows, self._device, np.flatnonzero(columns.owner >= 0))
        except RuntimeError as error:
            raise StoreError(f"statistics {record.pooled}", expected="a covariance", got=str(error), do=RESTORE) from error


def _require_fit(record: TypeRecord, parts: Iterable[Component], inputs: torch.Tensor, shape: tuple[int, ...]) -> None:
    """Try out parts of the dispatcher, so that what is routed later need not be looked after."""
    for part in parts:
        try:
            got = str(answer_shape) if (answer_shape := tuple(part(inputs).shape)) != shape else ""
        except (RuntimeError, ValueError, TypeError, ArithmeticError) as error:
            got = f"{type(error).__name__}: {error}"
        if got:
            what = f"dispatcher of {record.data_type.key}: component {part.hash[:12]}"
            raise StoreError(what, expected=f"an answer of shape {shape}", got=got, do=RESTORE)


def read_metric(store: Store, record: TypeRecord, metric: MetricRecord, device: torch.device) -> Metric:
    """A type's metric.

    Raises:
        StoreError: if its file is changed, or does not fit the type.
    """
    return Metric.parse(store.dispatcher_file(metric.file, metric.sha256), metric.file, device, record.width, record.rows)


@dataclass(frozen=True)
class _Prepared:
    """A dispatcher and what it was made from."""

    dispatcher: Discriminant
    record: TypeRecord
    tasks: list[StatisticsRecord]

    def precedes(self, record: TypeRecord, tasks: list[StatisticsRecord]) -> bool:
        """Whether a dispatcher of these tasks differs by further tasks alone."""
        same = self.record.metric == record.metric if record.metric is not None else self.record == record
        return same and self.record.columns == record.columns and self.tasks == tasks[: len(self.tasks)]
