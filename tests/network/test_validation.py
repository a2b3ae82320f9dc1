"""What a task is measured on while it is learned, and not learned from."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_diabetes, load_digits

import senpath as sp
from senpath.testing import ConstantMethod
from tests.raising import raises_error

DIGITS = load_digits()
X, Y = DIGITS.images[:300] / 16, DIGITS.target[:300]
BRIEF: dict[str, Any] = {"epochs": 12, "hidden": 16, "augment": 0, "learning_rate": 0.01}


def told_of(net: sp.Network, task: str, *data: Any, **settings: Any) -> tuple[Any, list[tuple[str, dict[str, float]]]]:
    told: list[tuple[str, dict[str, float]]] = []

    def follow(stage: str, done: int, total: int, /, **figures: float) -> None:
        told.append((stage, figures))

    return net.learn(task, *data, progress=follow, **settings), told


@pytest.mark.parametrize("model", ["mlp", "cnn"])
def test_progress_tells_the_accuracy_on_what_is_held_out(model: str) -> None:
    net = sp.Network()
    learned, told = told_of(net, "digits", X[:200], Y[:200], validation=(X[200:], Y[200:]), model=model, **BRIEF)
    steps = [figures for stage, figures in told if stage == "train"]
    assert steps
    assert all({"loss", "accuracy"} == figures.keys() and 0 <= figures["accuracy"] <= 1 for figures in steps)
    right = float((net.predict(X[200:], task="digits").label == Y[200:]).mean())
    assert learned.validation == pytest.approx(right)
    assert steps[-1]["accuracy"] == pytest.approx(right)
    assert ("validation", {"accuracy": learned.validation}) in told
    assert net.log[-1]["validation"] == {"examples": 100, "score": learned.validation}


def test_data_that_is_measured_on_changes_no_bit() -> None:
    plain, measured = sp.Network(), sp.Network()
    plain.learn("digits", X[:200], Y[:200], **BRIEF)
    told_of(measured, "digits", X[:200], Y[:200], validation=(X[200:], Y[200:]), **BRIEF)
    assert plain.view.pathway("digits").components == measured.view.pathway("digits").components
    net = sp.Network()
    learned, told = told_of(net, "digits", X[:200], Y[:200], **BRIEF)
    assert learned.validation is None
    assert not any("accuracy" in figures for stage, figures in told if stage == "train")


def test_a_share_of_each_class_is_left_out() -> None:
    net = sp.Network()
    learned, _ = told_of(net, "digits", X, Y, validation=0.2, method=ConstantMethod())
    held = net.log[-1]["validation"]["examples"]
    assert abs(held - 60) <= 5
    assert learned.provenance.examples == 300 - held
    assert learned.validation is not None


def test_of_numbers_it_is_r_squared() -> None:
    data = load_diabetes()
    net = sp.Network()
    learned, _ = told_of(net, "diabetes", data.data, data.target, kind="regression", validation=0.25, epochs=5, hidden=4)
    assert learned.validation is not None
    assert -1 < learned.validation < 1


def test_what_cannot_be_held_out_is_refused() -> None:
    net = sp.Network()
    for wrong in (0.0, 1.0, True, -0.1):
        with raises_error(sp.InputError, what="validation"):
            net.learn("digits", X, Y, validation=wrong, method=ConstantMethod())
    with raises_error(sp.InputError, what="validation", do="larger share"):
        net.learn("digits", X[:10], np.arange(10), validation=0.2, method=ConstantMethod())
    with raises_error(sp.InputError, what="labels y"):
        net.learn("digits", X, Y, validation=(X[:2], ["other", "labels"]), method=ConstantMethod())
    assert not net.tasks
