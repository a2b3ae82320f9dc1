"""A labelled data set that was read, and what happens to inputs that cannot be used."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from senpath.errors import InputError

SKIP_HINT = "sp.read(…, bad='skip'), or --skip-bad, leaves out what cannot be read"
"""What errors suggest where the caller could skip bad inputs."""


@dataclass(frozen=True, eq=False)
class Data:
    """A labelled data set, as `senpath.read` returns it; `Network.learn` takes it in place of x and y.

    Attributes:
        x: the inputs, in a form that `Network.predict` takes.
        y: one label, or target, per input.
        modality: "image", "audio", "video", "table" or "text".
        about: one sentence that says what was read, what was guessed, and of a table how many values are missing.
        skipped: inputs that could not be used: the file, line or row of each, and the reason.
    """

    x: Any = field(repr=False)
    y: Any = field(repr=False)
    modality: str
    about: str
    skipped: Sequence[tuple[str, str]] = ()

    def __len__(self) -> int:
        return len(self.x)


class ErrorPolicy:
    """Decides whether the first bad input ends the reading, or each is skipped and listed.

    Args:
        bad: "error" or "skip".
        hint: added to errors.
    """

    def __init__(self, bad: str = "error", hint: str = "") -> None:
        if bad not in ("error", "skip"):
            raise InputError("bad", expected="'error' or 'skip'", got=repr(bad))
        self._skip, self._hint = bad == "skip", hint
        self.skipped: list[tuple[str, str]] = []

    def reject(self, place: str, error: InputError) -> None:
        """Raise the error, or list it under the input's place."""
        if not self._skip:
            if self._hint:
                error.reword(f"{error.message.rstrip('.')}. {self._hint}")
            raise error
        self.skipped.append((place, error.message))

    def require_some(self, remaining: int, what: str) -> None:
        """Raise InputError if inputs were skipped and none remains."""
        if not remaining and self.skipped:
            place, reason = self.skipped[0]
            got = f"none: all {len(self.skipped):,} were left out, {place} because of: {reason}"
            raise InputError(what, expected="at least one input that can be read", got=got)


def counted(number: int, one: str, several: str = "") -> str:
    """A number and what is counted: "1 row", "2,000 rows"."""
    return f"{number:,} {one if number == 1 else several or one + 's'}"
