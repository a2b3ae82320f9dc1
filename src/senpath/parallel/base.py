"""What work is, and what workers are to those who hand it out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol, TypeVar

from senpath.errors import InputError

Item = TypeVar("Item")
Result = TypeVar("Result")
Prepare = Callable[[], Callable[[Item], Result]]
"""Called once in each worker; what it answers with is called with the items."""


def check_jobs(jobs: object) -> None:
    """Refuse a number of workers that is none.

    Raises:
        InputError: for anything but a whole number from 1.
    """
    if not isinstance(jobs, int) or isinstance(jobs, bool) or jobs < 1:
        raise InputError("jobs", expected="a whole number, 1 or more", got=repr(jobs))


class Worker(Protocol):
    """It prepares, then works on one item at a time.

    Attributes:
        ended: what became of it, as a sentence without its full stop that goes on after "its"; empty while it lives.
    """

    ended: str

    def send(self, item: Any) -> bool:
        """Give it an item; whether it lives to take it.

        Raises:
            InputError: if the item cannot be sent; the worker is still free.
        """

    def receive(self) -> tuple[bool, Any]:
        """Whether what it was at is done, and the result or the error; first of all, whether it has prepared. Waits for it."""


W = TypeVar("W", bound=Worker)


class Site(Protocol[W]):
    """Where workers live."""

    def start(self, count: int) -> list[W]:
        """New workers, on their way to prepare."""

    def wait(self, workers: Sequence[W]) -> Sequence[W]:
        """Those, one at least, of whom something can be received."""

    def end(self, workers: Iterable[W]) -> None:
        """Put an end to workers, whatever they are at."""
