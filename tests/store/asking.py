"""What the tests of versions ask of a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

import senpath as sp

Labelled = tuple[np.ndarray, np.ndarray]


def learn(net: sp.Network, task: str, data: Labelled, **settings: Any) -> None:
    net.learn(task, *data, **{"model": "mlp", "epochs": 1, "hidden": 4, **settings})


def answers(folder: Path, *inputs: np.ndarray) -> list[np.ndarray]:
    """Everything that a network newly opened answers, with the task given and found."""
    net, found = sp.Network(folder), []
    for x in inputs:
        free = net.predict(x)
        found += [free.task, free.label, free.confidence]
        tasks = [task for task, info in net.tasks.items() if (info.data_type == "image") == (x.ndim == 3)]
        found += [net.predict(x, task=task).probabilities[task] for task in tasks]
    return found


def same(left: list[np.ndarray], right: list[np.ndarray]) -> bool:
    return len(left) == len(right) and all(np.array_equal(a, b) for a, b in zip(left, right, strict=True))


def files(folder: Path, pattern: str) -> set[str]:
    return {path.name for path in folder.glob(pattern)}
