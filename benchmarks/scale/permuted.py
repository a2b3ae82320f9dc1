"""Permuted MNIST: hundreds of tasks of 60,000 images each, and no task id at the test.

    python -m benchmarks.scale.permuted [--tasks 250] [--jobs 2] [--folder runs/permuted]

A run that was stopped goes on with the tasks that its folder does not have. Five passes over all images in batches of 256, at a rate of
0.006, no distortions: chosen beforehand, not tuned. One thread per job. Needs SENPATH_DATA.
"""

from __future__ import annotations

import argparse
import time
from itertools import islice
from pathlib import Path

import numpy as np

import senpath as sp
from benchmarks.scale.measure import activation
from benchmarks.scale.page import write_permuted
from benchmarks.scale.records import keep, kept
from benchmarks.scale.stream import permuted
from benchmarks.sequence import Task

AT_ONCE = 16
"""Tasks that are held in memory together."""
SETTINGS = {"epochs": 5, "batch_size": 256, "learning_rate": 6e-3, "augment": 0}
MEASURED = (10, 100, 250)
INPUTS = 1_000_000
"""Test images that are asked for without their task, at most: of 250 tasks, 4,000 of each, drawn at random."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", type=int, default=250)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--folder", type=Path, default=Path("runs/permuted"))
    arguments = parser.parse_args()
    records = arguments.folder / "records.jsonl"
    net = sp.Network(arguments.folder / "permuted.sen")
    for goal in sorted({*(number for number in MEASURED if number < arguments.tasks), arguments.tasks}):
        _grow(net, goal, arguments.jobs, records)
        if goal not in {record["measured"] for record in kept(records) if "measured" in record}:
            keep(records, measured=goal, **_measure(net, goal))
    write_permuted(records)


def _grow(net: sp.Network, goal: int, jobs: int, records: Path) -> None:
    have = len(net.view.tasks)
    rest = islice(permuted(goal), have, goal)
    while some := list(islice(rest, AT_ONCE)):
        start = time.perf_counter()
        net.learn_many({task.name: task.train for task in some}, jobs=jobs, **SETTINGS)
        keep(records, tasks=len(net.view.tasks), seconds=time.perf_counter() - start)


def _measure(net: sp.Network, tasks: int) -> dict[str, float]:
    """Shares of test images, the same number of each task: right label and task, right pathway first and among the candidates."""
    each = min(10_000, INPUTS // tasks)
    right: dict[str, list[float]] = {"label": [], "first": [], "among": [], "candidates": [], "refused": [], "label_given": []}
    start, some = time.perf_counter(), []
    for task in permuted(tasks):
        some.append(task.test[0][: max(1, 1_000 // tasks)])
        found = _shares(net, task, each)
        for name, share in found.items():
            right[name].append(share)
    return {
        "each": each,
        "seconds": time.perf_counter() - start,
        "worst": min(right["label"]),
        "activated": activation(net, np.concatenate(some))["default"],
        **{name: float(np.mean(shares)) for name, shares in right.items()},
    }


def _shares(net: sp.Network, task: Task, each: int) -> dict[str, float]:
    rows = np.random.default_rng(0).permutation(len(task.test[1]))[:each]  # the first half of MNIST's test images is harder
    images, labels = task.test[0][rows], task.test[1][rows]
    answers = net.predict(images, reject=False)  # every image belongs to a task, as in the published figures
    names = answers.candidates
    return {
        "label": float(((answers.task == task.name) & (answers.label == labels)).mean()),
        "first": float(np.mean([mine[0] == task.name for mine in names])),
        "among": float(np.mean([task.name in mine for mine in names])),
        "candidates": float(np.mean([len(mine) for mine in names])),
        "refused": float(np.mean([name is None for name in net.predict(images[:1_000]).task])),
        "label_given": float((net.predict(images, task=task.name).label == labels).mean()),
    }


if __name__ == "__main__":
    main()
