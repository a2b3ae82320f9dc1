"""`partial_fit`: further examples, and new labels."""

from __future__ import annotations

import copy

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_diabetes
from sklearn.linear_model import LogisticRegression

from senpath.errors import InputError, SenpathWarning
from senpath.sklearn import SENClassifier, SENRegressor
from tests.raising import raises_error
from tests.sklearn_api.test_classifier import MLP, Labelled


def table(digits: Labelled) -> Labelled:
    return digits[0].reshape(len(digits[0]), -1) / 255, digits[1]


@pytest.mark.slow("learns four times")
def test_further_examples_are_learned(digits: Labelled) -> None:
    x, y = table(digits)
    learned = SENClassifier(**MLP).partial_fit(x[:40], y[:40])
    first = learned.score(x[300:], y[300:])
    assert np.array_equal(learned.predict_proba(x), SENClassifier(**MLP).fit(x[:40], y[:40]).predict_proba(x))
    for start in (40, 170):
        learned.partial_fit(x[start : start + 130], y[start : start + 130])
    assert learned.score(x[300:], y[300:]) > first + 0.1


@pytest.mark.slow("learns and learns on")
def test_new_labels_come_in_their_places(digits: Labelled) -> None:
    x, y = table(digits)
    names = np.array(list("jihgfedcba"))[y]  # new ones come before those that are known
    few, rest = y[:150] < 7, slice(150, 300)
    learned = SENClassifier(**MLP).partial_fit(x[:150][few], names[:150][few])
    assert learned.classes_.tolist() == list("defghij")
    learned.partial_fit(x[rest], names[rest])
    assert learned.classes_.tolist() == list("abcdefghij")
    assert learned.predict_proba(x[:5]).shape == (5, 10)
    assert learned.score(x[300:], names[300:]) > 0.7
    twin = copy.deepcopy(learned)
    assert np.array_equal(twin.predict(x[300:]), learned.predict(x[300:]))


@pytest.mark.slow("learns four times")
def test_labels_that_may_come_have_columns_from_the_start(digits: Labelled) -> None:
    x, y = table(digits)
    some = np.isin(y[:150], (1, 4, 7))
    learned = SENClassifier(**MLP).partial_fit(x[:150][some], y[:150][some], classes=range(10))
    shown = learned.predict_proba(x[:50])
    assert learned.classes_.tolist() == list(range(10))
    assert {*np.flatnonzero(shown.any(0)).tolist()} == {1, 4, 7}
    assert np.isneginf(learned.predict_log_proba(x[:50])[:, 0]).all()
    learned.partial_fit(x[150:300], y[150:300])
    assert learned.predict_proba(x[:50]).shape == (50, 10)
    assert learned.predict_proba(x[:50])[:, 0].any()
    with raises_error(InputError, "classes", expected="all labels, those in y among them", got="none that is 2"):
        SENClassifier(**MLP).partial_fit(x, y, classes=[0, 1])


def test_numbers_are_learned_on() -> None:
    x, y = load_diabetes(return_X_y=True)
    learned = SENRegressor(**MLP).partial_fit(x[:60], y[:60])
    first = learned.score(x[300:], y[300:])
    assert learned.partial_fit(x[60:300], y[60:300]).score(x[300:], y[300:]) > first


@pytest.mark.slow("learns and learns on")
def test_what_would_lose_too_much_is_not_learned_and_said(iris: Labelled) -> None:
    x, y = iris
    learned = SENClassifier().partial_fit(x[y < 2], y[y < 2])
    before = learned.predict_proba(x)
    with pytest.warns(SenpathWarning, match="these examples are not learned: "):
        learned.partial_fit(x[y == 0][:30], [2] * 30)  # of a class that there is: to learn them as another one is to forget it
    assert np.array_equal(learned.predict_proba(x), before)
    assert learned.classes_.tolist() == [0, 1]


def test_who_cannot_learn_on(digits: Labelled) -> None:
    x, y = table(digits)
    for model in ("svm", "forest", LogisticRegression()):
        assert not hasattr(SENClassifier(model), "partial_fit")
        assert not hasattr(SENRegressor(model), "partial_fit")
    frame = pd.DataFrame(x[:40]).rename(columns=str)
    learned = SENClassifier(**MLP).partial_fit(frame, y[:40])
    with pytest.raises(ValueError, match="feature names"):
        learned.partial_fit(frame.rename(columns={"3": "x"}), y[:40])
    with raises_error(InputError, "targets y", expected="those of a classification", got="those of a multilabel"):
        learned.partial_fit(frame, np.eye(10, dtype=int)[y[:40]])


@pytest.mark.slow("learns and learns on")
@pytest.mark.parametrize("estimator", [SENClassifier, SENRegressor])
def test_outputs_are_learned_on_by_their_names(estimator: type[SENClassifier] | type[SENRegressor]) -> None:
    x = np.random.default_rng(0).normal(0, 1, (400, 4))
    values = x[:, :2] > 0 if estimator is SENClassifier else x[:, :2]
    y = pd.DataFrame(values.astype(float if estimator is SENRegressor else int), columns=["p", "q"])
    learned = estimator(epochs=40).fit(x[:200], y[:200])
    before = learned.score(x, y)
    learned.partial_fit(x[200:], y[200:][["q", "p"]])
    assert learned.score(x, y) > before - 0.02
    with pytest.raises(InputError, match="targets y: expected the columns 'p', 'q', as before, got 'p', 'r'"):
        learned.partial_fit(x[200:], y[200:].rename(columns={"q": "r"}))
