"""Hyperparameters of a path: lists of values, in which a mutation goes to a neighbour (Gesmundo and Dean 2022)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from senpath.training import Augmentation

MUTATION = tuple(round(0.02 * step, 2) for step in range(5, 16))
"""Probabilities of a mutation, .10 … .30."""
COLOURS = ("brightness", "contrast", "saturation", "hue")
DELTA = (0.0, 0.01, 0.02, 0.05, 0.1, 0.2)

GENERAL: Mapping[str, tuple[Any, ...]] = MappingProxyType(
    {
        "mutation": MUTATION,
        "learning_rate": (1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 1e-2, 2e-2, 5e-2, 0.1, 0.2, 0.5),
        "warm_up": (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4),
        "momentum": (0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.98, 0.99),
        "nesterov": (False, True),
        "adapter": (8, 16, 32, 64, 128),
    }
)
"""For inputs of any form."""
IMAGE: Mapping[str, tuple[Any, ...]] = MappingProxyType(
    {
        "flip": (False, True),
        "crop": (False, True),
        # The papers give the ends; the values between are ours.
        "crop_area": (0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.0),
        **dict.fromkeys(COLOURS, DELTA),
    }
)
"""For images besides."""
DEFAULTS: Mapping[str, Any] = MappingProxyType(
    {
        "mutation": 0.2,
        "learning_rate": 0.05,
        "warm_up": 0.05,
        "momentum": 0.9,
        "nesterov": True,
        "adapter": 32,
        "flip": False,
        "crop": False,
        "crop_area": 0.7,
        "brightness": 0.0,
        "contrast": 0.0,
        "saturation": 0.0,
        "hue": 0.0,
    }
)
"""Of the root path. The papers' own are not published to us. The learning rate is what the winners of trials came to; the others
were not compared (docs/log.md)."""


def lists(image: bool) -> dict[str, tuple[Any, ...]]:
    """The values that each hyperparameter may have."""
    return {**GENERAL, **(IMAGE if image else {})}


def augmentation_of(hyper: Mapping[str, Any]) -> Augmentation:
    """How a path's hyperparameters change images while training."""
    crop = float(hyper["crop_area"]) if hyper["crop"] else None
    colours: dict[str, Any] = {name: float(hyper[name]) for name in COLOURS}
    return Augmentation(flip=bool(hyper["flip"]), crop=crop, **colours)


def move(values: tuple[Any, ...], value: Any, random: np.random.Generator) -> Any:
    """A neighbour of a value in its list, up or down; at an end there is one only."""
    place = values.index(value) if value in values else int(np.abs(np.array(values, dtype=float) - float(value)).argmin())
    up = bool(random.random() < 0.5)
    if place == 0:
        up = True
    elif place == len(values) - 1:
        up = False
    return values[place + (1 if up else -1)]
