"""Where workers live: the protocols that every backend keeps to, and the backend of this process."""

from __future__ import annotations

import os
import pickle
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from threading import Lock
from typing import Any, Protocol, TypeVar

import torch

from senpath.errors import InputError, SenpathError
from senpath.isolation import isolation

Item = TypeVar("Item")
Result = TypeVar("Result")
Prepare = Callable[[], Callable[[Item], Result]]
"""Called once in each worker; the function that it returns is called with the items."""
Tell = Callable[[str], None]
"""Called with a sentence for people, without its full stop."""


class WorkerDiedError(SenpathError):
    """A worker ended before its work did.

    Attributes:
        how: what happened, such as "worker process was ended by SIGKILL".
    """

    def __init__(self, what: str, fate: str, ready: bool, do: str = "") -> None:
        expected = "one that lives to the end of its work" if ready else "one that starts"
        super().__init__(what, expected=expected, got=f"one that {fate}", do=do)
        self.how = f"{what} {fate}"


class Worker(Protocol):
    """It prepares, then works on one item at a time."""

    def send(self, item: Any) -> None:
        """Give it an item.

        Raises:
            InputError: if the item cannot be sent; the worker is still free.
            WorkerDiedError: if the worker has ended.
        """

    def receive(self) -> tuple[bool, Any]:
        """Wait for the answer: (True, result) or (False, the error that the work raised). The first answer is that of preparing.

        Raises:
            WorkerDiedError: if the worker has ended.
        """


class Backend(Protocol):
    """Where workers live. A `WorkerPool` opens it once, and closes it in the end."""

    def open(self, prepare: Prepare[Any, Any], jobs: int, tell: Tell) -> None:
        """Make ready to start workers.

        Raises:
            InputError: if `prepare` cannot be sent to another process.
        """

    def start(self, count: int) -> Sequence[Worker]:
        """New workers, which have begun to prepare."""

    def wait(self, workers: Sequence[Any], seconds: float | None) -> Sequence[Worker]:
        """Those workers from which something can be received: at least one, or perhaps none after so many seconds."""

    def end(self, workers: Iterable[Any]) -> None:
        """End workers, whatever they are doing."""

    def close(self) -> None:
        """End all workers, and whatever else was started for them."""


def cores() -> int:
    """Cores of this machine that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class _OneThread:
    """Lets torch compute with one thread as long as a caller needs it; several may at once, and the last leaves what the first came to."""

    def __init__(self) -> None:
        self._lock, self._users, self._before = Lock(), 0, 1

    @contextmanager
    def __call__(self) -> Iterator[None]:
        with self._lock:
            if not self._users:
                self._before = torch.get_num_threads()
            self._users += 1
            torch.set_num_threads(1)
        try:
            yield
        finally:
            with self._lock:
                self._users -= 1
                torch.set_num_threads(self._before)  # of this thread, and of those that begin


one_thread = _OneThread()
"""A context: within, torch computes with one thread in this process; after, with as many as before."""


class InProcess:
    """The backend whose one worker is this process."""

    def open(self, prepare: Prepare[Any, Any], jobs: int, tell: Tell) -> None:
        self._prepare = prepare

    def start(self, count: int) -> Sequence[Worker]:
        return [_ThisProcess(self._prepare) for _ in range(count)]

    def wait(self, workers: Sequence[Any], seconds: float | None) -> Sequence[Worker]:
        return workers

    def end(self, workers: Iterable[Any]) -> None:
        """There is nothing to end."""

    def close(self) -> None:
        """There is nothing to close."""


class _ThisProcess:
    """Works when it is asked for its answer."""

    def __init__(self, prepare: Prepare[Any, Any]) -> None:
        self._work: Callable[[Any], Any]
        self._next: Callable[[], Any] = partial(self._begin, prepare)

    def send(self, item: Any) -> None:
        self._next = partial(self._work, item)

    def receive(self) -> tuple[bool, Any]:
        work, self._next = self._next, _nothing  # the item is not kept
        try:
            with one_thread():
                return True, work()
        except Exception as error:  # whoever asked for the work raises it again
            return False, error

    def _begin(self, prepare: Prepare[Any, Any]) -> None:
        self._work = prepare()


def _nothing() -> None:
    """Stands where there is no work."""


def pack(value: Any) -> bytes:
    """Bytes that can be sent to another process.

    Raises:
        InputError: for what pickle cannot send.
    """
    try:
        return pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)
    except Exception as error:  # pickling raises whatever the object's own code raises
        do = "Use jobs=1, or define it at the top of a module"
        raise InputError("work for several jobs", expected="what pickle can send", got=f"{type(error).__name__}: {error}", do=do) from error


def unpack(packed: bytes) -> Any:
    """What a process of our own packed."""
    return pickle.loads(packed)  # noqa: S301 (no file)


def reply(work: Callable[[Any], Any], packed: bytes) -> bytes:
    """The packed answer of a worker to an item; see `Worker.receive`."""
    try:
        with isolation():  # a script that is imported in each worker may have set what it likes
            return pack((True, work(unpack(packed))))
    except Exception as error:  # the other process raises it again
        return pack((False, portable(error)))


def portable(error: Exception) -> Exception:
    """The error with its trace as a note; its text alone, if it cannot be sent."""
    note = "In a worker process:\n" + "".join(traceback.format_exception(error))
    if not isinstance(error, SenpathError):
        error.add_note(note)
    try:
        unpack(pickle.dumps(error))
    except Exception:  # an error of somebody else's may raise anything when it is sent, or made again
        plain = RuntimeError(f"{type(error).__name__}: {error}")
        plain.add_note(note)
        return plain
    return error
