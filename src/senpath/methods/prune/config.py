"""Settings of the revision `prune`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from senpath.settings import LearningRate, Seed, Settings, Share

What = Literal["weights", "units"]


class PruneSettings(Settings, owner="prune"):
    """How a task is pruned. The defaults are what won on validation data (docs/results/prune.md).

    Args:
        keep: the share that stays: of all weights of the pathway's own part, or of each layer's
            hidden units, to the nearest multiple of 4 from 12 on.
        what: "weights" sets the smallest ones to zero and stores a bit for them: disk falls, time does not; "units" takes out
            whole hidden units: disk and time fall.
        tolerance: how much of the score on held-out examples may be lost; beyond it nothing is changed.
        epochs: passes over the examples afterwards; None is half of what learning took, 0 is none.
        learning_rate: the highest; None is the one it was learned with.
        random_state: decides which examples are held out, and their order in training.
    """

    keep: Annotated[float, Field(gt=0, lt=1)] = 0.5
    what: What = "weights"
    tolerance: Share = 0.005
    epochs: Annotated[int, Field(ge=0, le=10**6)] | None = None
    learning_rate: LearningRate | None = None
    random_state: Seed = 0
