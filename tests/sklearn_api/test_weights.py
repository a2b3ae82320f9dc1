"""Examples and classes that count more than others."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.sparse import csr_array
from sklearn.datasets import load_diabetes, load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import recall_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils import compute_sample_weight

from senpath.errors import InputError
from senpath.sklearn import TASK, SENClassifier, SENRegressor
from tests.raising import raises_error
from tests.sklearn_api.test_classifier import MLP, QUICK, Labelled


@pytest.fixture(scope="module")
def overlapping() -> Labelled:
    """Two classes that no line divides, one of them rare."""
    generator = np.random.default_rng(0)
    x = np.concatenate([generator.normal(0, 1, (160, 3)), generator.normal(0.8, 1, (20, 3))])
    return x, np.repeat(["usual", "rare"], [160, 20])


@pytest.mark.parametrize("model", [pytest.param("auto", marks=pytest.mark.slow("learns four times")), "mlp", LogisticRegression()])
def test_a_rare_class_that_counts_more_is_found_more_often(overlapping: Labelled, model: Any) -> None:
    x, y = overlapping

    def recall(class_weight: Any) -> float:
        learned = SENClassifier(model, class_weight=class_weight, **QUICK).fit(x, y)
        return float(recall_score(y, learned.predict(x), pos_label="rare"))

    assert recall("balanced") > recall(None) + 0.2
    assert recall({"rare": 8.0, "usual": 1.0}) > recall(None) + 0.2


def test_class_weights_are_sample_weights(overlapping: Labelled) -> None:
    x, y = overlapping
    ones = np.where(y == "rare", 3, 1)
    by_class = SENClassifier(**MLP, class_weight={"rare": 3}).fit(x, y)
    by_example = SENClassifier(**MLP).fit(x, y, sample_weight=ones)
    both = SENClassifier(**MLP, class_weight={"rare": 1.5}).fit(x, y, sample_weight=np.where(y == "rare", 20.0, 10.0))
    assert np.array_equal(by_class.predict_proba(x), by_example.predict_proba(x))
    assert np.array_equal(by_class.predict_proba(x), both.predict_proba(x))
    plain = SENClassifier(**MLP).fit(x, y)
    assert plain.network_.log[-1]["data"] != by_class.network_.log[-1]["data"]


@pytest.mark.parametrize("form", [np.asarray, csr_array, pd.DataFrame])
def test_a_weight_is_as_many_copies_to_the_bit(overlapping: Labelled, form: Any) -> None:
    x, y = overlapping
    times = np.random.default_rng(0).integers(0, 4, len(y))
    copies = np.random.default_rng(1).permutation(np.repeat(np.arange(len(y)), times))
    weighted = SENClassifier(**MLP).fit(form(x), y, times)
    copied = SENClassifier(**MLP).fit(form(x[copies]), y[copies])
    assert np.array_equal(weighted.predict_proba(form(x)), copied.predict_proba(form(x)))
    assert weighted.network_.tasks[TASK].examples == copied.network_.tasks[TASK].examples == np.count_nonzero(times)
    assert not np.array_equal(copied.predict_proba(form(x)), SENClassifier(**MLP).fit(form(x), y).predict_proba(form(x)))


def test_balanced_classes_follow_the_weights(overlapping: Labelled) -> None:
    x, y = overlapping
    times = np.random.default_rng(0).integers(0, 4, len(y))
    copies = np.repeat(np.arange(len(y)), times)
    weighted = SENClassifier(**MLP, class_weight="balanced").fit(x, y, times)
    copied = SENClassifier(**MLP, class_weight="balanced").fit(x[copies], y[copies])
    np.testing.assert_allclose(weighted.predict_proba(x), copied.predict_proba(x), atol=1e-4)
    labels = np.stack([y == "rare", x[:, 0] > 0], 1).astype(int)
    tree = {"model": DecisionTreeClassifier(max_depth=3), "links": "none"}
    by_example = SENClassifier(**tree).fit(x, labels, compute_sample_weight("balanced", labels))
    by_class = SENClassifier(**tree, class_weight="balanced").fit(x, labels)
    np.testing.assert_allclose(by_class.predict_proba(x), by_example.predict_proba(x), atol=1e-6)


def test_copies_are_left_alone_where_the_model_sees_to_them(overlapping: Labelled) -> None:
    x, y = overlapping
    learned = SENClassifier(KNeighborsClassifier(), links="none").fit(np.tile(x, (2, 1)), np.tile(y, 2))
    assert learned.network_.tasks[TASK].examples == 2 * len(y)


@pytest.mark.parametrize("raw", [False, True])
def test_examples_of_weight_0_are_left_out(digits: Labelled, raw: bool) -> None:
    x, y = digits[0][:60], digits[1][:60]
    inputs: Any = list(x) if raw else x.reshape(60, -1)
    weights = np.where(y < 5, 1.0, 0.0)
    learned = SENClassifier(**MLP).fit(inputs, y, weights)
    assert learned.classes_.tolist() == [0, 1, 2, 3, 4]
    kept = [inputs[place] for place in np.flatnonzero(y < 5)] if raw else inputs[y < 5]
    assert np.allclose(learned.predict_proba(inputs), SENClassifier(**MLP).fit(kept, y[y < 5]).predict_proba(inputs), atol=1e-5)


def test_numbers_are_fitted_best_where_they_count() -> None:
    x, y = load_diabetes(return_X_y=True)
    heavy = y > 200
    learned = SENRegressor(**MLP).fit(x, y, np.where(heavy, 20.0, 1.0))
    plain = SENRegressor(**MLP).fit(x, y)

    def error(model: SENRegressor) -> float:
        return float(np.abs(model.predict(x[heavy]) - y[heavy]).mean())

    assert error(learned) < 0.8 * error(plain)


def test_weights_that_cannot_be_used() -> None:
    x, y = load_wine(return_X_y=True)
    with pytest.raises(ValueError, match=r"[Ww]eights.*zero"):
        SENClassifier(**MLP).fit(x, y, np.zeros(len(y)))
    with pytest.raises(ValueError, match="Negative values"):
        SENClassifier(**MLP).fit(x, y, -compute_sample_weight("balanced", y))
    with pytest.raises(ValueError, match=r"sample_weight\.shape"):
        SENClassifier(**MLP).fit(x, y, np.ones(3))
    with raises_error(InputError, "weights of examples", expected="a model that takes sample_weight", got="KNeighborsClassifier()"):
        SENClassifier(KNeighborsClassifier()).fit(x, y, np.arange(len(y)))


def test_a_network_says_that_examples_had_weights(overlapping: Labelled) -> None:
    x, y = overlapping
    learned = SENClassifier(**MLP).fit(x, y, np.linspace(1, 2, len(y)))
    assert torch.isfinite(torch.from_numpy(learned.predict_log_proba(x))).all()
    assert learned.network_.tasks[TASK].examples == len(y)
