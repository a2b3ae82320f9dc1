"""A read-only picture of the network at one version."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import cached_property, partial
from threading import RLock
from types import MappingProxyType
from typing import Any

import numpy as np
import torch

from senpath.arrays import composed
from senpath.components import LEVELS, Component
from senpath.errors import InputError, StoreError, UnknownTaskError
from senpath.inputs.encoders import Encoder, Encoders
from senpath.inputs.encoders.registry import HEAR_ALL
from senpath.inputs.modalities import MODALITIES, Group, known_type, type_key
from senpath.inputs.modalities.audio import warn_of_more
from senpath.inputs.modalities.picture_types import Choice, choose_type
from senpath.inputs.modalities.video import VideoModality
from senpath.pathways import Pathway, run_batch, run_pathway
from senpath.progress import Progress, silent
from senpath.routing import Dispatcher, Ranking, TaskStatistics, feature_map
from senpath.snapshot.component_cache import CACHED_WEIGHTS, ComponentCache
from senpath.snapshot.dispatchers import Dispatchers, require_fit
from senpath.snapshot.settings import NetworkSettings
from senpath.snapshot.traces import AccessTrace, traces_of, watching
from senpath.store import Manifest, Store, TaskRecord
from senpath.types import DataType

CHUNK, NUMBERS = 4096, 2**22
"""Inputs run at once, so that memory does not grow with the batch: so many, or as many as so many numbers, if that is fewer."""


def at_once(inputs: torch.Tensor) -> int:
    """How many of these encoded inputs (n, …) to run at once."""
    return max(32, min(CHUNK, NUMBERS // max(1, inputs[:1].numel())))


class View:
    """A read-only picture of a network at one version: all that a method or a prediction may know of it.

    Components and dispatchers are read on first use.

    Args:
        store: the folder.
        manifest: the version to show.
        device: where components and batches are put.
        before: a view of another version of the same folder; whatever it has read and cannot change is taken over.
        encoders: what raw inputs are read with; None takes those of the view before.
        metrics: see `metrics_to_send`.

    Example:
        >>> view = net.view
        >>> images = view.encode(x[:2], view.types["image"])
        >>> tuple(images.shape), tuple(view.logits("low", images).shape)
        ((2, 1, 8, 8), (2, 5))
    """

    def __init__(
        self,
        store: Store,
        manifest: Manifest,
        device: torch.device,
        before: View | None = None,
        encoders: Encoders | None = None,
        metrics: Mapping[str, bytes] | None = None,
    ) -> None:
        self.manifest = manifest
        self.encoders: Encoders = encoders or (before.encoders if before is not None else Encoders(device=device))
        same = before is not None and before.manifest.settings == manifest.settings
        self.settings: NetworkSettings = before.settings if before is not None and same else NetworkSettings.from_json(manifest.settings)
        self.device = device
        self._store = store
        self._component_cache: ComponentCache = before._component_cache if before is not None else ComponentCache(CACHED_WEIGHTS)
        self._component_cache.drop_others(manifest.components)
        binary = self.settings.dispatcher == "binary"
        self._reader: Dispatchers = Dispatchers(store, manifest, binary, device, before._reader if before is not None else None, metrics)
        self._dispatchers: dict[str, Dispatcher] = {}
        self._lock = RLock()
        self._places: dict[str, np.ndarray] = {}
        self._new_maps: dict[DataType, Component] = {}

    def __reduce__(self) -> tuple[Any, ...]:
        """Views are of one process, which shares what it has read."""
        raise TypeError(f"a view of {self._store.where} cannot be pickled or copied; send the network, or what Network.opener() returns")

    @property
    def version(self) -> int:
        """The network's version."""
        return self.manifest.version

    @property
    def network_id(self) -> str:
        """The network's own id, whatever its version; "" of folders before format 7."""
        return self.manifest.id

    def continues(self, earlier: View) -> bool:
        """Whether commits made this version from that one, as far as the store still has it; else the folder may have been replaced."""
        known = earlier.manifest
        if (self.manifest.id, self.version) == (known.id, known.version):
            return self.manifest == known
        if self.manifest.id != known.id or self.version < known.version:
            return False
        try:
            return self._store.history.read(known.version, self.manifest) == known
        except StoreError:
            return False

    @property
    def tasks(self) -> Mapping[str, TaskRecord]:
        """The record of each task, by name, in the order of learning."""
        return MappingProxyType(self.manifest.tasks)

    @cached_property
    def types(self) -> Mapping[str, DataType]:
        """The data types that the network has, by key."""
        return MappingProxyType({key: record.data_type for key, record in self.manifest.types.items()})

    @property
    def sizes(self) -> Mapping[str, int]:
        """How many weights each component of the network has, by hash."""
        return self.manifest.components  # as it is: predictions keep it, and are copied and sent

    def column_width(self, key: str) -> int:
        """Numbers in a column of the dispatcher of a type."""
        return self.manifest.types[key].width

    def to_send(self) -> Manifest:
        """The version as a worker in another process needs it; pages are for writers."""
        return replace(self.manifest, pages=())

    def metrics_to_send(self, keys: Iterable[str]) -> dict[str, bytes]:
        """Content of the files of these types' metrics, for a worker that may begin when later commits have removed them."""
        metrics = [record.metric for key in keys if (record := self.manifest.types.get(key)) is not None]
        return {metric.file: self._store.dispatcher_file(metric.file, metric.sha256) for metric in metrics if metric is not None}

    @cached_property
    def feature_maps(self) -> frozenset[str]:
        """Hashes of the components that are the dispatcher's features."""
        return frozenset(record.features for record in self.manifest.types.values())

    @cached_property
    def gates(self) -> frozenset[str]:
        """Hashes of the tasks' own gates, where the network's dispatcher has one per task."""
        if self.settings.dispatcher != "binary":
            return frozenset()
        return frozenset(task.statistics.gate for task in self.manifest.tasks.values() if task.statistics.gate is not None)

    @cached_property
    def paths(self) -> list[Pathway]:
        """All pathways, in the order of learning."""
        return [record.pathway for record in self.manifest.tasks.values()]

    @cached_property
    def places(self) -> dict[str, int]:
        """The position of each task's pathway in `paths`."""
        return {name: place for place, name in enumerate(self.manifest.tasks)}

    def places_of_type(self, key: str) -> np.ndarray:
        """Positions in `paths` of the pathways of a type, int64, in the order of the dispatcher's names."""
        if key not in self._places:
            self._places[key] = np.flatnonzero([pathway.data_type == key for pathway in self.paths])
        return self._places[key]

    def task_name(self, given: Any) -> Any:
        """How the network spells a task's name, which may have been given in another of Unicode's forms; a new one is composed."""
        if not isinstance(given, str) or given in self.manifest.tasks:
            return given
        name = composed(given)
        if name in self.manifest.tasks:
            return name
        return next((known for known in self.manifest.tasks if not known.isascii() and composed(known) == name), name)

    def task_names(self, tasks: Any) -> Any:
        """A mapping of names, each as `task_name` has it.

        Raises:
            InputError: if two differ in their form alone.
        """
        if not isinstance(tasks, Mapping):
            return tasks
        named = {self.task_name(name): value for name, value in tasks.items()}
        if len(named) < len(tasks):
            raise InputError("tasks", expected="names that differ", got="two that look alike, in two of Unicode's forms")
        return named

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
        """The component of this hash.

        Raises:
            StoreError: if its files are damaged, or more is inside of it than `senpath.components.limits` allows.
        """
        component = self._component_cache.get(name)
        if component is None or not component.is_bound:
            component = self._read(name, LEVELS)
        for trace in traces_of(self):
            trace.components |= {name, *component.inside}
        for part in component.inside.values():
            self._component_cache.put(part)  # it runs too, and is kept as any other
        return component

    def run(self, jobs: Mapping[Pathway, torch.Tensor], inputs: torch.Tensor) -> dict[str, torch.Tensor]:
        """Logits of several tasks, each for its own rows of encoded inputs, see `run_batch`; what they need is fetched at the same time."""
        absent = (name for path in jobs for name in path.references if self._component_cache.get(name) is None)
        self._store.objects.prefetch(absent, ())
        return run_batch(jobs, inputs, self.component)

    def _read(self, name: str, levels: int) -> Component:
        """A component with what is inside of it, at most so many levels."""
        if levels < 0:
            raise StoreError(f"component {name[:12]}", expected=f"at most {LEVELS} levels inside of one another", got="more")
        component = self._component_cache.get(name)
        if component is None:
            component = self._store.component(name)
            component.module.to(self.device)
            self._component_cache.put(component)
        component.bind(lambda part: self._read(part, levels - 1))
        return component

    def with_payload(self, name: str) -> Component:
        """The component of this hash with the content of its file, so that it can be proposed to another network."""
        for trace in traces_of(self):
            trace.components.add(name)
        component = self._store.component(name)
        component.payload = next(content for file, content in self._store.component_files(name).items() if not file.endswith(".json"))
        return component

    def watch(self) -> AbstractContextManager[AccessTrace]:
        """A context that notes what this view hands out in this thread meanwhile, which is what a method may have run."""
        return watching(self)

    def tasks_of_type(self, key: str) -> list[str]:
        """Names of the tasks whose inputs are of this type."""
        return [name for name, record in self.manifest.tasks.items() if record.pathway.data_type == key]

    def type_key(self, group: Group) -> str:
        """The key of the inputs' type, whether the network has the type or not."""
        return type_key(group, (record.data_type for record in self.manifest.types.values()))

    def data_type(self, group: Group) -> DataType:
        """The type that these inputs are encoded as: one of the network's, or a new one that they would define."""
        return self.choose_type(group).data_type

    def choose_type(self, group: Group, besides: Iterable[DataType] = ()) -> Choice:
        """The same, with the reason where there was something to choose.

        Args:
            besides: types that are about to come.
        """
        known = {**self.types, **{kind.key: kind for kind in besides}}
        if group.modality == "image" and self.settings.image_shape is None:
            suited = self.encoders.suited(group, known.values())
            return choose_type(group.items, known.values(), suited, partial(self._new_type, group))
        kind = known_type(group, known.values()) if group.modality == "image" else known.get(type_key(group, known.values()))
        if kind is not None:
            if kind.modality == "audio" and kind.encoder not in HEAR_ALL:
                warn_of_more(group.items, kind)
            if kind.modality == "video" and kind.encoder is None:
                VideoModality.warn_of_colours(group.items, kind)
            return Choice(kind)
        new = self._new_type(group)
        return Choice(new, self.encoders.why(new))

    def _new_type(self, group: Group) -> DataType:
        reader, shape = self.encoders.for_new(group), self.settings.image_shape
        if group.modality == "image" and shape is not None and not isinstance(reader, Encoder):
            return DataType("image", tuple(shape))
        return reader.define(group.items)

    def encode(self, items: Any, data_type: DataType, progress: Progress = silent) -> torch.Tensor:
        """Encode raw inputs of a type as float32 (n, *data_type.shape)."""
        if data_type.encoder is None:
            return MODALITIES[data_type.modality].encode(items, data_type)
        return self.encoders.encode(items, data_type, progress)

    def feature_map(self, data_type: DataType) -> Component:
        """The dispatcher's fixed features for a type: the network's, or those that a new type would get."""
        record = self.manifest.types.get(data_type.key)
        if record is None:  # one for all tasks of a call: what it takes to run is then worked out once
            if data_type not in self._new_maps:
                self._new_maps[data_type] = feature_map(data_type, self.settings.random_state)
            return self._new_maps[data_type]
        features = self.component(record.features)
        require_fit(record, [features], torch.zeros(1, *record.data_type.shape, device=self.device), (1, record.width))
        return features

    def statistics(self, task: str) -> TaskStatistics:
        """What the dispatcher keeps of a task, but for its covariance and its gate."""
        kept, record = self.manifest.tasks[task].statistics, self.manifest.types[self.pathway(task).data_type]
        rows = self._store.columns(record)
        self._store.check_columns(rows, record, kept)
        mine = np.array(rows[kept.first : kept.first + kept.rows])
        for trace in traces_of(self):
            trace.add_dispatcher(self.pathway(task).data_type, int(mine.size))
        return TaskStatistics(mine, np.array(kept.counts), None, dict(kept.figures), owners=kept.owners)

    def dispatcher(self, key: str) -> Dispatcher:
        """The dispatcher among the tasks of one type."""
        for trace in traces_of(self):
            trace.add_dispatcher(key, self.dispatcher_weights(key))
        return self._dispatcher(key)

    def rank(self, key: str, inputs: torch.Tensor) -> tuple[tuple[str, ...], Ranking]:
        """Rank the tasks of one type for encoded inputs: the names of all, and those that were scored for each input."""
        dispatcher = self._dispatcher(key)
        ranking = dispatcher.rank(inputs.to(self.device))
        for trace in traces_of(self):
            trace.add_dispatcher(key, ranking.together())
        return dispatcher.names, ranking

    def _dispatcher(self, key: str) -> Dispatcher:
        with self._lock:
            if key not in self._dispatchers:
                self._dispatchers[key] = self._reader.read(key, self.component)
            return self._dispatchers[key]

    def logits(self, task: str, inputs: torch.Tensor) -> torch.Tensor:
        """The answer of a task's pathway to encoded inputs: logits, float32 (n, classes)."""
        pathway = self.pathway(task)
        parts = [run_pathway(pathway, part.to(self.device), self.component) for part in inputs.split(at_once(inputs))]
        return torch.cat(parts) if parts else torch.zeros(0, len(pathway.classes))

    @property
    def encoder_weights(self) -> dict[str, int]:
        """Number of weights of each type's pretrained encoder, by key of the type."""
        types = {key: record.data_type for key, record in self.manifest.types.items()}
        return {key: data_type.encoder_weights for key, data_type in types.items() if data_type.encoder is not None}

    @property
    def weights(self) -> dict[str, int]:
        """All weights: "pathways" (links included), "dispatcher", pretrained "encoders" and their "total"."""
        return dict(self._weights)

    @cached_property
    def _weights(self) -> dict[str, int]:
        sizes, others = self.manifest.components, self.feature_maps | self.gates
        dispatcher = sum(self.dispatcher_weights(key) for key in self.manifest.types)
        pathways = sum(sizes.values()) - sum(sizes[name] for name in others)
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
