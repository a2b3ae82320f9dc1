"""What a task refuses: told, suggested from inputs, and set."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits

import senpath as sp
from senpath.inference.limits import rounded_up, wilson
from senpath.snapshot.settings import DispatcherForm
from senpath.testing import ConstantMethod
from tests.raising import raises_error

DIGITS = load_digits()
X, LOW = DIGITS.images / 16, DIGITS.target < 5
FRESH, FOREIGN = X[1200:][LOW[1200:]][:120], X[~LOW][:200]


def learned(path: Path, dispatcher: DispatcherForm = "discriminant") -> sp.Network:
    network = sp.Network(path, dispatcher=dispatcher)
    network.learn("low", X[:400][LOW[:400]], DIGITS.target[:400][LOW[:400]], method=ConstantMethod())
    return network


@pytest.fixture(scope="module")
def _net(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return learned(tmp_path_factory.mktemp("limits") / "net").path


@pytest.fixture
def net(_net: Path, tmp_path: Path) -> sp.Network:
    """A copy of the test's own."""
    return sp.Network(shutil.copytree(_net, tmp_path / "net"))


def refused(net: sp.Network, x: np.ndarray) -> float:
    return float((net.predict(x).task == None).mean())  # noqa: E711 - of an array, item by item


@pytest.mark.parametrize("dispatcher", ["discriminant", "binary"])
def test_a_limit_is_set_read_again_and_taken_back(dispatcher: DispatcherForm, tmp_path: Path) -> None:
    net = learned(tmp_path / "net", dispatcher)
    before, mine = net.predict(FRESH).ood_score, refused(net, FRESH)
    assert net.thresholds["low"].limit == 1
    assert "when it was learned" in net.thresholds["low"].reason
    threshold = net.set_limit("low", 1.5)
    assert (net.version, threshold.limit, net.thresholds["low"]) == (2, 1.5, threshold)
    assert "1.5 times" in threshold.reason
    np.testing.assert_allclose(net.predict(FRESH).ood_score, before / 1.5, rtol=1e-5)
    assert refused(net, FRESH) < mine
    assert sp.Network(net.path).thresholds["low"] == threshold
    net.set_limit("low", 0.5)  # of the learned one, not of 1.5
    np.testing.assert_allclose(net.predict(FRESH).ood_score, before / 0.5, rtol=1e-5)
    net.set_limit("low", 1)
    np.testing.assert_array_equal(net.predict(FRESH).ood_score, before)
    assert net.version == 4
    net.set_limit("low", 1)  # nothing to change, no version
    assert net.version == 4
    net.rollback(2)
    assert net.thresholds["low"].limit == 1.5
    net.verify()


def test_a_limit_is_suggested_from_some_input(net: sp.Network) -> None:
    with pytest.raises(sp.InputError, match="inputs that belong: expected at least one, got none"):
        net.suggest_limit("low", FRESH[:0])


def test_a_suggested_limit_refuses_as_it_says(net: sp.Network) -> None:
    advice = net.suggest_limit("low", FRESH, refuse=0.05)
    assert (advice.present, advice.own.inputs, advice.own.elsewhere, advice.others) == (1, len(FRESH), 0, None)
    assert advice.own.before == pytest.approx(refused(net, FRESH))
    assert advice.own.after <= 0.05
    assert advice.own.interval[0] <= advice.own.after <= advice.own.interval[1]
    net.set_limit("low", advice.limit)
    assert refused(net, FRESH) == pytest.approx(advice.own.after)
    again = net.suggest_limit("low", FRESH, refuse=0.05)
    assert (again.limit, again.present) == (advice.limit, advice.limit)


def test_with_inputs_that_do_not_belong_both_mistakes_count(net: sp.Network) -> None:
    advice = net.suggest_limit("low", FRESH, FOREIGN)
    assert advice.others is not None
    mistakes = advice.own.after + 1 - advice.others.after
    for limit in (0.6, 1, 1.6):
        net.set_limit("low", limit)
        assert mistakes <= refused(net, FRESH) + 1 - refused(net, FOREIGN) + 0.01
    net.set_limit("low", advice.limit)
    assert refused(net, FOREIGN) == pytest.approx(advice.others.after)


