"""The methods and revisions that are known by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from senpath.errors import InputError
from senpath.methods.allocation import Allocation
from senpath.methods.extend import Extend
from senpath.methods.moe import Moe
from senpath.methods.munet import Munet
from senpath.methods.prune import Prune
from senpath.methods.review import Review
from senpath.methods.sen import Sen
from senpath.plugins import import_place, offered
from senpath.snapshot import Method, Revision

M = TypeVar("M", Method, Revision)
GROUP = "senpath.methods"
"""Entry points by which installed packages offer methods."""
METHODS: dict[str, Callable[..., Method]] = {"sen": Sen, "munet": Munet, "allocation": Allocation, "moe": Moe}
"""Methods by name: senpath's own, and those that were registered.

Example:
    >>> list(sp.METHODS)
    ['sen', 'munet', 'allocation', 'moe']
"""
REVISIONS: dict[str, Callable[..., Revision]] = {"review": Review, "prune": Prune, "extend": Extend}
"""Every revision that `Network` has a method of the same name for.

Example:
    >>> list(sp.REVISIONS)
    ['review', 'prune', 'extend']
"""


def register(name: str, method: Callable[..., Method]) -> None:
    """Make a method known by name, for `learn(…, method=name)` in this process.

    A package does so for whoever installs it by an entry point of the group `senpath.methods`: `name = "package.module:Class"`.

    Args:
        method: a class of methods; it is called with the settings by name, `random_state` among them.

    Raises:
        InputError: if it is no method, the name is none, or another method has it.
    """
    if not isinstance(name, str) or not name or ":" in name:
        raise InputError("name of a method", expected="a word without a colon", got=repr(name))
    if METHODS.get(name, method) is not method:
        raise InputError(f"name of a method {name!r}", expected="a new one", got=f"that of {METHODS[name]!r}")
    METHODS[name] = _checked(method, repr(name))


def known_methods() -> list[str]:
    """Names of all methods: senpath's own, those that were registered, those that installed packages offer."""
    return list(dict.fromkeys([*METHODS, *offered(GROUP)]))


def find_method(name: str) -> Callable[..., Method]:
    """The class of methods of this name, or at this place, `package.module:Class`.

    Raises:
        InputError: if there is none.
    """
    if name in METHODS:
        return METHODS[name]
    place = offered(GROUP).get(name, name)
    if ":" not in place:
        raise InputError("method", expected=f"one of {', '.join(known_methods())}, or package:Class", got=repr(name))
    return _checked(import_place(place, "method"), repr(name))


def make_method(method: str | Method, settings: Mapping[str, Any]) -> Method:
    """The method of this name, or at this place, with these settings; or the method itself.

    Raises:
        InputError: for an unknown method or setting, or settings beside a method that has its own.
    """
    if isinstance(method, str):
        return _make(find_method(method), method, settings)
    if isinstance(method, type) or not callable(getattr(method, "propose", None)):
        raise InputError("method", expected=f"one of {', '.join(known_methods())}, package:Class, or a method", got=repr(method))
    if settings:
        raise InputError("settings", expected="none beside a method that has its own", got=sorted(settings))
    return method


def make_revision(name: str, settings: Mapping[str, Any]) -> Revision:
    """The revision of this name with these settings.

    Raises:
        InputError: for an unknown setting.
    """
    return _make(REVISIONS[name], name, settings)


def _checked(method: Any, name: str) -> Callable[..., Method]:
    if not isinstance(method, type) or not callable(getattr(method, "propose", None)):
        raise InputError(f"method {name}", expected="a class with a method `propose`, see senpath.snapshot.Method", got=repr(method))
    return method


def _make(kind: Callable[..., M], name: str, settings: Mapping[str, Any]) -> M:
    try:
        return kind(**settings)
    except TypeError as error:  # a `Settings` class names what is wrong
        raise InputError(f"settings of {name!r}", expected="those that it takes", got=str(error)) from error
