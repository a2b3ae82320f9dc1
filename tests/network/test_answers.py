"""Tasks that read the very same inputs: which one is meant is not in the input, so all candidates answer."""

from __future__ import annotations

import numpy as np
import pytest

import senpath as sp
from senpath.data import moving_pictures
from senpath.testing import ConstantMethod, tiny_task


@pytest.fixture(scope="module")
def net() -> sp.Network:
    x, y = tiny_task("low")
    clips, ways = moving_pictures((255 * x[:80]).astype(np.uint8), 0)
    net = sp.Network()
    net.learn("which digit", clips, y[:80], method=ConstantMethod())
    net.learn("which way", clips, ways, method=ConstantMethod())
    return net


def test_both_tasks_of_the_same_clips_answer(net: sp.Network) -> None:
    clips, _ = moving_pictures((255 * tiny_task("low")[0][80:120]).astype(np.uint8), 1)
    told = net.predict(clips, reject=False)
    both = [row for row, names in enumerate(told.candidates) if {*names} == {"which digit", "which way"}]
    assert len(both) > 30
    for task in ("which digit", "which way"):
        alone = net.predict(clips, task=task)
        for row in both:
            label, sure = told.answers[row][task]
            assert label == alone.label[row]
            assert sure == pytest.approx(alone.confidence[row], abs=1e-6)
    for row in both:
        label, sure = told.answers[row][told.task[row]]
        assert (label, [*told.answers[row]]) == (told.label[row], [*told.candidates[row]])
        assert sure >= told.confidence[row]


def test_answers_of_one_task_and_of_none(net: sp.Network) -> None:
    clips, _ = moving_pictures((255 * tiny_task("low")[0][:3]).astype(np.uint8), 1)
    assert [[*answers] for answers in net.predict(clips, task="which way").answers] == [["which way"]] * 3
    assert net.predict(["a text"], errors="none").answers.tolist() == [{}]


def test_a_regression_is_sure_of_its_numbers() -> None:
    x = np.random.default_rng(0).normal(size=(40, 3))
    net = sp.Network()
    net.learn("sum", x, x.sum(1), kind="regression", method=ConstantMethod())
    told = net.predict(x[:2])
    assert told.answers[0] == {"sum": (told.label[0], 1.0)}
