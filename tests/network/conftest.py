"""What the tests of the network share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import numpy as np
import pytest

import senpath as sp

Labelled = tuple[np.ndarray, np.ndarray]


@pytest.fixture(scope="module")
def net(tmp_path_factory: pytest.TempPathFactory, digits: Labelled, iris: Labelled) -> sp.Network:
    """A network of two tasks that no test may change."""
    found = sp.Network(tmp_path_factory.mktemp("bad") / "net")
    found.learn("digits", *digits, epochs=1, hidden=8)
    found.learn("iris", *iris, epochs=1, hidden=8, model="mlp")
    return found


@pytest.fixture
def refused(net: sp.Network, unchanged: Callable[[Path], AbstractContextManager[None]]) -> Callable[..., AbstractContextManager[None]]:
    """A context manager: within, an error with this message is raised, and `net` stays as it was, in memory and on disk."""

    @contextmanager
    def refuse(match: str, error: type[Exception] = sp.InputError) -> Iterator[None]:
        with unchanged(net.path), pytest.raises(error, match=match):
            yield
        assert (net.version, list(net.tasks)) == (2, ["digits", "iris"])

    return refuse
