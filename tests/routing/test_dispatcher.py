"""The dispatcher's statistics are as good as all tasks' examples at once, in any order, and nothing it kept ever changes."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from scipy.special import logsumexp, softmax

from senpath import Network
from senpath.components import CONV_FEATURES
from senpath.routing import Dispatcher, collect
from senpath.routing.metric import SHRINKAGE
from senpath.routing.statistics import SINCE
from senpath.snapshot import encode_examples

TUNED = SINCE[CONV_FEATURES]

Tasks = dict[str, tuple[np.ndarray, np.ndarray]]
Grow = Callable[..., Network]
SIZES = {"low": 490, "middle": 150, "high": 90}


def encoded(net: Network, x: np.ndarray) -> torch.Tensor:
    return encode_examples(net.view, x, np.arange(len(x))).inputs


def dispatcher(net: Network) -> Dispatcher:
    return net.view.dispatcher("image")


class Groups:
    """One task's examples behind each column, found again among the raw examples."""

    def __init__(self, net: Network, x: np.ndarray, y: np.ndarray) -> None:
        examples = encode_examples(net.view, x, y)
        features = net.view.feature_map(examples.data_type)
        collected = collect(examples, features, 0, device=torch.device("cpu"))
        raw = features(examples.inputs)
        held = {row.numpy().tobytes() for row in collected.held}
        kept = np.array([row.numpy().tobytes() not in held for row in raw])
        members = raw.double().numpy()[kept]
        classes = examples.targets.numpy()[kept]
        columns = collected.means.double().numpy()
        owner = np.array([self._class_of(column, members, classes) for column in columns])
        distances = ((members[:, None] - columns[None]) ** 2).sum(2)
        distances[classes[:, None] != owner[None]] = np.inf
        self.members = [members[distances.argmin(1) == column] for column in range(len(columns))]
        # The examples found behind a column are those that it is the mean of.
        np.testing.assert_allclose([group.mean(0) for group in self.members], columns, atol=1e-5)

    @staticmethod
    def _class_of(column: np.ndarray, members: np.ndarray, classes: np.ndarray) -> int:
        return int(classes[((members - column) ** 2).sum(1).argmin()])

    def covariance(self) -> np.ndarray:
        rests = np.concatenate([group - group.mean(0) for group in self.members])
        return rests.T @ rests / len(rests)


def joint(found: list[Groups], features: np.ndarray, weights: list[float]) -> np.ndarray:
    """P(task | input) of the discriminant computed from all tasks' examples together."""
    covariance = sum(weight * groups.covariance() for groups, weight in zip(found, weights, strict=True)) / sum(weights)
    ridge = SHRINKAGE * covariance.diagonal().mean()
    precision = np.linalg.inv(covariance + ridge * np.eye(len(covariance)))
    freedom = len(covariance) - ridge * np.trace(precision)
    scores = []
    for groups in found:
        means = np.array([group.mean(0) for group in groups.members])
        counts = np.array([len(group) for group in groups.members])
        nearness = features @ precision @ means.T - 0.5 * np.einsum("ij,jk,ik->i", means, precision, means)
        scores.append(logsumexp((nearness + 0.5 * TUNED["correction"] * freedom / counts) / TUNED["temperature"], 1) - np.log(len(means)))
    return softmax(np.stack(scores, 1), 1)


def cut(tasks: Tasks, sizes: dict[str, int]) -> Tasks:
    return {name: (x[: sizes[name]], y[: sizes[name]]) for name, (x, y) in tasks.items()}


def test_the_statistics_answer_as_all_examples_at_once(tasks: Tasks, grow: Grow) -> None:
    learned = cut(tasks, SIZES)
    net = grow(learned)
    inputs = encoded(net, np.concatenate([x[-40:] for x, _ in tasks.values()]))
    features = dispatcher(net).features(inputs).double().numpy()
    found = [Groups(net, x, y) for x, y in learned.values()]
    assert [len(groups.members) for groups in found] == [18, 6, 4]
    answers = dispatcher(net).probabilities(inputs)
    np.testing.assert_allclose(answers, joint(found, features, [1, 1, 1]), rtol=1e-4, atol=1e-6)
    # Had the tasks counted by their size, the answers would be others: each weighs the same.
    by_size = joint(found, features, [float(size) for size in SIZES.values()])
    assert np.abs(answers - by_size).max() > 0.01


ORDERS = [("low", "middle", "high"), ("middle", "high", "low"), ("high", "middle", "low")]
"""Each task comes first once, and any two come in either order."""


@pytest.fixture(scope="module")
def in_every_order(tasks: Tasks, grow: Grow) -> list[Network]:
    """One network per order of the tasks, one of which has few examples."""
    learned = cut(tasks, {"low": 200, "middle": 120, "high": 20})
    return [grow({name: learned[name] for name in order}) for order in ORDERS]


def test_the_order_of_learning_does_not_matter(tasks: Tasks, in_every_order: list[Network]) -> None:
    inputs = encoded(in_every_order[0], np.concatenate([x[-40:] for x, _ in tasks.values()]))
    expected = dispatcher(in_every_order[0]).probabilities(inputs)
    ood_score = dispatcher(in_every_order[0]).decide(inputs).ood_score
    assert 0.6 < (expected.argmax(1).reshape(3, 40) == np.arange(3)[:, None]).mean() < 1
    for order, net in zip(ORDERS[1:], in_every_order[1:], strict=True):
        place = [order.index(name) for name in ORDERS[0]]
        np.testing.assert_allclose(dispatcher(net).probabilities(inputs)[:, place], expected, rtol=1e-5, atol=1e-7)
        np.testing.assert_allclose(dispatcher(net).decide(inputs).ood_score, ood_score, rtol=1e-4)


