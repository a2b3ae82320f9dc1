"""How senpath came to this machine: its version, its extras, what they need, and how to install one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from importlib.metadata import Distribution

NAME = "senpath"
INTERNAL = frozenset({"dev", "docs"})
"""Extras for those who change senpath, not for those who use it."""


@dataclass(frozen=True)
class Requirement:
    """A package that senpath, or one of its extras, asks for.

    Args:
        range: the versions that will do, such as ">=2.5,<3"; "" for any.
        installed: the version that is there; None without one.
        fits: whether it is there, in a version that will do.
    """

    package: str
    range: str
    installed: str | None
    fits: bool


def installed_senpath() -> Distribution | None:
    """What is known of the installed package; None where senpath runs from a folder that nothing was installed from."""
    return _distribution(NAME)


def requirements() -> dict[str, list[Requirement]]:
    """What each extra asks for on this system, by its name; "" stands for senpath itself.

    An extra that stands for others lists their packages too. Empty where senpath is not installed.
    """
    from packaging.requirements import Requirement as Asked  # takes longer than all that `senpath --help` loads besides

    senpath = installed_senpath()
    if senpath is None:
        return {}
    lines = [Asked(line) for line in senpath.requires or ()]
    extras = ["", *(name for name in sorted(senpath.metadata.get_all("Provides-Extra") or ()) if name not in INTERNAL)]
    core = {str(line) for line in lines if line.marker is None}
    answer = {}
    for extra in extras:
        mine = [line for line in lines if line.marker is None or line.marker.evaluate({"extra": extra})]
        packages = [line for line in mine if not extra or str(line) not in core]
        answer[extra] = sorted((_requirement(line.name, str(line.specifier)) for line in packages), key=lambda each: each.package)
    return answer


def how_to_install(extra: str) -> str:
    """The command that installs an extra.

    Where senpath is installed, pip and uv leave it as it is, wherever it came from, and take only the extra's packages from the index: so
    the command is right for a wheel and for a checkout too, and before anything was published. Where senpath was not installed at all, it
    is installed from the folder of its source.
    """
    if installed_senpath() is None:
        return f"pip install '.[{extra}]', in the folder of senpath's source"
    return f"pip install '{NAME}[{extra}]'"


def _distribution(name: str) -> Distribution | None:
    from importlib.metadata import PackageNotFoundError, distribution  # every start of the command imports this file

    try:
        return distribution(name)
    except PackageNotFoundError:
        return None


def _requirement(name: str, specifier: str) -> Requirement:
    from packaging.specifiers import SpecifierSet

    there = _distribution(name)
    version = None if there is None else there.version
    fits = version is not None and SpecifierSet(specifier).contains(version, prereleases=True)
    return Requirement(name, specifier, version, fits)
