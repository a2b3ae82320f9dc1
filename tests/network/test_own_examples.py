"""A task that cannot tell its own examples apart: other recipes are tried, and what is left is said."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_digits

from senpath import Network, SenpathWarning
from senpath.cli.main import main
from senpath.sklearn import SENClassifier
from senpath.testing import ConstantMethod

SAME = np.full((20, 8, 8), 0.5)
TURNS = np.arange(20) % 2


def test_it_is_said_in_every_place() -> None:
    net = Network()
    with pytest.warns(SenpathWarning, match="task 'coin' hardly tells its own examples apart, after 4 recipes were tried: its accuracy"):
        learned = net.learn("coin", SAME, TURNS, epochs=1)
    assert learned.warning is not None
    assert net.log[-1]["warnings"] == [learned.warning]
    assert net.log[-1]["recipes_tried"] == [0, 0, 0, 0]


@pytest.mark.parametrize("settings", [{"model": "svm"}, {"epochs": 1, "learning_rate": 0.001}], ids=["svm", "a rate that was set"])
def test_what_was_asked_for_is_tried_once(settings: dict[str, Any]) -> None:
    net = Network()
    with pytest.warns(SenpathWarning, match="hardly tells its own examples apart: its accuracy"):
        net.learn("coin", SAME, TURNS, **settings)
    assert "recipes_tried" not in net.log[-1]


@pytest.mark.parametrize(
    ("y", "kind", "score"), [([{"heads"}, {"tails"}] * 10, "multilabel", "Jaccard index"), (TURNS * 1.5, "regression", "R²")]
)
def test_every_kind_of_task(y: Any, kind: str, score: str) -> None:
    with pytest.warns(SenpathWarning, match=f"its {score} on them is"):
        assert Network().learn("coin", SAME, y, kind=kind, method=ConstantMethod()).warning


def test_tasks_of_one_call() -> None:
    digits = load_digits()
    tasks = {"coin": (SAME, TURNS), "digits": (digits.images[:40] / 16, digits.target[:40])}
    with pytest.warns(SenpathWarning, match="task 'coin'"):
        learned = Network().learn_many(tasks, method=ConstantMethod())
    assert learned["coin"].warning
    assert learned["digits"].warning is None


@pytest.mark.filterwarnings("error")
def test_nothing_is_said_of_a_rare_class_that_is_ranked_first() -> None:
    # 5 % of the rows: the common class is always the likelier one, but the rare one comes first.
    random = np.random.default_rng(0)
    y = (np.arange(400) % 20 == 0).astype(int)
    x = random.normal(size=(400, 3)) + y[:, None] * [0.8, 0, 0]
    assert Network().learn("rare", x, y).warning is None


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("y", [np.ones(20), np.full(20, 1.7e9)])
def test_numbers_that_do_not_differ_are_nothing_to_tell_apart(y: np.ndarray) -> None:
    assert Network().learn("constant", SAME, y, kind="regression", method=ConstantMethod()).warning is None


@pytest.mark.filterwarnings("error")
def test_warnings_that_are_errors_commit_nothing() -> None:
    net = Network()
    with pytest.raises(SenpathWarning, match="coin"):
        net.learn("coin", SAME, TURNS, method=ConstantMethod())
    assert net.version == 0


def test_a_classifier_says_it_too() -> None:
    with pytest.warns(SenpathWarning, match="hardly tells") as told:
        SENClassifier(epochs=1).fit(SAME, TURNS)
    assert {warning.filename for warning in told} == {__file__}  # at the line that called it


def test_the_command_line_warns_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    np.savez(tmp_path / "coin.npz", x=SAME, y=TURNS)
    with pytest.raises(SystemExit) as ended:
        main(["learn", str(tmp_path / "n.sen"), "coin", str(tmp_path / "coin.npz"), "--set", "epochs=1", "--set", "learning_rate=0.001"])
    assert ended.value.code == 0
    (line,) = [line for line in capsys.readouterr().err.splitlines() if not line.startswith("read: ")]
    assert line.startswith("warning: task 'coin' hardly tells its own examples apart")


def test_another_rate_is_tried_where_hidden_units_die() -> None:
    digits = load_digits()
    x = np.stack([np.kron(1 - digits.images[:150] / 40, np.ones((1, 5, 5)))] * 3, -1)  # large, bright and in colour
    net = Network()
    learned = net.learn("bright", x, digits.target[:150], model="mlp", epochs=40, augment=0)
    tried = net.log[-1]["recipes_tried"]
    assert tried[0] == 0
    assert max(tried) > 0.1
    assert learned.warning is None
    assert learned.provenance.settings["learning_rate"] in (0.001, 0.00025)


@pytest.mark.slow("noise is learned with four recipes")
@pytest.mark.filterwarnings("error")
def test_noise_that_distortions_hide_is_learned_without_them() -> None:
    # Of one example a class all can be learned by heart; half of them is far above chance, and far too few.
    x = np.random.default_rng(0).random((400, 28, 28))
    net = Network()
    learned = net.learn("noise", x, np.arange(400))
    tried = net.log[-1]["recipes_tried"]
    assert max(tried[:-1]) < 0.9 <= tried[-1]
    assert learned.provenance.settings["augment"] == 0
    assert (net.predict(x, task="noise").label == np.arange(400)).mean() > 0.95


@pytest.mark.parametrize(("each", "warns"), [(1, True), (100, False)])
def test_the_fewer_examples_a_class_the_more_is_expected(each: int, warns: bool) -> None:
    # The second of four classes looks like the first, and the fourth like the third: a skill of a half.
    x = np.repeat(np.eye(8, dtype="float32")[[0, 0, 1, 1]], each, axis=0)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        learned = Network().learn("twins", x, np.repeat(np.arange(4), each), method=ConstantMethod())
    assert (len(caught), learned.warning is not None) == (int(warns), warns)
