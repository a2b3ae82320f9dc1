"""Linear maps fitted anew: the least loss that there is, as scikit-learn finds it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits, load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import scale
from torch.nn.functional import cross_entropy

import senpath as sp
from senpath.components import ClassLink, Linear, WideAndDeep
from senpath.methods.sen.refit import STRENGTHS, refit
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


@pytest.mark.parametrize("which", ["wine", "wide"])
def test_without_links_it_is_logistic_regression(which: str, request: pytest.FixtureRequest) -> None:
    examples: Examples = request.getfixturevalue(which)
    x, y = examples.inputs, examples.targets
    head = Linear(x.shape[1], len(examples.classes))
    strength = refit(head, [], x, [], examples, seed=0)
    assert strength in STRENGTHS
    penalty = float(x.var(0, correction=0).sum()) / (strength * len(examples.classes))
    reference = LogisticRegression(C=1 / (penalty * len(x)), tol=1e-8, max_iter=10_000).fit(x.numpy().astype(float), y.numpy())
    mine = head(x).softmax(1).detach().numpy()
    np.testing.assert_allclose(mine, reference.predict_proba(x.numpy().astype(float)), atol=0.01)


def test_links_start_where_they_are_and_the_own_part_can_do_alone(wine: Examples) -> None:
    x, y = wine.inputs, wine.targets
    torch.manual_seed(0)
    link = ClassLink(x.shape[1], 3, (0, 2))
    with torch.no_grad():
        link.weight.copy_(torch.randn(2, x.shape[1]))
        link.bias.copy_(torch.randn(2))
    before = link.weight.clone()
    head = Linear(x.shape[1], 3)
    refit(head, [link], x, [x], wine, seed=0)
    own, whole = head(x), head(x) + link(x)
    assert cross_entropy(own, y) < 0.3
    assert cross_entropy(whole, y) < 0.2
    moved = (link.weight - before).norm()
    assert 0 < moved < before.norm()


def test_one_example_a_class_needs_no_folds(wine: Examples) -> None:
    first = torch.tensor([int((wine.targets == target).nonzero()[0]) for target in range(3)])
    few = wine.subset(first)
    head = Linear(few.inputs.shape[1], 3)
    assert refit(head, [], few.inputs, [], few, seed=0) == STRENGTHS[0]
    assert (head(few.inputs).argmax(1) == few.targets).all()


def test_inputs_that_never_vary() -> None:
    found = load_wine()
    x = np.ones((20, 3))
    few = examples_of(x, found.target[np.r_[0:10, 60:70]])
    head = Linear(3, 2)
    refit(head, [], few.inputs, [], few, seed=0)
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
