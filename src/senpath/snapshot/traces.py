"""Noting down what a view hands out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field


@dataclass(eq=False)
class AccessTrace:
    """What a view has handed out: hashes of components, and by data type how many numbers of its dispatcher."""

    components: set[str] = field(default_factory=set)
    dispatchers: dict[str, int] = field(default_factory=dict)

    def add_dispatcher(self, key: str, numbers: int) -> None:
        """Note that so many of its numbers were used; several uses are taken for uses of the same ones."""
        self.dispatchers[key] = max(numbers, self.dispatchers.get(key, 0))

    def include(self, other: AccessTrace) -> None:
        """Note what another one has noted."""
        self.components |= other.components
        for key, numbers in other.dispatchers.items():
            self.add_dispatcher(key, numbers)


WATCHED: ContextVar[tuple[tuple[object, AccessTrace], ...]] = ContextVar("WATCHED", default=())
"""The views that are watched in this thread, and their traces; other threads may ask the same views meanwhile."""


@contextmanager
def watching(view: object) -> Iterator[AccessTrace]:
    """A context that notes what this view hands out in this thread meanwhile."""
    trace = AccessTrace()
    token = WATCHED.set((*WATCHED.get(), (view, trace)))
    try:
        yield trace
    finally:
        WATCHED.reset(token)


def traces_of(view: object) -> list[AccessTrace]:
    """Those that note what this view hands out in this thread."""
    return [trace for watched, trace in WATCHED.get() if watched is view]
