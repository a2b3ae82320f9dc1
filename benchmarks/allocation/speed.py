"""What a step costs: components run for the tasks that use them, for all tasks, and for all by masking as the paper's code does."""

import statistics
import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import count
from typing import Any

import torch

from benchmarks.harness import Record, Records, in_turn, table_of
from senpath.methods.allocation import PAPER, AllocationSettings, Training
from senpath.methods.allocation.model import ESTIMATORS, masked
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
    """Forward and backward passes of each, in turn, with probability ½ of use."""
    where = "one thread of a CPU" if device == "cpu" else torch.cuda.get_device_name()
    for name, (side, settings) in SHAPES.items():
        yield {"name": name, "device": where, **_measure(side, settings, torch.device(device))}


def _measure(side: int, settings: dict[str, Any], device: torch.device) -> dict[str, float]:
    chosen = AllocationSettings(p0=0.5, **settings)
    splits = [_noise(side, chosen.batch, task) for task in range(TASKS)]
    trainings = {name: Training(splits, chosen, device, mix) for name, mix in {**ESTIMATORS, "masked": masked}.items()}
    seconds = in_turn({name: partial(_pass, training, count(), device) for name, training in trainings.items()}, ROUNDS, warm=WARM)
    figures = {name: statistics.median(taken) for name, taken in seconds.items()}
    for name in ("all", "masked"):
        ratios = [slow / fast for fast, slow in zip(seconds["used"], seconds[name], strict=True)]
        figures |= {f"{name} ratio": statistics.median(ratios), f"{name} least": min(ratios), f"{name} most": max(ratios)}
    return figures


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
        '`evaluate="used"`, ms': lambda one: f"{1000 * one['used']:.0f}",
        '`"all"`, the default, ms': lambda one: f"{1000 * one['all']:.0f}",
        "all by masking, ms": lambda one: f"{1000 * one['masked']:.0f}",
        **{f"{title}, times as long as used": partial(_ratio, name) for name, title in {"all": "`all`", "masked": "masked"}.items()},
    }
    return (
        f"{table_of(records, columns)}\n\n"
        f"Forward and backward pass of one step of {TASKS} tasks in one batch, each component in use with probability ½, on "
        f"{records[0]['device']}; medians of {ROUNDS} passes, in turn, and of the ratios the least and the most."
    )


def _ratio(name: str, one: Record) -> str:
    return f"{one[f'{name} ratio']:.2f} ({one[f'{name} least']:.2f} … {one[f'{name} most']:.2f})"
