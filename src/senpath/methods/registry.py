"""The methods and revisions that are known by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from senpath.errors import InputError
from senpath.methods.allocation import Allocation
from senpath.methods.extend import Extend
from senpath.methods.moe import Moe
from senpath.methods.munet import Munet
from senpath.methods.prune import Prune
from senpath.methods.review import Review
from senpath.methods.sen import Sen
from senpath.snapshot import Method, Revision

METHODS: dict[str, Callable[..., Method]] = {"sen": Sen, "munet": Munet, "allocation": Allocation, "moe": Moe}
"""Every method that `Network.learn` knows by name."""
REVISIONS: dict[str, Callable[..., Revision]] = {"review": Review, "prune": Prune, "extend": Extend}
"""Every revision that `Network` has a method of the same name for."""


def make_method(method: str | Method, settings: Mapping[str, Any]) -> Method:
    """The method of this name with these settings, or the method itself.

    Raises:
        InputError: for an unknown method or setting, or settings beside a method that has its own.
    """
    if callable(getattr(method, "propose", None)) and not isinstance(method, str):
        if settings:
            raise InputError("settings", expected="none beside a method that has its own", got=sorted(settings))
        return method
    if not isinstance(method, str) or method not in METHODS:
        raise InputError("method", expected=f"one of {', '.join(METHODS)}", got=repr(method))
    return METHODS[method](**settings)


def make_revision(name: str, settings: Mapping[str, Any]) -> Revision:
    """The revision of this name with these settings.

    Raises:
        InputError: for an unknown setting.
    """
    return REVISIONS[name](**settings)
