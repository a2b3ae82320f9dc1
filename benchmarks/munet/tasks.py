"""The tasks of each experiment, in the order in which they are learned."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from senpath import data

TOY = ("bangla", "devanagari", "telugu")
CHARS = ("mnist", "letters-lower", "letters-upper", "omniglot", "semeion", "bangla", "devanagari", "telugu")
PHOTOGRAPHS = ("grocery", "clothing", "signdigits", "cifar10")
SETS = {"letters-lower": "lower", "letters-upper": "upper"}
DRAWINGS, TRAINED = 20, 14
"""Of an Omniglot character, and those of them that are learned from."""


MOST = 20_000
"""Training images of CIFAR-10 that are used: enlarged, more of them fill the memory."""


@dataclass(frozen=True)
class Examples:
    """One task: x uint8 (n, h, w) or (n, h, w, 3), y (n,)."""

    name: str
    x: np.ndarray
    y: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray


def tasks(experiment: str, seed: int) -> Iterator[Examples]:
    """The tasks of an experiment: "toy", "chars", "photographs", "cifar" (CIFAR-10 alone) or "stream"."""
    names = {"toy": TOY, "chars": CHARS, "photographs": PHOTOGRAPHS, "cifar": ("cifar10",)}
    if experiment == "stream":
        yield from (_named(name) for name in ("mnist", "bangla", "devanagari", "telugu", "letters-lower", "semeion"))
        yield from _alphabets()
        return
    yield from (_named(name) for name in names[experiment])


def _named(name: str) -> Examples:
    if name == "omniglot":
        return _characters()
    known = SETS.get(name, name)
    x, y = data.load(known)
    if len(y) > MOST and name == "cifar10":
        chosen = np.random.default_rng(0).permutation(len(y))[:MOST]
        x, y = x[chosen], y[chosen]
    return Examples(name, x, y, *data.load(known, "test"))


def _characters() -> Examples:
    """All 964 characters of Omniglot's background set as the classes of one task."""
    x, y = data.load("omniglot", "background")
    return _split("omniglot", x, y)


def _alphabets() -> Iterator[Examples]:
    """The 30 alphabets of Omniglot's background set, a task each."""
    x, y = data.load("omniglot", "background")
    alphabets = np.array([label.split("/")[0] for label in y])
    for alphabet in dict.fromkeys(alphabets):
        mine = alphabets == alphabet
        yield _split(alphabet, x[mine], y[mine])


def _split(name: str, x: np.ndarray, y: np.ndarray) -> Examples:
    """The first drawings of each character to learn from, the last to test: they are of different people."""
    number = np.zeros(len(y), dtype=int)
    for label in np.unique(y):
        number[y == label] = np.arange((y == label).sum())
    trained = number < TRAINED
    return Examples(name, x[trained], y[trained], x[~trained], y[~trained])
