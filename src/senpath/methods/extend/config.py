"""Settings of the revision `extend`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from senpath.methods.checks import check_flag, check_training, settings_of


@dataclass(frozen=True)
class ExtendSettings:
    """How a task is extended. The defaults are what won on validation data (docs/results/extend.md).

    Args:
        may_move: whether what the task has may be trained on too; if not, its body and the rows of its old classes stay to the bit.
        epochs: passes over the examples, where something may move; None follows from their number.
        learning_rate: the highest; None is the model's own.
        random_state: decides everything that is drawn.
    """

    may_move: bool = False
    epochs: int | None = None
    learning_rate: float | None = None
    random_state: int = 0

    def __post_init__(self) -> None:
        check_flag("may_move", self.may_move)
        check_training(self.epochs, self.learning_rate, self.random_state, least_epochs=1)

    @staticmethod
    def of(**settings: Any) -> ExtendSettings:
        """Settings by name; see `settings_of`."""
        return settings_of(ExtendSettings, "extend", settings)
