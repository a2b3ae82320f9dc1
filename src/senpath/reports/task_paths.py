"""Tasks that the method `munet` learned: chains of layers, each trained by one task and used by one or more.

Notes and log may be older than this code, or written by hand: what does not fit is left out, a whole task if need be.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

from senpath.methods import Munet
from senpath.methods.munet.hyper import DEFAULTS
from senpath.reports.facts import Facts, TaskFacts

LONGEST = 40
"""Characters of a place or of a hyperparameter's value; one that is longer is cut."""


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
    """One component of a path: its place in the root, and its hash."""

    place: str
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
    """What fits of a task's notes: for each layer its place, its component and the task that is said to have trained it."""

    task: TaskFacts
    notes: Mapping[str, Any]
    root: Root
    parts: Sequence[tuple[str, str, str | None]]


def read_paths(facts: Facts) -> list[TaskPath]:
    """The paths of all tasks that have one, in the order of learning."""
    noted = [found for task in facts.tasks.values() if (found := _noted(task)) is not None]
    users = Counter(name for task in facts.tasks.values() for name in task.pathway.references)
    trainers = _trainers(noted)
    return [_path(found, facts.sizes, users, trainers) for found in noted]


def number(value: Any) -> float | None:
    """A number that can be computed with; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not -1e18 < value < 1e18:
        return None
    return float(value) if isfinite(value) else None


def cut(text: str) -> str:
    """A text that is not too long."""
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def _noted(task: TaskFacts) -> _Noted | None:
    notes = task.pathway.provenance.record
    if task.method != Munet.name:
        return None
    name, key, weights = notes.get("root"), notes.get("root_id"), number(notes.get("root_weights"))
    parts, components = notes.get("parts"), task.pathway.components
    if not isinstance(name, str) or not isinstance(key, str) or weights is None or weights < 0:
        return None
    if not isinstance(parts, list) or len(parts) != len(components) or not all(map(_fits, parts)):
        return None
    places = [cut(part["place"]) for part in parts]
    if len({*places}) < len(places):
        return None
    origins = [part.get("origin") if part.get("component") == name else task.name for part, name in zip(parts, components, strict=True)]
    return _Noted(task, notes, Root(key, cut(name), weights), list(zip(places, components, origins, strict=True)))


def _fits(part: Any) -> bool:
    return isinstance(part, dict) and isinstance(part.get("place"), str) and isinstance(part.get("origin"), str | None)


def _trainers(noted: Sequence[_Noted]) -> dict[str, Trainer]:
    """Who trained each component, by hash. A task of today did so only if it has the component itself: names are used again."""
    found: dict[str, Trainer] = {}
    for path in noted:
        for _, component, origin in path.parts:
            if _is_own(path.task, origin):
                found.setdefault(component, Trainer(path.task.name))
    for path in noted:
        for _, component, origin in path.parts:
            found.setdefault(component, Trainer(origin, gone=origin is not None))
    return found


def _is_own(task: TaskFacts, origin: str | None) -> bool:
    """An imported task's layers name it as it was called where it came from."""
    return origin is not None and origin in (task.name, task.entry.get("imported"))


def _path(found: _Noted, sizes: Mapping[str, int], users: Mapping[str, int], trainers: Mapping[str, Trainer]) -> TaskPath:
    notes, parent = found.notes, found.notes.get("parent", "")
    operations, all_operations = number(notes.get("flops")), number(notes.get("root_flops"))
    quality, score = number(notes.get("quality")), number(notes.get("score"))
    changes = found.task.pathway.provenance
    return TaskPath(
        task=found.task,
        root=found.root,
        layers=tuple(Layer(place, component, trainers[component]) for place, component, _ in found.parts),
        parent=parent if isinstance(parent, str | None) else "",
        accounted=sum(sizes[name] / max(1, users[name]) for name in found.task.pathway.whole(found.task.pathway.components)),
        began=number(notes.get("accounted")),
        compute=operations / all_operations if operations is not None and all_operations is not None and all_operations > 0 else None,
        quality=min(1.0, max(0.0, quality)) if quality is not None else None,
        score=min(1.0, max(0.0, score)) if score is not None else None,
        hyper=_hyper(notes.get("hyper")),
        changed=next((word for name, word in (("prune", "pruned"), ("extend", "extended")) if changes.revisions_by(name)), ""),
    )


def _hyper(values: Any) -> list[tuple[str, str]]:
    known = values if isinstance(values, dict) else {}
    return [(name.replace("_", " "), _word(known[name])) for name in DEFAULTS if name in known and known[name] != DEFAULTS[name]]


def _word(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    figure = number(value)
    return f"{figure:g}" if figure is not None else cut(str(value))
