"""What a task of few drawn pictures lets in."""

import os

import numpy as np
import pytest
from sklearn.datasets import load_digits

import senpath as sp
from senpath.data import load
from senpath.testing import ConstantMethod

SHOTS = 5


def drawn(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Five of each of scikit-learn's digits with their labels, and 400 others."""
    pictures, digits = load_digits().images.astype(np.float32) / 16, load_digits().target
    order = np.random.default_rng(seed).permutation(len(digits))
    few = np.concatenate([order[digits[order] == digit][:SHOTS] for digit in range(10)])
    return pictures[few], digits[few], pictures[np.setdiff1d(order, few)[:400]]


def refused(x: np.ndarray, y: np.ndarray, asked: np.ndarray) -> float:
    """The share of pictures that a network does not answer that has learned these."""
    net = sp.Network()
    net.learn("digits", x, y, method=ConstantMethod())
    return float(np.mean([task is None for task in net.predict(asked).task]))


@pytest.mark.parametrize("seed", range(3))
def test_own_pictures_are_let_in_and_noise_is_not(seed: int) -> None:
    x, y, others = drawn(seed)
    assert refused(x, y, others) <= 0.06
    assert refused(x, y, np.random.default_rng(1).random((200, 8, 8)).astype(np.float32)) >= 0.9


def test_one_picture_in_negative_among_few_does_not_let_everything_in() -> None:
    x, y, others = drawn(0)
    x[7] = 1 - x[7]
    assert refused(x, y, 1 - others) >= 0.9
    assert refused(x, y, np.rot90(others, 1, (1, 2)).copy()) >= 0.5


def test_two_pictures_a_class_do_not_shut_out_the_others() -> None:
    x, y, others = drawn(1)
    some = np.flatnonzero(np.arange(len(y)) % SHOTS < 2)
    assert refused(x[some], y[some], others) <= 0.06


def test_a_task_whose_few_pictures_differ_much_does_not_let_in_what_is_like_none() -> None:
    if not os.environ.get("SENPATH_DATA"):
        pytest.skip("SENPATH_DATA is not set: this test reads Bangla digits and letters")
    (x, y), (others, _), (letters, _) = (load(*part) for part in (("bangla", "train"), ("bangla", "test"), ("lower", "test")))
    order, y = np.random.default_rng(2).permutation(len(y)), np.asarray(y)
    few = np.concatenate([order[y[order] == digit][:SHOTS] for digit in np.unique(y)])
    assert refused(np.asarray(x)[few], y[few], np.asarray(others)[:400]) <= 0.05
    assert refused(np.asarray(x)[few], y[few], np.asarray(letters)[:300]) >= 0.7
