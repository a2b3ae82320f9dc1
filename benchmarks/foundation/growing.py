"""The five tasks learned one after another, once per seed, and what was seen on the way."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np

import senpath as sp
from senpath.data import Task, paper_tasks


@dataclass
class Grown:
    """A network of the five tasks.

    Attributes:
        net: the network after the last task.
        files_changed: component files that were not byte-identical after a later task.
        answers_changed: answers with the task given that differed after a later task, and logits that differed in any bit.
        unlabelled: by stage, each task's accuracy without task id, in %.
        given: likewise with it.
    """

    net: sp.Network
    files_changed: int = 0
    answers_changed: int = 0
    logits_changed: int = 0
    unlabelled: list[dict[str, float]] = field(default_factory=list)
    given: list[dict[str, float]] = field(default_factory=list)


@cache
def tasks() -> dict[str, Task]:
    """The data."""
    return paper_tasks()


@cache
def grow(seed: int) -> Grown:
    """Learn the tasks in the paper's order with the default settings."""
    grown = Grown(sp.Network(random_state=seed))
    files: dict[str, str] = {}
    answers: dict[str, Any] = {}
    for name, task in tasks().items():
        grown.net.learn(name, *task.train, random_state=seed)
        _compare(grown, files, answers)
        measured = sp.evaluate(grown.net, {known: tasks()[known].test for known in grown.net.tasks})
        grown.unlabelled.append({known: 100 * score.accuracy_unlabelled for known, score in measured.scores.items()})
        grown.given.append({known: 100 * score.accuracy for known, score in measured.scores.items()})
    return grown


def _compare(grown: Grown, files: dict[str, str], answers: dict[str, Any]) -> None:
    for path in sorted((grown.net.path / "components").iterdir()):
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        grown.files_changed += files.setdefault(path.name, digest) != digest
    fresh = sp.Network(grown.net.path)  # read from disk, not from what the learner still holds
    for name in fresh.tasks:
        found = fresh.predict(tasks()[name].test[0], task=name)
        label, values = answers.setdefault(name, (found.label, found.probabilities[name]))
        grown.answers_changed += int((label != found.label).sum())
        grown.logits_changed += int((np.asarray(values) != found.probabilities[name]).any(1).sum())
