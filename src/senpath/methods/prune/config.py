"""Settings of the revision `prune`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

from senpath.errors import InputError
from senpath.methods.checks import check_choice, check_range, check_training, is_number, settings_of

What = Literal["weights", "units"]


@dataclass(frozen=True)
class PruneSettings:
    """How a task is pruned. The defaults are what won on validation data (docs/results/prune.md).

    Args:
        keep: the share that stays, above 0 and below 1: of all weights of the pathway's own part, or of each layer's
            hidden units, to the nearest multiple of 4 from 12 on.
        what: "weights" sets the smallest ones to zero and stores a bit for them: disk falls, time does not; "units" takes out
            whole hidden units: disk and time fall.
        tolerance: how much of the score on held-out examples may be lost, in 0 … 1; beyond it nothing is changed.
        epochs: passes over the examples afterwards; None is half of what learning took, 0 is none.
        learning_rate: the highest; None is the one it was learned with.
        random_state: decides which examples are held out, and their order in training.
    """

    keep: float = 0.5
    what: What = "weights"
    tolerance: float = 0.005
    epochs: int | None = None
    learning_rate: float | None = None
    random_state: int = 0

    def __post_init__(self) -> None:
        check_choice("what", self.what, get_args(What))
        if not is_number(self.keep) or not 0 < self.keep < 1:
            raise InputError("setting 'keep'", expected="a share above 0 and below 1", got=repr(self.keep))
        check_range("tolerance", self.tolerance, 0, 1)
        check_training(self.epochs, self.learning_rate, self.random_state)

    @staticmethod
    def of(**settings: Any) -> PruneSettings:
        """Settings by name; see `settings_of`."""
        return settings_of(PruneSettings, "prune", settings)
