"""What columns say of the class counts beside the pathway where nobody said the task, and nowhere else."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.special import logsumexp, softmax

from senpath import Network
from senpath.routing import Discriminant
from senpath.routing.dispatcher import read_features
from senpath.store.consistency import check_parts
from senpath.testing import ConstantMethod

Tasks = dict[str, tuple[np.ndarray, np.ndarray]]
FEW, MANY = 5, 60


def grown(tasks: Tasks, shots: int, **options: Any) -> tuple[Network, np.ndarray]:
    """A network of the tasks, from so many pictures of each class, and pictures that it did not learn from."""
    net, rest = Network(**options), []
    for name, (x, y) in tasks.items():
        rows = np.concatenate([np.flatnonzero(y == label)[:shots] for label in np.unique(y)])
        net.learn(name, x[rows], y[rows], method=ConstantMethod())
        rest.append(np.delete(x, rows, 0)[:20])
    return net, np.concatenate(rest)


def shares_by_hand(net: Network, task: str, x: np.ndarray) -> np.ndarray:
    """P(class | task, input) by the task's columns, float64 (n, classes), from what is kept of them."""
    kept, key = net.view.statistics(task), next(iter(net.view.types))
    dispatcher = net.view.dispatcher(key)
    assert isinstance(dispatcher, Discriminant)
    metric, counts = dispatcher.metric, kept.counts
    phi = read_features(dispatcher.features, net.view.encode(x, net.view.types[key])).double().numpy()
    apart = phi[:, None] - kept.columns[None]
    squares = ((apart @ metric.precision.double().numpy()) * apart).sum(2)
    likely = (-squares + kept.figures["correction"] * metric.freedom / counts) / (2 * kept.figures["temperature"])
    owners = np.array(kept.owners or range(len(counts)))
    return softmax(np.stack([logsumexp(likely[:, owners == of], axis=1) for of in range(owners.max() + 1)], 1), axis=1)


@pytest.mark.parametrize("shots", [FEW, MANY])
def test_an_answer_to_a_picture_is_the_mean_of_pathway_and_columns(tasks: Tasks, shots: int) -> None:
    net, x = grown(tasks, shots)
    weight = {FEW: 2 / 3, MANY: 1 / 2}[shots]
    assert {len(net.view.statistics(task).columns) > len(net.view.pathway(task).classes) for task in net.tasks} == {shots == MANY}
    routed = net.predict(x, reject=False)
    given = {task: net.predict(x, task=task).probabilities.parts[task].values for task in net.tasks}
    for task, part in routed.probabilities.parts.items():
        expected = (1 - weight) * given[task] + weight * shares_by_hand(net, task, x)
        np.testing.assert_allclose(part.values, expected[part.rows], atol=2e-4)
    assert sum(len(part.rows) for part in routed.probabilities.parts.values()) > len(x)  # second candidates too
    one = net.predict(x[:1], reject=False)
    np.testing.assert_allclose(one.confidence, routed.confidence[:1], atol=1e-5)


def test_many_columns_vote_as_few_do(tasks: Tasks, monkeypatch: pytest.MonkeyPatch) -> None:
    all_scored, x = grown(tasks, FEW)
    monkeypatch.setattr("senpath.routing.metric.INDEXED", 1)
    looked_up, _ = grown(tasks, FEW)
    dispatchers = [net.view.dispatcher(next(iter(net.view.types))) for net in (all_scored, looked_up)]
    assert [isinstance(one, Discriminant) and one.indexed for one in dispatchers] == [False, True]
    expected, answers = (net.predict(x, reject=False) for net in (all_scored, looked_up))
    assert answers.label.tolist() == expected.label.tolist()
    np.testing.assert_allclose(answers.confidence, expected.confidence, atol=1e-4)
    np.testing.assert_allclose(looked_up.predict(x[:1], reject=False).confidence, expected.confidence[:1], atol=1e-4)


def test_columns_have_no_vote_where_the_task_is_given_or_is_none_of_pictures(tasks: Tasks) -> None:
    net, x = grown(tasks, FEW)
    net.learn("table", np.eye(6).repeat(3, 0), np.arange(6).repeat(3), method=ConstantMethod())
    assert "vote" not in net.view.statistics("table").figures
    before = net.predict(x, task="low").confidence
    net.remove("high")
    np.testing.assert_array_equal(net.predict(x, task="low").confidence, before)
    routed, given = net.predict(np.eye(6), reject=False), net.predict(np.eye(6), task="table")
    np.testing.assert_array_equal(routed.probabilities.parts["table"].values, given.probabilities.parts["table"].values)


@pytest.mark.parametrize("wrong", [{"figures": {"vote": 1.5}}, {"owners": (0, 0, 1)}])
def test_votes_that_fit_no_classes_are_refused(tasks: Tasks, wrong: dict[str, Any]) -> None:
    net, _ = grown({"low": tasks["low"]}, FEW)
    manifest = net.view.manifest
    record = manifest.tasks["low"]
    kept = replace(record.statistics, **{**wrong, "figures": {**record.statistics.figures, **wrong.get("figures", {})}})
    check_parts(replace(manifest, tasks={"low": record}), ["low"], [])
    with pytest.raises(ValueError, match=re.escape("tasks.low")):
        check_parts(replace(manifest, tasks={"low": replace(record, statistics=kept)}), ["low"], [])
