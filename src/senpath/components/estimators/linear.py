"""Linear models, Bayesian ones, networks and preprocessing, in steps."""

from __future__ import annotations

from itertools import combinations, combinations_with_replacement
from typing import Any

import numpy as np

from senpath.components.estimators.fitted import FEATURES, PROBABILITIES, SCORES, VALUES, Fitted, floats, holds, translates
from senpath.components.estimators.steps import Affine, Choose, Distances, Pick, Products, Scale, Step, chain, concat, mapped


def linear(weight: Any, bias: Any = None) -> Step:
    """x · weightᵀ + bias; one row of weights may be given as a vector."""
    weight = np.atleast_2d(floats(weight))
    arrays = {"weight": weight}
    if bias is not None:
        arrays["bias"] = np.array(np.broadcast_to(np.atleast_1d(floats(bias)), len(weight)))
    return Affine(arrays, {})


def scale(*, rounded: bool = False, **arrays: Any) -> Step:
    """See `Scale`; None leaves one out."""
    return Scale({name: floats(value) for name, value in arrays.items() if value is not None}, {"rounded": rounded})


def columns(index: Any) -> Step:
    """See `Pick`."""
    return Pick({"index": np.asarray(index, dtype=np.int64)}, {})


def choose(labels: np.ndarray, threshold: float = 0.0) -> Step:
    """See `Choose`."""
    return Choose({"labels": labels}, {"threshold": float(threshold)})


def classified(scores: Step, labels: np.ndarray, asked: str, probabilities: tuple[Step, ...] | None) -> Step:
    """What a classifier answers whose label is that of the highest score.

    Args:
        probabilities: steps from scores to probabilities; None if it has none.
    """
    if asked == PROBABILITIES:
        holds(probabilities is not None, "probabilities that it does not have")
        return chain(scores, *(probabilities or ()))
    holds(asked in (SCORES, VALUES), f"{asked} of a classifier")
    return scores if asked == SCORES else chain(scores, choose(labels))


LOGISTIC = (mapped("logistic"), mapped("complement"))
SHARES = (mapped("logistic"), mapped("shares"))
SOFTMAX = (mapped("softmax"),)


@translates(
    "LogisticRegression", "LogisticRegressionCV", "LinearDiscriminantAnalysis", "SGDClassifier", "Perceptron",
    "PassiveAggressiveClassifier", "LinearSVC", "RidgeClassifier", "RidgeClassifierCV",
)  # fmt: skip
def _linear_classifier(fitted: Fitted, asked: str) -> Step:
    holds(asked != FEATURES, "features of a classifier")
    labels = (Fitted.of(fitted._label_binarizer) if fitted.name.startswith("RidgeClassifier") else fitted).labels()
    scores = linear(fitted.coef_, fitted.intercept_)
    probabilities: tuple[Step, ...] | None = None
    binary = len(labels) == 2
    if fitted.name.startswith("LogisticRegression") or fitted.name == "LinearDiscriminantAnalysis":
        probabilities = LOGISTIC if binary else SOFTMAX
    elif fitted.name == "SGDClassifier" and fitted.loss == "log_loss":
        probabilities = LOGISTIC if binary else SHARES
    elif fitted.name == "SGDClassifier" and fitted.loss == "modified_huber":
        probabilities = (mapped("hinge"), mapped("complement" if binary else "shares"))
    return classified(scores, labels.astype(np.int64), asked, probabilities)


REGRESSORS = (
    "LinearRegression", "Ridge", "RidgeCV", "Lasso", "LassoCV", "ElasticNet", "ElasticNetCV", "BayesianRidge", "ARDRegression",
    "HuberRegressor", "TheilSenRegressor", "Lars", "LarsCV", "LassoLars", "LassoLarsCV", "LassoLarsIC", "OrthogonalMatchingPursuit",
    "OrthogonalMatchingPursuitCV", "MultiTaskLasso", "MultiTaskLassoCV", "MultiTaskElasticNet", "MultiTaskElasticNetCV", "SGDRegressor",
    "PassiveAggressiveRegressor", "LinearSVR", "QuantileRegressor", "PoissonRegressor", "GammaRegressor", "TweedieRegressor",
)  # fmt: skip


@translates(*REGRESSORS)
def _linear_regressor(fitted: Fitted, asked: str) -> Step:
    holds(asked == VALUES, f"{asked} of a regressor")
    steps = [linear(fitted.coef_, fitted.intercept_)]
    if fitted.name in ("PoissonRegressor", "GammaRegressor"):
        steps.append(mapped("exp"))
    elif fitted.name == "TweedieRegressor":
        holds(fitted.link in ("log", "identity") or fitted.link == "auto", "another link")
        if fitted.link == "log" or (fitted.link == "auto" and fitted.power > 0):
            steps.append(mapped("exp"))
    return chain(*steps)


