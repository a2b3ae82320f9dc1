"""`senpath extend`."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from senpath import Network


@pytest.fixture
def net(learned: Path, tmp_path: Path) -> Path:
    """A copy of the test's own."""
    return Path(shutil.copytree(learned, tmp_path / "my.sen"))


def test_a_task_is_extended(senpath: Callable[..., Any], net: Path, files: Path) -> None:
    before, examples = Network(net).version, Network(net).tasks["digits"].examples
    ended = senpath("extend", net, "digits", files / "digits")
    assert ended.code == 0
    assert ended.out.strip().startswith(f"changed 'digits', version {before + 1}: ")
    extended = Network(net)
    assert extended.tasks["digits"].examples > examples
    extended.verify()


def test_a_stream_is_split(senpath: Callable[..., Any], net: Path, files: Path) -> None:
    ended = senpath("extend", net, files / "digits")
    assert ended.code == 0
    assert "examples fit no task, or have a label that theirs has not" in ended.out


def test_bad_settings_are_refused(senpath: Callable[..., Any], net: Path, files: Path) -> None:
    ended = senpath("extend", net, "digits", files / "digits", "--set", "hidden=3")
    assert ended.code == 2
    assert "setting 'hidden' of extend" in ended.err
