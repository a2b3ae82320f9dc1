"""Small tasks of real data, and networks that know them, in a moment."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from senpath.network import Network
from senpath.testing.constant import ConstantMethod

Labelled = tuple[Any, Any]
TEXTS = {"warm": ("a warm day", "warm and dry", "the sun is warm"), "cold": ("a cold night", "cold and wet", "the wind is cold")}


def tiny_task(name: str) -> Labelled:
    """Inputs and labels of a small task.

    Args:
        name: "low", "high" or "odd", 150 handwritten digits each, 0 … 4, 5 … 9 or the odd ones, as float64 (150, 8, 8) in 0 … 1 (UCI);
            "iris", 150 flowers as float64 (150, 4) (Fisher 1936); "weather", 60 sentences of two classes.

    Example:
        >>> x, y = tiny_task("iris")
        >>> x.shape, y.shape
        ((150, 4), (150,))
    """
    return _tasks()[name]


@cache
def _tasks() -> dict[str, Labelled]:
    from sklearn.datasets import load_digits, load_iris  # takes a second, which workers that learn by `ConstantMethod` have no use for

    digits, flowers = load_digits(), load_iris()
    images, numbers = digits.images / 16, digits.target
    parts = {"low": numbers < 5, "high": numbers >= 5, "odd": numbers % 2 == 1}
    order = np.random.default_rng(0).permutation(len(flowers.target))
    return {
        **{name: (images[mine][:150], numbers[mine][:150]) for name, mine in parts.items()},
        "iris": (flowers.data[order], flowers.target[order]),
        "weather": (
            [f"{text} {number}" for texts in TEXTS.values() for text in texts for number in range(10)],
            [label for label, texts in TEXTS.items() for text in texts for _ in range(10)],
        ),
    }


def tiny_network(path: str | Path | None = None, tasks: Iterable[str] = ("low", "high", "iris"), **options: Any) -> Network:
    """A network that learned some small tasks; "high" borrows from "low" where both are there.

    Args:
        path: its folder, which is new; None makes a temporary one that goes with the network.
        tasks: names that `tiny_task` knows, in the order of learning.
        options: of `Network`.

    Example:
        >>> list(tiny_network(tasks=["iris"]).tasks)
        ['iris']
    """
    network, names = Network(path, **options), [*tasks]
    for name in names:
        source = "low" if name == "high" and "low" in network.tasks else None
        network.learn(name, *tiny_task(name), method=ConstantMethod(source=source))
    return network
