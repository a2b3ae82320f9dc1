"""Settings of the revision `prune`."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Literal, get_args

import numpy as np

from senpath.errors import InputError

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
        if self.what not in get_args(What):
            raise InputError("setting 'what'", expected=f"one of {', '.join(get_args(What))}", got=repr(self.what))
        if not _is_number(self.keep) or not 0 < self.keep < 1:
            raise InputError("setting 'keep'", expected="a share above 0 and below 1", got=repr(self.keep))
        for name, low, high in (("tolerance", 0, 1), ("epochs", 0, 10**6), ("learning_rate", 1e-8, 10), ("random_state", 0, 2**32 - 1)):
            self._check_range(name, low, high)

    def _check_range(self, name: str, low: float, high: float) -> None:
        value = getattr(self, name)
        if value is None and name in ("epochs", "learning_rate"):
            return
        if not _is_number(value) or not low <= value <= high:
            raise InputError(f"setting {name!r}", expected=f"a number from {low:g} to {high:g}", got=repr(value))
        if name in ("epochs", "random_state") and not isinstance(value, int):
            raise InputError(f"setting {name!r}", expected="a whole number", got=repr(value))

    @staticmethod
    def of(**settings: Any) -> PruneSettings:
        """Settings by name.

        Raises:
            InputError: for an unknown name, listing the known ones.
        """
        known = [field.name for field in fields(PruneSettings)]
        unknown = sorted(set(settings) - set(known))
        if unknown:
            raise InputError(f"setting {unknown[0]!r} of prune", expected=f"one of {', '.join(known)}", got="another name")
        return PruneSettings(**{name: value.item() if isinstance(value, np.generic) else value for name, value in settings.items()})


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
