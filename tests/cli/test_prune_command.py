"""`senpath prune`."""

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


@pytest.mark.parametrize("what", ["weights", "units"])
def test_a_task_is_pruned_with_examples(senpath: Callable[..., Any], net: Path, files: Path, what: str) -> None:
    before = Network(net).tasks["digits"].weights
    ended = senpath("prune", net, "digits", "--keep", 0.5, "--what", what, "--data", files / "digits", "--set", "tolerance=1")
    assert ended.code == 0
    assert ended.out.strip().startswith("changed 'digits', version 5: ")
    assert "% on 20 held-out examples before" in ended.out
    pruned = Network(net)
    assert pruned.tasks["digits"].weights < 0.55 * before
    pruned.verify()


def test_without_examples_too(senpath: Callable[..., Any], net: Path) -> None:
    ended = senpath("prune", net, "digits")
    assert ended.code == 0
    assert "nothing was measured, for there were no examples" in ended.out


def test_what_cannot_be_pruned_stays(senpath: Callable[..., Any], net: Path) -> None:
    ended = senpath("prune", net, "digits", "--keep", 0.01)
    assert ended.code == 0
    assert ended.out.strip().startswith("'digits' stays as it is: biases and the output layer")


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        (("digits", "--keep", 1.5), "setting 'keep': expected a number above 0 and below 1, got 1.5"),
        (("digits", "--what", "layers"), "setting 'what': expected one of weights, units, got 'layers'"),
        (("digits", "--set", "share=1"), "setting 'share' of prune: expected one of keep, what"),
        (("letters",), "task 'letters': expected one that the network has learned"),
    ],
)
def test_mistakes_are_explained(senpath: Callable[..., Any], net: Path, arguments: tuple[Any, ...], match: str) -> None:
    ended = senpath("prune", net, *arguments)
    assert ended.code > 0
    assert match in ended.err
