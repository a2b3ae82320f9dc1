"""Tasks as chains of layers, each trained by one task and used by one or more.

Records and log may be older than this code, or written by hand: what does not fit is left out, a whole task if need be.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from senpath.methods.munet.hyper import DEFAULTS
from senpath.methods.munet.record import MunetRecord
from senpath.pathways.spec import number
from senpath.sections import NetworkSummary, TaskSummary, cut

PARTNERS = 3
"""At most so many tasks are named of those that one shares layers with."""


class RootModel(NamedTuple):
    """The model that paths begin from; two of one name may differ, of one `key` they do not."""

    key: str
    name: str
    weights: float


class LayerTrainer(NamedTuple):
    """Who trained a layer: a task of today, or one that `gone` since or that is another now; None if none did, for it is the root's."""

    name: str | None
    gone: bool = False


class TaskLayer(NamedTuple):
    """One component of a path: the layer's name, and its hash."""

    name: str
    component: str
    trainer: LayerTrainer


@dataclass(frozen=True)
class TaskPath:
    """A task's path.

    Attributes:
        layers: in the order in which they run, of which it trained `own`.
        taken: who trained the others, and how many.
        partners: the tasks that have most of its layers too, and how many; `more` are not among them.
        parent: what its path began as, in words; "" where that is not known.
        accounted: weights that it accounts for now: of what several tasks use, its share; `began` when it was learned.
        compute: operations of one input, as a share of the root's.
        quality, score: on the examples that the search held out, see `senpath.methods.munet`; R² below 0 counts as 0.
        hyper: names and values of the hyperparameters that are not the defaults.
        changed: what was done to it since: "pruned", "extended", or "".
    """

    task: TaskSummary
    root: RootModel
    layers: tuple[TaskLayer, ...]
    own: int
    taken: Sequence[tuple[LayerTrainer, int]]
    partners: Sequence[tuple[str, int]]
    more: int
    parent: str
    accounted: float
    began: float | None
    compute: float | None
    quality: float | None
    score: float | None
    hyper: Sequence[tuple[str, str]]
    changed: str

    @property
    def lenders(self) -> list[str]:
        """Names of the tasks of today that it has layers of."""
        return [by.name for by, _ in self.taken if by.name is not None and not by.gone]

    def of_root(self, weights: float) -> float:
        """Weights as a share of the root's."""
        return weights / max(1.0, self.root.weights)


def read_paths(network: NetworkSummary, tasks: Mapping[str, TaskSummary]) -> list[TaskPath]:
    """The paths of these tasks, in the order of learning."""
    records = {name: record for name, task in tasks.items() if (record := _read_record(task)) is not None}
    readers = Counter(name for task in network.tasks.values() for name in task.pathway.references)
    users: dict[str, list[str]] = {}
    for name in records:
        for component in tasks[name].pathway.components:
            users.setdefault(component, []).append(name)
    trainers = _trainers(network, records)
    return [_path(network, tasks[name], record, readers, users, trainers) for name, record in records.items()]


def _read_record(task: TaskSummary) -> MunetRecord | None:
    record = MunetRecord.of(task.pathway)
    return record if record is not None and len({cut(layer.name) for layer in record.layers}) == len(record.layers) else None


def _trainers(network: NetworkSummary, records: Mapping[str, MunetRecord]) -> dict[str, LayerTrainer]:
    """Who trained each component, by hash. A task of today did so only if it has the component itself: names are used again."""
    own, others = dict[str, LayerTrainer](), dict[str, LayerTrainer]()
    for name, record in records.items():
        task = network.tasks[name]
        # An imported task's layers name it as it was called where it came from.
        own_names = (name, task.log_entry.get("imported"))
        for layer, component in zip(record.layers, task.pathway.components, strict=True):
            trainer = layer.trainer(name, component)
            origin = trainer and network.present_name(trainer, task.learned)
            if origin is not None and origin in own_names:
                own.setdefault(component, LayerTrainer(name))
            others.setdefault(component, LayerTrainer(origin, gone=origin is not None))
    return {**others, **own}


def _path(
    network: NetworkSummary,
    task: TaskSummary,
    record: MunetRecord,
    readers: Mapping[str, int],
    users: Mapping[str, Sequence[str]],
    trainers: Mapping[str, LayerTrainer],
) -> TaskPath:
    pairs = zip(record.layers, task.pathway.components, strict=True)
    layers = tuple(TaskLayer(cut(layer.name), component, trainers[component]) for layer, component in pairs)
    others = Counter(layer.trainer for layer in layers if layer.trainer != LayerTrainer(task.name))
    partners = Counter(user for layer in layers for user in users[layer.component] if user != task.name).most_common()
    revisions = {change.revision for change in task.pathway.provenance.revisions}
    parent = record.parent and network.present_name(record.parent, task.learned)
    return TaskPath(
        task=task,
        root=RootModel(record.root_id, cut(record.root), record.root_weights),
        layers=layers,
        own=len(layers) - others.total(),
        taken=others.most_common(),
        partners=partners[:PARTNERS],
        more=max(0, len(partners) - PARTNERS),
        parent="the root" if parent is None else "its own path" if parent == task.name else parent,
        accounted=sum(network.sizes[name] / max(1, readers[name]) for name in task.pathway.whole(task.pathway.components)),
        began=record.accounted,
        compute=record.flops / record.root_flops if record.flops is not None and record.root_flops and record.root_flops > 0 else None,
        quality=_share(record.quality),
        score=_share(record.score),
        hyper=[
            (name.replace("_", " "), _word(record.hyper[name]))
            for name, usual in DEFAULTS.items()
            if name in record.hyper and record.hyper[name] != usual
        ],
        changed="pruned" if "prune" in revisions else "extended" if "extend" in revisions else "",
    )


def _share(value: float | None) -> float | None:
    return min(1.0, max(0.0, value)) if value is not None else None


def _word(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    figure = number(value)
    return f"{figure:g}" if figure is not None else cut(str(value))
