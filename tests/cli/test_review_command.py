"""`senpath review`, and tasks of other kinds from the command line."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sklearn.datasets import load_diabetes

from senpath import Network


@pytest.fixture
def net(learned: Path, tmp_path: Path) -> Path:
    """A copy of the test's own."""
    return Path(shutil.copytree(learned, tmp_path / "my.sen"))


def test_a_review_says_what_came_of_it(senpath: Callable[..., Any], net: Path, files: Path) -> None:
    assert senpath("learn", net, "later", files / "digits", "--set", "links=none", "--set", "epochs=30").code == 0
    version = Network(net).version
    ended = senpath("review", net, "digits", files / "digits", "--set", "threshold=0.3", "--set", "epochs=5")
    assert ended.code == 0
    assert f"changed 'digits', version {version + 1}: " in ended.out or "'digits' stays as it is: " in ended.out
    assert "by cross-validation" in ended.out


def test_nothing_to_review(senpath: Callable[..., Any], net: Path, files: Path) -> None:
    ended = senpath("review", net, "iris", files / "iris.csv")
    assert ended.code == 0
    assert "'iris' stays as it is: no task of its type was learned after it" in ended.out


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        (("letters", "digits"), "task 'letters': expected one that the network has learned"),
        (("digits", "nowhere"), "data nowhere: expected a folder or file, got nothing of that name"),
        (("digits", "digits", "--set", "depth=2"), "setting 'depth' of method sen: expected one of "),
    ],
)
def test_mistakes_are_explained(senpath: Callable[..., Any], net: Path, files: Path, arguments: tuple[str, ...], match: str) -> None:
    task, source, *rest = arguments
    ended = senpath("review", net, task, files / source if source == "digits" else source, *rest)
    assert ended.code > 0
    assert match in ended.err


def test_numbers_from_a_table(senpath: Callable[..., Any], tmp_path: Path) -> None:
    bunch = load_diabetes(as_frame=True)
    bunch.frame.iloc[:200].to_csv(tmp_path / "diabetes.csv", index=False)
    net = tmp_path / "numbers.sen"
    ended = senpath("learn", net, "progression", tmp_path / "diabetes.csv", "--kind", "regression", "--set", "epochs=20")
    assert ended.code == 0
    assert "200 examples, 1 number," in ended.out
    bunch.frame.iloc[200:210].drop(columns="target").to_csv(tmp_path / "new.csv", index=False)
    ended = senpath("predict", net, tmp_path / "new.csv", "--task", "progression")
    assert ended.code == 0
    assert ended.out.count("progression") >= 10
    ended = senpath("learn", net, "other", tmp_path / "diabetes.csv", "--kind", "ranking")
    assert ended.code == 2
    assert "kind of task: expected one of classification, multilabel, regression" in ended.err
