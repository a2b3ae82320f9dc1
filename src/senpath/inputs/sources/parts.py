"""Which part of a data set is meant, where it comes as several: for training, for testing, for validation."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from senpath.errors import InputError

Held = TypeVar("Held")
PARTS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("test", "testing", "t10k"), "test"),
    **dict.fromkeys(("val", "valid", "validation", "dev"), "validation"),
}
"""What parts are called, and the one name of each."""
SEPARATORS = re.compile(r"[-_. ]+")


@dataclass(frozen=True)
class WantedPart:
    """The part that is wanted.

    Args:
        name: as the user says it; data that has no parts has none of this name. None where nobody said.
        usual: the one to take then, if there is one of this name.
    """

    name: str | None = None
    usual: str = "train"


def part_name(name: str) -> str:
    """The one name of a part, such as "test" for "t10k"."""
    return PARTS.get(name.lower(), name.lower())


def split_name(name: str) -> tuple[str, tuple[str, ...]]:
    """The part that a name of a file or an array tells, "" for none, and the other words of it."""
    words = [word for word in SEPARATORS.split(name.lower()) if word]
    told = [word for word in words if word in PARTS]
    return (PARTS[told[0]] if len(told) == 1 else ""), tuple(word for word in words if len(told) != 1 or word != told[0])


def choose(parts: Mapping[str, Held], wanted: WantedPart, what: str) -> tuple[Held, str]:
    """The part that is wanted, and what is to be said of the choice.

    Args:
        parts: by their names; "" is what belongs to none.
        what: what errors call the data.

    Raises:
        InputError: if there is none of this name, or several and none that is usual.
    """
    names = ", ".join(repr(name) for name in parts if name)
    if wanted.name is not None:
        name = part_name(wanted.name)
        if not name or name not in parts:
            do = "" if names else "Leave split out"
            raise InputError(what, expected=f"a part {wanted.name!r}", got=f"the parts {names}" if names else "no parts", do=do)
        return parts[name], f"part {name!r}"
    if len(parts) == 1:
        ((name, only),) = parts.items()
        return only, f"part {name!r}" if name else ""
    usual = [name for name in (wanted.usual, "train", "") if name in parts]
    if not usual:
        raise InputError(what, expected="one part", got=f"the parts {names}", do=f"Choose one: split={next(iter(parts))!r}, or --split")
    said = f"part {usual[0]!r} of {names}" if usual[0] else f"what is in no part, beside {names}"
    return parts[usual[0]], said


def require_no_part(wanted: WantedPart, what: str) -> None:
    """Refuse to choose a part of what has none."""
    choose({"": None}, wanted, what)


def named_as_parts(folders: Sequence[Path]) -> tuple[list[Path], bool]:
    """Folders whose names tell a part and differ in nothing else, as "seg_train" and "seg_test", and whether they are that word alone."""
    alike: dict[tuple[str, ...], list[Path]] = {}
    for folder in folders:
        part, rest = split_name(folder.name)
        if part:
            alike.setdefault(rest, []).append(folder)
    return (alike[()], True) if () in alike else (max(alike.values(), key=len, default=[]), False)
