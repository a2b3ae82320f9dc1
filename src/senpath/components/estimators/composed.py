"""Estimators made of others, in steps: pipelines, searches, calibration, votes, stacks, bags and boosts."""

from __future__ import annotations

from typing import Any

import numpy as np

from senpath.components.estimators.fitted import (
    FEATURES,
    PROBABILITIES,
    SCORES,
    VALUES,
    Fitted,
    UntranslatableError,
    answers,
    holds,
    translate,
    translates,
)
from senpath.components.estimators.linear import choose, classified, columns, linear, scale, scaled_back
from senpath.components.estimators.models import Votes
from senpath.components.estimators.steps import Compare, Interpolate, Step, chain, concat, mapped, mean


def _compare(labels: np.ndarray) -> Step:
    return Compare({"labels": labels}, {})


def _features(transformer: Any) -> Step:
    return scale() if isinstance(transformer, str) and transformer == "passthrough" else translate(transformer, FEATURES)


@translates("Pipeline")
def _pipeline(fitted: Fitted, asked: str) -> Step:
    steps = [part for _, part in fitted.steps if part is not None]
    *before, last = steps
    end = _features(last) if asked == FEATURES else translate(last, asked)
    return chain(*map(_features, before), end)


@translates("FeatureUnion", "ColumnTransformer")
def _side_by_side(fitted: Fitted, asked: str) -> Step:
    holds(asked == FEATURES, "no features")
    if fitted.name == "FeatureUnion":
        weights = fitted.transformer_weights or {}
        holds(not weights, "weights of features")
        return concat([_features(part) for _, part in fitted.transformer_list if part != "drop"])
    indices = fitted._transformer_to_input_indices
    holds(not fitted.transformer_weights, "weights of features")
    chosen = [
        (name, part) for name, part, _ in fitted.transformers_ if not (isinstance(part, str) and part == "drop") and len(indices[name])
    ]
    return concat([chain(columns(indices[name]), _features(part)) for name, part in chosen])


@translates(
    "GridSearchCV", "RandomizedSearchCV", "HalvingGridSearchCV", "HalvingRandomSearchCV", "TransformedTargetRegressor", "RANSACRegressor"
)
def _search(fitted: Fitted, asked: str) -> Step:
    if fitted.name == "TransformedTargetRegressor":
        return chain(translate(fitted.regressor_, asked), scaled_back(fitted.transformer_))
    return translate(fitted.estimator_ if fitted.name == "RANSACRegressor" else fitted.best_estimator_, asked)


def _binary_scores(estimator: Any) -> Step:
    """Scores, or if there are none the probability of the second class of two, or of all."""
    if answers(estimator, SCORES):
        return translate(estimator, SCORES)
    return translate(estimator, PROBABILITIES)


@translates("CalibratedClassifierCV")
def _calibrated(fitted: Fitted, asked: str) -> Step:
    labels = fitted.labels()
    probabilities = mean([_calibration(Fitted.of(part), labels) for part in fitted.calibrated_classifiers_])
    holds(asked in (PROBABILITIES, VALUES), f"{asked} of calibrated classifiers")
    return probabilities if asked == PROBABILITIES else chain(probabilities, choose(labels))


def _calibration(part: Fitted, labels: np.ndarray) -> Step:
    scores, binary = _binary_scores(part.estimator), len(labels) == 2
    by_probability = not answers(part.estimator, SCORES)
    if part.method == "temperature":
        beta = float(np.ravel(Fitted.of(part.calibrators[0]).beta_)[0])
        if by_probability:
            tiny = scale(add=np.full(len(labels), 1e-12))
            return chain(scores, mapped("double"), tiny, mapped("log"), scale(multiply=np.full(len(labels), beta)), mapped("softmax"))
        if binary:
            scores = chain(scores, linear([[-1.0], [1.0]]))
        return chain(scores, scale(multiply=np.full(len(labels), beta)), mapped("softmax"))
    known = Fitted.of(part.estimator).get("classes_")
    holds(known is None or len(np.asarray(known)) == len(labels), "a part that knows fewer classes")
    if binary:
        one = columns([1]) if by_probability else scale()
        return chain(scores, one, _calibrator(part.calibrators[0]), mapped("complement"))
    each = [chain(columns([place]), _calibrator(one)) for place, one in enumerate(part.calibrators)]
    return chain(scores, concat(each), mapped("shares"))


def _calibrator(calibrator: Any) -> Step:
    fitted = Fitted.of(calibrator)
    if fitted.name == "_SigmoidCalibration":
        return chain(linear([[-float(fitted.a_)]], [-float(fitted.b_)]), mapped("logistic"))
    holds(fitted.name == "IsotonicRegression" and fitted.out_of_bounds == "clip", f"calibration by {fitted.name}")
    return Interpolate({"x": fitted.floats("X_thresholds_"), "y": fitted.floats("y_thresholds_")}, {})


@translates("VotingClassifier", "VotingRegressor")
def _vote(fitted: Fitted, asked: str) -> Step:
    weights = fitted.weights
    if weights is not None:  # those of parts that were dropped go
        weights = [weight for (_, part), weight in zip(fitted.estimators, weights, strict=True) if not isinstance(part, str)]
    if fitted.name == "VotingRegressor":
        holds(asked == VALUES, f"{asked} of a regressor")
        return mean([translate(part, VALUES) for part in fitted.estimators_], weights)
    labels = Fitted.of(fitted.le_).labels()
    if fitted.voting == "soft":
        probabilities = mean([translate(part, PROBABILITIES) for part in fitted.estimators_], weights)
        holds(asked in (PROBABILITIES, VALUES), f"{asked} of a vote")
        return probabilities if asked == PROBABILITIES else chain(probabilities, choose(labels, 0.0))
    holds(asked == VALUES, f"{asked} of a hard vote")
    places = np.arange(len(labels))
    return chain(mean([chain(translate(part, VALUES), _compare(places)) for part in fitted.estimators_], weights), choose(labels))


