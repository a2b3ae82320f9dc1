"""Small tasks of real digits, and the networks that know them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_digits

from senpath import Network

CLASSES = {"low": (0, 1, 2), "middle": (3, 4, 5), "high": (6, 7, 8, 9)}


@pytest.fixture(scope="session")
def tasks() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """All 1,797 digits in random order, in three tasks by what they are: float (n, 8, 8) in [0, 1] and labels."""
    bunch = load_digits()
    order = np.random.default_rng(0).permutation(len(bunch.target))
    x, y = bunch.images[order] / 16, bunch.target[order]
    return {name: (x[np.isin(y, classes)], y[np.isin(y, classes)]) for name, classes in CLASSES.items()}


@pytest.fixture(scope="session")
def grow(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Network]:
    """A function: tasks by name → a network that learned them in this order, its pathways hardly trained."""

    def learn(learned: dict[str, Any], **options: Any) -> Network:
        path: Path = tmp_path_factory.mktemp("network")
        net = Network(path / "n.sen", **options)
        for name, (x, y) in learned.items():
            net.learn(name, x, y, links="none", epochs=0, hidden=2)
        return net

    return learn
