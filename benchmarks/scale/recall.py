"""What the dispatcher's index misses, and what a metric costs that is not of all tasks: against scoring all columns.

    python -m benchmarks.scale.recall [--inputs 3000] [--networks runs]

Reads the networks that `python -m benchmarks.scale` and `python -m benchmarks.scale.permuted` left in their folders. Needs SENPATH_DATA.
"""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
import torch

import senpath as sp
from benchmarks.harness import Benchmark, Part, Record, Records, table_of
from benchmarks.scale.stream import five_characters, permuted
from benchmarks.sequence import Task
from senpath.routing import Discriminant, Metric

STREAMS: dict[str, tuple[str, Callable[[int], Iterable[Task]]]] = {
    "five characters": ("scale/1000.sen", five_characters),
    "permuted MNIST": ("permuted/permuted.sen", permuted),
}
KEY = "image"


def _measure(stream: str, inputs: int, networks: Path) -> Iterator[Record]:
    place, tasks = STREAMS[stream]
    path = networks / place
    if not path.exists():
        raise SystemExit(f"{path} is not there: run the benchmark that grows it")
    net = sp.Network(path)
    count = len(net.view.tasks)
    images, right = _draw(tasks(count), count, inputs)
    yield {"tasks": count, "inputs": len(images), **_compare(net, images, right)}


def _draw(tasks: Iterable[Task], count: int, inputs: int) -> tuple[torch.Tensor, np.ndarray]:
    """Test images, as many of each task, and the tasks' places."""
    random, each = np.random.default_rng(0), max(1, inputs // count)
    images = [task.test[0][random.choice(len(task.test[1]), each, replace=False)] for task in tasks]
    return torch.from_numpy(np.concatenate(images)).float()[:, None] / 255, np.repeat(np.arange(count), each)


def _compare(net: sp.Network, images: torch.Tensor, right: np.ndarray) -> dict[str, float]:
    dispatcher = net.view.dispatcher(KEY)
    if not isinstance(dispatcher, Discriminant) or dispatcher.metric.coordinates is None:
        raise SystemExit(f"{net.path} has too few columns for an index")
    decision = dispatcher.decide(images)
    exact, record = _all_scored(dispatcher, dispatcher.metric, images), net.view.manifest.types[KEY]
    fresh = Metric.of(net.view.pooled(KEY), len(dispatcher.names), np.array(dispatcher.columns.rows), net.device)
    anew = _all_scored(dispatcher, fresh, images)
    both = [set(mine) == set(best) for mine, best in zip(decision.order.tolist(), exact.tolist(), strict=True)]
    return {
        "columns": record.rows,
        "cells": len(dispatcher.metric.coordinates.cells),
        "metric_tasks": dispatcher.metric.tasks,
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


def _table(records: Records) -> str:
    columns: dict[str, Callable[[Record], object]] = {
        "stream": lambda one: f"{one['stream']}, {one['tasks']:,} tasks",
        "columns": lambda one: f"{one['columns']:,}",
        "index": lambda one: "all compared" if one["cells"] == 1 else f"{one['cells']:,} cells",
        "best task of all found, %": lambda one: f"{100 * one['best_found']:.2f}",
        "best two found, %": lambda one: f"**{100 * one['both_found']:.2f}**",
        "right task first, by the index, %": lambda one: f"{100 * one['first']:.1f}",
        "… all columns scored, %": lambda one: f"{100 * one['first_exact']:.1f}",
        "… in a metric of all tasks, %": lambda one: f"{100 * one['first_fresh']:.1f}",
        "tasks in the metric used": lambda one: f"{one['metric_tasks']:,}",
    }
    return table_of(records, columns)


PART = Part(_measure, {"stream": STREAMS})
OPTIONS = {
    "--inputs": {"type": int, "default": 3_000},
    "--networks": {"type": Path, "default": Path("runs"), "help": "folder with those of the two (default: %(default)s)"},
}
BENCHMARK = Benchmark("recall", __doc__, {"recall": PART}, {"recall": _table}, "scale.md", anew=True, options=OPTIONS)

if __name__ == "__main__":
    BENCHMARK.main()
