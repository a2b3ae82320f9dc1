"""A small root and searches over it, without any training."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from senpath.methods.munet import Blueprint, Budget, Part, Path, Penalty, Rules, Search
from senpath.methods.munet.hyper import DEFAULTS


def layer(place: str, weights: int = 100) -> Part:
    return Part(place, "mlp.v1", {"inputs": 8, "hidden": [8]}, weights, f"hash of {place}", False, None)


LAYERS = tuple(layer(place) for place in ("inputs", "block 1", "block 2", "block 3"))
BLUEPRINT = Blueprint(LAYERS, frozenset({"block 1", "block 2", "block 3"}), {part.place: (8,) for part in LAYERS}, 5)
ROOT = BLUEPRINT.root(DEFAULTS)


@pytest.fixture
def blueprint() -> Blueprint:
    """Of a root of four layers of 100 weights, the last three optional, for a task of five classes."""
    return BLUEPRINT


@pytest.fixture
def make_search() -> Callable[..., Search]:
    """A function: what differs from the defaults → a search for the task "new"."""

    def make(**changes: Any) -> Search:
        arguments: dict[str, Any] = {
            "task": "new",
            "blueprint": BLUEPRINT,
            "root": ROOT,
            "others": (),
            "path_of": _no_path,
            "users": {},
            "rules": Rules(image=False),
            "penalty": Penalty(1.0, 1.0, 400, 1.0),
            "budget": Budget(5, 4),
            "seed": 0,
        }
        return Search(**{**arguments, **changes})

    return make


def _no_path(task: str) -> Path:
    raise AssertionError(f"asked for the path of {task}, which is no parent")
