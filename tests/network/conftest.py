"""What the tests of the network share."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import numpy as np
import pytest

import senpath as sp

Labelled = tuple[np.ndarray, np.ndarray]


@pytest.fixture(scope="session")
def _net(built_once: Callable[[str, Callable[[Path], object]], Path], digits: Labelled, iris: Labelled) -> Path:
    def build(path: Path) -> None:
        found = sp.Network(path)
        found.learn("digits", *digits, epochs=1, hidden=8)
        found.learn("iris", *iris, epochs=1, hidden=8, model="mlp")

    return built_once("digits and iris.sen", build)


@pytest.fixture(scope="module")
def net(_net: Path, tmp_path_factory: pytest.TempPathFactory) -> sp.Network:
    """A network of two tasks that no test may change."""
    return sp.Network(shutil.copytree(_net, tmp_path_factory.mktemp("bad") / "net"))


@pytest.fixture
def refused(net: sp.Network, unchanged: Callable[[Path], AbstractContextManager[None]]) -> Callable[..., AbstractContextManager[None]]:
    """A context manager: within, an error with this message is raised, and `net` stays as it was, in memory and on disk."""

    @contextmanager
    def refuse(match: str, error: type[Exception] = sp.InputError) -> Iterator[None]:
        with unchanged(net.path), pytest.raises(error, match=match):
            yield
        assert (net.version, list(net.tasks)) == (2, ["digits", "iris"])

    return refuse
