"""Where work runs: in this process, or on a pool of processes of this machine.

Every worker computes with one thread and the results come in the order of the items, so they do not depend on how many workers there are.
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import threading
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import count
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from typing import Any, Generic, TypeVar

import torch

from senpath.errors import InputError, SenpathError

Item = TypeVar("Item")
Result = TypeVar("Result")
Prepare = Callable[[], Callable[[Item], Result]]
"""Called once in each worker; what it answers with is called with the items."""

AHEAD = 4
"""Items a worker that may be handed out beyond the first one without a result: so many results may have to wait for it."""
LAST_SECONDS = 5.0
"""How long a process that has closed its end of the pipe may take to end."""


def check_jobs(jobs: object) -> None:
    """Refuse a number of workers that is none.

    Raises:
        InputError: for anything but a whole number from 1.
    """
    if not isinstance(jobs, int) or isinstance(jobs, bool) or jobs < 1:
        raise InputError("jobs", expected="a whole number, 1 or more", got=repr(jobs))


@contextmanager
def one_thread() -> Iterator[None]:
    """Within, torch computes with one thread in this process; after, with as many as before."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def in_order(prepare: Prepare[Item, Result], items: Iterable[Item], jobs: int) -> Iterator[Iterator[Result]]:
    """Work on items, and give the results in their order.

    Within, every worker has called `prepare`, and does so no more. After, no worker is left, whatever happened. An item is taken when a
    worker is free for it; what an item or `prepare` raises is raised here, at its turn, and no later item is begun.

    Args:
        prepare: see `Prepare`; with more than one job it is sent to other processes, as are the items and results (by pickle).
        jobs: workers at once; 1 works in this process, one item whenever the next result is asked for.

    Raises:
        InputError: if `prepare` cannot be sent to another process.
        SenpathError: if a worker ends, killed or out of memory: at the turn of the item that it was at.
    """
    check_jobs(jobs)
    if jobs == 1:
        with one_thread():
            yield map(prepare(), items)
        return
    workers: list[_Worker] = []
    try:
        _start(workers, _pack(prepare), jobs)
        yield _Pool[Item, Result](workers, items).results()
    finally:
        for worker in workers:
            worker.process.kill()  # all at once, before waiting for any
        for worker in workers:
            worker.close()


def _start(workers: list[_Worker], prepare: bytes, jobs: int) -> None:
    """Add workers that are ready."""
    with _without_interrupts():
        for _ in range(jobs):
            workers.append(_Worker())
    for worker in workers:
        worker.send(prepare)
    for worker in workers:
        done, answer = worker.receive()
        if not done:
            raise answer


class _Pool(Generic[Item, Result]):
    """Workers that are ready, and what they are at."""

    def __init__(self, workers: list[_Worker], items: Iterable[Item]) -> None:
        self._idle, self._busy = list(workers), dict[int, _Worker]()
        self._items, self._ahead = enumerate(items), AHEAD * len(workers)
        self._found: dict[int, tuple[bool, Any]] = {}

    def results(self) -> Iterator[Result]:
        for place in count():
            self._hand_out()
            while place not in self._found and self._busy:
                self._collect(None)
                self._hand_out()
            if place not in self._found:
                return
            self._collect(0)  # who is done goes on while the caller looks at the result
            self._hand_out()
            done, result = self._found.pop(place)
            if not done:
                raise result
            yield result

    def _hand_out(self) -> None:
        """Give items to those who have none, but none after a failure, and not too many beyond the first that is waited for."""
        while self._idle and all(done for done, _ in self._found.values()) and len(self._found) + len(self._busy) < self._ahead:
            place, item = next(self._items, (-1, None))
            if place < 0:
                return
            worker = self._idle.pop()
            if worker.send(_pack(item)):
                self._busy[place] = worker
            else:
                self._found[place] = False, worker.lost()

    def _collect(self, seconds: float | None) -> None:
        """Take the results that are there, waiting for one at most so long."""
        ready = set(wait([part for worker in self._busy.values() for part in worker.signs], seconds))
        for place, worker in list(self._busy.items()):
            if ready.intersection(worker.signs):
                del self._busy[place]
                self._found[place] = worker.receive()
                self._idle.append(worker)


