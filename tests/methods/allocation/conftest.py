"""Small tasks of real digits, and trainings of them that take moments."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from senpath.methods.allocation import AllocationSettings, Training
from senpath.training import TaskSplit
from senpath.types import DataType, Examples

SMALL: dict[str, Any] = {"layers": 2, "width": 4, "components": ("3x3", "1x7", "max", "identity"), "batch": 4, "steps": 4}
Labelled = tuple[np.ndarray, np.ndarray]


@pytest.fixture(scope="session")
def small() -> dict[str, Any]:
    """Settings under which nothing takes long."""
    return SMALL


@pytest.fixture(scope="session")
def halves_of_digits() -> dict[str, Labelled]:
    """Digits 0 … 4 and 5 … 9 (UCI, in scikit-learn), float (n, 8, 8) in 0 … 1: 300 together."""
    bunch = load_digits()
    x, y = bunch.images[:300] / 16, bunch.target[:300]
    return {"low": (x[y < 5], y[y < 5]), "high": (x[y >= 5], y[y >= 5])}


@pytest.fixture(scope="session")
def splits(halves_of_digits: dict[str, Labelled]) -> Sequence[TaskSplit]:
    """Those two tasks and one more of the same images, a regression: how much ink there is."""
    tasks = []
    for x, y in halves_of_digits.values():
        classes, targets = np.unique(y, return_inverse=True)
        inputs = torch.from_numpy(x).float()[:, None]
        tasks.append(Examples(DataType("image", (1, 8, 8)), inputs, torch.from_numpy(targets), tuple(classes.tolist())))
    ink = tasks[0].inputs.sum((1, 2, 3))[:, None]
    tasks.append(Examples(tasks[0].data_type, tasks[0].inputs, ink, ("ink",), "regression"))
    return [TaskSplit(examples, torch.arange(20, len(examples)), torch.arange(20)) for examples in tasks]


@pytest.fixture(scope="session")
def make_training(splits: Sequence[TaskSplit]) -> Callable[..., Training]:
    """A function: what differs from `small`, and the way layers are computed → a training of the three tasks."""

    def make(layer: Any = None, **changes: Any) -> Training:
        return Training(splits, AllocationSettings(**{**SMALL, **changes}), torch.device("cpu"), layer)

    return make
