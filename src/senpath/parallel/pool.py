"""The worker pool."""

from __future__ import annotations

import multiprocessing
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count, starmap
from math import inf
from types import TracebackType
from typing import Any, Generic

from senpath.errors import InputError, SenpathError
from senpath.parallel.backend import Backend, InProcess, Item, Prepare, Result, Tell, Worker, WorkerDiedError
from senpath.parallel.processes import Processes

ATTEMPTS = 2
"""How often an item is tried, and how often a worker is started in one's place."""
AHEAD = 4
"""Items a worker that `in_order` may hand out beyond the first one without a result: so many results may have to wait for it."""
TICK_SECONDS = 1.0


def check_jobs(jobs: object) -> None:
    """Refuse a number of workers that is none.

    Raises:
        InputError: for anything but a whole number from 1.
    """
    if not isinstance(jobs, int) or isinstance(jobs, bool) or jobs < 1:
        raise InputError("jobs", expected="a whole number, 1 or more", got=repr(jobs))


@dataclass(frozen=True)
class FailedJob:
    """What stands in the place of a result that could not be had.

    Attributes:
        reason: what happened at each attempt, in a sentence without its full stop.
        attempts: how often it was tried.
        error: of the last attempt.
    """

    reason: str
    attempts: int
    error: Exception = field(default_factory=Exception, compare=False, repr=False)


@dataclass
class _Job(Generic[Item]):
    """An item on its way, and what went wrong with it so far."""

    place: int
    item: Item
    troubles: list[str] = field(default_factory=list)


def _ignore(*arguments: object) -> None:
    """Does nothing with what it is told."""


def _item(place: int, item: object) -> str:
    return f"item {place}"


