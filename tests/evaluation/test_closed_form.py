"""Closed forms beside scikit-learn's, and that they depend on no order."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from sklearn.linear_model import Ridge

from senpath.evaluation.closed_form import ClassSums, RandomProjection, RidgeSums, choose_strength, one_hot


def digits(count: int) -> tuple[torch.Tensor, torch.Tensor]:
    x, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(y))[:count]
    return torch.from_numpy(x[order] / 16).float(), torch.from_numpy(y[order])


@pytest.mark.parametrize("count", [40, 400])  # fewer examples than the 64 features, and more
def test_ridge_is_scikit_learns_whatever_the_order_and_the_parts(count: int) -> None:
    features, columns = digits(count)
    penalty = 0.1 * float(features.square().sum()) / 64
    theirs = Ridge(alpha=penalty, fit_intercept=False).fit(features.double().numpy(), one_hot(columns, 10).double().numpy())
    whole, turned, first, rest = (RidgeSums(64) for _ in range(4))
    whole.add(features, columns)
    order = columns.argsort(descending=True)
    for some in order.split(30):
        turned.add(features[some], columns[some])
    first.add(features[:30], columns[:30])
    rest.add(features[30:], columns[30:])
    for sums in (whole, turned, first + rest, rest + first):
        assert sums.examples == count
        np.testing.assert_allclose(sums.solve(0.1).T, theirs.coef_, atol=2e-4)


def test_classes_that_come_later_change_nothing_of_the_earlier_sums() -> None:
    features, columns = digits(400)
    sums = RidgeSums(64)
    for digit in range(10):
        sums.add(features[columns == digit], columns[columns == digit])
    at_once = RidgeSums(64)
    at_once.add(features, columns)
    torch.testing.assert_close(sums.solve(0.01), at_once.solve(0.01), atol=1e-3, rtol=1e-3)


def test_the_strength_is_the_one_that_serves_held_out_examples() -> None:
    features, columns = digits(400)
    sums = RidgeSums(64)
    sums.add(features[:300], columns[:300])
    strength, weights = choose_strength(sums, features[300:], columns[300:], (1e-4, 1e-2, 1e5))
    right = [((features[300:] @ sums.solve(one)).argmax(1) == columns[300:]).sum() for one in (1e-4, 1e-2, 1e5)]
    assert strength == (1e-4, 1e-2, 1e5)[int(torch.stack(right).argmax())] != 1e5
    torch.testing.assert_close(weights, sums.solve(strength))
    assert float(max(right)) > 80


def test_class_means_are_means_however_the_examples_come() -> None:
    features, columns = digits(300)
    sums = ClassSums(64)
    for some in columns.argsort().split(70):
        sums.add(features[some], columns[some])
    means = np.stack([features[columns == digit].numpy().mean(0) for digit in range(10)])
    np.testing.assert_allclose(sums.means, means, atol=1e-5)


def test_a_projection_follows_from_its_seed() -> None:
    features, _ = digits(5)
    first, again, other = (RandomProjection(64, 200, seed)(features) for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert first.shape == (5, 200)
    assert float(first.min()) == 0
