"""Checking the settings of methods and revisions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, TypeVar

import numpy as np

from senpath.errors import InputError

S = TypeVar("S")


def settings_of(kind: type[S], what: str, given: Mapping[str, Any]) -> S:
    """Settings, a dataclass, by name.

    Args:
        what: whose they are, for messages.

    Raises:
        InputError: for an unknown name, listing the known ones.
    """
    known = [field.name for field in fields(kind)]  # type: ignore[arg-type]
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise InputError(f"setting {unknown[0]!r} of {what}", expected=f"one of {', '.join(known)}", got="another name")
    return kind(**{name: value.item() if isinstance(value, np.generic) else value for name, value in given.items()})


def check_range(name: str, value: Any, low: float, high: float, *, optional: bool = False, whole: bool = False) -> None:
    """Refuse a setting that is no number in low … high.

    Args:
        optional: None is fine too.
        whole: only whole numbers are.
    """
    if value is None and optional:
        return
    if not is_number(value) or not low <= value <= high:
        raise InputError(f"setting {name!r}", expected=f"a number from {low:g} to {high:g}", got=repr(value))
    if whole and not isinstance(value, int):
        raise InputError(f"setting {name!r}", expected="a whole number", got=repr(value))


def check_choice(name: str, value: Any, choices: tuple[Any, ...]) -> None:
    """Refuse a setting that is none of these."""
    if value not in choices:
        raise InputError(f"setting {name!r}", expected=f"one of {', '.join(map(str, choices))}", got=repr(value))


def check_flag(name: str, value: Any) -> None:
    """Refuse a setting that is neither True nor False."""
    if not isinstance(value, bool):
        raise InputError(f"setting {name!r}", expected="True or False", got=repr(value))


def check_training(epochs: Any, learning_rate: Any, random_state: Any, *, least_epochs: int = 0) -> None:
    """Refuse what cannot be trained with; the first two may be None."""
    check_range("epochs", epochs, least_epochs, 10**6, optional=True, whole=True)
    check_range("learning_rate", learning_rate, 1e-8, 10, optional=True)
    check_range("random_state", random_state, 0, 2**32 - 1, whole=True)


def is_number(value: Any) -> bool:
    """Whether it is a plain number; True and False are none."""
    return isinstance(value, int | float) and not isinstance(value, bool)
