"""Permuted MNIST: hundreds of tasks of 60,000 images each, and no task id at the test.

    python -m benchmarks.scale.permuted [--tasks 250] [--jobs 2] [--folder runs/permuted]

A run that was stopped goes on with the tasks that its folder does not have. Five passes over all images in batches of 256, at a rate of
0.006, no distortions: chosen beforehand, not tuned. One thread per job. Needs SENPATH_DATA.
"""

from argparse import Namespace
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

import senpath as sp
from benchmarks.harness import Benchmark, Part, Record, Records, seconds, table_of
from benchmarks.scale.measure import activation, routes
from benchmarks.scale.stream import permuted
from benchmarks.sequence import Task

AT_ONCE = 16
"""Tasks that are held in memory together."""
SETTINGS: dict[str, Any] = {"epochs": 5, "batch_size": 256, "learning_rate": 6e-3, "augment": 0}
MEASURED = (10, 100, 250)
INPUTS = 1_000_000
"""Test images that are asked for without their task, at most: of 250 tasks, 4,000 of each, drawn at random."""


def _measure(measured: int, folder: Path, jobs: int) -> Iterator[Record]:
    """Shares of test images, the same number of each task: right label and task, right pathway first and among the candidates."""
    net = sp.Network(folder / "permuted.sen")
    have = len(net.view.tasks)
    rest = islice(permuted(measured), have, measured)
    while some := list(islice(rest, AT_ONCE)):
        taken = seconds(lambda some=some: net.learn_many({task.name: task.train for task in some}, jobs=jobs, **SETTINGS))
        yield {"tasks": len(net.view.tasks), "seconds to learn": taken}
    each, shares, images = min(10_000, INPUTS // measured), Records(), []

    def look() -> None:
        for task in permuted(measured):
            images.append(task.test[0][: max(1, 1_000 // measured)])
            shares.append(_shares(net, task, each))

    record = {"each": each, "seconds": seconds(look), "worst": min(shares.values("label"))}
    active = activation(net, np.concatenate(images))["default"]
    yield {**record, "activated": active, **{name: shares.mean(name) for name in shares[0]}}


def _shares(net: sp.Network, task: Task, each: int) -> dict[str, float]:
    rows = np.random.default_rng(0).permutation(len(task.test[1]))[:each]  # the first half of MNIST's test images is harder
    images, labels = task.test[0][rows], task.test[1][rows]
    refused = float(np.mean([name is None for name in net.predict(images[:1_000]).task]))
    return {**routes(net, {task.name: (images, labels)}), "refused": refused}  # none else is refused, as in the published figures


def _active(one: Record) -> str:
    shares = one.get("activated")
    return f"{1e3 * shares['pathways']:.2f} ‰, {1e3 * shares['all']:.2f} ‰" if shares else "–"


def _table(records: Records) -> str:
    columns: dict[str, Callable[[Record], object]] = {
        "tasks": lambda one: f"{one['measured']:,}",
        "test images": lambda one: f"{one['measured'] * one['each']:,}",
        "accuracy, no task id, %": lambda one: f"**{100 * one['label']:.2f}**",
        "worst task": lambda one: f"{100 * one['worst']:.2f}",
        "task given": lambda one: f"{100 * one['label_given']:.2f}",
        "right pathway first, %": lambda one: f"{100 * one['first']:.3f}",
        "candidates": lambda one: f"{one['candidates']:.4f}",
        "refused unless told not to, %": lambda one: f"{100 * one['refused']:.1f}",
        "activated: pathways and links, with dispatcher": _active,
    }
    return table_of(records.where(lambda one: "label" in one), columns)


def _cells(arguments: Namespace) -> list[Record]:
    return [{"measured": goal} for goal in (*(number for number in MEASURED if number < arguments.tasks), arguments.tasks)]


PART = Part(_measure, _cells, workers=0)
OPTIONS = {"--tasks": {"type": int, "default": 250}}
BENCHMARK = Benchmark("permuted", __doc__, {"permuted": PART}, {"permuted": _table}, "scale.md", jobs=2, options=OPTIONS)

if __name__ == "__main__":
    BENCHMARK.main()
