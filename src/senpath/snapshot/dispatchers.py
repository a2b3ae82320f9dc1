"""Reading the dispatcher of each data type, as far as possible from what a view of another version has read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import torch

from senpath.components import Component, Lookup
from senpath.errors import StoreError
from senpath.routing import Columns, CommonCovariance, Discriminant, Dispatcher, Gates, Metric, StoredTask, pack, scarcity
from senpath.snapshot.thresholds import limit_share
from senpath.store import Manifest, MetricRecord, StatisticsRecord, Store, TypeRecord
from senpath.store.ahead import fetch_dispatcher
from senpath.store.manifest import RESTORE


class Dispatchers:
    """Reads the dispatchers of one version's data types.

    Args:
        store: the folder.
        manifest: the version.
        binary: whether there is one small model per task in place of the discriminant.
        device: where they compute.
        before: those of another version of the same folder; what has not changed is taken over.
        metrics: content of the files of metrics, which later commits may remove, by name; those that are missing are read.
    """

    def __init__(
        self,
        store: Store,
        manifest: Manifest,
        binary: bool,
        device: torch.device,
        before: Dispatchers | None,
        metrics: Mapping[str, bytes] | None = None,
    ) -> None:
        self._metrics = metrics or {}
        self._store, self._manifest, self._binary, self._device = store, manifest, binary, device
        self._earlier: dict[str, _Prepared] = {**before._earlier, **before._discriminants} if before is not None else {}
        self._discriminants: dict[str, _Prepared] = {}

    def read(self, key: str, component: Lookup) -> Dispatcher:
        """Read the dispatcher among the tasks of one type; `component` finds its components by hash."""
        record = self._manifest.types[key]
        fetch_dispatcher(self._store.objects, record)
        features = component(record.features)
        tasks = {name: task.statistics for name, task in self._manifest.tasks.items() if task.pathway.data_type == key}
        if self._binary:
            gates = [component(kept.gate) for kept in tasks.values() if kept.gate is not None]
            require_fit(record, [features], torch.zeros(1, *record.data_type.shape, device=self._device), (1, record.width))
            require_fit(record, gates, torch.zeros(1, record.width, device=self._device), (1,))
            return Gates(tuple(tasks), features, gates, [limit_share(kept) for kept in tasks.values()])
        return self._read_discriminant(key, record, features, tasks)

    def _read_discriminant(self, key: str, record: TypeRecord, features: Component, tasks: dict[str, StatisticsRecord]) -> Discriminant:
        store, rows, records = self._store, self._store.columns(record), list(tasks.values())
        everything = rows
        before = self._earlier.get(key)
        if before is not None and not before.precedes(record, records):
            before = None
        if before is None:
            require_fit(record, [features], torch.zeros(1, *record.data_type.shape, device=self._device), (1, record.width))

        def check(place: int) -> None:  # of the store, not of this view, which a dispatcher outlives
            store.check_columns(everything, record, records[place])

        stored = [StoredTask(name, kept.first, kept.counts, kept.figures, kept.owners) for name, kept in tasks.items()]
        metric = before.dispatcher.metric if before is not None else self._read_metric(record)
        # Rows behind the last task's are of tasks that went; a version that was returned to computes as it did without them.
        rows = rows[: max(*(kept.first + kept.rows for kept in records), len(metric.norms) if metric is not None else 0)]
        columns = Columns(rows, stored, check, before.dispatcher.columns.checked if before is not None else None)
        metric = metric if metric is not None else self._make_metric(record, tasks, columns)
        discriminant = Discriminant(features, metric, columns, stored, before.dispatcher if before is not None else None)
        self._discriminants[key] = _Prepared(discriminant, record, records)
        return discriminant

    def _read_metric(self, record: TypeRecord) -> Metric | None:
        if record.metric is None:
            return None
        if record.metric.file in self._metrics:
            return Metric.parse(self._metrics[record.metric.file], record.metric.file, self._device, record.width, record.rows)
        return last_metric(self._store, record, record.metric, self._device)

    def _make_metric(self, record: TypeRecord, tasks: dict[str, StatisticsRecord], columns: Columns) -> Metric:
        """What an earlier senpath left to its readers, and an exported task has none of."""
        columns.require(np.arange(len(columns.sizes)))
        return make_metric(self._store, record, tasks, columns.rows, self._device)


def require_fit(record: TypeRecord, parts: Iterable[Component], inputs: torch.Tensor, shape: tuple[int, ...]) -> None:
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


def last_metric(store: Store, record: TypeRecord, metric: MetricRecord, device: torch.device) -> Metric:
    """The same; one that was made or read here before is not read again."""
    name, known = record.data_type.key, store.metrics.get(record.data_type.key)
    if known is None or known[0] != metric.sha256 or known[1].centre.device != device:
        known = store.metrics[name] = metric.sha256, read_metric(store, record, metric, device)
    return known[1]


def make_metric(
    store: Store,
    record: TypeRecord,
    tasks: Mapping[str, StatisticsRecord],
    rows: np.ndarray,
    device: torch.device,
    new: Mapping[str, np.ndarray] | None = None,
) -> Metric:
    """The metric of these tasks of a type: it follows from what is kept of each of them, whatever other tasks there were.

    Args:
        tasks: those that it is made of, by name, in the order of learning.
        rows: float32 (rows, width), all that it is to cover.
        new: covariances that are not in the store yet, by hash.

    Raises:
        StoreError: if their covariances are none.
    """
    width = record.width
    carried = [kept for name, kept in tasks.items() if record.pooled or name in record.covariances]
    if carried:
        common = mean_covariance(store, record, tasks, new)
    else:  # of all tasks that had one none is left: plain distances, of the size that limits have
        common = pack(torch.eye(width, dtype=torch.float64) * float(np.median([kept.figures["limit"] for kept in tasks.values()]) / width))
    owned = np.sort(np.concatenate([np.arange(kept.first, kept.first + kept.rows) for kept in tasks.values()]))
    scarce = scarcity(record.data_type.form in ("vector", "tokens"), width, [kept.counts for kept in carried])
    try:
        return Metric.of(common, len(tasks), rows, device, owned, scarce)
    except RuntimeError as error:
        what = f"statistics {record.pooled}" if record.pooled else f"covariances of {record.data_type.key}"
        raise StoreError(what, expected="a covariance", got=str(error), do=RESTORE) from error


def mean_covariance(
    store: Store, record: TypeRecord, tasks: Iterable[str] | None = None, new: Mapping[str, np.ndarray] | None = None
) -> np.ndarray:
    """What tasks of a type have in common: the mean of their covariances, each bounded by the others, float64, packed.

    Args:
        tasks: names, of which at least one has a covariance; by default all that have. What formats 1 to 6 added up is of all.
        new: covariances that are not in the store yet, by hash.
    """
    key, width, given = record.data_type.key, record.width, new or {}
    if record.pooled:
        return store.pooled(record) / record.summed

    def read(name: str) -> np.ndarray:
        return given[name] if name in given else store.covariance(name, width)

    names = [record.covariances[name] for name in (record.covariances if tasks is None else tasks) if name in record.covariances]
    total = store.sums[key] = CommonCovariance.of(names, read, width, store.sums.get(key))
    return total.mean(read)


def check_covariances(store: Store, record: TypeRecord) -> None:
    """Read what is kept of the covariances of a type.

    Raises:
        StoreError: if a file is missing, or not as it was written.
    """
    for name in {*record.covariances.values()}:
        store.covariance(name, record.width)
    if record.pooled:
        store.pooled(record)


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
