"""Scikit-learn classifiers as a task's own part; imported only for a task that has one, for scikit-learn is large."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from sklearn.base import BaseEstimator, clone
from sklearn.model_selection import FixedThresholdClassifier, StratifiedKFold, TunedThresholdClassifierCV
from sklearn.neighbors import RadiusNeighborsClassifier, RadiusNeighborsRegressor
from sklearn.utils.validation import has_fit_parameter
from torch import nn

from senpath.components import Component, freeze_estimator, freeze_link
from senpath.errors import InputError
from senpath.methods.sen.config import SenSettings
from senpath.methods.sen.links import LinkPlan
from senpath.methods.sen.train import Trained, make_link
from senpath.pathways import run_chain
from senpath.progress import Progress
from senpath.seeds import derive
from senpath.snapshot import View
from senpath.tasks import Classification, TaskKind
from senpath.tasks.labels import listed, match_labels, plain_label
from senpath.training import Recipe, fit
from senpath.types import Examples

FOLDS = 5
TRIED, ALIKE = 8, 1e-3
"""Examples that are answered together and alone, and by what share of the largest number the two may differ."""
LINK_RECIPE = Recipe(steps=300, batch_size=128, learning_rate=1e-3)


def train_estimator(view: View, examples: Examples, plans: Sequence[LinkPlan], settings: SenSettings, progress: Progress) -> Trained:
    """Fit a scikit-learn estimator; links, if any, are trained on top of what it answers to examples it was not fitted on."""
    if settings.epochs == 0:
        raise InputError("epochs=0 (links alone)", expected="a torch model", got=repr(settings.model), do="Leave out model")
    kind = examples.task_kind
    # What a user chose may be meant for his own units, as Poisson's distribution is; the two that are built in do well on numbers around 0.
    own_units = not isinstance(settings.model, str)
    targets = kind.estimator_targets(examples.user_targets if own_units else examples.targets)
    inputs = examples.inputs.flatten(1).numpy().astype(np.float32 if kind.has_labels else np.float64)  # many take the targets' type from it
    estimator = _fresh(settings.model, settings.random_state, kind, examples.classes)
    weights = None if examples.weights is None else examples.weights.double().numpy()
    if weights is not None and not has_fit_parameter(estimator, "sample_weight"):
        raise InputError("weights of examples", expected="a model that takes sample_weight", got=repr(estimator), do="Leave them out")
    progress("train", 0, 1)
    try:
        fitted = _fitted(estimator, inputs, targets, weights)
        _check_answer(fitted, inputs[:TRIED] if own_units else inputs[:1], len(examples.classes), kind)
    except InputError:
        raise
    except Exception as error:  # whatever an estimator says of its parameters, or of data that it does not take
        raise InputError(f"method sen: estimator {estimator!r}", expected="one that fits the examples", got=str(error)) from error
    links: tuple[Component, ...] = ()
    if plans and settings.links != "none":
        links = _train_links(view, examples, plans, _out_of_fold(estimator, inputs, targets, weights, settings.random_state), settings)
    progress("train", 1, 1)
    return Trained((freeze_estimator(fitted, examples.inputs.flatten(1).numpy(), len(examples.classes), kind),), links, {})


class _OnTop(nn.Module):
    """Links over answers that are given: the input is [own logits | hidden units of the first source | …]."""

    def __init__(self, outputs: int, links: Sequence[nn.Module], widths: Sequence[int]) -> None:
        super().__init__()
        self.links, self.sizes = nn.ModuleList(links), [outputs, *widths]

    def forward(self, inputs: torch.Tensor, targets: torch.Tensor, weights: torch.Tensor | None = None) -> torch.Tensor:
        own, *hidden = inputs.split(self.sizes, dim=1)
        return Classification().loss(own + sum(link(part) for link, part in zip(self.links, hidden, strict=True)), targets, weights)


def _fresh(model: Any, seed: int, kind: TaskKind, classes: Sequence[Any]) -> Any:
    builtin = kind.builtin_estimator(model, seed) if isinstance(model, str) else None
    if builtin is not None:
        return builtin
    if not isinstance(model, BaseEstimator) or not kind.fits(model):
        raise InputError("method sen: model", expected=f"a scikit-learn {kind.estimator_noun}", got=repr(model))
    fresh = clone(model)
    _require_answers(fresh)
    if kind.exclusive:
        weights = {name: _by_place(value, classes) for name, value in fresh.get_params().items() if _are_weights(name, value)}
        fresh.set_params(**weights)
    unset = [name for name, value in fresh.get_params().items() if value is None and name.split("__")[-1] == "random_state"]
    return fresh.set_params(**dict.fromkeys(unset, seed))


def _are_weights(name: str, value: Any) -> bool:
    return name.split("__")[-1] == "class_weight" and isinstance(value, dict)


def _by_place(weights: dict[Any, float], classes: Sequence[Any]) -> dict[int, float]:
    """Weights of classes by the places that labels have here, which are what an estimator is fitted to."""
    labels = [plain_label(label) for label in weights]
    meant = match_labels([label for label in labels if label is not None], classes) if None not in labels else [None]
    if None in meant:
        raise InputError("class_weight of the model", expected=f"labels of the task, {listed(classes)}", got=listed([*weights]))
    return {classes.index(label): weight for label, weight in zip(meant, weights.values(), strict=True)}


def _require_answers(estimator: Any) -> None:
    """Refuse estimators whose answer is another than their likeliest class, or that have none for an input far from their examples."""
    for part in (estimator, *estimator.get_params().values()):
        if isinstance(part, FixedThresholdClassifier | TunedThresholdClassifierCV):
            do = "Give the classifier within; class_weight moves its answers"
            raise InputError("method sen: model", expected="a classifier that answers its likeliest class", got=repr(part), do=do)
        radius = isinstance(part, RadiusNeighborsRegressor) or (isinstance(part, RadiusNeighborsClassifier) and part.outlier_label is None)
        if radius:
            do = "Give neighbours by number, KNeighbors…, or a classifier's outlier_label"
            raise InputError("method sen: model", expected="one that answers far from its examples too", got=repr(part), do=do)


def _check_answer(fitted: Any, inputs: np.ndarray, classes: int, kind: TaskKind) -> None:
    together = kind.estimator_outputs(fitted, inputs, classes)
    answered = together.shape[1]
    if answered == classes and len(inputs) > 1:
        alone = np.concatenate([kind.estimator_outputs(fitted, inputs[place : place + 1], classes) for place in range(len(inputs))])
        if not np.allclose(together, alone, rtol=ALIKE, atol=ALIKE * float(np.abs(together).max())):
            raise InputError(
                f"answer of {type(fitted).__name__}",
                expected="the same to an input whatever is beside it, and each time",
                got="other answers",
                do="It may draw at random",
            )
    if answered != classes:
        raise InputError(
            f"answer of {type(fitted).__name__}",
            expected=f"one score for each of {classes} classes",
            got=answered,
            do="An SVC needs decision_function_shape='ovr'",
        )


def _fitted(estimator: Any, inputs: np.ndarray, targets: np.ndarray, weights: np.ndarray | None) -> Any:
    return clone(estimator).fit(inputs, targets, **({} if weights is None else {"sample_weight": weights}))


def _out_of_fold(estimator: Any, inputs: np.ndarray, targets: np.ndarray, weights: np.ndarray | None, seed: int) -> np.ndarray:
    """Each example's log-probabilities from an estimator that was fitted without it."""
    folds = min(FOLDS, int(np.bincount(targets).min()))
    if folds < 2:
        raise InputError(
            "links to a scikit-learn model", expected="two examples of each class or more", got="a class with one", do="Use links='none'"
        )
    classes = int(targets.max()) + 1
    answers = np.zeros((len(targets), classes), dtype=np.float32)
    for fitted, held in StratifiedKFold(folds, shuffle=True, random_state=seed).split(inputs, targets):
        part = _fitted(estimator, inputs[fitted], targets[fitted], None if weights is None else weights[fitted])
        answers[held] = Classification().estimator_outputs(part, inputs[held], classes)
    return answers


def _train_links(
    view: View, examples: Examples, plans: Sequence[LinkPlan], own: np.ndarray, settings: SenSettings
) -> tuple[Component, ...]:
    links = [make_link(plan, len(examples.classes)).to(view.device) for plan in plans]
    parts = [torch.from_numpy(own).to(view.device)]
    for plan in plans:
        parts.append(run_chain(map(view.component, plan.reads), examples.inputs.to(view.device)))
    model = _OnTop(len(examples.classes), links, [part.shape[1] for part in parts[1:]])
    targets, weights = examples.targets.to(view.device), None if examples.weights is None else examples.weights.to(view.device)
    fit(model, torch.cat(parts, 1), targets, LINK_RECIPE, derive(settings.random_state, "train"), weights=weights)
    return tuple(freeze_link(link) for link in links)
