"""The backend whose workers are actors of Ray: on this machine, or on the machines of a cluster."""

from __future__ import annotations

import logging
import os
import re
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from typing import Any, TextIO

import torch

from senpath.errors import SenpathError
from senpath.parallel.backend import Prepare, Tell, Worker, WorkerDiedError, cores, pack, reply, unpack
from senpath.plugins import import_extra

LOCAL = "local"
"""In place of a cluster's address: this machine."""
SECONDS = 10.0
"""How long a cluster's address may take to answer: Ray itself tries for more than ten minutes."""
LISTENER = "ray_"
"""How the names of the threads begin in which Ray prints a page on standard output for each worker that dies."""
PATIENCE = 60.0
"""Seconds after which an idle actor that says nothing is taken for dead."""


class _WithoutPages:
    """Standard output, but for what Ray's own threads print: programs read what a command writes there."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        return len(text) if threading.current_thread().name.startswith(LISTENER) else self._stream.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def without_pages() -> Iterator[None]:
    """Within, Ray prints nothing on standard output."""
    before = sys.stdout
    mine: Any = _WithoutPages(before)
    sys.stdout = mine
    try:
        yield
    finally:
        if sys.stdout is mine:
            sys.stdout = before


@contextmanager
def connected(ray: Any, jobs: int, address: str) -> Iterator[None]:
    """Within, this process is connected to a Ray; one that was there before is left as it was."""
    if ray.is_initialized():
        yield
        return
    main = threading.current_thread() is threading.main_thread()
    before = signal.getsignal(signal.SIGTERM)  # Ray puts its own in the place
    try:
        with without_pages():
            try:
                _connect(ray, jobs, address)
                yield
            finally:
                ray.shutdown()
    finally:
        if main and before is not None:
            signal.signal(signal.SIGTERM, before)


def _connect(ray: Any, jobs: int, address: str) -> None:
    own = {"include_dashboard": False, "num_cpus": jobs} if address == LOCAL else {}
    try:
        host, _, port = address.rpartition("/")[2].rpartition(":")
        if host and port.isdecimal():
            socket.create_connection((host.strip("[]"), int(port)), SECONDS).close()
        ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR, **own)
    except Exception as error:  # Ray raises errors of a dozen kinds
        do = "`ray start --head` starts one; 'local' needs none"
        raise SenpathError("Ray", expected=f"a cluster at {address!r}", got=f"{type(error).__name__}: {error}", do=do) from error


@contextmanager
def on_ray(jobs: int | None = None) -> Iterator[Any]:
    """Within, this process is connected to the cluster that RAY_ADDRESS names, or to a Ray of this machine's own; gives the library.

    Args:
        jobs: CPUs of a Ray of this machine's own; None is all.

    Raises:
        MissingExtraError: without ray.
        SenpathError: if the cluster cannot be reached.
    """
    ray = import_extra("ray", "work on Ray", "ray")
    with connected(ray, jobs or cores(), os.environ.get("RAY_ADDRESS") or LOCAL):
        yield ray


class Ray:
    """Actors of one CPU each.

    Args:
        address: "local" for Ray on this machine, which is started with the pool and ended with it; or the address of a cluster, whose
            machines have senpath and the modules of `prepare` installed; None is what RAY_ADDRESS says, or else "local". A Ray that this
            process is connected to already is used instead, and left as it is. Ray's processes do not find what the script itself defines.
    """

    def __init__(self, address: str | None = None) -> None:
        self._address = address or os.environ.get("RAY_ADDRESS") or LOCAL
        self._workers: list[_WorkerActor] = []
        self._stack = ExitStack()

    def workers(self) -> int:
        """How many work at once where nobody says it: one for each CPU that there is, at least one."""
        ray = import_extra("ray", "work on Ray", "ray")
        if self._address == LOCAL and not ray.is_initialized():
            return cores()
        with connected(ray, 1, self._address):
            return max(1, int(ray.cluster_resources().get("CPU", 1)))

    def open(self, prepare: Prepare[Any, Any], jobs: int, tell: Tell) -> None:
        """Connect to Ray.

        Raises:
            InputError: if `prepare` cannot be sent to another process.
            MissingExtraError: without ray.
            SenpathError: if the cluster cannot be reached.
        """
        packed, ray = pack(prepare), import_extra("ray", "work on Ray", "ray")
        self._stack.enter_context(connected(ray, jobs, self._address))
        cpus = ray.cluster_resources().get("CPU", 0)
        if cpus < jobs:
            tell(f"Ray has {cpus:g} CPUs for {jobs} workers, of which the others wait for more")
        self._ray, self._paths = ray, sys.path if self._address == LOCAL else []
        self._actor = ray.remote(num_cpus=1, max_restarts=0)(_Actor)
        self._prepare = ray.put(packed)  # once, for all who will ever need it

    def start(self, count: int) -> Sequence[Worker]:
        started = [_WorkerActor(self._ray, self._actor.remote(self._paths), self._prepare) for _ in range(count)]
        self._workers += started
        return started

    def wait(self, workers: Sequence[Any], seconds: float | None) -> Sequence[Worker]:
        whose = {worker.answer: worker for worker in workers}
        ready, _ = self._ray.wait(list(whose), num_returns=1, timeout=seconds)
        return [whose[answer] for answer in ready]

    def end(self, workers: Iterable[Any]) -> None:
        for worker in list(workers):
            self._workers.remove(worker)
            with suppress(self._ray.exceptions.RayError):  # of a connection that is gone
                self._ray.kill(worker.actor)

    def close(self) -> None:
        with self._stack:
            self.end(self._workers)


class _WorkerActor:
    """This end of an actor.

    Attributes:
        answer: the reference of what it will answer next.
    """

    def __init__(self, ray: Any, actor: Any, prepare: Any) -> None:
        self.actor, self.answer = actor, actor.prepare.remote(prepare)
        self._ray, self._ready = ray, False

    def send(self, item: Any) -> None:
        packed = pack(item)
        try:
            self._ray.get(self.actor.ping.remote(), timeout=PATIENCE)  # to an actor that is dead Ray would take the item all the same
        except self._ray.exceptions.RayError as error:
            raise self._death(error) from None
        self.answer = self.actor.work.remote(packed)

    def receive(self) -> tuple[bool, Any]:
        try:
            answer: tuple[bool, Any] = unpack(self._ray.get(self.answer))
        except self._ray.exceptions.RayError as error:  # `reply` raises none, so it is of the actor, its node or the way to it
            raise self._death(error) from None
        self._ready = True
        return answer

    def _death(self, error: Exception) -> WorkerDiedError:
        errors = self._ray.exceptions
        silent = isinstance(error, errors.ActorUnavailableError | errors.GetTimeoutError)
        return WorkerDiedError("Ray actor", f"was lost ({'it does not answer' if silent else _cause(error)})", self._ready)


def _cause(error: Exception) -> str:
    """The telling part of Ray's pages: what the actor is dead of, or the last line, which is that of an error on its side."""
    reason = re.search(r"The actor is dead because ([^.]*)\.(?: Worker exit type: (\w+))?", str(error))
    if reason:
        return ": ".join(part for part in reason.groups() if part)
    return (str(error).strip().splitlines() or [type(error).__name__])[-1].strip().rstrip(".")


class _Actor:
    """What runs in Ray's process: as `processes._serve`, a call at a time."""

    def __init__(self, paths: list[str]) -> None:
        sys.path += [path for path in paths if path not in sys.path]  # on this machine modules are found as in this process
        torch.set_num_threads(1)
        self._work: Callable[[Any], Any]

    def ping(self) -> None:
        """Tell that it lives."""

    def prepare(self, packed: bytes) -> bytes:
        return reply(self._begin, packed)

    def work(self, packed: bytes) -> bytes:
        return reply(self._work, packed)

    def _begin(self, prepare: Prepare[Any, Any]) -> None:
        self._work = prepare()
