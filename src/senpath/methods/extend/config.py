"""Settings of the revision `extend`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from senpath.settings import LearningRate, Seed, Settings


class ExtendSettings(Settings, owner="extend"):
    """How a task is extended. The defaults are what won on validation data (docs/results/extend.md).

    Args:
        finetune: whether what the task has may be trained on too; if not, its body and the rows of its old classes stay to the bit.
        epochs: passes over the examples, where something may move; None follows from their number.
        learning_rate: the highest; None is the model's own.
        random_state: decides everything that is drawn.
    """

    finetune: bool = False
    epochs: Annotated[int, Field(ge=1, le=10**6)] | None = None
    learning_rate: LearningRate | None = None
    random_state: Seed = 0