@translates("StackingClassifier", "StackingRegressor")
def _stack(fitted: Fitted, asked: str) -> Step:
    binary = fitted.name == "StackingClassifier" and len(fitted.labels()) == 2
    parts = []
    for part, method in zip(fitted.estimators_, fitted.stack_method_, strict=True):
        step = translate(part, method)
        parts.append(chain(step, columns([1])) if binary and method == PROBABILITIES else step)
    if fitted.passthrough:
        parts.append(scale())
    after = [_relabelled(fitted.labels())] if asked == VALUES and fitted.name == "StackingClassifier" else []
    return chain(concat(parts), translate(fitted.final_estimator_, asked), *after)


def _relabelled(labels: np.ndarray) -> Step:
    """From places of labels to labels, as a column."""
    return chain(_compare(np.arange(len(labels))), linear(labels[None].astype(np.float64)))


@translates("BaggingClassifier", "BaggingRegressor")
def _bag(fitted: Fitted, asked: str) -> Step:
    picks = [columns(chosen) for chosen in fitted.estimators_features_]
    parts = list(zip(picks, fitted.estimators_, strict=True))
    if fitted.name == "BaggingRegressor":
        holds(asked == VALUES, f"{asked} of a regressor")
        return mean([chain(pick, translate(part, VALUES)) for pick, part in parts])
    labels = fitted.labels()
    if asked == SCORES:
        return mean([chain(pick, translate(part, SCORES)) for pick, part in parts])
    shares = mean([chain(pick, *_spread(part, len(labels))) for pick, part in parts])
    return shares if asked == PROBABILITIES else chain(shares, choose(labels))


def _spread(part: Any, classes: int) -> list[Step]:
    """A part's probabilities, or its vote, for all classes: a part may have seen some only."""
    if not answers(part, PROBABILITIES):
        return [translate(part, VALUES), _compare(np.arange(classes))]
    known = np.asarray(Fitted.of(part).get("classes_", np.arange(classes)))
    index = [int(np.flatnonzero(known == place)[0]) if place in known else -1 for place in range(classes)]
    return [translate(part, PROBABILITIES), columns(index)]


@translates("AdaBoostClassifier")
def _boost(fitted: Fitted, asked: str) -> Step:
    labels = fitted.labels()
    classes = len(labels)
    share = 1 / (classes - 1)
    votes = scale(multiply=np.full(classes, 1 + share), add=np.full(classes, -share))
    parts = [chain(translate(part, VALUES), _compare(labels), votes) for part in fitted.estimators_]
    raw = mean(parts, np.asarray(fitted.estimator_weights_)[: len(parts)])
    if classes == 2:
        after: tuple[Step, ...] = (linear([[-0.5], [0.5]]), mapped("softmax"))
        return classified(chain(raw, linear([[-1.0, 1.0]])), labels, asked, after)
    return classified(raw, labels, asked, (scale(multiply=np.full(classes, share)), mapped("softmax")))


@translates("OneVsRestClassifier", "OneVsOneClassifier")
def _one_against(fitted: Fitted, asked: str) -> Step:
    labels = fitted.labels()
    several = fitted.name == "OneVsRestClassifier" and Fitted.of(fitted.label_binarizer_).y_type_.startswith("multilabel")
    if fitted.name == "OneVsOneClassifier":
        holds(asked in (SCORES, VALUES) and fitted.pairwise_indices_ is None, f"{asked} of pairs of classes")
        pairs = concat([chain(translate(part, SCORES), linear([[-1.0]])) for part in fitted.estimators_])
        scores = chain(pairs, Votes({}, {"confidence": True}))
        return classified(chain(scores, columns([1])) if len(labels) == 2 else scores, labels, asked, None)
    if asked == PROBABILITIES:
        each = concat([chain(translate(part, PROBABILITIES), columns([1])) for part in fitted.estimators_])
        one = len(fitted.estimators_) == 1
        return each if several else chain(each, mapped("complement" if one else "shares"))
    holds(not several, "labels of several")
    each = concat([_one_score(part) for part in fitted.estimators_])
    if asked == SCORES:
        return concat([translate(part, SCORES) for part in fitted.estimators_])
    threshold = 0.0 if answers(fitted.estimators_[0], SCORES) else 0.5
    return chain(each, choose(labels, threshold))


def _one_score(part: Any) -> Step:
    return translate(part, SCORES) if answers(part, SCORES) else chain(translate(part, PROBABILITIES), columns([1]))


@translates("_ConstantPredictor")
def _constant(fitted: Fitted, asked: str) -> Step:
    raise UntranslatableError("a label that always or never holds")


@translates("MultiOutputClassifier", "MultiOutputRegressor")
def _each_output(fitted: Fitted, asked: str) -> Step:
    if fitted.name == "MultiOutputRegressor":
        holds(asked == VALUES, f"{asked} of a regressor")
        return concat([translate(part, VALUES) for part in fitted.estimators_])
    holds(asked == PROBABILITIES, f"{asked} of several labels")
    known = [[int(label) for label in np.asarray(Fitted.of(part).labels())] for part in fitted.estimators_]
    picks = [columns([known_ones.index(1) if 1 in known_ones else -1]) for known_ones in known]
    return concat([chain(translate(part, PROBABILITIES), pick) for part, pick in zip(fitted.estimators_, picks, strict=True)])
