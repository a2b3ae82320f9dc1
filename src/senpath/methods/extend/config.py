"""Settings of the revision `extend`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from senpath.settings import LearningRate, Seed, Settings, Share


class ExtendSettings(Settings, owner="extend"):
    """How a task is extended. The defaults won on validation data (docs/results/extend.md).

    Args:
        finetune: whether the task's own layers may be trained on; if not, its backbone and the rows of its old classes stay to the bit.
        epochs: passes over the examples, where anything is trained; None follows from their number.
        learning_rate: the highest learning rate; None is the model's own.
        most_lost: largest share of right answers that the task's earlier classes may lose, as far as that can be told without their
            examples. Where it would be more, the task learns from made-up earlier examples too, and stays as it is if that does not
            help; 1 takes any loss, and measures nothing.
        random_state: seed of everything that is drawn.

    Example:
        >>> sp.ExtendSettings(finetune=True).most_lost
        0.15
    """

    finetune: bool = False
    epochs: Annotated[int, Field(ge=1, le=10**6)] | None = None
    learning_rate: LearningRate | None = None
    most_lost: Share = 0.15
    random_state: Seed = 0
