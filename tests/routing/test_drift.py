"""One task, however spoilt, hardly moves the routing of the others, and removing it undoes that to the last bit."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_wine

import senpath as sp
from benchmarks.drift import one_cell, one_column
from senpath.learning import propose
from senpath.routing import CARRIERS
from senpath.snapshot import encode_examples
from senpath.testing import ConstantMethod
from tests.raising import raises_error

Labelled = tuple[np.ndarray, np.ndarray]
OTHERS = ("wine", "cancer", "digits")


def six_columns() -> dict[str, Labelled]:
    """Four real tables of six standardised columns."""
    wine, cancer, digits, diabetes = (load() for load in (load_wine, load_breast_cancer, load_digits, load_diabetes))
    tables = {
        "wine": (wine.data[:, :6], wine.target),
        "cancer": (cancer.data[:, :6], cancer.target),
        "digits": (digits.data[:500, [10, 19, 21, 28, 36, 42]], digits.target[:500]),
        "diabetes": (diabetes.data[:, 4:], (diabetes.target > 140).astype(int)),
    }
    return {name: ((x - x.mean(0)) / x.std(0), y) for name, (x, y) in tables.items()}


TABLES = six_columns()


def learn(net: sp.Network, name: str, x: np.ndarray, y: np.ndarray) -> sp.Learned:
    return net.learn(name, x, y, method=ConstantMethod())


def parts(name: str, which: slice) -> Labelled:
    x, y = TABLES[name]
    order = np.random.default_rng(0).permutation(len(y))[which]
    return x[order], y[order]


TRAIN, TEST = slice(0, None, 2), slice(1, None, 2)


@pytest.fixture
def net() -> sp.Network:
    """A network that knows three of the tables."""
    net = sp.Network()
    for name in OTHERS:
        learn(net, name, *parts(name, TRAIN))
    return net


def routed(net: sp.Network, names: tuple[str, ...] = OTHERS) -> float:
    """The share of unseen rows of these tables whose task comes first."""
    return float(np.mean([np.mean(net.predict(parts(name, TEST)[0], reject=False).task == name) for name in names]))


def asked(net: sp.Network) -> list[np.ndarray]:
    """All that routing says of these rows."""
    inputs = net.view.encode(np.concatenate([parts(name, TEST)[0] for name in TABLES]), next(iter(net.view.types.values())))
    dispatcher = net.view.dispatcher(next(iter(net.view.types)))
    return [dispatcher.probabilities(inputs), dispatcher.decide(inputs).ood_score]


@pytest.mark.parametrize("spoil", [lambda x: 1e4 * x, lambda x: 1e9 * x, one_cell, one_column], ids=["1e4", "1e9", "cell", "column"])
def test_a_table_in_another_unit_or_with_a_wrong_cell(net: sp.Network, spoil: Callable[[np.ndarray], np.ndarray]) -> None:
    x, y = parts("diabetes", TRAIN)
    learn(net, "diabetes", x, y)
    usual = routed(net)
    net.remove("diabetes")
    exactly = asked(net)
    learned = learn(net, "diabetes", spoil(x), y)
    assert routed(net) > usual - 0.02
    assert abs(learned.misled) < 0.03
    net.remove("diabetes")
    for now, then in zip(asked(net), exactly, strict=True):
        np.testing.assert_array_equal(now, then)


def with_covariance(net: sp.Network, name: str, change: Callable[[np.ndarray], np.ndarray]) -> sp.Proposal:
    """A proposal of a task that says of its covariance what was not measured, as an imported one may."""
    proposal = propose(net.view, ConstantMethod(), name, encode_examples(net.view, *parts(name, TRAIN)))
    kept = proposal.statistics[name]
    assert kept.covariance is not None
    return replace(proposal, statistics={name: replace(kept, covariance=change(kept.covariance))})


@pytest.mark.parametrize("factor", [1e4, 1e12, 1e25])
def test_a_covariance_out_of_all_proportion_counts_as_an_ordinary_one(net: sp.Network, factor: float) -> None:
    before, exactly = routed(net), asked(net)
    net.commit(with_covariance(net, "diabetes", lambda packed: np.float32(factor) * packed))
    assert routed(net) > before - 0.05
    net.remove("diabetes")
    for now, then in zip(asked(net), exactly, strict=True):
        np.testing.assert_array_equal(now, then)


def test_a_commit_that_misleads_the_others_says_so(net: sp.Network) -> None:
    net.remove("digits")
    one, other = (net.view.statistics(name).columns.astype(np.float64) for name in ("wine", "cancer"))
    _, _, directions = np.linalg.svd((one[:, None] - other[None]).reshape(-1, one.shape[1]), full_matrices=False)
    blind = 80 * directions[:10].T @ directions[:10]  # as if inputs varied along what tells these tasks apart, and not else

    def made_up(packed: np.ndarray) -> np.ndarray:
        return blind[np.triu_indices(len(blind))].astype(np.float32)

    before = routed(net, ("wine", "cancer"))
    with pytest.warns(
        sp.RoutingWarning, match=r"task 'diabetes': an estimated \d\.\d% more of the other tasks' inputs will be taken for"
    ) as told:
        net.commit(with_covariance(net, "diabetes", made_up))
    assert told[0].filename == __file__, "at the line that called it"
    assert net.tasks["diabetes"].misled > 0.02
    assert routed(net, ("wine", "cancer")) < before - 0.05
    net.remove("diabetes")
    assert routed(net, ("wine", "cancer")) == before


def test_where_warnings_are_errors_nothing_is_committed(net: sp.Network) -> None:
    net.remove("digits")
    one, other = (net.view.statistics(name).columns.astype(np.float64) for name in ("wine", "cancer"))
    _, _, directions = np.linalg.svd((one[:, None] - other[None]).reshape(-1, one.shape[1]), full_matrices=False)
    blind = 80 * directions[:10].T @ directions[:10]
    proposal = with_covariance(net, "diabetes", lambda packed: blind[np.triu_indices(len(blind))].astype(np.float32))
    with warnings.catch_warnings():
        warnings.simplefilter("error", sp.RoutingWarning)
        with pytest.raises(sp.RoutingWarning, match="task 'diabetes'"):
            net.commit(proposal)
    assert "diabetes" not in net.tasks
    assert not net.refresh()


def turned_tables(count: int) -> dict[str, Labelled]:
    """Tasks of the wines' six columns, turned in a way of its own each."""
    x, y = TABLES["wine"]
    random = np.random.default_rng(0)
    return {f"task {number}": (x @ random.normal(size=(6, 6)), y) for number in range(count)}


