"""Trees, boosting, neighbours and support vector machines, in steps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from senpath.components.estimators.fitted import PROBABILITIES, SCORES, VALUES, Fitted, floats, holds, translates
from senpath.components.estimators.linear import LOGISTIC, SOFTMAX, choose, classified, linear, scale
from senpath.components.estimators.models import LEAF, METRICS, Couple, Neighbours, SupportVectors, Trees, Votes
from senpath.components.estimators.steps import Step, chain, mapped


def trees(nodes: Sequence[dict[str, np.ndarray]], *, single: bool, average: bool, turns: int = 1) -> Step:
    """See `Trees`; of each tree `left`, `right`, `feature`, `threshold` and `values` (nodes, outputs)."""
    sizes = np.array([len(tree["left"]) for tree in nodes])
    roots = np.append(0, sizes.cumsum()[:-1])
    arrays = {"roots": roots.astype(np.int64)}
    for name in ("left", "right", "feature"):
        joined = np.concatenate([tree[name] for tree in nodes]).astype(np.int64)
        leaf = np.concatenate([tree["left"] for tree in nodes]).astype(np.int64) == LEAF
        shift = np.repeat(roots, sizes) if name != "feature" else 0
        arrays[name] = np.where(leaf, 0 if name == "feature" else LEAF, joined + shift)
    threshold = np.concatenate([tree["threshold"] for tree in nodes]).astype(np.float64)
    largest = np.finfo(np.float64).max
    arrays["threshold"] = np.clip(threshold, -largest, largest)  # ∞ parts gaps from numbers, and there are none
    arrays["values"] = np.ascontiguousarray(np.concatenate([tree["values"] for tree in nodes]), dtype=np.float64)
    return Trees(arrays, {"single": single, "average": average, "turns": turns})


def _nodes(estimator: Any, outputs: Sequence[int] | None = None, column: int | None = None) -> dict[str, np.ndarray]:
    """A decision tree's arrays.

    Args:
        outputs: of a tree of several labels the column of each that says that it holds; −1 for none.
        column: the only column of its values to keep.
    """
    tree = Fitted.of(Fitted.of(estimator).tree_)
    nodes, values = tree.nodes, tree.values
    holds(nodes.dtype.names is not None and "left_child" in nodes.dtype.names, "a tree of another scikit-learn")
    if outputs is None:
        values = values[:, 0, :] if values.shape[1] == 1 else values[:, :, 0]
    else:
        values = np.stack([values[:, place, at] if at >= 0 else values[:, place, 0] * 0 for place, at in enumerate(outputs)], 1)
    chosen = values if column is None else values[:, column : column + 1]
    return {
        "left": nodes["left_child"],
        "right": nodes["right_child"],
        "feature": nodes["feature"],
        "threshold": nodes["threshold"],
        "values": chosen,
    }


def _places_of_one(fitted: Fitted) -> list[int]:
    """Of a classifier of several labels, at which place of each label's classes 1 is; −1 where it never held."""
    return [int(np.flatnonzero(np.asarray(known) == 1)[0]) if 1 in np.asarray(known) else -1 for known in fitted.classes_]


@translates(
    "DecisionTreeClassifier", "ExtraTreeClassifier", "RandomForestClassifier", "ExtraTreesClassifier",
    "DecisionTreeRegressor", "ExtraTreeRegressor", "RandomForestRegressor", "ExtraTreesRegressor",
)  # fmt: skip
def _forest(fitted: Fitted, asked: str) -> Step:
    members = fitted.attributes.get("estimators_", [fitted])
    if fitted.name.endswith("Regressor"):
        holds(asked == VALUES, f"{asked} of a regressor")
        return trees([_nodes(member) for member in members], single=True, average=True)
    holds(asked in (PROBABILITIES, VALUES), f"{asked} of trees")
    if int(fitted.n_outputs_) > 1:
        holds(asked == PROBABILITIES, "labels of several")
        return trees([_nodes(member, _places_of_one(fitted)) for member in members], single=True, average=True)
    probabilities = trees([_nodes(member) for member in members], single=True, average=True)
    return probabilities if asked == PROBABILITIES else chain(probabilities, choose(fitted.labels()))


BOOSTED = {"HalfBinomialLoss": LOGISTIC, "HalfMultinomialLoss": SOFTMAX}


def _boosted(fitted: Fitted, asked: str, raw: Step) -> Step:
    """A boosted model's answer from the sum of its trees."""
    loss = Fitted.of(fitted._loss).name
    if fitted.name.endswith("Classifier"):
        if loss == "ExponentialLoss":
            labels = fitted.labels()
            return classified(raw, labels, asked, (scale(multiply=np.full(1, 2.0)), *LOGISTIC))
        return classified(raw, fitted.labels(), asked, BOOSTED.get(loss))
    holds(asked == VALUES, f"{asked} of a regressor")
    return chain(raw, mapped("exp")) if loss in ("HalfPoissonLoss", "HalfGammaLoss") else raw


