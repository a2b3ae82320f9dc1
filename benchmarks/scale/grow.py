"""Growing a network of a thousand small tasks, with a copy of its folder at each number of tasks that is measured."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import senpath as sp
from benchmarks.sequence import Task

SIZES = (1, 10, 100, 1_000)
MORE = 20
"""Further tasks, which every copy learns to time it."""


def grow(tasks: Sequence[Task], folder: Path) -> dict[int, Path]:
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
            partly = Path(shutil.copytree(net.path, folder / f"{size}.partly", dirs_exist_ok=True))
            partly.rename(paths[size])
        if not paths[size].exists():
            raise SystemExit(f"{folder} has no network of {size} tasks, and has grown beyond; remove the folder to begin anew")
    print()
    return paths
