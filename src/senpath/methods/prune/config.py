"""Settings of the revision `prune`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from senpath.settings import LearningRate, Seed, Settings, Share

What = Literal["weights", "units"]


class PruneSettings(Settings, owner="prune"):
    """How a task is pruned. The defaults won on validation data (docs/results/prune.md).

    Args:
        keep: the share that stays: of all weights of the pathway's own layers, or of each layer's hidden units, to the nearest multiple
            of 4 from 12 on.
        what: "weights" sets the smallest weights to zero and stores one bit for each: less disk, the same time; "units" removes whole
            hidden units: less disk and less time.
        tolerance: how much of the score on held-out examples may be lost; if more is, nothing is changed.
        epochs: passes over the examples after pruning; 0 for none. None is half of what learning took.
        learning_rate: the highest learning rate; None is the one that the task was learned with.
        random_state: seed of the choice of held-out examples and of the order of training.

    Example:
        >>> sp.PruneSettings(keep=0.5, what="units").tolerance
        0.005
    """

    keep: Annotated[float, Field(gt=0, lt=1)] = 0.5
    what: What = "weights"
    tolerance: Share = 0.005
    epochs: Annotated[int, Field(ge=0, le=10**6)] | None = None
    learning_rate: LearningRate | None = None
    random_state: Seed = 0