def test_inputs_of_other_tasks_are_counted_apart(tmp_path: Path) -> None:
    net = sp.Network(tmp_path / "net")
    for name, mine in (("low", LOW), ("high", ~LOW)):
        net.learn(name, X[:400][mine[:400]], DIGITS.target[:400][mine[:400]], method=ConstantMethod())
    advice = net.suggest_limit("low", FRESH, FOREIGN)
    assert advice.others is not None
    assert advice.others.elsewhere > 0.9 * len(FOREIGN)
    assert advice.own.inputs + advice.own.elsewhere == len(FRESH)
    with raises_error(sp.InputError, "inputs that belong", expected="go to 'low'"):
        net.suggest_limit("low", np.full((3, 8, 8), FOREIGN[0]))


def test_a_few_inputs_let_all_in_and_say_how_many_are_needed(net: sp.Network) -> None:
    advice = net.suggest_limit("low", FRESH[:10])
    assert advice.own.after == 0
    assert "33 inputs are needed" in advice.reason


def test_extended_tasks_keep_what_was_set(tmp_path: Path) -> None:
    net = sp.Network(tmp_path / "net")
    net.learn("low", X[:300][LOW[:300]], DIGITS.target[:300][LOW[:300]], epochs=1, hidden=4)
    net.set_limit("low", 2)
    net.extend("low", X[300:600][LOW[300:600]], DIGITS.target[300:600][LOW[300:600]], epochs=1)
    assert net.thresholds["low"].limit == pytest.approx(2)
    net.export("low", tmp_path / "low.sentask")
    other = sp.Network(tmp_path / "other")
    other.import_task(tmp_path / "low.sentask")
    assert other.thresholds["low"].limit == pytest.approx(2)


def test_numbers_of_numpy_are_numbers(tmp_path: Path) -> None:
    net = learned(tmp_path / "net")
    assert net.set_limit("low", np.int64(2)).limit == 2  # type: ignore[arg-type]
    assert net.set_limit("low", np.float32(1.5)).limit == 1.5  # type: ignore[arg-type]
    advice = [net.suggest_limit("low", FRESH, refuse=refuse).limit for refuse in (0.25, np.float32(0.25))]  # type: ignore[arg-type]
    assert advice[0] == advice[1]
    assert len(net.predict(FRESH[:3], admit=np.float32(0.25)).task) == 3  # type: ignore[arg-type]
    assert sp.Network(net.path).thresholds["low"].limit == 1.5


def test_the_examples_themselves_do_not_tell_a_limit(tmp_path: Path) -> None:
    net = sp.Network(tmp_path / "net")
    rows = np.random.default_rng(0).normal(size=(3, 4))
    net.learn("t", rows, [0, 1, 2], epochs=1, hidden=4)
    with raises_error(sp.InputError, "inputs that belong", expected="not learned from", do="further ones"):
        net.suggest_limit("t", rows)


@pytest.mark.parametrize("limit", [0, -1, float("nan"), float("inf"), 101, "2", True, None])
def test_limits_out_of_range_are_refused(net: sp.Network, limit: object) -> None:
    with raises_error(sp.InputError, "limit", expected="0.01 to 100"):
        net.set_limit("low", limit)  # type: ignore[arg-type]
    assert net.version == 1


def test_unknown_tasks_and_shares_are_refused(net: sp.Network) -> None:
    for call in (lambda: net.set_limit("none", 2), lambda: net.suggest_limit("none", FRESH)):
        with raises_error(sp.UnknownTaskError, "none"):
            call()
    with raises_error(sp.InputError, "refuse", expected="0.5"):
        net.suggest_limit("low", FRESH, refuse=0)


def test_intervals_and_rounding() -> None:
    low, high = wilson(1, 10)
    assert (round(low, 3), round(high, 3)) == (0.018, 0.404)  # Agresti and Coull 1998 have the same
    assert wilson(0, 0) == (0, 1)
    assert [rounded_up(limit) for limit in (1.0, 1.2341, 0.0001, 1e9, 12.341)] == [1.0, 1.24, 0.01, 100, 12.4]
