"""Each component once, over the inputs of the tasks that use it, against evaluating all components for all inputs and masking."""

import statistics
import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import count
from typing import Any

import torch

from benchmarks.harness import Record, Records, in_turn, table_of
from senpath.methods.allocation import PAPER, AllocationSettings, Training
from senpath.methods.allocation.model import grouped, masked
from senpath.seeds import seeded
from senpath.training import TaskSplit
from senpath.types import DataType, Examples

TASKS, CLASSES, ROUNDS, WARM = 20, 20, 7, 2
SHAPES: dict[str, tuple[int, dict[str, Any]]] = {
    "28×28, 16 maps, 3 layers × 7, 8 inputs a task": (28, {"layers": 3, "width": 16, "components": PAPER["components"], "batch": 8}),
    "28×28, 8 maps, 3 layers × 16 (3×3 pairs), 8 inputs a task": (28, {"layers": 3, "width": 8, "components": 16, "batch": 8}),
    "105×105, 16 maps, 8 layers × 7, 2 inputs a task": (
        105,
        {"layers": 8, "width": 16, "components": PAPER["components"], "strides": PAPER["strides"], "batch": 2},
    ),
}
"""The paper's configuration has the strides of the last one, 48 maps, and 16 inputs of one task."""


def compare(device: str) -> Iterator[Record]:
    """Forward and backward passes of both, in turn, with probability ½ of use."""
    where = "one thread of a CPU" if device == "cpu" else torch.cuda.get_device_name()
    for name, (side, settings) in SHAPES.items():
        yield {"name": name, "device": where, **_measure(side, settings, torch.device(device))}


def _measure(side: int, settings: dict[str, Any], device: torch.device) -> dict[str, float]:
    chosen = AllocationSettings(p0=0.5, **settings)
    splits = [_noise(side, chosen.batch, task) for task in range(TASKS)]
    trainings = {mix.__name__: Training(splits, chosen, device, mix) for mix in (grouped, masked)}
    seconds = in_turn({name: partial(_pass, training, count(), device) for name, training in trainings.items()}, ROUNDS, warm=WARM)
    ratios = [slow / fast for fast, slow in zip(seconds["grouped"], seconds["masked"], strict=True)]
    times = {name: statistics.median(taken) for name, taken in seconds.items()}
    return {**times, "ratio": statistics.median(ratios), "least": min(ratios), "most": max(ratios)}


def _pass(training: Training, steps: Iterator[int], device: torch.device) -> float:
    start = _now(device)
    training.model.zero_grad()
    training.loss(next(steps)).backward()
    return _now(device) - start


def _noise(side: int, batch: int, task: int) -> TaskSplit:
    """Random pixels: what they show does not change how long it takes."""
    with seeded(task):
        inputs = torch.rand(batch, 1, side, side)
    examples = Examples(DataType("image", (1, side, side)), inputs, torch.arange(batch) % CLASSES, tuple(range(CLASSES)))
    return TaskSplit(examples, torch.arange(batch), torch.arange(batch))


def _now(device: torch.device) -> float:
    """Seconds; of a CPU those that this process had it, so that others count less."""
    if device.type == "cpu":
        return time.process_time()
    torch.cuda.synchronize()
    return time.perf_counter()


def table(records: Records) -> str:
    """The section."""
    columns: dict[str, Callable[[Record], object]] = {
        "network": lambda one: one["name"],
        "by use, ms": lambda one: f"{1000 * one['grouped']:.0f}",
        "all, masked, ms": lambda one: f"{1000 * one['masked']:.0f}",
        "times as fast": lambda one: f"{one['ratio']:.2f} ({one['least']:.2f} … {one['most']:.2f})",
    }
    return (
        f"{table_of(records, columns)}\n\n"
        f"Forward and backward pass of one step of {TASKS} tasks in one batch, each component in use with probability ½, on "
        f"{records[0]['device']}; medians of {ROUNDS} passes, both in turn, and of the ratio the least and the most."
    )
