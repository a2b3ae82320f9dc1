"""Numbers that lie far from 0, or are tiny or huge, are learned, answered and scored as exactly as usual ones."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import PoissonRegressor, Ridge
from sklearn.metrics import r2_score

import senpath as sp
from senpath.tasks import read_targets, task_kind
from senpath.testing import ConstantMethod
from tests.raising import raises_error

Labelled = tuple[np.ndarray, np.ndarray]
FAR: dict[str, tuple[float, float]] = {
    "seconds since 1970": (1.7e9, 1.0),
    "far below 0": (-1e12, 3.0),
    "as far as float64 tells apart": (1e14, 1.0),
    "tiny": (0.0, 1e-20),
    "tinier than float32 has": (0.0, 1e-200),
    "huge": (1e60, 1e58),
}


@pytest.fixture
def lengths(iris: Labelled) -> np.ndarray:
    return iris[0][:, 2].astype(np.float64)


@pytest.mark.parametrize(("offset", "scale"), FAR.values(), ids=FAR)
def test_answers_are_as_exact_as_the_numbers(iris: Labelled, lengths: np.ndarray, offset: float, scale: float) -> None:
    net, y = sp.Network(), offset + scale * lengths
    net.learn("far", iris[0], y, kind="regression", method=ConstantMethod())
    answers = net.predict(iris[0], task="far").label
    assert answers.dtype == np.float64
    true = r2_score((y - offset) / scale, (answers - offset) / scale)
    assert true > 0.95
    assert sp.evaluate(net, {"far": (iris[0], y)}).scores["far"].accuracy == pytest.approx(true, abs=1e-4)


NEARBY = 2**60 + np.arange(30)


@pytest.mark.parametrize(
    "y", [NEARBY, NEARBY.tolist(), NEARBY.astype(str).tolist(), np.c_[np.arange(30), NEARBY]], ids=["i", "list", "str", "2"]
)
def test_whole_numbers_that_float64_does_not_tell_apart_are_refused(y: Any) -> None:
    with raises_error(sp.InputError, "numbers y of a regression", expected="float64 tells apart", got="rounds by up to 29"):
        sp.Network().learn("far", np.arange(30.0)[:, None], y, kind="regression", method=ConstantMethod())


def test_whole_numbers_whose_rounding_is_nothing_to_their_spread_are_learned() -> None:
    y = np.random.default_rng(0).integers(-(2**62), 2**62, 30)
    net = sp.Network()
    net.learn("wide", np.arange(30.0)[:, None], y, kind="regression", method=ConstantMethod())
    assert len(net.predict(np.arange(3.0)[:, None], task="wide")) == 3


def test_one_output_of_two_is_far(iris: Labelled, lengths: np.ndarray) -> None:
    net, y = sp.Network(), pd.DataFrame({"near": lengths, "time": 1.7e9 + lengths})
    net.learn("both", iris[0], y, kind="regression", method=ConstantMethod())
    answers = np.array(net.predict(iris[0], task="both").label.tolist())
    np.testing.assert_allclose(answers[:, 1] - 1.7e9, answers[:, 0], atol=1e-2)


def test_the_default_model_far_from_0(iris: Labelled, lengths: np.ndarray) -> None:
    near, far = sp.Network(), sp.Network()
    near.learn("t", iris[0], lengths, kind="regression", epochs=10, hidden=8)
    far.learn("t", iris[0], 1.7e9 + lengths, kind="regression", epochs=10, hidden=8)
    np.testing.assert_allclose(far.predict(iris[0], task="t").label - 1.7e9, near.predict(iris[0], task="t").label, atol=1e-3)


def test_changes_keep_the_scale(iris: Labelled, lengths: np.ndarray, tmp_path: Path) -> None:
    x, y, net = iris[0], 1.7e9 + lengths, sp.Network(tmp_path / "net")
    net.learn("t", x[:100], y[:100], kind="regression", model="mlp", hidden=16, epochs=60)
    assert net.prune("t", 0.5, x[:100], y[:100]).record["measured"]["before"] > 0.5
    assert net.extend("t", x[100:], y[100:], finetune=True).changed
    net.verify()
    answers = net.predict(x, task="t").label
    assert r2_score(y, answers) > 0.9
    net.export("t", tmp_path / "t.sentask")
    other = sp.Network()
    other.import_task(tmp_path / "t.sentask")
    np.testing.assert_array_equal(other.predict(x, task="t").label, answers)
    np.testing.assert_array_equal(sp.Network(net.path).predict(x, task="t").label, answers)


MODELS: dict[str, tuple[Any, float, float]] = {
    "a linear model": (Ridge(), 1.7e9, 1.0),
    "one whose loss is for counts": (PoissonRegressor(max_iter=500), 0.0, 1.0),
    "the support vector machine": ("svm", 1.7e9, 1e-3),
}


@pytest.mark.parametrize(("model", "offset", "scale"), MODELS.values(), ids=MODELS)
def test_models_of_scikit_learn(iris: Labelled, lengths: np.ndarray, model: Any, offset: float, scale: float, tmp_path: Path) -> None:
    net, y = sp.Network(tmp_path / "net"), offset + scale * lengths
    net.learn("t", iris[0], y, kind="regression", model=model)
    answers = net.predict(iris[0], task="t").label
    assert r2_score((y - offset) / scale, (answers - offset) / scale) > 0.9
    net.verify()
    np.testing.assert_array_equal(sp.Network(net.path).predict(iris[0], task="t").label, answers)


def test_encoded_examples_are_as_exact(iris: Labelled, lengths: np.ndarray) -> None:
    net, y = sp.Network(), 1.7e9 + lengths
    examples = net.encode_examples(iris[0], y, kind="regression")
    assert examples.targets[:, 0].tolist() == y.tolist()
    net.learn("t", examples, method=ConstantMethod())
    net.extend("t", examples)
    assert sp.evaluate(net, {"t": (iris[0], y)}).scores["t"].accuracy > 0.95


def test_what_links_add_is_in_the_numbers_units(iris: Labelled, lengths: np.ndarray) -> None:
    net = sp.Network()
    net.learn("source", iris[0][::2], iris[1][::2], method=ConstantMethod())
    net.learn("t", iris[0], 1e-9 * lengths, kind="regression", method=ConstantMethod(source="source"))
    added = [link.added for row in iris[0][:20] for why in [net.explain(row)] if why.task == "t" for link in why.links]
    assert added
    assert max(map(abs, added)) < 1e-7


R2: dict[str, tuple[list[Any], list[float], float]] = {
    "nothing answered": ([None] * 3, [1, 2, 3], 0.0),
    "one input": ([5.0], [5.0], np.nan),
    "equal numbers": ([5.0, 5.0], [5.0, 5.0], np.nan),
    "equal but for rounding": ([0.3, 0.3], [0.3, 0.1 + 0.2], np.nan),
    "far from 0": ([1.7e9, 1.7e9 + 2], [1.7e9, 1.7e9 + 2], 1.0),
    "wrong far from 0": ([1.7e9 + 2, 1.7e9], [1.7e9, 1.7e9 + 2], -3.0),
    "tiny": ([1e-200, 2e-200], [1e-200, 3e-200], 0.5),
}


@pytest.mark.parametrize(("answers", "truth", "score"), R2.values(), ids=R2)
def test_r2(answers: list[Any], truth: list[float], score: float) -> None:
    kind = task_kind("regression")
    read = kind.read_truth(truth, len(truth), (0,))
    assert kind.score_answers(answers, read, (0,)) == pytest.approx(score, nan_ok=True)


REFUSED: dict[str, tuple[Any, str]] = {
    "dates": (pd.Series(pd.date_range("2020", periods=3)), "datetime64[s]"),
    "times of Python": ([pd.Timestamp(day, unit="D").to_pydatetime() for day in range(3)], "datetime64[s]"),
    "durations": (np.arange(3).astype("timedelta64[s]"), "timedelta64[s]"),
}


@pytest.mark.parametrize(("y", "do"), REFUSED.values(), ids=REFUSED)
def test_times_are_asked_for_as_numbers(y: Any, do: str) -> None:
    with raises_error(sp.InputError, "numbers y of a regression", expected="numbers", do=do):
        read_targets(y, 3, "regression")


def test_other_numbers() -> None:
    assert read_targets([Decimal("0.1"), Decimal(2)], 2, "regression").values.tolist() == [[0.1], [2.0]]
    for y in (np.ma.array([1.0, 2.0], mask=[True, False]), [1e300, 1.0], pd.Series([pd.NA, 1.0], dtype="Float64")):
        with raises_error(sp.InputError, "numbers y of a regression", expected="finite numbers", got="NaN"):
            read_targets(y, 2, "regression")


def test_a_wrong_cell_of_the_first_table_spoils_neither_learning_nor_routing(iris: Labelled) -> None:
    spoilt = iris[0].copy()
    spoilt[7, 2] = 999_999_999
    right = []
    for x in (iris[0], spoilt):
        net = sp.Network()
        net.learn("iris", x[:100], iris[1][:100])
        net.learn("other", x[:100, ::-1], iris[1][:100] == 0, method=ConstantMethod())
        right.append(np.mean(net.predict(iris[0][100:], reject=False).label == iris[1][100:]))
    assert right[1] >= right[0] - 0.03 > 0.85


SCALES: dict[str, tuple[float, float, bool]] = {
    "larger, on both sides of 0": (1e4, 0.0, False),
    "with a wrong cell": (1e4, 0.0, True),
    "far from 0": (1e4, 1e5, False),
}


@pytest.mark.parametrize(("times", "offset", "spoilt"), SCALES.values(), ids=SCALES)
def test_a_later_table_on_another_scale_is_learned_as_well(times: float, offset: float, spoilt: bool, tmp_path: Path) -> None:
    """Classes that differ by a little in each column, so that what is bent together is told apart no more."""
    random, y = np.random.default_rng(0), np.arange(300) % 4
    first, later = (random.normal(size=(300, 64)) + 0.5 * random.normal(size=(4, 64))[y] for _ in range(2))
    later = times * later + offset
    learned, held = later[:220].copy(), later[220:]
    if spoilt:
        learned[7, 2] = 999_999_999 * times
    net = sp.Network(tmp_path / "net")
    net.learn("first", first[:100], y[:100], method=ConstantMethod())
    net.learn("later", learned, y[:220], links="none", start="random")
    assert net.view.component(net.view.pathway("later").components[0]).kind.name == "rescaled-skip.v1"
    answers = net.predict(held, task="later").label
    assert (answers == y[220:]).mean() > 0.96
    net.verify()
    np.testing.assert_array_equal(sp.Network(net.path).predict(held, task="later").label, answers)
