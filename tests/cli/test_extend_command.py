"""`senpath extend`."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from senpath import Network
from senpath.testing import ConstantMethod


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


def test_new_classes_are_named(senpath: Callable[..., Any], net: Path, tmp_path: Path) -> None:
    Network(net).learn("flowers", pd.DataFrame({"size": [1.0, 2.0]}), ["rose", "lily"], method=ConstantMethod())
    (tmp_path / "more.csv").write_text("size,label\n1.0,rose\n9.0,tulip\n9.5,tulip\n")
    ended = senpath("extend", net, "flowers", tmp_path / "more.csv", "--set", "most_lost=1")
    assert "1 of them new ('tulip')," in ended.out
    assert "flowers, new classes 'tulip'" in senpath("log", net).out


def test_a_stream_is_split(senpath: Callable[..., Any], net: Path, files: Path) -> None:
    ended = senpath("extend", net, files / "digits")
    assert ended.code == 0
    assert "examples fit no task, or have a label that theirs has not" in ended.out


def test_bad_settings_are_refused(senpath: Callable[..., Any], net: Path, files: Path) -> None:
    ended = senpath("extend", net, "digits", files / "digits", "--set", "hidden=3")
    assert ended.code == 2
    assert "setting 'hidden' of extend" in ended.err
