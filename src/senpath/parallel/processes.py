"""Worker processes of this machine."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from typing import Any

import torch

from senpath.parallel.backend import Prepare, Tell, Worker, WorkerDiedError, pack, reply, unpack

LAST_SECONDS = 5.0
"""How long a process that has closed its end of the pipe may take to end."""


class Processes:
    """Processes of this machine, deaf to Ctrl-C, that end with this one."""

    def __init__(self) -> None:
        self._workers: list[_WorkerProcess] = []
        self._prepare = b""

    def open(self, prepare: Prepare[Any, Any], jobs: int, tell: Tell) -> None:
        self._prepare = pack(prepare)

    def start(self, count: int) -> Sequence[Worker]:
        before = len(self._workers)
        with _without_interrupts():
            for _ in range(count):
                self._workers.append(_WorkerProcess())
        started = self._workers[before:]
        for worker in started:  # only now: it waits until the process reads, which takes seconds to start
            with suppress(WorkerDiedError):  # which `receive` will say
                worker.send_packed(self._prepare)
        return started

    def wait(self, workers: Sequence[Any], seconds: float | None) -> Sequence[Worker]:
        ready = set(wait([sign for worker in workers for sign in worker.signs], seconds))
        return [worker for worker in workers if ready.intersection(worker.signs)]

    def end(self, workers: Iterable[Any]) -> None:
        ended = list(workers)
        for worker in ended:
            worker.process.kill()  # all at once, before waiting for any
        for worker in ended:
            worker.close()
            self._workers.remove(worker)

    def close(self) -> None:
        self.end(self._workers)


class _WorkerProcess:
    """A process, and this end of the pipe to it."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")  # a fork of a process with torch's threads may hang
        self.connection, other = context.Pipe()
        self.process = context.Process(target=_serve, args=(other,), daemon=True)
        with other:
            self.process.start()
        self.signs = (self.connection, self.process.sentinel)
        self._ready = False

    def send(self, item: Any) -> None:
        self.send_packed(pack(item))

    def send_packed(self, packed: bytes) -> None:
        try:
            self.connection.send_bytes(packed)  # not send(), for which torch puts tensors into shared memory, often a small one
        except OSError:
            raise self._death() from None

    def receive(self) -> tuple[bool, Any]:
        try:
            if self.connection not in wait(self.signs):  # a process of its own may hold its end of the pipe open
                raise EOFError
            answer: tuple[bool, Any] = unpack(self.connection.recv_bytes())
        except (EOFError, OSError):
            raise self._death() from None
        self._ready = True
        return answer

    def close(self) -> None:
        """Wait for the end of a killed process."""
        self.process.join()
        self.process.close()
        self.connection.close()

    def _death(self) -> WorkerDiedError:
        self.process.join(LAST_SECONDS)
        self.process.kill()
        self.process.join()
        code = self.process.exitcode or 0
        how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended itself with exit code {code}"
        do = "If there was not enough memory, let fewer jobs run at once" if self._ready else _how_to_begin()
        return WorkerDiedError("worker process", how, self._ready, do)


def _how_to_begin() -> str:
    """What a script has to be like so that workers can begin, who run it first."""
    file = getattr(sys.modules.get("__main__"), "__file__", None)
    if file is not None and not os.path.exists(file):
        return "Workers run the script first, and cannot where it is read from standard input: save it as a file, or leave out jobs"
    return 'A script that asks for several jobs needs `if __name__ == "__main__":` above what it runs'


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


def _serve(connection: Connection) -> None:
    """The life of a worker: prepare, then answer each item until the other end of the pipe is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    torch.set_num_threads(1)
    threading.Thread(target=end_with_parent, daemon=True).start()
    ready: list[Callable[[Any], Any]] = []
    with suppress(EOFError, OSError):
        connection.send_bytes(reply(lambda prepare: ready.append(prepare()), connection.recv_bytes()))
        while ready:
            connection.send_bytes(reply(ready[0], connection.recv_bytes()))


def end_with_parent() -> None:
    """A parent that was killed has told nobody."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