@translates("GaussianNB", "QuadraticDiscriminantAnalysis")
def _gaussian(fitted: Fitted, asked: str) -> Step:
    """log P(class) − ½ · (squared distance by the class's covariance + the logarithm of its determinant)."""
    labels = fitted.labels()
    if fitted.name == "GaussianNB":
        holds(asked != SCORES, "scores that it does not have")
        variances, prior = fitted.floats("var_"), fitted.floats("class_prior_")
        squares: Step = Distances({"centres": fitted.floats("theta_"), "variances": variances}, {})
        half = np.array([-0.5 * np.sum(np.log(2.0 * np.pi * row)) for row in variances])
        likelihood = chain(squares, scale(multiply=np.full(len(labels), -0.5, half.dtype), add=half))
    else:
        prior, means = fitted.floats("priors_"), fitted.floats("means_")
        turns = [floats(rotation) * floats(spread) ** -0.5 for rotation, spread in zip(fitted.rotations_, fitted.scalings_, strict=True)]
        axes = [chain(scale(subtract=mean), linear(turn.T), mapped("squares")) for turn, mean in zip(turns, means, strict=True)]
        squares = chain(*([mapped("double")] if means.dtype == np.float64 else []), concat(axes))
        logs = np.array([np.sum(np.log(spread)) for spread in fitted.scalings_])
        likelihood = chain(squares, scale(add=logs), scale(multiply=np.full(len(labels), -0.5, logs.dtype)))
    wide = [mapped("double")] if prior.dtype == np.float64 else []
    joint = chain(likelihood, *wide, scale(add=np.log(prior)))
    if asked == SCORES:
        return chain(joint, linear([[-1.0, 1.0]])) if len(labels) == 2 else joint
    return classified(joint, labels, asked, (mapped("posterior"),))


@translates("MultinomialNB", "ComplementNB", "BernoulliNB")
def _counting(fitted: Fitted, asked: str) -> Step:
    weight, bias = fitted.floats("feature_log_prob_"), fitted.floats("class_log_prior_")
    holds(asked != SCORES, "scores that it does not have")
    before: list[Step] = []
    if fitted.name == "BernoulliNB":
        if fitted.binarize is not None:
            before = [scale(subtract=np.full(weight.shape[1], float(fitted.binarize), np.float32)), mapped("positive")]
        absent = np.log(1 - np.exp(weight))
        weight, bias = weight - absent, bias + absent.sum(1)
    elif fitted.name == "ComplementNB" and len(weight) > 1:
        bias = np.zeros(len(weight))
    return classified(chain(*before, linear(weight, bias)), fitted.labels(), asked, (mapped("posterior"),))


@translates("DummyClassifier")
def _constant(fitted: Fitted, asked: str) -> Step:
    holds(asked == PROBABILITIES and fitted.strategy == "prior", f"{asked} of a classifier without a model")
    prior = fitted.floats("class_prior_")
    return chain(mapped("double"), linear(np.zeros((len(prior), int(fitted.n_features_in_))), prior))


@translates("NearestCentroid")
def _nearest_centroid(fitted: Fitted, asked: str) -> Step:
    holds(fitted.metric == "euclidean" and asked in (PROBABILITIES, SCORES), "other than distances from the centres")
    labels, centres, spread = fitted.labels(), fitted.floats("centroids_"), fitted.floats("within_class_std_dev_").astype(np.float64)
    spread = np.where(spread == 0, 1, spread)
    squares = Distances({"centres": centres / spread, "variances": np.ones_like(centres)}, {})
    prior = scale(multiply=np.full(len(labels), -1.0), add=2 * np.log(fitted.floats("class_prior_")))
    scores = chain(mapped("double"), scale(divide=spread), squares, prior)
    if asked == SCORES:
        return chain(scores, linear([[-1.0, 1.0]])) if len(labels) == 2 else scores
    return chain(scores, mapped("posterior"))


@translates("MLPClassifier", "MLPRegressor")
def _network(fitted: Fitted, asked: str) -> Step:
    activations = {"identity": (), "relu": ("relu",), "logistic": ("logistic",), "tanh": ("tanh",), "softmax": ("softmax",)}
    steps: list[Step] = []
    layers = list(zip(fitted.coefs_, fitted.intercepts_, strict=True))
    for place, (weight, bias) in enumerate(layers):
        last = place + 1 == len(layers)
        function = activations[fitted.out_activation_ if last else fitted.activation]
        steps += [linear(floats(weight).T, bias), *map(mapped, function)]
    if fitted.name == "MLPRegressor":
        holds(asked == VALUES, f"{asked} of a regressor")
        return chain(*steps)
    holds(asked in (PROBABILITIES, VALUES), f"{asked} of a network")
    holds(asked == PROBABILITIES or not Fitted.of(fitted._label_binarizer).y_type_.startswith("multilabel"), "labels of several")
    one = len(floats(fitted.intercepts_[-1])) == 1
    if asked == VALUES:
        return chain(*steps, choose(fitted.labels(), 0.5 if one else 0.0))
    return chain(*steps, *([mapped("complement")] if one else []))


