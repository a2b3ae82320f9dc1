"""What workers on Ray are given in tests: a method that waits to be killed, and tasks as files."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np

from senpath import Examples, View
from senpath.progress import Progress, silent
from senpath.snapshot import MethodResult
from senpath.testing import ConstantMethod, tiny_task


class Waiting(ConstantMethod):
    """Says who works at one of the tasks, and waits there as long as the file that says it is there.

    Args:
        task: at which it waits.
        file: that says it.
    """

    def __init__(self, task: str, file: Path) -> None:
        super().__init__()
        self.task, self.file = task, file

    def propose(self, view: View, task: str, examples: Examples, progress: Progress = silent) -> MethodResult:
        if task == self.task and not self.file.exists():
            self.file.write_text(str(os.getpid()))
            time.sleep(600)
        return super().propose(view, task, examples, progress)


def write_tasks(folder: Path, count: int) -> dict[str, Path]:
    """So many tasks of pictures, as files: every other one of larger pictures, which bring a type of their own."""
    folder.mkdir()
    x, y = tiny_task("low")
    places = {f"task {number}": folder / f"{number}.npz" for number in range(count)}
    for number, place in enumerate(places.values()):
        mine = np.random.default_rng(number).choice(len(y), 60, replace=False)
        np.savez(place, x=np.kron(x[mine], np.ones((2, 2))) if number % 2 else x[mine], y=y[mine])
    return places