def test_columns_once_written_never_change(tasks: Tasks, grow: Grow) -> None:
    net = grow({})
    earlier = b""
    for name, (x, y) in cut(tasks, SIZES).items():
        net.learn(name, x, y, links="none", epochs=0, hidden=2)
        columns = (net.path / "dispatcher" / "image.columns").read_bytes()
        assert columns.startswith(earlier)
        assert len(columns) > len(earlier)
        earlier = columns


def test_a_tasks_statistics_do_not_depend_on_the_others(tasks: Tasks, in_every_order: list[Network]) -> None:
    records = [net.view.tasks["middle"].statistics for net in in_every_order]
    assert {record.sha256 for record in records} == {records[0].sha256}
    assert {record.counts for record in records} == {records[0].counts}
    assert len({tuple(record.figures.items()) for record in records}) == 1


@pytest.fixture(scope="module")
def net(tasks: Tasks, grow: Grow) -> Network:
    """Three tasks, a part of each left to test with."""
    return grow({name: (x[:-60], y[:-60]) for name, (x, y) in tasks.items()})


@pytest.fixture(scope="module")
def tests(tasks: Tasks, net: Network) -> torch.Tensor:
    """60 encoded inputs of each task, in the order of the tasks."""
    return encoded(net, np.concatenate([x[-60:] for x, _ in tasks.values()]))


def test_the_right_task_is_found(net: Network, tests: torch.Tensor) -> None:
    decision = dispatcher(net).decide(tests)
    right = np.repeat(np.arange(3), 60)
    assert decision.names == ("low", "middle", "high")
    assert (decision.order[:, 0] == right).mean() > 0.93
    assert (decision.order == right[:, None]).any(1).mean() > 0.98


def test_a_decision_is_the_two_most_probable_tasks(net: Network, tests: torch.Tensor) -> None:
    decision, chances = dispatcher(net).decide(tests), dispatcher(net).probabilities(tests)
    np.testing.assert_allclose(chances.sum(1), 1)
    np.testing.assert_array_equal(decision.order, np.argsort(-chances, 1)[:, :2])
    np.testing.assert_allclose(decision.probability, np.take_along_axis(chances, decision.order, 1))


def test_one_candidate_means_one(net: Network, tests: torch.Tensor) -> None:
    decision = dispatcher(net).decide(tests, candidates=1, admit=1e-9)
    assert not decision.admitted.any()


def test_a_lower_bar_admits_more(net: Network, tests: torch.Tensor) -> None:
    bars = (0.5, 0.2, 0.05, 0.012, 1e-3, 1e-6, 1e-30)
    decisions = [dispatcher(net).decide(tests, admit=bar) for bar in bars]
    for bar, decision in zip(bars, decisions, strict=True):
        np.testing.assert_array_equal(decision.admitted, decision.probability[:, 1] >= bar)
    for higher, lower in pairwise(decisions):
        assert (lower.admitted | ~higher.admitted).all()
    assert [decisions[0].admitted.sum() < 5, decisions[-1].admitted.all()] == [True, True]
    np.testing.assert_array_equal(dispatcher(net).decide(tests).admitted, decisions[3].admitted)


def test_a_single_task_is_always_the_answer(tasks: Tasks, grow: Grow) -> None:
    alone = grow({"low": cut(tasks, SIZES)["low"]})
    inputs = encoded(alone, tasks["high"][0][:30])
    decision = dispatcher(alone).decide(inputs, admit=1e-30)
    assert decision.order.tolist() == [[0]] * 30
    assert decision.probability.tolist() == [[1.0]] * 30
    assert not decision.admitted.any()


def test_no_input_is_no_decision(net: Network, tests: torch.Tensor) -> None:
    decision = dispatcher(net).decide(tests[:0])
    assert decision.order.shape == (0, 2)
    assert (len(decision.ood_score), len(decision.numbers)) == (0, 0)


def test_the_own_examples_are_known_and_noise_is_strange(net: Network, tests: torch.Tensor) -> None:
    assert dispatcher(net).decide(tests).known.mean() >= 0.9
    noise = torch.rand(200, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    decision = dispatcher(net).decide(noise)
    assert (decision.ood_score > 1).all()
    assert not decision.known.any()
    turned = dispatcher(net).decide(1 - tests)
    assert not turned.known.any()


def shots(tasks: Tasks, k: int) -> Any:
    x, y = tasks["high"]
    chosen = np.concatenate([np.flatnonzero(y == label)[:k] for label in np.unique(y)])
    return x[chosen], y[chosen]


@pytest.mark.parametrize(("k", "among"), [(5, 0.85), (1, 0.5)])
def test_a_task_of_few_examples_finds_its_inputs(tasks: Tasks, grow: Grow, k: int, among: float) -> None:
    few = grow({"low": tasks["low"], "middle": tasks["middle"], "high": shots(tasks, k)})
    own, others = encoded(few, tasks["high"][0][-100:]), encoded(few, tasks["low"][0][-100:])
    assert few.view.tasks["high"].statistics.rows == 4
    assert few.view.tasks["high"].statistics.counts == (float(k),) * 4
    assert (dispatcher(few).decide(own).order == 2).any(1).mean() > among
    assert (dispatcher(few).decide(others).order[:, 0] == 0).mean() > 0.9
    assert dispatcher(few).decide(own).known.mean() > 0.5
    noise = torch.rand(50, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    assert not dispatcher(few).decide(noise).known.any()
