"""The figures of an evaluation are those that one counts by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from torch.utils.data import TensorDataset

from senpath import Evaluation, InputError, Network, Prediction, UnknownTaskError, evaluate
from tests.raising import raises_error

Labelled = tuple[np.ndarray, np.ndarray]
FIGURES = ("accuracy", "accuracy_unlabelled", "first", "task", "among", "candidates", "refused")


def shuffled() -> Labelled:
    bunch = load_digits()
    order = np.random.default_rng(0).permutation(len(bunch.target))
    return bunch.images[order] / 16, bunch.target[order]


@pytest.fixture(scope="module")
def tests() -> dict[str, Labelled]:
    """Inputs that are hard enough for every figure to be strictly between its ends: digits and, among them, noise."""
    x, y = shuffled()
    noise = np.random.default_rng(0).random((6, 8, 8))
    found = {}
    for name, mine in (("low", y < 5), ("high", y >= 5)):
        own_x, own_y = x[mine][500:840], y[mine][500:840] % 5
        found[name] = np.concatenate([own_x, noise]), np.concatenate([own_y, np.full(6, own_y[0])])
    return found


@pytest.fixture(scope="module")
def net(tmp_path_factory: pytest.TempPathFactory) -> Network:
    """Two tasks that know too little to be right everywhere."""
    x, y = shuffled()
    net = Network(tmp_path_factory.mktemp("evaluate") / "n.sen")
    for name, mine in (("low", y < 5), ("high", y >= 5)):
        # The same labels in both tasks: a right label in the wrong task is wrong.
        net.learn(name, x[mine][:300], y[mine][:300] % 5, links="none", hidden=8, epochs=30)
    return net


def by_hand(task: str, y: np.ndarray, given: Prediction, free: Prediction, answered: Prediction) -> dict[str, float]:
    """Counted one input at a time."""
    counts = dict.fromkeys(FIGURES, 0)
    for index, label in enumerate(y):
        counts["accuracy"] += given.label[index] == label
        counts["accuracy_unlabelled"] += free.task[index] == task and free.label[index] == label
        counts["first"] += free.candidates[index][0] == task
        counts["task"] += answered.task[index] == task
        counts["among"] += task in free.candidates[index]
        counts["candidates"] += len(free.candidates[index])
        counts["refused"] += free.task[index] is None
    return {name: count / len(y) for name, count in counts.items()}


@pytest.mark.parametrize(("admit", "reject"), [(None, True), (0.3, True), (None, False), (1e-9, False)])
def test_figures_are_those_counted_by_hand(net: Network, tests: dict[str, Labelled], admit: float | None, reject: bool) -> None:
    found = evaluate(net, tests, admit=admit, reject=reject)
    assert list(found.scores) == ["low", "high"]
    for task, (x, y) in tests.items():
        free = net.predict(x, admit=admit, reject=reject)
        expected = by_hand(task, y, net.predict(x, task=task), free, net.predict(x, admit=admit, reject=False))
        score = found.scores[task]
        assert score.examples == len(y)
        assert {name: getattr(score, name) for name in FIGURES} == pytest.approx(expected)
        assert found.confusion[task] == {name: int((free.task == name).sum()) for name in {*free.task}}
        assert sum(found.confusion[task].values()) == len(y)


def test_the_figures_can_tell(net: Network, tests: dict[str, Labelled]) -> None:
    score = evaluate(net, tests).mean
    answers = [(net.predict(x, reject=False), y, task) for task, (x, y) in tests.items()]
    assert sum(((p.task != task) & (p.label == y)).sum() for p, y, task in answers) > 0
    assert 0.5 < score.accuracy < 1
    assert score.accuracy < score.accuracy_unlabelled < score.first  # of pictures, columns vote where no task is given
    assert 0.5 < score.first <= score.among <= 1
    assert 1 < score.candidates < 2
    assert 6 / 346 <= score.refused < 0.5


def test_each_task_weighs_the_same_in_the_mean(net: Network, tests: dict[str, Labelled]) -> None:
    x, y = tests["high"]
    found = evaluate(net, {"low": tests["low"], "high": (x[:10], y[:10])})
    for name in FIGURES:
        expected = (getattr(found.scores["low"], name) + getattr(found.scores["high"], name)) / 2
        assert getattr(found.mean, name) == pytest.approx(expected)
    assert found.mean.examples == 346 + 10


@pytest.mark.parametrize(
    "form",
    [
        lambda x, y: (x, y.tolist()),
        lambda x, y: (list(x), y),
        lambda x, y: (torch.from_numpy(x), torch.from_numpy(y)),
        lambda x, y: TensorDataset(torch.from_numpy(x), torch.from_numpy(y)),
    ],
)
def test_tests_come_in_any_form(net: Network, tests: dict[str, Labelled], form: Any) -> None:
    assert evaluate(net, {"low": form(*tests["low"])}) == evaluate(net, {"low": tests["low"]})


def test_labels_that_are_words(tmp_path: Path, iris: Labelled) -> None:
    x, names = iris[0], np.array(["setosa", "versicolor", "virginica"])[iris[1]]
    net = Network(tmp_path / "n.sen")
    net.learn("iris", x[:100], names[:100], epochs=60)
    score = evaluate(net, {"iris": (x[100:], names[100:])}).scores["iris"]
    assert score.accuracy == (net.predict(x[100:], task="iris").label == names[100:]).mean() > 0.7
    with raises_error(InputError, "test data of 'iris': labels y", expected="'setosa', 'versicolor', 'virginica'", got="'tulip'"):
        evaluate(net, {"iris": (x[100:], np.full(50, "tulip"))})


def test_a_task_called_none_is_not_a_refusal(tmp_path: Path, tests: dict[str, Labelled]) -> None:
    net = Network(tmp_path / "n.sen")
    net.learn("None", *tests["low"], links="none", hidden=4, epochs=1)
    noise = np.random.default_rng(1).random((20, 8, 8))
    x, y = tests["low"]
    confusion = evaluate(net, {"None": (np.concatenate([x, 1 - noise]), np.concatenate([y, y[:20]]))}).confusion["None"]
    free = net.predict(np.concatenate([x, 1 - noise])).task
    assert confusion == {"None": int((free == "None").sum()), None: int((free == None).sum())}  # noqa: E711
    assert all(confusion.values())


def test_an_input_of_another_type_is_no_candidate_of_any(net: Network, tests: dict[str, Labelled]) -> None:
    before = net.predict(["a text", tests["low"][0][0]], errors="none")
    assert before.candidates[0] == ()
    assert before.task[0] is None


@pytest.mark.parametrize(
    ("data", "error", "message"),
    [
        (
            {"nobody": (np.zeros((2, 8, 8)), [0, 1])},
            UnknownTaskError,
            "task 'nobody': expected one that the network has learned: low, high",
        ),
        ({"low": (np.zeros((3, 8, 8)), [0, 1])}, InputError, "test data of 'low': labels y: expected 3, one per input, got 2"),
        ({"low": (np.zeros((0, 8, 8)), [])}, InputError, "test data of 'low': inputs: expected at least two, got none"),
        ({"low": (np.zeros((2, 4)), [0, 1])}, InputError, "input 0 and 1 more: no task reads table data: expected image data"),
        ({"low": np.zeros((2, 8, 8))}, InputError, "labels y: expected one label per input, got None"),
    ],
)
def test_tests_that_do_not_fit(net: Network, data: Any, error: type[InputError], message: str) -> None:
    with pytest.raises(error, match=message):
        evaluate(net, data)


def test_nothing_to_measure(net: Network) -> None:
    assert evaluate(net, {}) == Evaluation({}, {})
