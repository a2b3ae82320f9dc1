"""Labels as they were given: their form and their order, which a network may see otherwise."""

from __future__ import annotations

import pickle
from typing import Any
from unicodedata import normalize

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from senpath.errors import InputError
from senpath.sklearn import SENClassifier
from tests.raising import raises_error
from tests.sklearn_api.test_classifier import MLP, Labelled

WORDS = np.array([normalize("NFD", word) for word in ("étage", "fable", "zebra")])
"""Decomposed, as file systems give them: so the first sorts before the second, and composed behind the last."""


def quick() -> SENClassifier:
    return SENClassifier(LogisticRegression(max_iter=500), links="none")


@pytest.mark.parametrize("form", [np.asarray, list, lambda y: pd.Series(y, dtype=object)])
def test_words_that_sort_otherwise_composed(iris: Labelled, form: Any) -> None:
    x, y = iris[0], form(WORDS[iris[1]])
    learned = quick().fit(x, y)
    assert learned.score(x, y) > 0.9
    assert learned.classes_.tolist() == sorted(WORDS)
    shown = learned.classes_[learned.predict_proba(x).argmax(1)]
    assert shown.tolist() == learned.predict(x).tolist()
    other = pickle.loads(pickle.dumps(learned))  # noqa: S301
    assert other.predict(x).tolist() == learned.predict(x).tolist()


@pytest.mark.parametrize("labels", [["10", "9", "2"], [2.0, 10.0, -3.0], ["a", "B", "_"], ["", "x", " y"]])
def test_labels_of_any_order(iris: Labelled, labels: list[Any]) -> None:
    y = np.array(labels)[iris[1]]
    learned = quick().fit(iris[0], y)
    assert learned.classes_.tolist() == sorted(labels)
    assert learned.score(iris[0], y) > 0.9


def test_two_forms_of_one_label(iris: Labelled) -> None:
    y = np.array([WORDS[0], normalize("NFC", WORDS[0]), "z"], dtype=object)[iris[1]]
    with raises_error(InputError, "labels y", expected="one form of each"):
        quick().fit(iris[0], y)


@pytest.mark.parametrize("y", [[None, "a", "b"], pd.Series([None, "a", "b"], dtype="string"), np.array([None, "a", "b"], dtype=object)])
def test_inputs_without_a_label_are_named(y: Any) -> None:
    with raises_error(InputError, "labels y", expected="a label for each input", got="none for input 0"):
        quick().fit(np.eye(3), y)


def test_later_labels_come_in_their_own_form(iris: Labelled) -> None:
    x, y = iris
    learned = SENClassifier(**MLP).partial_fit(x[y < 2], WORDS[1:][y[y < 2]])
    learned.partial_fit(x, WORDS[[1, 2, 0]][y])
    assert learned.classes_.tolist() == sorted(WORDS)
    assert learned.score(x, WORDS[[1, 2, 0]][y]) > 0.8
    numbers = SENClassifier(**MLP).partial_fit(x[y < 2], y[y < 2])
    assert numbers.partial_fit(x, y.astype(str)).classes_.tolist() == [0, 1, 2]  # not words, because later ones were read from a file


def test_classes_that_are_named_again(iris: Labelled) -> None:
    x, y = iris[0][iris[1] < 2], iris[1][iris[1] < 2]
    learned = SENClassifier(**MLP).partial_fit(x, y, classes=[0, 1, 2])
    assert learned.partial_fit(x, y, classes=[0, 1, 2]).predict_proba(x).shape == (len(x), 3)
    for others in ([0, 1], [0, 1, 7], [0, 1, 2, 3]):
        with raises_error(InputError, "classes", expected="those of the first call, 0, 1, 2"):
            learned.partial_fit(x, y, classes=others)


def test_a_clone_asks_for_what_its_original_asked_for(iris: Labelled) -> None:
    weights = np.where(iris[1] == 2, 0.0, 1.0)
    with sklearn.config_context(enable_metadata_routing=True):
        pipeline = clone(make_pipeline(quick().set_fit_request(sample_weight=True)))
        assert pipeline.fit(*iris, sample_weight=weights)[-1].classes_.tolist() == [0, 1]
