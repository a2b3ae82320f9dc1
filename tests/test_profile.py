"""How many of the package's files a call runs through: whoever follows it has to read so many."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import pytest

import senpath as sp
from senpath.testing import tiny_task

PACKAGE = Path(sp.__file__).parent


@contextmanager
def files_entered() -> Iterator[set[str]]:
    """The package's files of which a function was called within; defining classes and functions, at an import, is no call."""
    files: set[str] = set()

    def note(frame: FrameType, event: str, argument: object) -> None:
        if event == "call" and frame.f_code.co_name != "<module>":
            path = Path(frame.f_code.co_filename)
            if path.is_relative_to(PACKAGE):
                files.add(str(path.relative_to(PACKAGE)))

    sys.setprofile(note)
    try:
        yield files
    finally:
        sys.setprofile(None)


@pytest.fixture(scope="module")
def net() -> sp.Network:
    """Knows a task of pictures."""
    net = sp.Network()
    net.learn("low", *tiny_task("low"), epochs=2)
    return net


def check(files: set[str], most: int) -> None:
    assert len(files) <= most, f"{len(files)} files: {', '.join(sorted(files))}"


def test_learning_runs_through_so_many_files_at_most(net: sp.Network) -> None:
    x, y = tiny_task("high")
    with files_entered() as files:
        net.learn("high", x, y, epochs=2, min_separability=0)
    assert net.tasks["high"].transfers
    check(files, 78)  # docs/decisions/files-entered.md


def test_predicting_runs_through_so_few_files(net: sp.Network) -> None:
    x, _ = tiny_task("low")
    net.predict(x)  # reads what is kept for later calls
    with files_entered() as files:
        answers = net.predict(x)
    assert len(answers) == len(x)
    check(files, 28)
