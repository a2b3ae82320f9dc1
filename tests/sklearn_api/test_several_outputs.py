"""Numbers, several numbers, and several labels, as scikit-learn's own models answer them."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array
from sklearn.datasets import load_diabetes, load_linnerud, make_multilabel_classification
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import Ridge
from sklearn.metrics import jaccard_score
from sklearn.utils.estimator_checks import parametrize_with_checks

import senpath as sp
from senpath.sklearn import TASK, SENClassifier, SENRegressor
from tests.sklearn_api.test_classifier import MLP, QUICK, Labelled, few


@pytest.mark.slow("all of scikit-learn's own checks of a regressor")
@parametrize_with_checks([SENRegressor(**QUICK)])
def test_scikit_learns_own_checks(estimator: Any, check: Callable[[Any], None]) -> None:
    check(estimator)


def test_it_learns_the_numbers_that_a_network_learns() -> None:
    x, y = load_diabetes(return_X_y=True)
    net = sp.Network()
    net.learn("progress", x[:300], y[:300], kind="regression", **MLP)
    learned = SENRegressor(**MLP).fit(x[:300], y[:300].astype(int))
    expected = [*net.predict(x[300:], task="progress").label]
    np.testing.assert_allclose(learned.predict(x[300:]), expected, rtol=1e-5)
    assert learned.score(x[300:], y[300:]) > 0.4
    other = pickle.loads(pickle.dumps(learned))  # noqa: S301
    assert np.array_equal(other.predict(x), learned.predict(x))
    with pytest.raises(NotFittedError, match="not fitted yet"):
        SENRegressor().predict(x)


def test_several_numbers_of_a_frame() -> None:
    bunch = load_linnerud(as_frame=True)
    learned = SENRegressor(Ridge(1e-6), links="none").fit(bunch.data, bunch.target)
    reference = Ridge(1e-6).fit(bunch.data, bunch.target)
    assert learned.predict(bunch.data).shape == (20, 3)
    np.testing.assert_allclose(learned.predict(bunch.data), reference.predict(bunch.data), rtol=1e-3)
    assert learned.network_.tasks[TASK].classes_ == ("Weight", "Waist", "Pulse")


def test_numbers_of_pictures_borrow(digits: Labelled) -> None:
    net = sp.Network()
    net.learn("digits", *digits, epochs=5, hidden=32)
    x, _ = few(digits, 10)
    brightness = x.mean((1, 2))
    learned = SENRegressor(**MLP, source=net).fit(x, brightness)
    assert learned.score(x, brightness) > 0.8
    assert not hasattr(learned, "n_features_in_")


@pytest.fixture(scope="module")
def labelled() -> Labelled:
    pair: Labelled = make_multilabel_classification(200, 8, n_classes=4, random_state=1)
    return pair


@pytest.mark.slow("learns several labels with the defaults")
@pytest.mark.parametrize("form", [np.asarray, csr_array, lambda y: pd.DataFrame(y, columns=["red", "green", "blue", "dark"])])
def test_several_labels(labelled: Labelled, form: Any) -> None:
    x, y = labelled
    learned = SENClassifier(**MLP).fit(x[:150], form(y[:150]))
    answers = learned.predict(x[150:])
    assert learned.classes_.tolist() == (["red", "green", "blue", "dark"] if hasattr(form(y), "columns") else [0, 1, 2, 3])
    assert learned.network_.tasks[TASK].classes_ == tuple(learned.classes_.tolist())
    assert answers.shape == y[150:].shape
    assert jaccard_score(y[150:], answers, average="samples", zero_division=1) > 0.6
    np.testing.assert_allclose(np.exp(learned.predict_log_proba(x)), learned.predict_proba(x))
    assert np.array_equal(learned.predict_proba(x[150:]) > 0.5, answers > 0)


@pytest.mark.slow("learns several labels with the defaults")
def test_several_labels_that_a_scikit_learn_model_tells(labelled: Labelled) -> None:
    x, y = labelled
    learned = SENClassifier("forest").fit(x[:150], y[:150])
    assert jaccard_score(y[150:], learned.predict(x[150:]), average="samples", zero_division=1) > 0.5


def test_the_logarithm_of_a_probability_that_is_0(iris: Labelled) -> None:
    x, y = iris
    learned = SENClassifier(**MLP).fit(x, y)
    far = learned.predict_log_proba(x * 1e4)
    assert np.isfinite(far).all()
    np.testing.assert_allclose(np.exp(far), learned.predict_proba(x * 1e4), atol=1e-12)
