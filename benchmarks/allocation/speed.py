"""Each component once, over the inputs of the tasks that use it, against evaluating all components for all inputs and masking."""

from __future__ import annotations

import json
import statistics
import time
from pathlib import Path
from typing import Any

import torch

from benchmarks.allocation.page import PAGE
from benchmarks.common import write_section
from senpath.methods.allocation import PAPER, AllocationSettings, Training
from senpath.methods.allocation.model import grouped, masked
from senpath.reports.markdown import markdown_table
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


def run(file: Path, device: str) -> None:
    """Measure forward and backward passes of both, in turn, with probability ½ of use; keep it, and write the page's section."""
    torch.set_num_threads(1)
    records = [_measure(name, side, settings, torch.device(device)) for name, (side, settings) in SHAPES.items()]
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(records, indent=1))
    write_section(PAGE, "speed", table(records, device))


def _measure(name: str, side: int, settings: dict[str, Any], device: torch.device) -> dict[str, Any]:
    chosen = AllocationSettings(p0=0.5, **settings)
    splits = [_noise(side, chosen.batch, task) for task in range(TASKS)]
    trainings = {mix.__name__: Training(splits, chosen, device, mix) for mix in (grouped, masked)}
    seconds: dict[str, list[float]] = {mix: [] for mix in trainings}
    for index in range(WARM + ROUNDS):
        for mix, training in trainings.items():  # in turn, so that what else the machine does meets both
            start = _now(device)
            training.model.zero_grad()
            training.loss(index).backward()
            seconds[mix].append(_now(device) - start)
    times = {mix: statistics.median(found[WARM:]) for mix, found in seconds.items()}
    ratios = [slow / fast for fast, slow in zip(seconds["grouped"][WARM:], seconds["masked"][WARM:], strict=True)]
    print(f"{name}: {times}, {statistics.median(ratios):.2f} times as fast", flush=True)
    return {"name": name, **times, "ratio": statistics.median(ratios), "least": min(ratios), "most": max(ratios)}


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


def table(records: list[dict[str, Any]], device: str) -> str:
    """The section."""
    rows = [
        [
            record["name"],
            f"{1000 * record['grouped']:.0f}",
            f"{1000 * record['masked']:.0f}",
            f"{record['ratio']:.2f} ({record['least']:.2f} … {record['most']:.2f})",
        ]
        for record in records
    ]
    columns = ["network", "by use, ms", "all, masked, ms", "times as fast"]
    where = "one thread of a CPU" if device == "cpu" else torch.cuda.get_device_name()
    note = (
        f"Forward and backward pass of one step of {TASKS} tasks in one batch, each component in use with probability ½, on {where}; "
        f"medians of {ROUNDS} passes, both in turn, and of the ratio the least and the most."
    )
    return f"{markdown_table(columns, rows)}\n\n{note}"
