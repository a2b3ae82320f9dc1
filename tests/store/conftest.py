"""What the tests of the store share: a small network to copy, and a process in which networks are grown and killed."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from nursery import Nursery

import senpath as sp

Labelled = tuple[np.ndarray, np.ndarray]


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory, digits: Labelled, iris: Labelled) -> Path:
    """A network with a torch task, one that links to it, and a support vector machine: every kind of file is in its folder."""
    folder = tmp_path_factory.mktemp("template") / "net"
    net = sp.Network(folder)
    x, y = digits
    net.learn("low", x[y < 5], y[y < 5], hidden=16, epochs=5)
    net.learn("high", x[y >= 5][:50], y[y >= 5][:50], hidden=16, epochs=5, threshold=0)
    net.learn("iris", *iris, model="svm", links="none")
    assert net.tasks["high"].transfers
    return folder


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


class Faults:
    """Lets a chosen file operation of this process fail, as a full disk or Ctrl-C would."""

    def __init__(self) -> None:
        self._folder, self._left = "", 0
        self._error: BaseException | None = None
        sys.addaudithook(self._look)

    @contextmanager
    def at(self, folder: Path, step: int, error: BaseException) -> Iterator[None]:
        """Raise `error` in place of the file operation of this number below `folder`; `fired` tells whether there was one."""
        self._folder, self._left, self._error = str(folder), step, error
        try:
            yield
        finally:
            self.fired, self._error = self._error is None, None

    def _look(self, event: str, arguments: tuple[Any, ...]) -> None:
        if (
            self._error is None
            or event not in ("open", "os.rename", "os.remove", "os.link")
            or not str(arguments[0]).startswith(self._folder)
        ):
            return
        self._left -= 1
        if self._left < 0:
            error, self._error = self._error, None
            raise error


@pytest.fixture(scope="session")
def faults() -> Faults:
    """See `Faults`; an audit hook cannot be taken back, so there is one for all tests."""
    return Faults()
