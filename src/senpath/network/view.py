"""A read-only picture of the network at one version."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
import torch

from senpath.components import Component
from senpath.dispatch import Dispatcher, StoredTask, feature_map
from senpath.errors import UnknownTaskError
from senpath.modalities import MODALITIES, Group, type_key
from senpath.network.settings import NetworkSettings
from senpath.pathways import Pathway, run_pathway
from senpath.store import Manifest, Store, TaskRecord
from senpath.types import DataType

CHUNK = 4096
"""Inputs encoded and run at once, so that memory does not grow with the batch."""


@dataclass(eq=False)
class Touched:
    """What a view has handed out: hashes of components, and keys of the data types whose dispatcher was asked for."""

    components: set[str] = field(default_factory=set)
    dispatchers: set[str] = field(default_factory=set)


class View:
    """Everything a method or a prediction may know of the network: its tasks, their pathways, components and dispatcher.

    Components and dispatchers are read when first used.

    Args:
        store: the folder.
        manifest: the version to look at.
        device: where components and batches are put.
        known: components read by an earlier view of the same folder; they never change, so they are taken over.
    """

    def __init__(self, store: Store, manifest: Manifest, device: torch.device, known: dict[str, Component] | None = None) -> None:
        self.manifest = manifest
        self.settings = NetworkSettings.from_json(manifest.settings)
        self.device = device
        self._store = store
        self._components = known if known is not None else {}
        self._dispatchers: dict[str, Dispatcher] = {}
        self._watchers: list[Touched] = []

    @property
    def version(self) -> int:
        """The network's version."""
        return self.manifest.version

    @property
    def tasks(self) -> Mapping[str, TaskRecord]:
        """What is kept of each task, in the order of learning."""
        return MappingProxyType(self.manifest.tasks)

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
        if name not in self._components:
            component = self._store.component(name)
            component.module.to(self.device)
            self._components[name] = component
        return self._components[name]

    @contextmanager
    def watch(self) -> Iterator[Touched]:
        """Within, what this view hands out is written down: what a method may have run."""
        touched = Touched()
        self._watchers.append(touched)
        try:
            yield touched
        finally:
            self._watchers.remove(touched)

    def tasks_of_type(self, key: str) -> list[str]:
        """Names of the tasks whose inputs are of this type."""
        return [name for name, record in self.manifest.tasks.items() if record.pathway.data_type == key]

    def data_type(self, group: Group) -> DataType:
        """The type that these inputs are encoded as: the network's, or a new one that they would establish."""
        record = self.manifest.types.get(type_key(group))
        if record is not None:
            return record.data_type
        shape = self.settings.image_shape
        if group.modality == "image" and shape is not None:
            return DataType("image", tuple(shape))
        return MODALITIES[group.modality].define(group.items)

    def feature_map(self, data_type: DataType) -> Component:
        """The dispatcher's fixed features for a type: the network's, or those that a new type would get."""
        record = self.manifest.types.get(data_type.key)
        return self.component(record.features) if record is not None else feature_map(data_type, self.settings.random_state)

    def pooled(self, key: str) -> np.ndarray:
        """The packed sum of the tasks' covariances of one data type."""
        return self._store.pooled(self.manifest.types[key])

    def dispatcher(self, key: str) -> Dispatcher:
        """The dispatcher among the tasks of one type."""
        for touched in self._watchers:
            touched.dispatchers.add(key)
        if key not in self._dispatchers:
            self._dispatchers[key] = self._read_dispatcher(key)
        return self._dispatchers[key]

    def logits(self, task: str, inputs: torch.Tensor) -> torch.Tensor:
        """What a task's pathway answers to encoded inputs, float32 (n, classes)."""
        pathway = self.pathway(task)
        parts = [run_pathway(pathway, part.to(self.device), self.component) for part in inputs.split(CHUNK)]
        return torch.cat(parts) if parts else torch.zeros(0, len(pathway.classes))

    @property
    def weights(self) -> dict[str, int]:
        """All weights of the network: in pathways and links, in the dispatcher, together."""
        maps = {record.features for record in self.manifest.types.values()}
        gates = {record.statistics.gate for record in self.manifest.tasks.values()}
        dispatcher = sum(self.dispatcher_weights(key) for key in self.manifest.types)
        pathways = sum(size for name, size in self.manifest.components.items() if name not in maps and name not in gates)
        return {"pathways": pathways, "dispatcher": dispatcher, "total": pathways + dispatcher}

    def dispatcher_weights(self, key: str) -> int:
        """Numbers that the dispatcher of a type computes with: its feature map, the pooled matrix (one triangle) and the columns."""
        record = self.manifest.types[key]
        tasks = [task for task in self.manifest.tasks.values() if task.pathway.data_type == key]
        size = self.manifest.components[record.features]
        if self.settings.dispatcher == "binary":
            return size + sum(self.manifest.components[task.statistics.gate] for task in tasks if task.statistics.gate)
        return size + record.width * (record.width + 1) // 2 + record.width * sum(task.statistics.rows for task in tasks)

    def _read_dispatcher(self, key: str) -> Dispatcher:
        record = self.manifest.types[key]
        stored = []
        for name in self.tasks_of_type(key):
            statistics = self.manifest.tasks[name].statistics
            rows = self._store.columns(record, key, statistics)
            gate = self.component(statistics.gate) if statistics.gate else None
            stored.append(StoredTask(name, rows, statistics.counts, statistics.figures, gate))
        return Dispatcher(
            self.component(record.features), self.pooled(key), stored, binary=self.settings.dispatcher == "binary", device=self.device
        )
