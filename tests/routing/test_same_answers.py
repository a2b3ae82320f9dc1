"""One input and a batch get the same answers, and of tasks that no input tells apart always the same one answers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits

import senpath as sp
from senpath.testing import ConstantMethod

DIGITS = load_digits()
X, LOW = DIGITS.images / 16, DIGITS.target < 5


@pytest.mark.filterwarnings("ignore::senpath.errors.SenpathWarning")
def test_of_tasks_that_nothing_tells_apart_the_first_answers(tmp_path: Path) -> None:
    net = sp.Network(tmp_path / "net")
    x, y = X[:300][LOW[:300]], DIGITS.target[:300][LOW[:300]]
    for name, labels in (("plain", y), ("again", y), ("words", np.array(["nine", "eight", "seven", "six", "five"])[y])):
        net.learn(name, x, labels, method=ConstantMethod())
    net.learn("other", X[:200][~LOW[:200]], DIGITS.target[:200][~LOW[:200]], method=ConstantMethod())
    mine = X[300:900][LOW[300:900]]
    answers = net.predict(mine, candidates=1, reject=False)
    assert {*answers.task.tolist()} <= {"plain", "other"}
    assert (answers.task == "plain").mean() > 0.9
    assert [net.predict(x, candidates=1, reject=False).task[0] for x in mine[:60]] == answers.task[:60].tolist()
    pairs = net.predict(mine, admit=1e-3, reject=False)
    for row in np.flatnonzero(answers.task == "plain"):
        assert pairs.candidates[row][:2] == ("plain", "again")
    assert net.predict(mine[:1], admit=1e-3).task[0] == pairs.task[0]


def test_one_input_is_as_far_from_its_task_as_in_a_batch() -> None:
    net = sp.Network()
    net.learn("bright", 0.9 + X[:300] / 10, DIGITS.target[:300], method=ConstantMethod())  # what all pictures have in common is large
    x = 0.9 + X[300:360] / 10
    together = net.predict(x).ood_score
    np.testing.assert_allclose([net.predict(one[None]).ood_score[0] for one in x], together, rtol=1e-5)
