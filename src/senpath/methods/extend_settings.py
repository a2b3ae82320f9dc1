"""Settings of the revision `extend`."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from senpath.errors import InputError


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
        if not isinstance(self.may_move, bool):
            raise InputError("setting 'may_move'", expected="True or False", got=repr(self.may_move))
        for name, low, high in (("epochs", 1, 10**6), ("learning_rate", 1e-8, 10), ("random_state", 0, 2**32 - 1)):
            self._check_range(name, low, high)

    def _check_range(self, name: str, low: float, high: float) -> None:
        value = getattr(self, name)
        if value is None and name in ("epochs", "learning_rate"):
            return
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            raise InputError(f"setting {name!r}", expected=f"a number from {low:g} to {high:g}", got=repr(value))
        if name in ("epochs", "random_state") and not isinstance(value, int):
            raise InputError(f"setting {name!r}", expected="a whole number", got=repr(value))

    @staticmethod
    def of(**settings: object) -> ExtendSettings:
        """Settings by name.

        Raises:
            InputError: for an unknown name, listing the known ones.
        """
        known = [field.name for field in fields(ExtendSettings)]
        unknown = sorted(set(settings) - set(known))
        if unknown:
            raise InputError(f"setting {unknown[0]!r} of extend", expected=f"one of {', '.join(known)}", got="another name")
        plain = {name: value.item() if isinstance(value, np.generic) else value for name, value in settings.items()}
        return ExtendSettings(**plain)  # type: ignore[arg-type]
