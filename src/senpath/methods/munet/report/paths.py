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


class _Chain(NamedTuple):
    """A task with its record, and for each layer its name, its component and the task that is said to have trained it."""

    task: TaskSummary
    record: MunetRecord
    layers: Sequence[tuple[str, str, str | None]]


def read_paths(network: NetworkSummary, tasks: Mapping[str, TaskSummary]) -> list[TaskPath]:
    """The paths of these tasks, in the order of learning."""
    chains = [chain for task in tasks.values() if (chain := _read_chain(task)) is not None]
    readers = Counter(name for task in network.tasks.values() for name in task.pathway.references)
    users: dict[str, list[str]] = {}
    for chain in chains:
        for component in chain.task.pathway.components:
            users.setdefault(component, []).append(chain.task.name)
    trainers = _trainers(chains)
    return [_path(chain, network.sizes, readers, users, trainers) for chain in chains]


def _read_chain(task: TaskSummary) -> _Chain | None:
    record = MunetRecord.of(task.pathway)
    if record is None or len({cut(layer.name) for layer in record.layers}) < len(record.layers):
        return None
    pairs = zip(record.layers, task.pathway.components, strict=True)
    return _Chain(task, record, [(cut(layer.name), component, layer.trainer(task.name, component)) for layer, component in pairs])


def _trainers(chains: Sequence[_Chain]) -> dict[str, LayerTrainer]:
    """Who trained each component, by hash. A task of today did so only if it has the component itself: names are used again."""
    trainers: dict[str, LayerTrainer] = {}
    for chain in chains:
        # An imported task's layers name it as it was called where it came from.
        own_names = (chain.task.name, chain.task.log_entry.get("imported"))
        for _, component, origin in chain.layers:
            if origin is not None and origin in own_names:
                trainers.setdefault(component, LayerTrainer(chain.task.name))
    for chain in chains:
        for _, component, origin in chain.layers:
            trainers.setdefault(component, LayerTrainer(origin, gone=origin is not None))
    return trainers


def _path(
    chain: _Chain,
    sizes: Mapping[str, int],
    readers: Mapping[str, int],
    users: Mapping[str, Sequence[str]],
    trainers: Mapping[str, LayerTrainer],
) -> TaskPath:
    record, task = chain.record, chain.task
    layers = tuple(TaskLayer(name, component, trainers[component]) for name, component, _ in chain.layers)
    others = Counter(layer.trainer for layer in layers if layer.trainer != LayerTrainer(task.name))
    partners = Counter(user for layer in layers for user in users[layer.component] if user != task.name).most_common()
    revisions = {change.revision for change in task.pathway.provenance.revisions}
    return TaskPath(
        task=task,
        root=RootModel(record.root_id, cut(record.root), record.root_weights),
        layers=layers,
        own=len(layers) - others.total(),
        taken=others.most_common(),
        partners=partners[:PARTNERS],
        more=max(0, len(partners) - PARTNERS),
        parent="the root" if record.parent is None else "its own path" if record.parent == task.name else record.parent,
        accounted=sum(sizes[name] / max(1, readers[name]) for name in task.pathway.whole(task.pathway.components)),
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
