"""What a network is, as JSON values: its tasks with their figures, its versions, and what runs what."""

from __future__ import annotations

from typing import Any

from senpath.arrays import json_value
from senpath.evaluation import latest_by_version, recorded_evaluations
from senpath.inference.records import Record, task_record
from senpath.network import Network
from senpath.reports.network_summary import first_entries
from senpath.snapshot.view import View

ID = 16
"""Digits of a hash that tell a network's components apart for people."""


def task_records(net: Network, view: View) -> list[Record]:
    """Every task of a version, with the figure that was last measured of it and the time when it was learned."""
    entries = first_entries(net.log)
    accuracies = {
        task: score.accuracy
        for stage in latest_by_version(recorded_evaluations(net))
        for task, score in stage.evaluation.scores.items()
        if task in view.tasks and stage.identities.get(task) in (None, view.pathway(task).identity)
    }
    return [
        {**task_record(view, name), "accuracy": json_value(accuracies.get(name)), "created": entries.get(name, {}).get("time")}
        for name in view.tasks
    ]


def network_record(net: Network, view: View, name: str) -> Record:
    """A version of a network, and which task runs which components, for a drawing.

    Args:
        name: of the network.
    """
    return {
        "name": name,
        "version": view.version,
        "versions": [*net.versions],
        "weights": view.weights,
        "encoders": {key: each.encoder for key, each in view.types.items() if each.encoder is not None},
        "tasks": len(view.tasks),
        "graph": _graph(view),
    }


def _graph(view: View) -> Record:
    users: dict[str, list[str]] = {}
    for path in view.paths:
        for name in path.components:
            users.setdefault(name, []).append(path.task)
    components = [
        {"id": name[:ID], "kind": view.component(name).kind.name, "weights": view.sizes[name], "tasks": tasks}
        for name, tasks in users.items()
    ]
    pathways: list[dict[str, Any]] = []
    for path in view.paths:
        links = [
            {
                "from": link.source,
                "reads": [name[:ID] for name in link.reads],
                "weights": view.sizes[link.component],
                "classes": [{"to": json_value(t.target), "from": json_value(t.source), "share": t.share} for t in link.transfers],
            }
            for link in path.links
        ]
        pathways.append({"task": path.task, "components": [name[:ID] for name in path.components], "links": links})
    return {"components": components, "pathways": pathways}


def version_records(net: Network, view: View) -> list[Record]:
    """This version and those that can be returned to, the newest first: number, time, and what it was made for."""
    entries = {entry["version"]: entry for entry in net.log}
    kept = sorted({*net.versions, view.version}, reverse=True)
    return [{"version": n, "time": entries.get(n, {}).get("time"), "what": _what(entries.get(n, {}))} for n in kept]


def _what(entry: Record) -> str:
    """A commit in a few words."""
    if isinstance(entry.get("rollback"), int):
        return f"returned to version {entry['rollback']}"
    if entry.get("removed"):
        return f"removed {', '.join(map(str, entry['removed']))}"
    if entry.get("limit"):
        return f"limit {entry['limit']}"
    if isinstance(entry.get("renamed"), dict):
        return f"renamed {entry['renamed'].get('from')} to {entry['renamed'].get('to')}"
    if entry.get("described"):
        return f"described {entry['described']}"
    tasks = ", ".join(map(str, entry.get("tasks", ())))
    return f"{entry.get('method') or 'learned'}: {tasks}" if tasks else "made"
