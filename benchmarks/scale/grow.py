"""Growing a network of a thousand small tasks, with a copy of its folder at each number of tasks that is measured."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import senpath as sp
from benchmarks.scale.stream import StreamTask

SIZES = (1, 10, 100, 1_000)
MORE = 20
"""Further tasks, which every copy learns to time it."""


def grow(tasks: Sequence[StreamTask], folder: Path) -> dict[int, Path]:
    """The networks of the first 1, 10, 100, … tasks; what a stopped run left in the folder is gone on with."""
    net = sp.Network(folder / "growing.sen")
    paths = {}
    for size in SIZES:
        if size > len(tasks):
            break
        for task in tasks[len(net.view.tasks) : size]:
            net.learn(task.name, *task.train)
            print(f"\r{len(net.view.tasks)} tasks", end="", flush=True)
        paths[size] = folder / f"{size}.sen"
        if len(net.view.tasks) == size and not paths[size].exists():
            shutil.copytree(net.path, paths[size])
    print()
    return paths
