"""On real handwriting: capitals from five examples a class gain by what small letters know, and that source is found."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from senpath import Network, data

REDUCED: dict[str, Any] = {"epochs": 12, "batch_size": 128}
"""A fifth of the steps that a task of this size gets by default."""


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a network that knows digits, X-rays of lungs, then small letters."""
    if not os.environ.get("SENPATH_DATA"):
        pytest.skip("SENPATH_DATA is not set: this test reads real letters")
    net = Network(tmp_path_factory.mktemp("letters") / "n.sen")
    for name, most in (("mnist", 5000), ("pneumonia", 3000), ("lower", 6000)):
        x, y = data.load(name)
        net.learn(name, np.asarray(x)[:most], y[:most], links="none", **REDUCED)
    return net.path


@pytest.fixture
def chain(learned: Path, tmp_path: Path) -> Network:
    """A copy of the test's own."""
    return Network(shutil.copytree(learned, tmp_path / "n.sen"))


@pytest.mark.slow("learns thousands of real letters")
def test_capitals_borrow_from_small_letters(chain: Network) -> None:
    x, y = data.load("upper")
    shots = data.few_shot(x, y, 5, seed=0)
    tests = data.load("upper", "test")
    chain.learn("upper", np.asarray(x)[shots], y[shots])
    chain.learn("alone", np.asarray(x)[shots], y[shots], links="none")
    accuracy = {task: (chain.predict(tests[0], task=task).label == tests[1]).mean() for task in ("alone", "upper")}
    assert accuracy["upper"] >= accuracy["alone"] + 0.03
    assert {source for source, _ in chain.tasks["upper"].transfers} == {"lower"}


@pytest.mark.slow("learns thousands of real letters")
def test_the_right_source_is_chosen_class_by_class(chain: Network) -> None:
    x, y = data.load("upper")
    chain.learn("zero-shot", x, y, links="similar", epochs=0)
    transfers = chain.tasks["zero-shot"].transfers
    assert {source for source, _ in transfers} == {"lower"}
    pairs = {(transfer.source, transfer.target) for _, transfer in transfers}
    assert {("o", "O"), ("s", "S"), ("z", "Z"), ("c", "C"), ("x", "X")} <= pairs
    assert sum(str(source).upper() == target for source, target in pairs) >= 0.8 * len(pairs)
    tests = data.load("upper", "test")
    assert 0.3 < (chain.predict(tests[0], task="zero-shot").label == tests[1]).mean() < 0.7
