"""How each kind of model is trained by default: one rule from the number of examples, chosen on validation data."""

from __future__ import annotations

from dataclasses import dataclass

from senpath.methods.sen.config import SenSettings
from senpath.training import Recipe
from senpath.types import Examples

AUGMENT_BELOW = 20_000
"""Image tasks with fewer examples are distorted while training; with more, distortions cost time and gain little."""


@dataclass(frozen=True)
class Default:
    """How one kind of model is trained.

    Args:
        learning_rate: see `Recipe`.
        batch_size: the largest.
        scale: steps are scale · examples^0.4, so passes over the data become fewer as the data grows.
        most: steps, at most.
        clip, decay: see `Recipe`.
    """

    learning_rate: float
    batch_size: int
    scale: float
    most: int
    clip: float | None = None
    decay: float = 0.0


DEFAULTS = {
    "mlp.v1": Default(4e-3, 128, 100, 6000),
    "skip.v1": Default(4e-3, 128, 30, 6000, decay=1e-3),
    "pooled-skip.v1": Default(4e-3, 128, 30, 6000, decay=1e-3),
    "cnn.v1": Default(2e-3, 128, 50, 4000),
    "lstm.v1": Default(4e-3, 32, 30, 2000, clip=1.0),
}


def recipe_for(kind: str, examples: Examples, settings: SenSettings) -> Recipe:
    """The recipe for training a model of this kind on these examples."""
    default = DEFAULTS[kind]
    batch = settings.batch_size or min(default.batch_size, len(examples))
    steps = min(default.most, round(default.scale * len(examples) ** 0.4))
    image = examples.data_type.form == "image"
    augment = settings.augment if settings.augment is not None else float(len(examples) < AUGMENT_BELOW)
    return Recipe(
        steps=steps if settings.epochs is None else settings.epochs * max(1, len(examples) // batch),
        batch_size=batch,
        learning_rate=settings.learning_rate or default.learning_rate,
        augment=augment if image else 0.0,
        clip=default.clip,
        decay=default.decay,
    )
