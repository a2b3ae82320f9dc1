"""What networks, here or on a server, and what was done to them are as records: see docs/howto/scripts.md."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from senpath.arrays import json_value
from senpath.client import Client
from senpath.evaluation import Evaluation
from senpath.inference.records import task_record
from senpath.learning import Learned
from senpath.network import Network
from senpath.pathways import Link
from senpath.reports.network_records import task_records
from senpath.snapshot import Revised


def describe_tasks(net: Network | Client) -> list[dict[str, Any]]:
    """Every task, with the figure that was last measured of it and the time when it was learned."""
    if isinstance(net, Client):
        return [*net.tasks.values()]
    return task_records(net, net.view)


def describe_task(net: Network | Client, task: str) -> dict[str, Any]:
    """One task, by whichever form of its name."""
    if isinstance(net, Client):
        return net.task(task)
    return task_record(net.view, net.view.pathway(net.view.task_name(task)).task)


def describe_learned(net: Network, learned: Learned) -> dict[str, Any]:
    """A task that was learned just now."""
    info, record = net.tasks[learned.task], learned.provenance.record
    return {
        "task": learned.task,
        "version": learned.version,
        "seconds": learned.seconds,
        "kind": info.kind,
        "examples": info.examples,
        "classes": json_value(info.classes_),
        "weights": info.weights,
        "links": [part for link in net.view.pathway(learned.task).links for part in _borrowed(link)],
        "validation": json_value(learned.validation),
        "warning": learned.warning,
        "notes": [*learned.notes],
        "read_as": learned.read_as or None,
        "guard": json_value(record.get("guard")),
    }


def _borrowed(link: Link) -> list[dict[str, Any]]:
    """What a link borrows: from which task, of which class, for which class, and how alike they are."""
    return [
        {"from": link.source, "label": json_value(part.source), "to": json_value(part.target), "share": json_value(part.share)}
        for part in link.transfers
    ]


def describe_revised(revised: Revised) -> dict[str, Any]:
    """A task that was changed, or stayed as it is."""
    names = ("task", "changed", "reason", "version", "seconds")
    return {name: json_value(getattr(revised, name)) for name in names}


def describe_evaluation(measured: Evaluation) -> list[dict[str, Any]]:
    """The figures of each task, and which tasks answered its inputs; "" stands for none."""
    return [
        {
            "task": task,
            **{name: json_value(value) for name, value in asdict(score).items() if name != "task"},
            "found": json_value(score.task),
            "confusion": {name or "": count for name, count in measured.confusion[task].items()},
        }
        for task, score in measured.scores.items()
    ]
