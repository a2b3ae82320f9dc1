"""Work in this process."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch

from senpath.parallel.base import Prepare


@contextmanager
def one_thread() -> Iterator[None]:
    """Within, torch computes with one thread in this process; after, with as many as before."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


class _Self:
    """This process as a worker: it works when it is asked for what it has done."""

    ended = ""

    def __init__(self, prepare: Prepare[Any, Any]) -> None:
        self._work: Callable[[Any], Any]
        self._next: Callable[[], Any] = partial(self._begin, prepare)

    def send(self, item: Any) -> bool:
        self._next = partial(self._work, item)
        return True

    def receive(self) -> tuple[bool, Any]:
        try:
            with one_thread():
                return True, self._next()
        except Exception as error:
            return False, error

    def _begin(self, prepare: Prepare[Any, Any]) -> None:
        self._work = prepare()


class Here:
    """The site whose one worker is this process."""

    def __init__(self, prepare: Prepare[Any, Any]) -> None:
        self._prepare = prepare

    def start(self, count: int) -> list[_Self]:
        return [_Self(self._prepare) for _ in range(count)]

    def wait(self, workers: Sequence[_Self]) -> Sequence[_Self]:
        return workers

    def end(self, workers: Iterable[_Self]) -> None:
        """Nothing is left of it."""
