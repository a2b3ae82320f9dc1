"""Trees of a file that would lead scikit-learn out of its arrays are refused before they run."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from sklearn.datasets import load_iris
from sklearn.ensemble import AdaBoostClassifier, GradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures
from sklearn.tree import DecisionTreeClassifier

from senpath.components import Component, Estimator, freeze
from senpath.errors import InputError, StoreError
from senpath.tasks import Classification

X, Y = load_iris(return_X_y=True)


def frozen(estimator: Any) -> Component:
    return freeze("sklearn.v1", {"outputs": 3}, Estimator(estimator, 3, Classification()))


def with_node(field: str, value: int) -> DecisionTreeClassifier:
    """A fitted tree whose root says something else."""
    estimator = DecisionTreeClassifier(max_depth=2).fit(X, Y)
    state = estimator.tree_.__getstate__()
    nodes = state["nodes"].copy()
    nodes[field][0] = value
    estimator.tree_.__setstate__({**state, "nodes": nodes})
    return estimator


@pytest.mark.parametrize(
    "make",
    [
        lambda: DecisionTreeClassifier(max_depth=3),
        lambda: RandomForestClassifier(3, random_state=0),
        lambda: GradientBoostingClassifier(n_estimators=2, random_state=0),
        lambda: AdaBoostClassifier(n_estimators=2, random_state=0),
        lambda: make_pipeline(PolynomialFeatures(2), RandomForestClassifier(3, random_state=0)),
        lambda: RandomForestClassifier(2, max_leaf_nodes=5, random_state=0),
    ],
)
def test_fitted_trees_pass(make: Any) -> None:
    estimator = make().fit(X, Y)
    answers = frozen(estimator).module.estimator.predict_proba(X)
    np.testing.assert_array_equal(answers, estimator.predict_proba(X))


@pytest.mark.parametrize(
    ("field", "value"),
    [("left_child", 10**6), ("right_child", 10**6), ("left_child", 0), ("right_child", -5), ("feature", 4), ("feature", -2)],
)
def test_a_tree_that_leads_nowhere_is_refused(field: str, value: int) -> None:
    with pytest.raises(StoreError, match="decision tree: expected branches to later nodes, and columns of the input"):
        frozen(with_node(field, value))


def test_a_forest_that_reads_less_than_its_trees_is_refused() -> None:
    forest = RandomForestClassifier(3, random_state=0).fit(X, Y)
    forest.n_features_in_ = 1
    with pytest.raises(StoreError, match="decision tree: expected branches to later nodes, and columns of the input"):
        frozen(forest)


def test_the_count_of_a_forest_is_that_of_its_nodes() -> None:
    forest = RandomForestClassifier(20, random_state=0).fit(X, Y)
    nodes = sum(tree.tree_.node_count for tree in forest.estimators_)
    # Eight numbers a node, its value for each of three classes; the forest and each tree keep the three classes.
    assert frozen(forest).weights == nodes * (8 + 3) + 3 * (1 + 20)


def test_a_classifier_that_gives_no_scores_is_refused() -> None:
    class Silent:
        pass

    with pytest.raises(InputError, match="expected a classifier with predict_proba or decision_function, got neither"):
        Estimator(Silent(), 2, Classification())(torch.zeros(1, 2))


def test_probabilities_of_zero_have_a_logarithm() -> None:
    forest = RandomForestClassifier(3, random_state=0).fit(X, Y)
    logs = Estimator(forest, 3, Classification())(torch.from_numpy(X).float())
    assert torch.isfinite(logs).all()
    assert torch.equal(logs.argmax(1), torch.from_numpy(forest.predict(X.astype(np.float32))))


def test_scores_of_two_classes_become_two_logarithms() -> None:
    binary = LogisticRegression(max_iter=1000).fit(X[:100], Y[:100])
    two = Estimator(binary, 2, Classification())(torch.from_numpy(X[:100]).float())
    np.testing.assert_allclose(two.exp().numpy(), binary.predict_proba(X[:100].astype(np.float32)), atol=1e-5)
