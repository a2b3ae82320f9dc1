"""A small root and searches over it, without any training."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from senpath.methods.munet import Evolution, LayerPath, MutationRules, PathLayer, Penalty, SearchBudget, SearchSpace
from senpath.methods.munet.hyper import DEFAULTS


def layer(place: str, weights: int = 100) -> PathLayer:
    return PathLayer(place, "mlp.v1", {"inputs": 8, "hidden": [8]}, weights, f"hash of {place}", False, None)


LAYERS = tuple(layer(place) for place in ("inputs", "block 1", "block 2", "block 3"))
SPACE = SearchSpace(LAYERS, frozenset({"block 1", "block 2", "block 3"}), {layer.name: (8,) for layer in LAYERS}, 5)
ROOT = SPACE.root(DEFAULTS)


@pytest.fixture
def space() -> SearchSpace:
    """Of a root of four layers of 100 weights, the last three optional, for a task of five classes."""
    return SPACE


@pytest.fixture
def make_search() -> Callable[..., Evolution]:
    """A function: what differs from the defaults → a search for the task "new"."""

    def make(**changes: Any) -> Evolution:
        arguments: dict[str, Any] = {
            "task": "new",
            "space": SPACE,
            "root": ROOT,
            "others": (),
            "path_of": _no_path,
            "users": {},
            "rules": MutationRules(image=False),
            "penalty": Penalty(1.0, 1.0, 400, 1.0),
            "budget": SearchBudget(5, 4),
            "seed": 0,
        }
        return Evolution(**{**arguments, **changes})

    return make


def _no_path(task: str) -> LayerPath:
    raise AssertionError(f"asked for the path of {task}, which is no parent")