@translates("GradientBoostingClassifier", "GradientBoostingRegressor")
def _gradient_boosting(fitted: Fitted, asked: str) -> Step:
    stages = np.asarray(fitted.estimators_, dtype=object)
    rate, turns = float(fitted.learning_rate), stages.shape[1]
    parts = [_nodes(member) for member in stages.ravel()]
    parts = [{**part, "values": part["values"] * rate} for part in parts]
    raw = trees(parts, single=True, average=False, turns=turns)
    if isinstance(fitted.init_, str):
        holds(fitted.init_ == "zero", "another start")
        return _boosted(fitted, asked, raw)
    start = Fitted.of(fitted.init_)
    holds(start.name in ("DummyClassifier", "DummyRegressor"), f"a start by {start.name}")
    if start.name == "DummyRegressor":
        first = np.ravel(start.floats("constant_"))
    else:
        holds(start.strategy == "prior", "another start")
        tiny = np.finfo(np.float64).eps
        prior = np.clip(start.floats("class_prior_"), tiny, 1 - tiny)
        if turns == 1:
            odds = np.log(prior[1] / (1 - prior[1]))
            first = np.array([odds / 2 if Fitted.of(fitted._loss).name == "ExponentialLoss" else odds])
        else:
            first = np.log(prior) - np.log(prior).mean()
    return _boosted(fitted, asked, chain(raw, scale(add=first)))


@translates("HistGradientBoostingClassifier", "HistGradientBoostingRegressor")
def _histogram_boosting(fitted: Fitted, asked: str) -> Step:
    rounds = fitted._predictors
    parts = []
    for member in (member for members in rounds for member in members):
        nodes = Fitted.of(member).nodes
        holds(not nodes["is_categorical"].any(), "categories")
        leaf = nodes["is_leaf"].astype(bool)
        left, right = (np.where(leaf, LEAF, nodes[name].astype(np.int64)) for name in ("left", "right"))
        part = {"left": left, "right": right, "feature": nodes["feature_idx"], "threshold": nodes["num_threshold"]}
        parts.append(part | {"values": nodes["value"][:, None]})
    raw = trees(parts, single=False, average=False, turns=int(fitted.n_trees_per_iteration_))
    return _boosted(fitted, asked, chain(raw, scale(add=np.ravel(fitted._baseline_prediction))))


@translates("KNeighborsClassifier", "KNeighborsRegressor")
def _neighbours(fitted: Fitted, asked: str) -> Step:
    names = {"manhattan": "cityblock", "l1": "cityblock", "l2": "euclidean", "p": "minkowski"}
    metric = names.get(str(fitted.effective_metric_), str(fitted.effective_metric_))
    more = fitted.effective_metric_params_ or {}
    others = {name for name, value in more.items() if name != "p" and value is not None}
    holds(metric in METRICS and not others, f"the metric {fitted.effective_metric_}")
    holds(isinstance(fitted.weights, str), "weights by a function of your own")
    settings = {"count": int(fitted.n_neighbors), "weights": fitted.weights, "metric": metric, "p": float(more.get("p", 2))}
    arrays, told = {"points": fitted.floats("_fit_X")}, np.asarray(fitted._y)
    if fitted.name == "KNeighborsRegressor":
        holds(asked == VALUES, f"{asked} of a regressor")
        return Neighbours(arrays | {"values": floats(told.reshape(len(told), -1))}, settings)
    holds(asked in (PROBABILITIES, VALUES), f"{asked} of neighbours")
    if fitted.outputs_2d_:
        holds(asked == PROBABILITIES, "labels of several")
        hold = [told[:, place] == at for place, at in enumerate(_places_of_one(fitted))]
        return Neighbours(arrays | {"values": np.stack(hold, 1).astype(np.float64)}, settings)
    shares = Neighbours(arrays | {"labels": told.astype(np.int64)}, settings)
    return shares if asked == PROBABILITIES else chain(shares, choose(fitted.labels(), 0.5))


@translates("SVC", "NuSVC", "SVR", "NuSVR")
def _support_vectors(fitted: Fitted, asked: str) -> Step:
    holds(isinstance(fitted.kernel, str), "a kernel of your own")
    regression = fitted.name.endswith("R")
    counts = np.array([len(fitted.floats("support_vectors_"))]) if regression else np.asarray(fitted._n_support)
    arrays = {
        "vectors": fitted.floats("support_vectors_"),
        "dual": fitted.floats("_dual_coef_"),
        "counts": counts.astype(np.int64),
        "intercept": fitted.floats("_intercept_"),
    }
    kernel = {"kernel": fitted.kernel, "degree": int(fitted.degree), "gamma": float(fitted._gamma), "coef0": float(fitted.coef0)}
    pairs = SupportVectors(arrays, kernel)
    if regression:
        holds(asked == VALUES, f"{asked} of a regressor")
        return pairs
    labels = fitted.labels()
    if asked == PROBABILITIES:
        holds(len(fitted._probA) > 0, "probabilities that it does not have")
        return chain(pairs, Couple({"slope": fitted.floats("_probA"), "offset": fitted.floats("_probB")}, {}))
    if len(labels) == 2:
        return classified(chain(pairs, linear([[-1.0]])), labels, asked, None)
    by_class = chain(pairs, Votes({}, {"confidence": True}))
    if asked == SCORES:
        holds(fitted.decision_function_shape == "ovr", "scores of pairs of classes")
        return by_class
    return chain(by_class if fitted.break_ties else chain(pairs, Votes({}, {"confidence": False})), choose(labels))
