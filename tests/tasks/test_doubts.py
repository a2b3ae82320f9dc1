"""Labels that look as if they were not what people meant."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
import torch

import senpath as sp
from senpath.tasks import read_targets
from senpath.tasks.doubts import doubts_about
from senpath.testing import ConstantMethod

RANDOM = np.random.default_rng(0)


def doubts(labels: np.ndarray) -> list[str]:
    targets = read_targets(labels.tolist(), len(labels), "classification")
    return doubts_about(targets.classes, targets.values.bincount(minlength=len(targets.classes)))


@pytest.mark.parametrize(
    "labels",
    [
        RANDOM.integers(25, 347, 442),  # as the progression of diabetes
        np.array([f"{number}.0" for number in RANDOM.integers(25, 347, 442)]),  # as words of a file
        RANDOM.integers(18, 90, 60),  # ages
        RANDOM.normal(0, 1000, 100).round(),
        RANDOM.permutation(10_000)[:50],  # prices that all differ
    ],
)
def test_numbers_to_be_predicted(labels: np.ndarray) -> None:
    (doubt,) = doubts(labels)
    assert "look like numbers to be predicted" in doubt
    assert "--kind regression" in doubt


@pytest.mark.parametrize(
    "labels",
    [
        np.arange(100),  # one example a class
        np.repeat(np.arange(100), 2),
        np.repeat(RANDOM.permutation(1000)[:64], 2),  # some of many numbered classes
        RANDOM.permutation(100)[:64],
        np.concatenate([np.arange(200), np.arange(50), np.arange(10)]),  # people, some with more pictures
        RANDOM.integers(0, 300, 20),  # too few to tell
        np.repeat(RANDOM.integers(0, 10_000, 40), RANDOM.integers(3, 9, 40)),  # numbers of articles
    ],
)
def test_classes_that_are_numbered(labels: np.ndarray) -> None:
    assert doubts(labels) == []


@pytest.mark.parametrize("gap", ["nan", "NaT", "<NA>", " "])
def test_words_that_numpy_and_pandas_make_of_gaps(gap: str) -> None:
    (doubt,) = doubts(np.array(["a", "b", gap]))
    assert f"its label {gap!r} looks like one that is missing" in doubt
    assert doubts_about(("a", gap), known=2) == []


def test_one_class_by_several_names() -> None:
    (doubt,) = doubts(np.array(["Setosa ", "setosa", "virginica", " virginica", "other"]))
    assert "' virginica' and 'virginica'; 'Setosa ' and 'setosa' differ only by case or outer blanks" in doubt
    assert doubts(np.array([*"AaBb"])) == []  # letters
    assert doubts_about(("a1", "A1", "b"), known=2) == []  # the task had both before
    assert "'a1' and 'A1'" in doubts_about(("a1", "b", "A1"), known=2)[0]


def test_it_is_said_by_learn_extend_and_the_log(tmp_path: Path) -> None:
    net = sp.Network(tmp_path / "net")
    x = RANDOM.normal(size=(60, 2))
    with pytest.warns(sp.SenpathWarning, match="task 'ages': its labels .* kind='regression'"):
        learned = net.learn("ages", x, RANDOM.integers(18, 90, 60).astype(float), method=ConstantMethod())
    assert "--kind regression" in str(learned.warning)
    assert "--kind regression" in net.log[-1]["warnings"][0]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        net.learn("ages in years", x, torch.arange(60) * 3, kind="regression", method=ConstantMethod())
        net.learn("flowers", x[:4], ["rose", "lily"] * 2, method=ConstantMethod())
    with pytest.warns(sp.SenpathWarning, match="task 'flowers': its labels 'rose' and 'Rose' differ"):
        revised = net.extend("flowers", x[:2], ["Rose", "lily"], most_lost=1)
    assert "('Rose')" in revised.reason
    assert "'rose' and 'Rose'" in net.log[-1]["warnings"][0]