@pytest.mark.parametrize("count", [1, 3, pytest.param(20, marks=pytest.mark.slow("learns 21 tasks"))])
def test_what_is_learned_last_and_removed_was_never_there(count: int) -> None:
    net, others = sp.Network(), turned_tables(count)
    for name, (x, y) in others.items():
        learn(net, name, x[::4], y[::4])
    exactly = asked(net)
    learn(net, "diabetes", *parts("diabetes", TRAIN))
    assert len(asked(net)[0][0]) == count + 1
    net.remove("diabetes")
    for now, then in zip(asked(net), exactly, strict=True):
        np.testing.assert_array_equal(now, then)
    net.verify()


def test_what_is_removed_from_between_was_never_there(net: sp.Network) -> None:
    learn(net, "diabetes", *parts("diabetes", TRAIN))
    net.remove("cancer")
    without = sp.Network()
    for name in ("wine", "digits", "diabetes"):
        learn(without, name, *parts(name, TRAIN))
    for now, then in zip(asked(net), asked(without), strict=True):
        np.testing.assert_array_equal(now, then)


@pytest.mark.slow("learns 36 tasks, and removes all but three")
def test_a_network_whose_first_tasks_all_went() -> None:
    net = sp.Network()
    for number, (name, (x, y)) in enumerate(turned_tables(CARRIERS + 3).items()):
        learn(net, name, x[::6], y[::6])
        record = next(iter(net.view.manifest.types.values()))
        assert len(record.covariances) == min(number + 1, CARRIERS)
    for name in [*net.tasks][:CARRIERS]:
        net.remove(name)
    left = turned_tables(CARRIERS + 3)
    assert np.mean([net.predict(left[name][0], reject=False).task == name for name in net.tasks]) > 0.5
    net.verify()
    name = [*net.tasks][-1]
    net.export(name, net.path.parent / f"{net.path.name}.sentask")
    other = sp.Network()
    other.import_task(net.path.parent / f"{net.path.name}.sentask")
    learn(other, "next", *turned_tables(CARRIERS + 3)["task 0"])


def test_an_exported_task_has_its_own_covariance(net: sp.Network, tmp_path: Path) -> None:
    net.export("cancer", tmp_path / "cancer.sentask")
    other = sp.Network()
    other.import_task(tmp_path / "cancer.sentask")
    mine, theirs = (next(iter(one.view.manifest.types.values())).covariances for one in (net, other))
    assert theirs == {"cancer": mine["cancer"]}


def test_inputs_of_any_size_are_answered(net: sp.Network) -> None:
    x = parts("wine", TEST)[0][:5].copy()
    before = net.predict(x)
    huge = np.concatenate([x, 1e30 * x, np.full((1, 6), 3e38) / 10])
    after = net.predict(huge)
    np.testing.assert_allclose(after.confidence[:5], before.confidence, rtol=1e-6)
    assert all(task is None for task in after.task[5:])


def test_a_proposal_with_means_beyond_all_numbers(net: sp.Network) -> None:
    proposal: Any = with_covariance(net, "diabetes", lambda packed: packed)
    kept = proposal.statistics["diabetes"]
    with raises_error(sp.InputError, "task 'diabetes'", expected="finite numbers up to 1e+12", got="1e+13"):
        net.commit(replace(proposal, statistics={"diabetes": replace(kept, columns=np.full_like(kept.columns, 1e13))}))
