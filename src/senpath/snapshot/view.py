"""A read-only picture of the network at one version."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from threading import RLock
from types import MappingProxyType
from typing import Any

import numpy as np
import torch

from senpath.components import Component
from senpath.errors import StoreError, UnknownTaskError
from senpath.inputs.encoders import Encoder, Encoders
from senpath.inputs.modalities import Group, type_key
from senpath.pathways import Pathway, run_pathway
from senpath.progress import Progress, silent
from senpath.routing import Columns, Discriminant, Dispatcher, Gates, Metric, Ranking, StoredTask, TaskStatistics, feature_map
from senpath.snapshot.component_cache import CACHED_WEIGHTS, ComponentCache
from senpath.snapshot.settings import NetworkSettings
from senpath.store import Manifest, MetricRecord, StatisticsRecord, Store, TaskRecord, TypeRecord
from senpath.store.manifest import RESTORE
from senpath.types import DataType

CHUNK, NUMBERS = 4096, 2**22
"""Inputs run at once, so that memory does not grow with the batch: so many, or as many as so many numbers, if that is fewer."""


def at_once(inputs: torch.Tensor) -> int:
    """How many of these encoded inputs (n, …) to run at once."""
    return max(32, min(CHUNK, NUMBERS // max(1, inputs[:1].numel())))


@dataclass(eq=False)
class AccessTrace:
    """What a view has handed out: hashes of components, and by data type how many numbers of its dispatcher."""

    components: set[str] = field(default_factory=set)
    dispatchers: dict[str, int] = field(default_factory=dict)

    def add_dispatcher(self, key: str, numbers: int) -> None:
        """Note that so many of its numbers were used; several uses are taken for uses of the same ones."""
        self.dispatchers[key] = max(numbers, self.dispatchers.get(key, 0))


class View:
    """Everything a method or a prediction may know of the network: its tasks, their pathways, components and dispatcher.

    Components and dispatchers are read when first used.

    Args:
        store: the folder.
        manifest: the version to look at.
        device: where components and batches are put.
        before: a view of another version of the same folder; what it has read and never changes is taken over.
        encoders: what types are read with; None takes those of the view before.
    """

    def __init__(
        self, store: Store, manifest: Manifest, device: torch.device, before: View | None = None, encoders: Encoders | None = None
    ) -> None:
        self.manifest = manifest
        self.encoders: Encoders = encoders or (before.encoders if before is not None else Encoders(device=device))
        self.settings = NetworkSettings.from_json(manifest.settings)
        self.device = device
        self._store = store
        self._component_cache: ComponentCache = before._component_cache if before is not None else ComponentCache(CACHED_WEIGHTS)
        self._dispatchers: dict[str, Dispatcher] = {}
        self._earlier: dict[str, _Prepared] = {**before._earlier, **before._discriminants} if before is not None else {}
        self._discriminants: dict[str, _Prepared] = {}
        self._watchers: list[AccessTrace] = []
        self._lock = RLock()
        self._places: dict[str, np.ndarray] = {}

    @property
    def version(self) -> int:
        """The network's version."""
        return self.manifest.version

    @property
    def tasks(self) -> Mapping[str, TaskRecord]:
        """What is kept of each task, in the order of learning."""
        return MappingProxyType(self.manifest.tasks)

    @cached_property
    def paths(self) -> list[Pathway]:
        """All pathways, in the order of learning."""
        return [record.pathway for record in self.manifest.tasks.values()]

    @cached_property
    def places(self) -> dict[str, int]:
        """Where each task's pathway is in `paths`."""
        return {name: place for place, name in enumerate(self.manifest.tasks)}

    def places_of_type(self, key: str) -> np.ndarray:
        """Where the pathways of a type are in `paths`, in the order of the dispatcher's names: int64."""
        if key not in self._places:
            self._places[key] = np.flatnonzero([pathway.data_type == key for pathway in self.paths])
        return self._places[key]

    def pathway(self, task: str) -> Pathway:
        """The pathway of a task.

        Raises:
            UnknownTaskError: if there is none of this name.
        """
        record = self.manifest.tasks.get(task) if isinstance(task, str) else None
        if record is None:
            names = list(self.manifest.tasks)
            known = (
                ", ".join(names[:20]) + (f", … ({len(names)} in all)" if len(names) > 20 else "") if names else "no task, for it is empty"
            )
            raise UnknownTaskError(f"task {task!r}", expected=f"one that the network has learned: {known}", got="another name")
        return record.pathway

    def component(self, name: str) -> Component:
        """The component of this hash."""
        for touched in self._watchers:
            touched.components.add(name)
        component = self._component_cache.get(name)
        if component is None:
            component = self._store.component(name)
            component.module.to(self.device)
            self._component_cache.put(component)
        for child in component.children:
            self.component(child)  # it runs too, and is written down and kept as any other
        component.bind(self.component)
        return component

    def with_payload(self, name: str) -> Component:
        """The component of this hash with its file's content, so that it may be proposed to another network."""
        for touched in self._watchers:
            touched.components.add(name)
        component = self._store.component(name)
        component.payload = next(content for file, content in self._store.component_files(name).items() if not file.endswith(".json"))
        return component

    @contextmanager
    def watch(self) -> Iterator[AccessTrace]:
        """Within, what this view hands out is written down: what a method may have run."""
        touched = AccessTrace()
        self._watchers.append(touched)
        try:
            yield touched
        finally:
            self._watchers.remove(touched)

    def tasks_of_type(self, key: str) -> list[str]:
        """Names of the tasks whose inputs are of this type."""
        return [name for name, record in self.manifest.tasks.items() if record.pathway.data_type == key]

    def type_key(self, group: Group) -> str:
        """The key of the inputs' type: that of one that the network has, or of a new one."""
        return type_key(group, (record.data_type for record in self.manifest.types.values()))

    def data_type(self, group: Group) -> DataType:
        """The type that these inputs are encoded as: the network's, or a new one that they would establish."""
        record = self.manifest.types.get(self.type_key(group))
        if record is not None:
            return record.data_type
        reader, shape = self.encoders.for_new(group), self.settings.image_shape
        if group.modality == "image" and shape is not None and not isinstance(reader, Encoder):
            return DataType("image", tuple(shape))
        return reader.define(group.items)

    def encode(self, items: Any, data_type: DataType, progress: Progress = silent) -> torch.Tensor:
        """Raw inputs of a type, float32 (n, *data_type.shape)."""
        return self.encoders.encode(items, data_type, progress)

    def feature_map(self, data_type: DataType) -> Component:
        """The dispatcher's fixed features for a type: the network's, or those that a new type would get."""
        record = self.manifest.types.get(data_type.key)
        return self.component(record.features) if record is not None else feature_map(data_type, self.settings.random_state)

    def pooled(self, key: str) -> np.ndarray:
        """The packed sum of the tasks' covariances of one data type."""
        return self._store.pooled(self.manifest.types[key])

    def statistics(self, task: str) -> TaskStatistics:
        """What the dispatcher keeps of a task, but for what was added up with that of others and for its gate."""
        kept, record = self.manifest.tasks[task].statistics, self.manifest.types[self.pathway(task).data_type]
        rows = self._store.columns(record)
        self._store.check_columns(rows, record, kept)
        mine = np.array(rows[kept.first : kept.first + kept.rows])
        for touched in self._watchers:
            touched.add_dispatcher(self.pathway(task).data_type, int(mine.size))
        return TaskStatistics(mine, np.array(kept.counts), None, dict(kept.figures), owners=kept.owners)

    def dispatcher(self, key: str) -> Dispatcher:
        """The dispatcher among the tasks of one type."""
        for touched in self._watchers:
            touched.add_dispatcher(key, self.dispatcher_weights(key))
        return self._dispatcher(key)

    def rank(self, key: str, inputs: torch.Tensor) -> tuple[tuple[str, ...], Ranking]:
        """The tasks of one type that encoded inputs may belong to: all names, and which of them come into question."""
        dispatcher = self._dispatcher(key)
        ranking = dispatcher.rank(inputs.to(self.device))
        for touched in self._watchers:
            touched.add_dispatcher(key, ranking.together())
        return dispatcher.names, ranking

    def _dispatcher(self, key: str) -> Dispatcher:
        with self._lock:
            if key not in self._dispatchers:
                self._dispatchers[key] = self._read_dispatcher(key)
            return self._dispatchers[key]

    def logits(self, task: str, inputs: torch.Tensor) -> torch.Tensor:
        """What a task's pathway answers to encoded inputs, float32 (n, classes)."""
        pathway = self.pathway(task)
        parts = [run_pathway(pathway, part.to(self.device), self.component) for part in inputs.split(at_once(inputs))]
        return torch.cat(parts) if parts else torch.zeros(0, len(pathway.classes))

    @property
    def encoder_weights(self) -> dict[str, int]:
        """Weights of the pretrained encoders, by key of the type that each reads."""
        types = {key: record.data_type for key, record in self.manifest.types.items()}
        return {key: data_type.encoder_weights for key, data_type in types.items() if data_type.encoder is not None}

    @property
    def weights(self) -> dict[str, int]:
        """All weights of the network: in pathways and links, in the dispatcher, in pretrained encoders, together."""
        maps = {record.features for record in self.manifest.types.values()}
        gates = {record.statistics.gate for record in self.manifest.tasks.values()}
        dispatcher = sum(self.dispatcher_weights(key) for key in self.manifest.types)
        pathways = sum(size for name, size in self.manifest.components.items() if name not in maps and name not in gates)
        used = {record.data_type.encoder_id: record.data_type.encoder_weights for record in self.manifest.types.values()}
        encoders = sum(used.values())
        return {"pathways": pathways, "dispatcher": dispatcher, "encoders": encoders, "total": pathways + dispatcher + encoders}

    def dispatcher_weights(self, key: str) -> int:
        """Numbers that the dispatcher of a type consists of.

        Its feature map, the metric (one triangle), all columns, and what they are looked up by where there is an index.
        """
        record = self.manifest.types[key]
        size = self.manifest.components[record.features]
        if self.settings.dispatcher == "binary":
            gates = (task.statistics.gate for task in self.manifest.tasks.values() if task.pathway.data_type == key)
            return size + sum(self.manifest.components[gate] for gate in gates if gate is not None)
        rows = sum(task.statistics.rows for task in self.manifest.tasks.values() if task.pathway.data_type == key)
        shared, each = (record.metric.shared, record.metric.each) if record.metric is not None else (0, 0)
        return size + record.width * (record.width + 1) // 2 + shared + (record.width + each) * rows

    def _read_dispatcher(self, key: str) -> Dispatcher:
        record = self.manifest.types[key]
        features = self.component(record.features)
        tasks = {name: task.statistics for name, task in self.manifest.tasks.items() if task.pathway.data_type == key}
        if self.settings.dispatcher == "binary":
            gates = [self.component(kept.gate) for kept in tasks.values() if kept.gate is not None]
            _require_fit(record, [features], torch.zeros(1, *record.data_type.shape, device=self.device), (1, record.width))
            _require_fit(record, gates, torch.zeros(1, record.width, device=self.device), (1,))
            return Gates(tuple(tasks), features, gates)
        return self._read_discriminant(key, record, features, tasks)

    def _read_discriminant(self, key: str, record: TypeRecord, features: Component, tasks: dict[str, StatisticsRecord]) -> Discriminant:
        store, rows, records = self._store, self._store.columns(record), list(tasks.values())
        everything = rows
        before = self._earlier.get(key)
        if before is not None and not before.precedes(record, records):
            before = None
        if before is None:
            _require_fit(record, [features], torch.zeros(1, *record.data_type.shape, device=self.device), (1, record.width))

        def check(place: int) -> None:  # of the store, not of this view, which a dispatcher outlives
            store.check_columns(everything, record, records[place])

        stored = [StoredTask(name, kept.first, kept.counts, kept.figures) for name, kept in tasks.items()]
        metric = before.dispatcher.metric if before is not None else self._read_metric(record)
        # Rows behind the last task's are of tasks that went; a version that was returned to computes as it did without them.
        rows = rows[: max(*(kept.first + kept.rows for kept in records), len(metric.norms) if metric is not None else 0)]
        columns = Columns(rows, stored, check, before.dispatcher.columns.checked if before is not None else None)
        metric = metric if metric is not None else self._make_metric(record, columns)
        found = Discriminant(features, metric, columns, stored, before.dispatcher if before is not None else None)
        self._discriminants[key] = _Prepared(found, record, records)
        return found

    def _read_metric(self, record: TypeRecord) -> Metric | None:
        return read_metric(self._store, record, record.metric, self.device) if record.metric is not None else None

    def _make_metric(self, record: TypeRecord, columns: Columns) -> Metric:
        """What an earlier senpath left to its readers."""
        columns.require(np.arange(len(columns.sizes)))
        try:
            return Metric.of(self._store.pooled(record), record.summed, columns.rows, self.device, np.flatnonzero(columns.owner >= 0))
        except RuntimeError as error:
            raise StoreError(f"statistics {record.pooled}", expected="a covariance", got=str(error), do=RESTORE) from error


def _require_fit(record: TypeRecord, parts: Iterable[Component], inputs: torch.Tensor, shape: tuple[int, ...]) -> None:
    """Try out parts of the dispatcher, so that what is routed later need not be looked after."""
    for part in parts:
        try:
            got = str(found) if (found := tuple(part(inputs).shape)) != shape else ""
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
