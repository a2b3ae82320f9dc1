"""How long and how fast to train."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Recipe:
    """Settings of one run of `fit`.

    Args:
        steps: mini-batches in all.
        batch_size: examples in one.
        learning_rate: the highest; it rises over the first twentieth of the steps and falls to zero along a cosine.
        augment: strength of random distortions of images, 0 for none, see `Augmentation`.
        clip: longest gradient, None for any.
        decay: half of it is the share of the weights' squared length that is added to the loss.
    """

    steps: int
    batch_size: int
    learning_rate: float
    augment: float = 0.0
    clip: float | None = None
    decay: float = 0.0
