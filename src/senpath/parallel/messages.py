"""Work, results and errors as bytes that go from one process to another."""

from __future__ import annotations

import pickle
import traceback
from collections.abc import Callable
from typing import Any

from senpath.errors import InputError, SenpathError


def pack(value: Any) -> bytes:
    """As bytes.

    Raises:
        InputError: for what pickle cannot send.
    """
    try:
        return pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)
    except Exception as error:  # pickling raises whatever the object's own code raises
        do = "Use jobs=1, or define it at the top of a module"
        raise InputError("work for several jobs", expected="what pickle can send", got=f"{type(error).__name__}: {error}", do=do) from error


def unpack(packed: bytes) -> Any:
    """What was packed, by a process of our own."""
    return pickle.loads(packed)  # noqa: S301 (no file)


def reply(work: Callable[[Any], Any], packed: bytes) -> bytes:
    """The message that says what work makes of an item, or what it raises."""
    try:
        return pack((True, work(unpack(packed))))
    except Exception as error:
        return pack((False, _portable(error)))


def _portable(error: Exception) -> Exception:
    """The error with its trace as a note, or what it says, if it cannot travel."""
    trace = "".join(traceback.format_exception(error))
    if not isinstance(error, SenpathError):
        error.add_note(f"In a worker process:\n{trace}")
    try:
        unpack(pickle.dumps(error))
    except Exception:
        plain = RuntimeError(f"{type(error).__name__}: {error}")
        plain.add_note(f"In a worker process:\n{trace}")
        return plain
    return error