class WorkerPool(Generic[Item, Result]):
    """Workers for any number of rounds of items, used in a `with` statement. After it no worker is left, whatever happened.

    Every worker computes with one thread, and results do not depend on the number of workers. The first one is awaited on entering; the
    others join when they are ready. A worker that dies is replaced.

    Args:
        prepare: see `Prepare`; sent to other processes by pickle, as are items and results. A worker that replaces another calls it too.
        jobs: workers at once.
        backend: where they live. None is this process for one job, or within a daemonic process, which may start no others; and processes
            of this machine for more.
        tell: called for each failure, and of whatever else people might want to know.
        name: what `tell` calls the item of this place.

    Raises:
        InputError: if `jobs` is not a whole number from 1; on entering, if `prepare` cannot be sent; and whatever `prepare` raises.
        SenpathError: on entering, if workers cannot be started.
    """

    def __init__(
        self,
        prepare: Prepare[Item, Result],
        jobs: int = 1,
        *,
        backend: Backend | None = None,
        tell: Tell = _ignore,
        name: Callable[[int, Item], str] = _item,
    ) -> None:
        check_jobs(jobs)
        if backend is None and multiprocessing.current_process().daemon:
            jobs = 1
        self._backend: Backend = backend or (InProcess() if jobs == 1 else Processes())
        self._prepare, self._jobs, self._tell, self._name = prepare, jobs, tell, name
        self._starting = dict[Worker, int]()  # how many were started in its place, with it
        self._idle = list[Worker]()
        self._busy = dict[Worker, _Job[Item]]()
        self._waiting = deque[_Job[Item]]()  # to be handed out before any of the source
        self._source: Iterator[_Job[Item]] = iter(())
        self._retry = True
        self._taken, self._limit = 0, inf  # items of the source, until now and at most

    def __enter__(self) -> WorkerPool[Item, Result]:
        try:
            self._backend.open(self._prepare, self._jobs, self._tell)
            self._start(self._jobs, 1)
            while not self._idle:
                self._collect()
        except BaseException:  # Ctrl-C too leaves nothing behind
            self._backend.close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._busy.clear()
        self._backend.close()

    def run(
        self,
        items: Sequence[Item],
        done: Callable[[int, Result | FailedJob], None] = _ignore,
        *,
        retry: bool = True,
        tick: Callable[[], None] | None = None,
    ) -> list[Result | FailedJob]:
        """Work on items; the work on an item must not change it, as it may be tried again.

        Args:
            done: called with an item's place and result as each is finished, in whatever order.
            retry: whether an item that fails is tried once more, and then left out; else the first failure is raised. An item whose worker
                dies is tried once more in any case.
            tick: called about once a second while nothing is finished.

        Returns:
            In the order of the items the results, and a `FailedJob` for an item that raised an error, or whose worker died, at every
            attempt. After an InputError, which another attempt would not change, there is none.

        Raises:
            SenpathError: if a worker dies and no other can be started in its place; and whatever `prepare` raises there. Without `retry`
                whatever the work on an item raises, and a `WorkerDiedError` for an item that cost two workers their lives.
        """
        results = dict[int, Result | FailedJob]()
        with self._round(items, retry):
            while len(results) < len(items):
                # Who is free goes on while `done` looks at the results.
                outcomes = self._hand_out() or self._collect(TICK_SECONDS if tick else None) + self._hand_out()
                for place, outcome in outcomes:
                    results[place] = self._checked(outcome)
                    done(place, outcome)
                if tick and not outcomes:
                    tick()
        return [results[place] for place in range(len(items))]

    def in_order(self, items: Iterable[Item], ready: Callable[[int], None] | None = None) -> Iterator[Result]:
        """Give the results in the order of the items.

        An item is taken when a worker is free for it, not too far ahead of the results that were asked for; where this process is the
        worker, when its result is asked for. What the work on an item raises is raised at its turn, as is a `WorkerDiedError` for an item
        that cost two workers their lives, and no later item is begun.

        Args:
            ready: told how many results there are already, while the next is waited for.
        """
        results = dict[int, Result | FailedJob]()
        with self._round(items, retry=False):
            for place in count():
                self._limit = place + (1 if isinstance(self._backend, InProcess) else AHEAD * self._jobs)
                results.update(self._hand_out())
                while place not in results and (self._busy or self._waiting):  # which wait for workers that start
                    results.update(self._collect() + self._hand_out())
                    if ready is not None:
                        ready(place + len(results))
                if place not in results:
                    return
                if self._busy:  # who is done goes on while the caller looks at the result
                    results.update(self._collect(0) + self._hand_out())
                yield self._checked(results.pop(place))

    def _checked(self, outcome: Result | FailedJob) -> Any:
        if isinstance(outcome, FailedJob) and not self._retry:
            raise outcome.error
        return outcome

    @contextmanager
    def _round(self, items: Iterable[Item], retry: bool) -> Iterator[None]:
        self._source, self._retry, self._taken, self._limit = starmap(_Job, enumerate(items)), retry, 0, inf
        try:
            yield
        finally:  # only after an error is there something left
            self._source = iter(())
            self._waiting.clear()
            self._backend.end(self._busy)
            self._busy.clear()

    def _start(self, number: int, starts: int) -> None:
        self._starting.update(dict.fromkeys(self._backend.start(number), starts))

    def _next_job(self) -> _Job[Item] | None:
        if self._waiting:
            return self._waiting.popleft()
        job = next(self._source, None) if self._taken < self._limit else None
        self._taken += job is not None
        return job

    def _hand_out(self) -> list[tuple[int, Result | FailedJob]]:
        """Give items to those who have none, and start whoever is missing; what cannot be sent has failed."""
        failed = list[tuple[int, Result | FailedJob]]()
        while self._idle and (job := self._next_job()) is not None:
            failed += self._give(self._idle.pop(), job)
        missing = self._jobs - len(self._starting) - len(self._idle) - len(self._busy)
        if missing and (job := self._next_job()) is not None:
            self._waiting.appendleft(job)
            self._start(missing, 1)
        return failed

    def _give(self, worker: Worker, job: _Job[Item]) -> list[tuple[int, Result | FailedJob]]:
        try:
            worker.send(job.item)
        except InputError as error:
            self._idle.append(worker)
            return self._failed(job, error)
        except WorkerDiedError as error:
            self._backend.end([worker])
            self._waiting.appendleft(job)  # it had no part in it
            self._tell(f"a {error.how} while it had nothing to do; another takes its place")
            return []
        self._busy[worker] = job
        return []

    def _collect(self, seconds: float | None = None) -> list[tuple[int, Result | FailedJob]]:
        """Wait until a job is done, or a worker ready or dead; at most for so many seconds."""
        outcomes = list[tuple[int, Result | FailedJob]]()
        for worker in self._backend.wait([*self._starting, *self._busy], seconds):
            try:
                done, answer = worker.receive()
            except WorkerDiedError as error:
                done, answer = False, error
                self._backend.end([worker])
            if worker in self._starting:
                self._welcome(worker, self._starting.pop(worker), done, answer)
                continue
            job = self._busy.pop(worker)
            if not isinstance(answer, WorkerDiedError):
                self._idle.append(worker)
            outcomes += [(job.place, answer)] if done else self._failed(job, answer)
        return outcomes

    def _welcome(self, worker: Worker, starts: int, done: bool, answer: Any) -> None:
        if done:
            self._idle.append(worker)
            return
        if not isinstance(answer, WorkerDiedError):
            self._backend.end([worker])
            raise answer
        if starts == ATTEMPTS:
            raise answer
        self._tell(f"a {answer.how} before it was ready; another takes its place")
        self._start(1, starts + 1)

    def _failed(self, job: _Job[Item], error: Exception) -> list[tuple[int, Result | FailedJob]]:
        """Try a job again, or give it up."""
        job.troubles.append(_said(error))
        name = self._name(job.place, job.item)
        again = isinstance(error, WorkerDiedError) or (self._retry and not isinstance(error, InputError))
        if again and len(job.troubles) < ATTEMPTS:
            self._tell(f"{name} is tried again: {job.troubles[-1]}")
            self._waiting.appendleft(job)
            return []
        if not self._retry:
            self._source = iter(())
        failed = FailedJob("; then ".join(job.troubles), len(job.troubles), error)
        self._tell(f"{name} failed: {failed.reason}")
        return [(job.place, failed)]


def _said(error: Exception) -> str:
    if isinstance(error, WorkerDiedError):
        return f"its {error.how}"
    text = str(error) if isinstance(error, SenpathError) else f"{type(error).__name__}: {error}"
    return " ".join(text.split()).rstrip(".")
