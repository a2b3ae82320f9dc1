"""What a report says of a network, gathered once: its tasks, its weights, its log, what was measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from math import prod
from typing import Any

from senpath.evaluation import Recorded, TaskScore, latest_by_version, recorded_evaluations
from senpath.inputs.modalities.table import table_columns
from senpath.network import Network
from senpath.pathways import Link, Pathway
from senpath.reports.growth import COLOURS, SIMILAR
from senpath.snapshot import TaskInfo
from senpath.types import DataType, Label


@dataclass(frozen=True)
class Parts:
    """Weights that answering one input of a task runs, its pathway being the only candidate.

    Attributes:
        own: of the pathway's own components.
        links: of the maps that the links are.
        read: of earlier tasks' layers that links read.
        dispatcher: of the dispatcher of the task's type.
        encoder: of the pretrained encoder that reads the type.
    """

    own: int
    links: int
    read: int
    dispatcher: int
    encoder: int

    @property
    def total(self) -> int:
        """All together."""
        return self.own + self.links + self.read + self.dispatcher + self.encoder


@dataclass(frozen=True)
class TaskFacts:
    """One task.

    Attributes:
        name: as the user gave it: any printable text.
        colour: place in `COLOURS`.
        kind: modality of its inputs, and `shape` what they are brought to, in words.
        sources: names of the tasks it borrows from, in the order of its links.
        links: as its pathway has them.
        copied: name of the task whose hidden layer it began as, where nothing else tells so.
        threshold: similarity from which on a class counts as similar to its source.
        share: of all weights of the network, the part that `parts` is, in 0 … 1.
        score: the latest figures, measured at version `measured`; None if there are none.
        learned: the version that brought it, at `time` (as the log has it, or "").
        pathway: as the network has it now.
        entry: of the log, that brought it; empty where the log has none.
    """

    name: str
    colour: int
    kind: str
    shape: str
    classes: tuple[Label, ...]
    examples: int
    method: str
    sources: tuple[str, ...]
    links: tuple[Link, ...]
    copied: str | None
    threshold: float
    weights: int
    parts: Parts
    share: float
    score: TaskScore | None
    measured: int
    learned: int
    time: str
    pathway: Pathway
    entry: Mapping[str, Any]


@dataclass(frozen=True)
class Facts:
    """A network.

    Attributes:
        name: of its folder.
        tasks: by name, in the order of learning.
        weights: see `Network.weights`.
        sizes: number of weights of each component, by hash.
        stages: what was measured, one entry a version.
        log: see `Network.log`.
        made: when this was gathered, UTC.
    """

    name: str
    version: int
    tasks: Mapping[str, TaskFacts]
    weights: Mapping[str, int]
    sizes: Mapping[str, int]
    stages: Sequence[Recorded]
    log: Sequence[Mapping[str, Any]]
    made: datetime


def gather(net: Network) -> Facts:
    """Read everything that a report says; no component is loaded.

    Raises:
        StoreError: if a recorded measurement cannot be read.
    """
    log = net.log
    stages = [_shares(stage) for stage in latest_by_version(recorded_evaluations(net))]
    weights = net.weights
    view = net.view
    dispatchers = {key: view.dispatcher_weights(key) for key in view.manifest.types}
    first = _first_entries(log)
    measured = {
        task: (stage.version, score)
        for stage in stages
        for task, score in stage.evaluation.scores.items()
        if stage.version >= _version(first.get(task, {}))  # else it is of a task that had this name before
    }
    tasks = {}
    for place, (name, info) in enumerate(net.tasks.items()):
        pathway = view.pathway(name)
        data_type = view.manifest.types[info.data_type].data_type
        parts = _parts(pathway, view.manifest.components, info, dispatchers[info.data_type], data_type.encoder_weights)
        version, score = measured.get(name, (0, None))
        brought = first.get(name, {})
        tasks[name] = TaskFacts(
            name=name,
            colour=place % len(COLOURS),
            kind=data_type.modality,
            shape=_shape(data_type),
            classes=info.classes_,
            examples=info.examples,
            method=info.method,
            sources=pathway.sources,
            links=pathway.links,
            copied=_text(info.provenance.record.get("copied_from")),
            threshold=_threshold(info.provenance.settings),
            weights=info.weights,
            parts=parts,
            share=parts.total / max(1, weights["total"]),
            score=score,
            measured=version,
            learned=min(info.version, _version(brought) or info.version),
            time=str(brought.get("time", "")),
            pathway=pathway,
            entry=brought,
        )
    name = net.path.resolve().name or str(net.path)
    return Facts(name, net.version, tasks, weights, view.manifest.components, stages, log, datetime.now(UTC))


def _parts(pathway: Pathway, sizes: Mapping[str, int], info: TaskInfo, dispatcher: int, encoder: int) -> Parts:
    own = sum(sizes[name] for name in pathway.whole(pathway.components))
    return Parts(own, info.weights - own, info.run_weights - info.weights, dispatcher, encoder)


def _shares(stage: Recorded) -> Recorded:
    """With figures that can be drawn: R², of a regression, has no least value, and below 0 a constant would do better."""
    scores = {
        task: replace(score, accuracy=max(0.0, score.accuracy), accuracy_unlabelled=max(0.0, score.accuracy_unlabelled))
        for task, score in stage.evaluation.scores.items()
    }
    return replace(stage, evaluation=replace(stage.evaluation, scores=scores))


def _shape(data_type: DataType) -> str:
    if data_type.form == "tokens":
        length, width = data_type.shape
        return f"{length:,} tokens of {width:,} numbers, of the encoder {data_type.encoder}"
    if data_type.encoder is not None:
        return f"{prod(data_type.shape):,} numbers of the encoder {data_type.encoder}"
    if data_type.modality == "table":
        columns = len(table_columns(data_type))
        return f"{columns:,} column{'s' if columns != 1 else ''}"
    if data_type.modality == "text":
        return f"{prod(data_type.shape):,} buckets"
    return " × ".join(str(size) for size in data_type.shape)


def _threshold(settings: Mapping[str, Any]) -> float:
    """What the method took for similar, where it has such a setting, as the method `sen` does."""
    found = settings.get("threshold")
    return float(found) if isinstance(found, int | float) else SIMILAR


def _first_entries(log: Sequence[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """The entries that brought the tasks of today. A name may have been another task's, that was removed."""
    found: dict[str, Mapping[str, Any]] = {}
    returned_to = [entry["rollback"] for entry in log if isinstance(entry.get("rollback"), int)]
    then: dict[int, dict[str, Mapping[str, Any]]] = {}
    for entry in log:
        for task in _names(entry, "removed"):
            found.pop(task, None)
        for task in _names(entry):
            found.setdefault(task, entry)
        if isinstance(entry.get("rollback"), int):
            found = dict(then.get(entry["rollback"], found))
        if _version(entry) in returned_to:
            then[_version(entry)] = dict(found)
    return found


def _version(entry: Mapping[str, Any]) -> int:
    return int(entry.get("version", 0))


def _names(entry: Mapping[str, Any], field: str = "tasks") -> list[str]:
    tasks = entry.get(field)
    return [task for task in tasks if isinstance(task, str)] if isinstance(tasks, list) else []


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
