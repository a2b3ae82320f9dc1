"""What a report says of a network, read once: its tasks, its weights, its log, what was measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from math import isnan
from pathlib import Path
from typing import Any

from senpath.evaluation import Evaluation, Recorded, TaskScore, latest_by_version, recorded_evaluations
from senpath.methods import METHODS, find_method, known_methods
from senpath.network import Network
from senpath.reports.growth import COLOURS
from senpath.sections import NetworkSummary, Section, TaskSummary

Entry = Mapping[str, Any]
REMEMBERED = 2**20
"""Tasks of versions that were returned to, all together: beyond that a rollback changes nothing of which entry brought a task."""
GONE = "\n"
"""Behind the name of a task that is gone, so that another of its name is not taken for it: no task's name has a line break."""


def measured_stages(net: Network) -> list[Recorded]:
    """What was measured of the present tasks, one entry a version; of others that had their names before, nothing.

    R², of a regression, has no least value, and below 0 a constant would do better: so that it can be drawn, it counts as 0. Where it is
    not defined, nothing was measured.

    Raises:
        StoreError: if a recorded measurement cannot be read.
    """
    stages = latest_by_version(recorded_evaluations(net))
    entries, view = first_entries(net.log), net.view

    def is_present(stage: Recorded, task: str) -> bool:
        if task not in view.tasks:
            return False
        if task in stage.identities:
            return stage.identities[task] == view.pathway(task).identity
        return stage.version >= _version(entries.get(task, {}))

    for place, stage in enumerate(stages):
        measured = [task for task, score in stage.evaluation.scores.items() if is_present(stage, task) and not isnan(score.accuracy)]
        scores = {task: _drawable(stage.evaluation.scores[task]) for task in measured}
        confusion = {
            task: {
                answer if answer is None or is_present(stage, answer) else f"{answer}{GONE}": count
                for answer, count in stage.evaluation.confusion[task].items()
            }
            for task in measured
        }
        by_class = {task: of for task, of in stage.evaluation.by_class.items() if task in scores}
        stages[place] = replace(stage, evaluation=Evaluation(scores, confusion, by_class))
    return [stage for stage in stages if stage.evaluation.scores]


def _drawable(score: TaskScore) -> TaskScore:
    return replace(score, accuracy=max(0.0, score.accuracy), accuracy_unlabelled=max(0.0, score.accuracy_unlabelled))


def summarize(net: Network, stages: Sequence[Recorded]) -> NetworkSummary:
    """Read everything that a report says beside `stages`; no component is loaded."""
    log, weights, view = net.log, net.weights, net.view
    dispatchers = {key: view.dispatcher_weights(key) for key in view.types}
    entries = first_entries(log)
    tasks = {}
    for place, (name, info) in enumerate(net.tasks.items()):
        entry = entries.get(name, {})
        measured = [stage for stage in stages if name in stage.evaluation.scores]
        score = measured[-1].evaluation.scores[name] if measured else None
        pathway, data_type = view.pathway(name), view.types[info.data_type]
        own = sum(view.sizes[part] for part in pathway.whole(pathway.components))
        parts = {
            "own": own,
            "links": info.weights - own,
            "read": info.run_weights - info.weights,
            "dispatcher": dispatchers[info.data_type],
            "encoder": data_type.encoder_weights,
        }
        tasks[name] = TaskSummary(
            name=name,
            colour=place % len(COLOURS),
            info=info,
            data_type=data_type,
            pathway=pathway,
            parts=parts,
            share=sum(parts.values()) / max(1, weights["total"]),
            accuracy=score.accuracy if score else None,
            accuracy_unlabelled=score.accuracy_unlabelled if score else None,
            measured=measured[-1].version if measured else 0,
            learned=min(info.version, _version(entry) or info.version),
            time=str(entry.get("time", "")),
            log_entry=entry,
        )
    name = (net.path.resolve() if isinstance(net.path, Path) else net.path).name or str(net.path)
    return NetworkSummary(name, net.version, tasks, weights, view.sizes, log, datetime.now(UTC))


def sections(network: NetworkSummary) -> list[Section]:
    """What the methods say of their tasks, in the order in which methods are known."""
    described = []
    used = {task.info.method for task in network.tasks.values()}
    for method in METHODS if used <= METHODS.keys() else known_methods():  # to ask what packages offer takes long
        tasks = {name: task for name, task in network.tasks.items() if task.info.method == method}
        describe = getattr(find_method(method), "report_section", None) if tasks else None
        if describe is not None and (section := describe(network, tasks)) is not None:
            described.append(section)
    return described


def first_entries(log: Sequence[Entry]) -> dict[str, Entry]:
    """The entries that brought the tasks of today. A name may have been another task's, that was removed."""
    entries: dict[str, Entry] = {}
    returned_to = {entry["rollback"] for entry in log if isinstance(entry.get("rollback"), int)}
    then: dict[int, dict[str, Entry]] = {}
    room = REMEMBERED
    for entry in log:
        for task in _names(entry, "removed"):
            entries.pop(task, None)
        for task in _names(entry, "tasks"):
            entries.setdefault(task, entry)
        renamed = entry.get("renamed")
        if isinstance(renamed, dict) and renamed.get("from") in entries:
            entries[str(renamed.get("to"))] = entries.pop(renamed["from"])
        if isinstance(entry.get("rollback"), int):
            entries = dict(then.get(entry["rollback"], entries))
        if _version(entry) in returned_to and len(entries) <= room:
            then[_version(entry)] = dict(entries)
            room -= len(entries)
    return entries


def _version(entry: Entry) -> int:
    return int(entry.get("version", 0))


def _names(entry: Entry, field: str) -> list[str]:
    tasks = entry.get(field)
    return [task for task in tasks if isinstance(task, str)] if isinstance(tasks, list) else []
