"""Tasks that the method `munet` learned: chains of layers, each trained by one task and used by one or more.

Records and log may be older than this code, or written by hand: what does not fit is left out, a whole task if need be.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from senpath.methods.munet.hyper import DEFAULTS
from senpath.methods.munet.record import MunetRecord
from senpath.pathways.provenance import number
from senpath.reports.facts import Facts, TaskFacts

LONGEST = 40
"""Characters of a layer's name or of a hyperparameter's value; one that is longer is cut."""


@dataclass(frozen=True)
class Root:
    """The model that paths begin from; two of one name may differ, of one `key` they do not."""

    key: str
    name: str
    weights: float


@dataclass(frozen=True)
class Trainer:
    """Who trained a layer: a task of today, or one that `gone` since or that is another now; None if none did, for it is the root's."""

    name: str | None
    gone: bool = False


@dataclass(frozen=True)
class Layer:
    """One component of a path: the layer's name, and its hash."""

    name: str
    component: str
    trainer: Trainer


@dataclass(frozen=True)
class TaskPath:
    """A task's path.

    Attributes:
        layers: in the order in which they run.
        parent: the task whose path it began as, None for the root; "" where that is not known.
        accounted: weights that it accounts for now: of what several tasks use, its share.
        began: what it accounted for when it was learned.
        compute: operations of one input, as a share of the root's.
        quality, score: on the examples that the search held out, see `senpath.methods.munet`; R² below 0 counts as 0.
        hyper: names and values of the hyperparameters that are not the defaults.
        changed: what was done to it since: "pruned", "extended", or "".
    """

    task: TaskFacts
    root: Root
    layers: tuple[Layer, ...]
    parent: str | None
    accounted: float
    began: float | None
    compute: float | None
    quality: float | None
    score: float | None
    hyper: Sequence[tuple[str, str]]
    changed: str

    @property
    def own(self) -> list[Layer]:
        """The layers that the task trained itself."""
        return [layer for layer in self.layers if layer.trainer == Trainer(self.task.name)]


@dataclass(frozen=True)
class _Noted:
    """A task with its record, and for each layer its name, its component and the task that is said to have trained it."""

    task: TaskFacts
    record: MunetRecord
    root: Root
    layers: Sequence[tuple[str, str, str | None]]


def read_paths(facts: Facts) -> list[TaskPath]:
    """The paths of all tasks that have one, in the order of learning."""
    noted = [path for task in facts.tasks.values() if (path := _noted(task)) is not None]
    users = Counter(name for task in facts.tasks.values() for name in task.pathway.references)
    trainers = _trainers(noted)
    return [_path(path, facts.sizes, users, trainers) for path in noted]


def cut(text: str) -> str:
    """A text that is not too long."""
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def _noted(task: TaskFacts) -> _Noted | None:
    record = MunetRecord.of(task.pathway)
    if record is None or len({cut(layer.name) for layer in record.layers}) < len(record.layers):
        return None
    pairs = zip(record.layers, task.pathway.components, strict=True)
    layers = [(cut(layer.name), component, layer.trainer(task.name, component)) for layer, component in pairs]
    return _Noted(task, record, Root(record.root_id, cut(record.root), record.root_weights), layers)


def _trainers(noted: Sequence[_Noted]) -> dict[str, Trainer]:
    """Who trained each component, by hash. A task of today did so only if it has the component itself: names are used again."""
    found: dict[str, Trainer] = {}
    for path in noted:
        for _, component, origin in path.layers:
            if _is_own(path.task, origin):
                found.setdefault(component, Trainer(path.task.name))
    for path in noted:
        for _, component, origin in path.layers:
            found.setdefault(component, Trainer(origin, gone=origin is not None))
    return found


def _is_own(task: TaskFacts, origin: str | None) -> bool:
    """An imported task's layers name it as it was called where it came from."""
    return origin is not None and origin in (task.name, task.entry.get("imported"))


def _path(noted: _Noted, sizes: Mapping[str, int], users: Mapping[str, int], trainers: Mapping[str, Trainer]) -> TaskPath:
    record, pathway = noted.record, noted.task.pathway
    revisions = pathway.provenance.revisions_by
    return TaskPath(
        task=noted.task,
        root=noted.root,
        layers=tuple(Layer(name, component, trainers[component]) for name, component, _ in noted.layers),
        parent=record.parent,
        accounted=sum(sizes[name] / max(1, users[name]) for name in pathway.whole(pathway.components)),
        began=record.accounted,
        compute=record.flops / record.root_flops if record.flops is not None and record.root_flops and record.root_flops > 0 else None,
        quality=_share(record.quality),
        score=_share(record.score),
        hyper=_hyper(record.hyper),
        changed=next((word for name, word in (("prune", "pruned"), ("extend", "extended")) if revisions(name)), ""),
    )


def _share(value: float | None) -> float | None:
    return min(1.0, max(0.0, value)) if value is not None else None


def _hyper(values: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(name.replace("_", " "), _word(values[name])) for name in DEFAULTS if name in values and values[name] != DEFAULTS[name]]


def _word(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    figure = number(value)
    return f"{figure:g}" if figure is not None else cut(str(value))