class _Worker:
    """A process, and this end of the pipe to it."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")  # a fork of a process with torch's threads may hang
        self.connection, other = context.Pipe()
        self.process = context.Process(target=_serve, args=(other,), daemon=True)
        with other:
            self.process.start()
        self.signs = (self.connection, self.process.sentinel)
        self._ready = False

    def send(self, packed: bytes) -> bool:
        """Send work; whether there is a process to take it."""
        try:
            self.connection.send_bytes(packed)  # not send(), for which torch puts tensors into shared memory, often a small one
        except OSError:
            return False
        return True

    def receive(self) -> tuple[bool, Any]:
        """Whether it was done, and the result or the error. Waits for it."""
        try:
            if self.connection not in wait(self.signs):  # a process of its own may hold its end of the pipe open
                return False, self.lost()
            answer: tuple[bool, Any] = pickle.loads(self.connection.recv_bytes())  # noqa: S301 (of our own process, no file)
        except (EOFError, OSError):
            return False, self.lost()
        self._ready = True
        return answer

    def lost(self) -> SenpathError:
        """What to say of a process that has ended."""
        self.process.join(LAST_SECONDS)
        self.process.kill()
        self.process.join()
        code = self.process.exitcode or 0
        how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended itself with exit code {code}"
        if self._ready:
            do = "If there was not enough memory, let fewer jobs run at once"
            return SenpathError("worker process", expected="one that lives to the end of its work", got=f"one that {how}", do=do)
        do = 'A script that asks for several jobs needs `if __name__ == "__main__":` above what it runs'
        return SenpathError("worker process", expected="one that starts", got=f"one that {how}", do=do)

    def close(self) -> None:
        """Wait for the end of a killed process."""
        self.process.join()
        self.process.close()
        self.connection.close()


@contextmanager
def _without_interrupts() -> Iterator[None]:
    """Processes started within are deaf to Ctrl-C from their first moment; one that comes meanwhile reaches this process afterwards."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # else its start, within, would take the mask away
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _pack(value: Any) -> bytes:
    try:
        return pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)
    except Exception as error:  # pickling raises whatever the object's own code raises
        do = "Use jobs=1, or define it at the top of a module"
        raise InputError("work for several jobs", expected="what pickle can send", got=f"{type(error).__name__}: {error}", do=do) from error


def _serve(connection: Connection) -> None:
    """The life of a worker: prepare, then answer each item until the other end of the pipe is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    torch.set_num_threads(1)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    ready: list[Callable[[Any], Any]] = []
    with suppress(EOFError, OSError):
        connection.send_bytes(_reply(lambda prepare: ready.append(prepare()), connection.recv_bytes()))
        while ready:
            connection.send_bytes(_reply(ready[0], connection.recv_bytes()))


def _end_with_parent() -> None:
    """A parent that was killed has told nobody."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _reply(work: Callable[[Any], Any], packed: bytes) -> bytes:
    """The message that says what work makes of an item, or what it raises."""
    try:
        return _pack((True, work(pickle.loads(packed))))  # noqa: S301 (of the parent process, no file)
    except Exception as error:
        return _pack((False, _portable(error)))


def _portable(error: Exception) -> Exception:
    """The error with its trace as a note, or what it says, if it cannot travel."""
    trace = "".join(traceback.format_exception(error))
    if not isinstance(error, SenpathError):
        error.add_note(f"In a worker process:\n{trace}")
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 (just made)
    except Exception:
        plain = RuntimeError(f"{type(error).__name__}: {error}")
        plain.add_note(f"In a worker process:\n{trace}")
        return plain
    return error
