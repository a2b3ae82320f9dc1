"""What the dispatcher's index misses, and what a metric costs that is not of all tasks: against scoring all columns.

    python -m benchmarks.scale.recall [--inputs 3000]

Reads the networks that `python -m benchmarks.scale` and `python -m benchmarks.scale.permuted` left in their folders. Needs SENPATH_DATA.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch

import senpath as sp
from benchmarks.scale.page import write_recall
from benchmarks.scale.records import keep
from benchmarks.scale.stream import five_characters, permuted
from benchmarks.sequence import Task
from senpath.routing import Discriminant, Metric

RECORDS = Path("runs/recall.jsonl")
KEY = "image"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inputs", type=int, default=3_000)
    arguments = parser.parse_args()
    RECORDS.unlink(missing_ok=True)
    five, digits = sp.Network("runs/scale/1000.sen"), sp.Network("runs/permuted/permuted.sen")
    for name, net, tasks in (("five characters", five, five_characters), ("permuted MNIST", digits, permuted)):
        count = len(net.view.tasks)
        images, right = _draw(tasks(count), count, arguments.inputs)
        keep(RECORDS, stream=name, tasks=count, inputs=len(images), **_compare(net, images, right))
    write_recall(RECORDS)


def _draw(tasks: Iterable[Task], count: int, inputs: int) -> tuple[torch.Tensor, np.ndarray]:
    """Test images, as many of each task, and the tasks' places."""
    random, each = np.random.default_rng(0), max(1, inputs // count)
    images = [task.test[0][random.choice(len(task.test[1]), each, replace=False)] for task in tasks]
    return torch.from_numpy(np.concatenate(images)).float()[:, None] / 255, np.repeat(np.arange(count), each)


def _compare(net: sp.Network, images: torch.Tensor, right: np.ndarray) -> dict[str, float]:
    found = net.view.dispatcher(KEY)
    if not isinstance(found, Discriminant) or found.metric.coordinates is None:
        raise SystemExit(f"{net.path} has too few columns for an index")
    decision = found.decide(images)
    exact, record = _all_scored(found, found.metric, images), net.view.manifest.types[KEY]
    fresh = Metric.of(net.view.pooled(KEY), len(found.names), np.array(found.columns.rows), net.device)
    anew = _all_scored(found, fresh, images)
    both = [set(mine) == set(best) for mine, best in zip(decision.order.tolist(), exact.tolist(), strict=True)]
    return {
        "columns": record.rows,
        "cells": len(found.metric.coordinates.cells),
        "metric_tasks": found.metric.tasks,
        "best_found": float((decision.order[:, 0] == exact[:, 0]).mean()),
        "both_found": float(np.mean(both)),
        "looked_at": float(decision.numbers.mean()),
        "first": float((decision.order[:, 0] == right).mean()),
        "first_exact": float((exact[:, 0] == right).mean()),
        "first_fresh": float((anew[:, 0] == right).mean()),
    }


def _all_scored(dispatcher: Discriminant, metric: Metric, images: torch.Tensor) -> np.ndarray:
    """The two best tasks of each image when every column is scored in a metric: int64 (n, 2)."""
    whole = Metric(metric.precision, metric.freedom, metric.centre, metric.tasks, metric.norms[: len(dispatcher.columns.rows)], None)
    every = Discriminant(dispatcher.features, whole, dispatcher.columns, dispatcher.tasks)
    parts = [every.decide(part).order for part in images.split(500)]
    return np.concatenate(parts)


if __name__ == "__main__":
    main()
