"""What other packages add: extras that senpath can do without; plug-ins, offered by an entry point or at a place, `package.module:Name`."""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

from senpath.errors import InputError, MissingExtraError


def import_extra(module: str, what: str, extra: str) -> Any:
    """Import a module that only an extra of senpath installs.

    Args:
        what: needs it, for messages.

    Raises:
        MissingExtraError: if it is not installed.
    """
    try:
        return import_module(module)
    except ImportError as error:
        package = module.partition(".")[0]
        raise MissingExtraError.of(what, package, extra) from error


def offered(group: str) -> dict[str, str]:
    """What installed packages offer in a group of entry points: the place of each, by its name there."""
    return {point.name: point.value for point in entry_points(group=group)}


def provider(group: str, name: str) -> str | None:
    """The installed package that offers this name in a group of entry points."""
    return next((point.dist.name for point in entry_points(group=group, name=name) if point.dist is not None), None)


def import_place(place: str, what: str) -> Any:
    """Import what lies at a place, `package.module:Name`.

    Args:
        what: is looked for, for messages.

    Raises:
        InputError: if there is no such module, it cannot be imported, or has no such name.
    """
    module, _, name = place.partition(":")
    try:
        imported = import_module(module)
    except Exception as error:  # whatever a module of somebody else's does when it is imported
        raise InputError(
            f"{what} {place!r}",
            expected="a module that can be imported",
            got=f"{type(error).__name__}: {error}",
            do="Install its package, or name its folder in PYTHONPATH",
        ) from error
    if not name or not hasattr(imported, name):
        raise InputError(f"{what} {place!r}", expected=f"a name that the module {module} has", got=repr(name))
    return getattr(imported, name)
