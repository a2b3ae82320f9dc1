"""A network that has learned digits well, and tasks that resemble them or do not."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_digits

from senpath import Network

Labelled = tuple[np.ndarray, np.ndarray]
WORDS = np.array(["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"])
QUICK: dict[str, Any] = {"hidden": 32, "epochs": 30, "augment": 0.0, "learning_rate": 1e-2}


@pytest.fixture(scope="session")
def everything() -> Labelled:
    """All 1,797 digits in random order: float (n, 8, 8) in [0, 1], labels 0 … 9."""
    bunch = load_digits()
    order = np.random.default_rng(0).permutation(len(bunch.target))
    return bunch.images[order] / 16, bunch.target[order]


@pytest.fixture(scope="session")
def train(everything: Labelled) -> Labelled:
    """1,000 digits."""
    return everything[0][:1000], everything[1][:1000]


@pytest.fixture(scope="session")
def fresh(everything: Labelled) -> Labelled:
    """797 digits that the base network has not seen."""
    return everything[0][1000:], everything[1][1000:]


@pytest.fixture(scope="session")
def quick() -> dict[str, Any]:
    """Settings under which a small MLP learns digits in a moment."""
    return QUICK


@pytest.fixture(scope="session")
def few() -> Callable[..., Labelled]:
    """A function: examples and labels → the first k of each class."""

    def choose(x: np.ndarray, y: np.ndarray, k: int) -> Labelled:
        chosen = np.concatenate([np.flatnonzero(y == label)[:k] for label in np.unique(y)])
        return x[chosen], y[chosen]

    return choose


@pytest.fixture(scope="session")
def _base(built_once: Callable[[str, Callable[[Path], object]], Path], train: Labelled) -> Path:
    return built_once("base.sen", lambda path: Network(path).learn("digits", *train, **QUICK))


@pytest.fixture(scope="session")
def _halves(built_once: Callable[[str, Callable[[Path], object]], Path], train: Labelled) -> Path:
    x, y = train

    def build(path: Path) -> None:
        net = Network(path)
        for name, mine in (("low", y < 5), ("high", y >= 5)):
            net.learn(name, x[mine], y[mine], links="none", **QUICK)

    return built_once("halves.sen", build)


@pytest.fixture
def base(_base: Path, tmp_path: Path) -> Network:
    """Knows the task "digits" of ten classes. A copy of the test's own."""
    return Network(shutil.copytree(_base, tmp_path / "base.sen"))


@pytest.fixture
def halves(_halves: Path, tmp_path: Path) -> Network:
    """Knows the tasks "low", the digits 0 … 4, and "high", 5 … 9. A copy of the test's own."""
    return Network(shutil.copytree(_halves, tmp_path / "halves.sen"))


@pytest.fixture(scope="session")
def words() -> np.ndarray:
    """The digits' names, in order."""
    return WORDS
