"""What the random tests start from: a small network with every kind of file, and a limit to the memory that one example may take."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier

import senpath as sp

Labelled = tuple[np.ndarray, np.ndarray]

MEMORY = 3 * 2**30
"""Bytes of addresses more than at first: a file that asks for more is to be refused, not to end the test."""


@pytest.fixture(scope="module", autouse=True)
def limited_memory() -> Iterator[None]:
    """Where the system can limit it. Until the module's end, for what comes after in this process may need more: Ray maps gigabytes."""
    if not sys.platform.startswith("linux"):
        yield
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY if hard == resource.RLIM_INFINITY else min(used + MEMORY, hard), hard))
    yield
    resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


@pytest.fixture(scope="session")
def grown(built_once: Callable[[str, Callable[[Path], object]], Path], digits: Labelled, iris: Labelled) -> Path:
    """Two tasks of images, the second linked to the first, one of a table with a forest, and an evaluation. Not to be changed."""

    def build(path: Path) -> None:
        net = sp.Network(path)
        x, y = digits
        net.learn("low", x[y < 5][:60], y[y < 5][:60], hidden=4, epochs=3)
        net.learn("high", x[y >= 5][:40], y[y >= 5][:40], hidden=4, epochs=3, threshold=0, min_separability=0)
        net.learn("iris", *iris, model=RandomForestClassifier(n_estimators=3, max_depth=4), links="none")
        assert net.tasks["high"].transfers
        sp.evaluate(net, {"iris": iris}, record=True)

    return built_once("fuzzed.sen", build)


@pytest.fixture(scope="session")
def gated(built_once: Callable[[str, Callable[[Path], object]], Path], iris: Labelled) -> Path:
    """Two tasks of a table, told apart by gates. Not to be changed."""

    def build(path: Path) -> None:
        net = sp.Network(path, dispatcher="binary")
        x, y = iris
        net.learn("first", x[y < 2], y[y < 2], hidden=2, epochs=1)
        net.learn("second", x[y > 0] * 3, y[y > 0], hidden=2, epochs=1)

    return built_once("gated.sen", build)


@pytest.fixture(scope="session")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], Path]:
    """A function: folder → a copy of it, which takes the place of the last copy."""
    place = tmp_path_factory.mktemp("fresh") / "net"

    def copy(folder: Path) -> Path:
        shutil.rmtree(place, ignore_errors=True)
        return Path(shutil.copytree(folder, place))

    return copy
