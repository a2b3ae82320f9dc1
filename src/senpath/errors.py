"""The one tree of exceptions. Each message says what is wrong, what was expected, what was got and what to do."""

from __future__ import annotations

import os
import re
import sys
import warnings
from pathlib import Path
from typing import Any

from senpath.installation import how_to_install

PACKAGE = f"{Path(__file__).parent}{os.sep}"

CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""Characters that control a terminal or break lines, halves of characters, and what changes the direction in which others are shown."""


def printable(text: str) -> str:
    """Text in which whatever would control a terminal is spelled out: names, labels and times in files can be anybody's."""
    return CONTROLS.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


class SenpathError(Exception):
    """Base class of every error that senpath raises on purpose.

    Attributes:
        message: the whole text, made of the parts below.
        what: what is wrong.
        expected: what was expected; None if not given.
        got: what was there instead; None if not given.
        do: what to do about it; None if not given.
        exit_code: exit code of the command line when this error ends it.
        code: what a server's answers call it; the same for all that is wrong in the same way.

    Example:
        >>> try:
        ...     net.predict(x, task="hands")
        ... except sp.SenpathError as error:
        ...     print(type(error).__name__, error.exit_code)
        UnknownTaskError 2
    """

    exit_code = 1
    code = "internal"

    def __init__(self, what: str, *, expected: object = None, got: object = None, do: str = "") -> None:
        self.what = printable(what).rstrip(".")
        self.expected = None if expected is None else printable(str(expected))
        self.got = None if got is None else printable(str(got))
        self.do = printable(do) or None
        contrast = ", ".join(f"{name} {value}" for name, value in (("expected", self.expected), ("got", self.got)) if value is not None)
        message = f"{self.what}: {contrast}" if contrast else self.what
        self.message = f"{message}. {self.do}" if do else message
        super().__init__(self.message)

    def reword(self, message: str, *, what: str | None = None) -> None:
        """Give it another message, where the caller knows more; the parts stay, but for `what` if that is given."""
        self.message = printable(message)
        self.args = (self.message,)
        self.what = self.what if what is None else what

    def rename(self, old: str, new: str) -> None:
        """Call something by another name: a file by that of what it came from."""
        self.reword(self.message.replace(old, new), what=self.what.replace(old, new))
        self.expected, self.got, self.do = (None if part is None else part.replace(old, new) for part in (self.expected, self.got, self.do))

    def __reduce__(self) -> tuple[Any, ...]:
        """Whatever a subclass is made from: an error that cannot be unpickled leaves a pool of processes waiting for ever."""
        return _again, (type(self), self.args, self.__dict__)

    # KeyError and ValueError, which some subclasses also are, would print the message in quotes.
    def __str__(self) -> str:
        return self.message


def _again(kind: type[SenpathError], args: tuple[Any, ...], parts: dict[str, Any]) -> SenpathError:
    error = kind.__new__(kind, *args)
    error.args = args
    error.__dict__.update(parts)
    return error


class InputError(SenpathError, ValueError):
    """Data, labels or a setting cannot be used.

    Example:
        >>> net.learn("", x, y)
        Traceback (most recent call last):
            ...
        senpath.errors.InputError: task name: expected 1 to 200 printable characters, got ''
    """

    exit_code = 2
    code = "input"


class UnknownTaskError(InputError, KeyError):
    """The network has no task of this name.

    Example:
        >>> net.predict(x, task="hands")
        Traceback (most recent call last):
            ...
        senpath.errors.UnknownTaskError: task 'hands': expected one that the network has learned: low, high, iris, got another name
    """

    code = "unknown_task"


class TaskExistsError(InputError):
    """The network already has a task of this name.

    Example:
        >>> net.learn("low", x, y)
        Traceback (most recent call last):
            ...
        senpath.errors.TaskExistsError: task 'low': expected a new name, got one the network has learned. Choose another name, or extend it
    """

    code = "task_exists"


class MissingError(InputError):
    """There is nothing of this name or number, or no longer."""

    code = "not_found"


class LimitError(InputError):
    """It is more than is taken."""

    code = "too_large"


class FullError(SenpathError):
    """There is no room now; later there may be."""

    code = "too_many"


class BusyError(SenpathError):
    """Too much is asked at once; a little later it will be answered."""

    code = "busy"


class StoreError(SenpathError):
    """The folder of a network is missing, damaged, not a network, or cannot be written.

    Example:
        >>> written = Path("words.txt").write_text("no network")
        >>> sp.Network("words.txt")
        Traceback (most recent call last):
            ...
        senpath.errors.StoreError: ...words.txt: expected a folder, got a file. Choose another name for the network
    """

    exit_code = 3
    code = "store"


class PathwayError(StoreError):
    """The components of a pathway do not fit together."""


class FormatVersionError(StoreError):
    """The folder was written by a newer version of senpath.

    Example:
        >>> issubclass(sp.FormatVersionError, sp.StoreError), sp.FormatVersionError.exit_code
        (True, 3)
    """


class ConflictError(StoreError):
    """Another writer holds the folder, or has changed what this change builds on.

    Example:
        >>> sp.ConflictError.exit_code, sp.ConflictError.code
        (3, 'conflict')
    """

    code = "conflict"


class MissingExtraError(SenpathError, ImportError):
    """An optional package is needed and not installed (`pip install senpath[...]`).

    Example:
        >>> sp.MissingExtraError("texts", expected="transformers", got="not installed", do="pip install 'senpath[text]'").exit_code
        4
    """

    exit_code = 4
    code = "missing_extra"

    @classmethod
    def of(cls, what: str, package: str, extra: str) -> MissingExtraError:
        """The error where an extra of senpath brings the package.

        Args:
            what: needs it.
        """
        return cls(what, expected=package, got="not installed", do=how_to_install(extra))


class DownloadError(SenpathError):
    """A file could not be downloaded or uploaded, or is not the expected file.

    Example:
        >>> sp.DownloadError("digits.gz", expected="the known file", got="another").exit_code
        5
    """

    exit_code = 5


class SenpathWarning(UserWarning):
    """What was done may not be what was wanted; the message says what it is and what to do.

    Example:
        >>> import warnings
        >>> warnings.simplefilter("ignore", sp.SenpathWarning)  # tells nothing from here on
    """


class RoutingWarning(SenpathWarning):
    """A new task makes it harder to find the right task for inputs of others.

    Example:
        >>> issubclass(sp.RoutingWarning, sp.SenpathWarning)
        True
    """


def warn(text: str, category: type[SenpathWarning] = SenpathWarning) -> None:
    """Warn at the line of whoever called senpath."""
    level, frame = 1, sys._getframe()
    while frame.f_back is not None and frame.f_code.co_filename.startswith(PACKAGE):
        level, frame = level + 1, frame.f_back
    warnings.warn(text, category, stacklevel=level)
