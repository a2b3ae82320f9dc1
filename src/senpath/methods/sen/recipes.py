"""How each kind of model is trained by default: one rule from the number of examples, chosen on validation data."""

from __future__ import annotations

from senpath.components import ComponentKind
from senpath.errors import InputError
from senpath.methods.sen.config import SenSettings
from senpath.training import Recipe
from senpath.types import Examples

AUGMENT_BELOW = 20_000
"""Image tasks with fewer examples are distorted while training; with more, distortions cost time and gain little."""


def recipe_for(kind: ComponentKind, examples: Examples, settings: SenSettings) -> Recipe:
    """The recipe for training a backbone of this kind on these examples.

    Raises:
        InputError: if nothing is known of how the kind is trained.
    """
    default = kind.training
    if default is None:
        raise InputError(f"a model of kind {kind}", expected="a kind with training defaults", got="none", do="Give the kind `training`")
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
