"""What the tests of the store share: a small network to copy, and a process in which networks are grown and killed."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from faults import Faults
from nursery import Nursery

import senpath as sp

Labelled = tuple[np.ndarray, np.ndarray]


@pytest.fixture(scope="session")
def template(built_once: Callable[[str, Callable[[Path], object]], Path], digits: Labelled, iris: Labelled) -> Path:
    """A network with a torch task, one that links to it, and a support vector machine: every kind of file is in its folder."""

    def build(path: Path) -> None:
        net = sp.Network(path)
        x, y = digits
        net.learn("low", x[y < 5], y[y < 5], hidden=16, epochs=5)
        net.learn("high", x[y >= 5][:50], y[y >= 5][:50], hidden=16, epochs=5, threshold=0)
        net.learn("iris", *iris, model="svm", links="none")
        assert net.tasks["high"].transfers

    return built_once("template.sen", build)


@pytest.fixture
def light(built_once: Callable[[str, Callable[[Path], object]], Path], tmp_path: Path, iris: Labelled) -> Path:
    """A network with tasks of the same names and kinds of models as the template's, all of one table, so that commits cost little."""

    def build(path: Path) -> None:
        net = sp.Network(path)
        net.learn("low", *iris, hidden=4, epochs=1, model="mlp")
        net.learn("high", *iris, hidden=4, epochs=1, model="mlp", threshold=0, min_separability=0)
        net.learn("iris", *iris, model="svm", links="none")
        assert net.tasks["high"].transfers

    return Path(shutil.copytree(built_once("light.sen", build), tmp_path / "light"))


@pytest.fixture
def folder(template: Path, tmp_path: Path) -> Path:
    """A copy of the template."""
    return Path(shutil.copytree(template, tmp_path / "net"))


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    """See `Nursery`."""
    found = Nursery()
    yield found
    found.close()


@pytest.fixture(scope="session")
def faults() -> Faults:
    """See `Faults`; an audit hook cannot be taken back, so there is one for all tests."""
    return Faults()
