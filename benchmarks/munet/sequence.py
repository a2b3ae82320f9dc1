"""One row of one experiment with one seed: its tasks learned in turn, and what each comes to, then and at the end."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path
from typing import Any

import numpy as np

import senpath as sp
from benchmarks.munet.rows import Experiment, method
from benchmarks.munet.tasks import Examples, tasks
from senpath.reproduce.jobs import Tell

TESTED = 10_000
"""Test examples of a task, at most."""


def learn_in_turn(experiment: Experiment, row: str, seed: int, folder: Path, tell: Tell) -> None:
    """Learn the tasks of an experiment; a network that has some of them already goes on.

    Args:
        folder: where the networks lie.
        tell: told a record for each task when it is learned, and one for each at the end.
    """
    net = sp.Network(folder / f"{experiment.tasks}-{row}-{seed}.sen", image_shape=experiment.shape, random_state=seed)
    answers: dict[str, str] = {}
    tests: dict[str, Examples] = {}
    for task in tasks(experiment.tasks, seed):
        tests[task.name] = task
        if task.name not in net.tasks:
            start = time.perf_counter()
            net.learn(task.name, task.x, task.y, method=method(row, experiment, len(task.y), seed))
            seconds = time.perf_counter() - start
        else:
            seconds = float("nan")
        accuracy, answers[task.name] = _test(net, task)
        tell({"row": row, "seed": seed, "task": task.name, "accuracy": accuracy, "seconds": seconds, **_sizes(net, task.name)})
    total = net.weights["pathways"]
    for name, task in tests.items():
        accuracy, digest = _test(net, task)
        last = {"last": True, "same": digest == answers[name], "network": total, "share": net.tasks[name].run_weights / total}
        tell({"row": row, "seed": seed, "task": name, "accuracy": accuracy, **last, **_sizes(net, name)})


def _test(net: sp.Network, task: Examples) -> tuple[float, str]:
    """Accuracy with the task given, and a digest of the logits."""
    labels = task.y_test[:TESTED]
    encoded = net.encode(task.x_test[:TESTED])
    logits = np.concatenate([net.view.logits(task.name, batch.inputs).cpu().numpy() for batch in encoded.batches])
    classes = np.array(net.tasks[task.name].classes_)
    return float((classes[logits.argmax(1)] == labels).mean()), hashlib.sha256(logits.tobytes()).hexdigest()


def _sizes(net: sp.Network, name: str) -> dict[str, Any]:
    """Of a task: its classes, all weights of its pathway and those that no other task has; as the search noted them the accounted ones."""
    pathway, sizes = net.view.pathway(name), net.view.manifest.components
    used = [other.references for other in net.view.paths if other.task != name]
    own = sum(sizes[part] for part in pathway.references if not any(part in others for others in used))
    shared = sum(sizes[part] / (1 + sum(part in others for others in used)) for part in pathway.references)
    found = pathway.provenance.record
    trained = sum(sizes[part] for part, kept in zip(pathway.components, found.get("layers", ()), strict=False) if kept["origin"] == name)
    return {
        "weights": sum(sizes[part] for part in pathway.references),
        "own": own,
        "accounted": shared,
        "trained": trained if found else own,
        "root": found.get("root_weights"),
        "flops": found.get("flops"),
        "root_flops": found.get("root_flops"),
        "quality": found.get("quality"),
        "parent": found.get("parent"),
        "layers": len(pathway.components),
        "hyper": found.get("hyper"),
        "version": net.version,
        "network": net.weights["pathways"],
    }
