"""The five tasks learned one after another: forgetting with the task given, and drift without it."""

import hashlib
from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np

import senpath as sp
from benchmarks.harness import Record, Records, markdown_table, spread
from senpath.data import Task, paper_tasks


@cache
def tasks() -> dict[str, Task]:
    """The data."""
    return paper_tasks()


@cache
def grow(seed: int) -> tuple[sp.Network, Record]:
    """Learn the tasks in the paper's order with the default settings.

    Returns:
        The network, and what was seen on the way: component files that were not byte-identical after a later task, answers with the task
        given that differed after a later task, and probabilities that differed in any bit; by stage each task's accuracy in %, without
        the task id and with it.
    """
    net = sp.Network(random_state=seed)
    files: dict[str, str] = {}
    answers: dict[str, Any] = {}
    seen: Record = {"files_changed": 0, "answers_changed": 0, "logits_changed": 0, "unlabelled": [], "given": []}
    for name, task in tasks().items():
        net.learn(name, *task.train, random_state=seed)
        for path in sorted((net.path / "components").iterdir()):
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            seen["files_changed"] += files.setdefault(path.name, digest) != digest
        fresh = sp.Network(net.path)  # read from disk, not from what the learner still holds
        for known in fresh.tasks:
            answered = fresh.predict(tasks()[known].test[0], task=known)
            label, values = answers.setdefault(known, (answered.label, answered.probabilities[known]))
            seen["answers_changed"] += int((label != answered.label).sum())
            seen["logits_changed"] += int((np.asarray(values) != answered.probabilities[known]).any(1).sum())
        scores = sp.evaluate(net, {known: tasks()[known].test for known in net.tasks}).scores
        seen["unlabelled"].append({known: 100 * score.accuracy_unlabelled for known, score in scores.items()})
        seen["given"].append({known: 100 * score.accuracy for known, score in scores.items()})
    return net, seen


def measure(seed: int) -> Iterator[Record]:
    yield {"tasks": [*tasks()], **grow(seed)[1]}


def table(records: Records) -> str:
    names = records[0]["tasks"]
    files, answers, logits = (sum(records.values(name)) for name in ("files_changed", "answers_changed", "logits_changed"))
    rows = []
    for first, name in enumerate(names):
        cells = [spread([one["unlabelled"][stage][name] for one in records]) for stage in range(first, len(names))]
        drift = spread([one["unlabelled"][-1][name] - one["unlabelled"][first][name] for one in records])
        rows.append([name, *[""] * first, *cells, drift, spread([one["given"][-1][name] for one in records])])
    return (
        f"Over {len(records)} seeds, after every task, everything read again from disk: {files:.0f} component files changed, "
        f"{answers:.0f} answers with the task given changed, {logits:.0f} of their probabilities changed in any bit.\n\n"
        "Accuracy in % without the task id (right task and label) after each task, its drift since the task was learned, and with it:\n\n"
    ) + markdown_table(["task", *(f"+ {name}" for name in names), "drift, points", "task given"], rows)
