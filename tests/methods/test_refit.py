"""Linear maps fitted anew: the least loss that there is, as scikit-learn finds it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.datasets import load_diabetes, load_digits, load_wine
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler, scale
from torch.nn.functional import cross_entropy

import senpath as sp
from senpath.components import ClassLink, Linear, WideAndDeep
from senpath.methods.sen.choice import STRENGTHS, FitChoice, choose
from senpath.methods.sen.refit import refit
from senpath.types import DataType, Examples


def examples_of(x: np.ndarray, y: np.ndarray) -> Examples:
    data_type = DataType("table", (x.shape[1],), {})
    classes = tuple(np.unique(y).tolist())
    return Examples(data_type, torch.from_numpy(x.astype(np.float32)), torch.from_numpy(np.searchsorted(classes, y)), classes)


@pytest.fixture(scope="module")
def wine() -> Examples:
    found = load_wine()
    return examples_of(scale(found.data)[::2], found.target[::2])


@pytest.fixture(scope="module")
def wide() -> Examples:
    """Fewer examples than columns."""
    found = load_digits()
    return examples_of(np.repeat(found.data, 2, axis=1)[:60] / 16, found.target[:60])


def as_given(parts: Sequence[Examples]) -> list[Callable[[torch.Tensor], torch.Tensor]]:
    return [lambda inputs: inputs for _ in parts]


@pytest.mark.parametrize("which", ["wine", "wide"])
def test_without_links_it_is_logistic_regression(which: str, request: pytest.FixtureRequest) -> None:
    examples: Examples = request.getfixturevalue(which)
    x, y = examples.inputs, examples.targets
    head = Linear(x.shape[1], len(examples.classes))
    strength = choose(examples, lambda inputs: inputs, as_given, seed=0).wide
    assert strength in STRENGTHS
    refit([], x, [], examples, strength).write_to(head)
    penalty = float(x.var(0, correction=0).sum()) / (strength * len(examples.classes))
    reference = LogisticRegression(C=1 / (penalty * len(x)), tol=1e-8, max_iter=10_000).fit(x.numpy().astype(float), y.numpy())
    mine = head(x).softmax(1).detach().numpy()
    np.testing.assert_allclose(mine, reference.predict_proba(x.numpy().astype(float)), atol=0.01)


def test_examples_count_by_their_weights(wine: Examples) -> None:
    x, y = wine.inputs, wine.targets
    weights = torch.where(y == 0, 8.0, 0.5)
    weights = weights / weights.mean()
    head = Linear(x.shape[1], len(wine.classes))
    refit([], x, [], replace(wine, weights=weights), 100.0).write_to(head)
    penalty = float(x.var(0, correction=0).sum()) / (100 * len(wine.classes))
    numbers = x.numpy().astype(float)
    reference = LogisticRegression(C=1 / (penalty * len(x)), tol=1e-8, max_iter=10_000).fit(numbers, y.numpy(), weights.numpy())
    np.testing.assert_allclose(head(x).softmax(1).detach().numpy(), reference.predict_proba(numbers), atol=0.01)
    plain = Linear(x.shape[1], len(wine.classes))
    refit([], x, [], wine, 100.0).write_to(plain)
    assert (head(x).softmax(1)[:, 0] - plain(x).softmax(1)[:, 0]).min() > -1e-3  # the heavy class gains everywhere


def test_links_start_where_they_are_and_the_own_part_can_do_alone(wine: Examples) -> None:
    x, y = wine.inputs, wine.targets
    torch.manual_seed(0)
    link = ClassLink(x.shape[1], 3, (0, 2))
    with torch.no_grad():
        link.weight.copy_(torch.randn(2, x.shape[1]))
        link.bias.copy_(torch.randn(2))
    before = link.weight.clone()
    head = Linear(x.shape[1], 3)
    refit([link], x, [x], wine, 100.0).write_to(head, link)
    own, whole = head(x), head(x) + link(x)
    assert cross_entropy(own, y) < 0.3
    assert cross_entropy(whole, y) < 0.2
    moved = (link.weight - before).norm()
    assert 0 < moved < before.norm()


def test_one_example_a_class_needs_no_folds(wine: Examples) -> None:
    first = torch.tensor([int((wine.targets == target).nonzero()[0]) for target in range(3)])
    few = wine.subset(first)
    choice = choose(few, lambda inputs: inputs, lambda parts: pytest.fail("nothing is left out"), seed=0)
    assert choice == FitChoice(100.0, 100.0, 1.0)
    head = Linear(few.inputs.shape[1], 3)
    refit([], few.inputs, [], few, choice.both).write_to(head)
    assert (head(few.inputs).argmax(1) == few.targets).all()


def test_inputs_that_never_vary() -> None:
    found = load_wine()
    x = np.ones((20, 3))
    few = examples_of(x, found.target[np.r_[0:10, 60:70]])
    head = Linear(3, 2)
    refit([], few.inputs, [], few, 100.0).write_to(head)
    assert torch.isfinite(head(few.inputs)).all()
    torch.testing.assert_close(head(few.inputs).softmax(1), torch.full((20, 2), 0.5), atol=1e-3, rtol=0)


def test_both_halves_of_a_skip_vary_alike() -> None:
    torch.manual_seed(0)
    skip, x = WideAndDeep(7, 5), torch.randn(200, 7) * 3
    before = skip(x)
    with torch.no_grad():
        skip.balance(x)
    given, made = skip(x).split([7, 5], dim=1)
    torch.testing.assert_close(made.var(0, correction=0).sum(), given.var(0, correction=0).sum())
    torch.testing.assert_close(given, before[:, :7])
    torch.testing.assert_close(made / made.norm(), before[:, 7:] / before[:, 7:].norm())


def test_hidden_units_that_are_noise_have_no_say(wine: Examples) -> None:
    """They are drawn anew for each fold, so what is fitted to them says nothing of what was left out."""
    torch.manual_seed(0)

    def noise(parts: Sequence[Examples]) -> list[Callable[[torch.Tensor], torch.Tensor]]:
        return [lambda inputs: torch.cat([inputs, 10 * torch.randn(len(inputs), 40)], 1) for _ in parts]

    assert choose(wine, lambda inputs: inputs, noise, seed=0).share <= 0.1
    alone = choose(wine, lambda inputs: inputs[:, :1], as_given, seed=0)
    assert alone.share >= 0.9


def test_maps_of_different_width_are_blended(wine: Examples) -> None:
    x = wine.inputs
    narrow, whole = refit([], x[:, :5], [], wine, 100.0), refit([], x, [], wine, 100.0)
    heads = Linear(5, 3), Linear(x.shape[1], 3), Linear(x.shape[1], 3)
    for head, maps in zip(heads, (narrow, whole, narrow.blended(whole, 0.25)), strict=True):
        maps.write_to(head)
    torch.testing.assert_close(heads[2](x), 0.75 * heads[0](x[:, :5]) + 0.25 * heads[1](x))


def test_a_regression_is_as_good_as_ridge() -> None:
    x, y = load_diabetes(return_X_y=True)
    ridge = make_pipeline(StandardScaler(), RidgeCV(np.logspace(-2, 4, 25))).fit(x[:300], y[:300])
    net = sp.Network()
    net.learn("diabetes", x[:300], y[:300], kind="regression")
    assert sp.evaluate(net, {"diabetes": (x[300:], y[300:])}).scores["diabetes"].accuracy > ridge.score(x[300:], y[300:]) - 0.01


def test_hidden_units_do_what_no_linear_model_can() -> None:
    x = np.random.default_rng(0).normal(size=(300, 2))
    y = (np.hypot(*x.T) > 1.2).astype(int)
    net = sp.Network()
    net.learn("ring", x[:200], y[:200])
    assert np.mean(net.predict(x[200:], task="ring").label == y[200:]) > 0.93


@pytest.mark.parametrize("kind", ["multilabel", "regression"])
def test_other_kinds_of_task_too(kind: str) -> None:
    found = load_wine()
    x = found.data
    y = (x[:, [0, 1]] > np.median(x[:, [0, 1]], 0)).astype(int) if kind == "multilabel" else x[:, 0] * 2 - x[:, 1]
    net = sp.Network()
    net.learn("wine", x[::2], y[::2], kind=kind)
    assert net.tasks["wine"].provenance.settings["model"] == "auto"
    assert net.view.component(net.view.pathway("wine").components[0]).kind.name == "skip.v1"
    assert sp.evaluate(net, {"wine": (x[1::2], y[1::2])}).scores["wine"].accuracy > 0.85
