"""What was read, and what was left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from senpath.errors import InputError


@dataclass(frozen=True, eq=False)
class Data:
    """Labelled data, and what is known about it; `Network.learn` takes it in place of x and y.

    Attributes:
        x: inputs, as `Network.predict` takes them.
        y: their labels, one each.
        modality: "image", "audio", "table" or "text".
        about: what was found and what was guessed, in a sentence.
        skipped: what could not be used and was left out: its file, line or row, and why.
    """

    x: Any = field(repr=False)
    y: Any = field(repr=False)
    modality: str
    about: str
    skipped: Sequence[tuple[str, str]] = ()

    def __len__(self) -> int:
        return len(self.x)


OTHERWISE = "sp.read(…, bad='skip'), or --skip-bad, leaves out what cannot be read"
"""The way out of an error, where there is a choice."""


class Refusals:
    """What becomes of what cannot be used: the first is an error, or each is left out and written down.

    Args:
        bad: "error" or "skip".
        otherwise: what errors say could be done instead.
    """

    def __init__(self, bad: str = "error", otherwise: str = "") -> None:
        if bad not in ("error", "skip"):
            raise InputError("bad", expected="'error' or 'skip'", got=repr(bad))
        self._skip, self._otherwise = bad == "skip", otherwise
        self.skipped: list[tuple[str, str]] = []

    def refuse(self, where: str, error: InputError) -> None:
        """Raise the error, or write it down."""
        if not self._skip:
            if self._otherwise:
                error.reword(f"{error.message.rstrip('.')}. {self._otherwise}")
            raise error
        self.skipped.append((where, error.message))

    def require_some(self, found: int, what: str) -> None:
        """Refuse a source of which all was left out.

        Args:
            found: how many inputs are left.
        """
        if not found and self.skipped:
            got = f"none: all {len(self.skipped):,} were left out, {self.skipped[0][0]} because of: {self.skipped[0][1]}"
            raise InputError(what, expected="at least one input that can be read", got=got)


def counted(number: int, one: str, several: str = "") -> str:
    """A number and what is counted: "1 row", "2,000 rows"."""
    return f"{number:,} {one if number == 1 else several or one + 's'}"
