"""The stream of tasks of the paper, and small samples of a task."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from senpath.data.sources import describe, load
from senpath.data.task import Items, Task
from senpath.errors import InputError

PAPER_TASKS = ("fashion", "mnist", "lower", "upper", "speech")


def paper_tasks(root: Path | None = None) -> dict[str, Task]:
    """The five tasks of the SEN paper on real data, in its order: fashion, mnist, lower, upper, speech.

    Args:
        root: the data folder; by default `data_root()`.

    Raises: InputError if a file is missing or damaged.
    """
    return {name: _real(name, root) for name in PAPER_TASKS}


def _real(name: str, root: Path | None) -> Task:
    return Task(load(name, "train", root=root), load(name, "test", root=root), f"real: {describe(name, root)}")


def few_shot(x: Items, y: np.ndarray, k: int, seed: int) -> np.ndarray:
    """A sample of `k` examples of each class, drawn without replacement.

    Args:
        x: n items, y: labels (n,).
        k: at least 1.
        seed: equal seeds draw equal samples.

    Returns: indices int64 (k * classes,), class by class in sorted order.
    Raises: InputError if a class has fewer than `k` examples.
    """
    y = np.asarray(y)
    if y.ndim != 1 or len(x) != len(y):
        raise InputError("items and labels do not go together", expected=f"labels of shape ({len(x)},)", got=y.shape)
    if k < 1:
        raise InputError("a sample needs examples", expected="k >= 1", got=k)
    generator = np.random.default_rng(seed)
    chosen = []
    for label in np.unique(y):
        members = np.flatnonzero(y == label)
        if len(members) < k:
            raise InputError(f"the class {label} is too small", expected=f"{k} examples", got=len(members), do="Ask for fewer.")
        chosen.append(generator.choice(members, k, replace=False))
    return np.concatenate(chosen) if chosen else np.empty(0, np.int64)