@translates("StandardScaler", "MinMaxScaler", "MaxAbsScaler", "RobustScaler")
def _scaler(fitted: Fitted, asked: str) -> Step:
    holds(asked == FEATURES, "no features")
    if fitted.name == "StandardScaler":
        mean, spread = fitted.mean_ if fitted.with_mean else None, fitted.scale_ if fitted.with_std else None
        return scale(subtract=mean, divide=spread, rounded=True)
    if fitted.name == "MinMaxScaler":
        holds(not fitted.clip, "a scaler that clips")
        return scale(multiply=fitted.scale_, add=fitted.min_)
    if fitted.name == "MaxAbsScaler":
        holds(not fitted.get("clip", False), "a scaler that clips")
        return scale(divide=fitted.scale_)
    return scale(subtract=fitted.center_ if fitted.with_centering else None, divide=fitted.scale_ if fitted.with_scaling else None)


def scaled_back(transformer: Any) -> Step:
    """The inverse of a scaler of one kind of task's numbers."""
    fitted = Fitted.of(transformer)
    holds(fitted.module.startswith("sklearn."), fitted.name)
    if fitted.name == "FunctionTransformer" and fitted.func is None and fitted.inverse_func is None:
        return scale()
    holds(fitted.name == "StandardScaler", f"the inverse of {fitted.name}")
    return scale(multiply=fitted.scale_ if fitted.with_std else None, add=fitted.mean_ if fitted.with_mean else None)


@translates("PCA", "IncrementalPCA", "TruncatedSVD")
def _projection(fitted: Fitted, asked: str) -> Step:
    holds(asked == FEATURES, "no features")
    parts = fitted.floats("components_")
    if fitted.name == "TruncatedSVD":
        return linear(parts)
    after: dict[str, Any] = {"subtract": np.reshape(fitted.mean_, (1, -1)) @ parts.T}
    after["subtract"] = after["subtract"][0]
    if fitted.whiten:
        spread = np.sqrt(fitted.floats("explained_variance_"))
        after["divide"] = np.maximum(spread, np.finfo(spread.dtype).eps)
    return chain(linear(parts), scale(**after))


@translates("Normalizer", "Binarizer", "SimpleImputer", "FunctionTransformer", "VarianceThreshold", "RBFSampler")
def _preprocessing(fitted: Fitted, asked: str) -> Step:
    holds(asked == FEATURES, "no features")
    if fitted.name == "Normalizer":
        holds(fitted.norm == "l2", "another norm than l2")
        return mapped("unit")
    if fitted.name == "Binarizer":
        width = int(fitted.n_features_in_)
        return chain(scale(subtract=np.full(width, float(fitted.threshold), np.float32)), mapped("positive"))
    if fitted.name == "SimpleImputer":  # inputs have no gaps
        statistics = fitted.floats("statistics_")
        holds(not fitted.add_indicator and bool(np.isfinite(statistics).all()) and fitted.missing_values != 0, "an imputer of other gaps")
        holds(isinstance(fitted.missing_values, float) and np.isnan(fitted.missing_values), "an imputer of other gaps")
        return scale()
    if fitted.name == "VarianceThreshold":
        holds(fitted.threshold >= 0, "another threshold")
        return columns(np.flatnonzero(fitted.floats("variances_") > fitted.threshold))
    if fitted.name == "RBFSampler":
        weight = fitted.floats("random_weights_").T
        amount = np.full(len(weight), (2.0 / len(weight)) ** 0.5)
        return chain(linear(weight, fitted.random_offset_), mapped("cos"), scale(multiply=amount))
    holds(fitted.func is None, "a function of your own")
    return scale()


@translates("SelectKBest")
def _selection(fitted: Fitted, asked: str) -> Step:
    holds(asked == FEATURES, "no features")
    scores, most = fitted.floats("scores_").copy(), fitted.k
    if most == "all":
        return scale()
    scores[np.isnan(scores)] = np.finfo(scores.dtype).min
    return columns(np.sort(np.argsort(scores, kind="mergesort")[len(scores) - int(most) :]))


@translates("PolynomialFeatures")
def _polynomial(fitted: Fitted, asked: str) -> Step:
    holds(asked == FEATURES, "no features")
    lowest, highest = (0, fitted.degree) if isinstance(fitted.degree, int) else fitted.degree
    pick = combinations if fitted.interaction_only else combinations_with_replacement
    lowest = max(lowest, 0 if fitted.include_bias else 1)
    chosen = [one for degree in range(lowest, highest + 1) for one in pick(range(int(fitted.n_features_in_)), degree)]
    if fitted.include_bias and lowest > 0:
        chosen = [(), *chosen]
    index = np.full((len(chosen), max(1, highest)), -1, dtype=np.int64)
    for row, one in enumerate(chosen):
        index[row, : len(one)] = one
    return Products({"index": index}, {})
