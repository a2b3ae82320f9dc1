"""Work on items of which some may be lost: what fails is tried once more, and everything else goes on."""

from __future__ import annotations

import multiprocessing
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from itertools import starmap
from typing import Any, Generic

from senpath.errors import InputError, SenpathError
from senpath.parallel.base import Item, Prepare, Result, Site, Worker, check_jobs
from senpath.parallel.here import Here
from senpath.parallel.processes import processes
from senpath.parallel.ray_crew import actors

ATTEMPTS = 2
"""How often an item is tried, and how often a worker is started in one's place."""


@dataclass(frozen=True)
class Lost:
    """What stands in the place of a result that could not be had.

    Attributes:
        reason: what became of it at each attempt, in a sentence without its full stop.
        attempts: how often it was tried.
    """

    reason: str
    attempts: int


def _nobody(*told: object) -> None:
    """Is told."""


def _item(place: int, item: object) -> str:
    return f"item {place}"


@contextmanager
def crew(
    prepare: Prepare[Item, Result],
    jobs: int = 1,
    ray: str | None = None,
    tell: Callable[[str], None] = _nobody,
    name: Callable[[int, Item], str] = _item,
) -> Iterator[Crew[Item, Result]]:
    """Workers for several rounds of items, replaced when they die. After, none is left, whatever happened.

    Args:
        prepare: see `Prepare`; sent to other processes by pickle, as are items and results. A worker that replaces another calls it too.
        jobs: workers at once. Without Ray, 1 works in this process, as does a daemonic process, which may start no others.
        ray: None for this process or processes of this machine; "local" for Ray on this machine, started for this and ended with it;
            or the address of a cluster, whose machines have senpath and the modules of `prepare` installed. A Ray that this process is
            connected to already is used instead, and left as it is. What the script itself defines is not found by Ray's processes.
        tell: called with a sentence, without its full stop, for each failure, and of whatever else people might want to know.
        name: what an item of this place is called there.

    Raises:
        InputError: if `prepare` cannot be sent to another process; and whatever `prepare` raises.
        MissingExtraError: without ray, where it is asked for.
        SenpathError: if workers cannot be started, or a Ray cluster cannot be reached.
    """
    check_jobs(jobs)
    if ray is None and multiprocessing.current_process().daemon:
        jobs = 1
    with _site(prepare, jobs, ray, tell) as site:
        yield Crew(site, jobs, tell, name)


def _site(prepare: Prepare[Any, Any], jobs: int, ray: str | None, tell: Callable[[str], None]) -> AbstractContextManager[Site[Any]]:
    if ray is not None:
        return actors(prepare, jobs, ray, tell)
    return nullcontext(Here(prepare)) if jobs == 1 else processes(prepare)


@dataclass
class _Errand(Generic[Item]):
    """An item on its way, and what went wrong with it so far."""

    place: int
    item: Item
    troubles: list[str] = field(default_factory=list)


class Crew(Generic[Item, Result]):
    """Workers that take items in their order as they get free; see `crew`.

    A worker is starting, idle or busy. The first one is awaited here; the others join when they are ready.
    """

    def __init__(self, site: Site[Any], jobs: int, tell: Callable[[str], None], name: Callable[[int, Item], str]) -> None:
        self._site, self._jobs, self._tell, self._name = site, jobs, tell, name
        self._starting = dict[Worker, int]()  # how many were started in its place, with it
        self._idle = list[Worker]()
        self._busy = dict[Worker, _Errand[Item]]()
        self._waiting = deque[_Errand[Item]]()
        self._start(jobs, 1)
        while not self._idle:
            self._collect()

    def run(self, items: Sequence[Item], done: Callable[[int, Result | Lost], None] = _nobody) -> list[Result | Lost]:
        """Work on items; the work on an item must not change it, as it may be tried again.

        Args:
            done: called with an item's place and result as each is finished, in whatever order.

        Returns:
            In the order of the items the results, and `Lost` for an item that raised an error or whose worker died at every attempt.
            After an InputError, which another attempt would not change, there is none.

        Raises:
            SenpathError: if a worker dies and no other can be started in its place; and whatever `prepare` raises there.
        """
        found = dict[int, Result | Lost]()
        self._waiting.extend(starmap(_Errand, enumerate(items)))
        try:
            while len(found) < len(items):
                outcomes = self._hand_out() or self._collect() + self._hand_out()  # who is free goes on while `done` looks at the results
                for place, outcome in outcomes:
                    found[place] = outcome
                    done(place, outcome)
        finally:  # only after an error is there something left
            self._waiting.clear()
            self._site.end(list(self._busy))
            self._busy.clear()
        return [found[place] for place in range(len(items))]

    def _start(self, count: int, starts: int) -> None:
        self._starting.update(dict.fromkeys(self._site.start(count), starts))

    def _hand_out(self) -> list[tuple[int, Result | Lost]]:
        """Give items to those who have none, and start whoever is missing; what cannot be sent is lost."""
        lost = list[tuple[int, Result | Lost]]()
        while self._waiting and self._idle:
            lost += self._give(self._idle.pop(), self._waiting.popleft())
        missing = self._jobs - len(self._starting) - len(self._idle) - len(self._busy)
        if self._waiting and missing:
            self._start(missing, 1)
        return lost

    def _give(self, worker: Worker, errand: _Errand[Item]) -> list[tuple[int, Result | Lost]]:
        try:
            alive = worker.send(errand.item)
        except InputError as error:
            self._idle.append(worker)
            return self._failed(errand, error, worker)
        if alive:
            self._busy[worker] = errand
        else:  # the item had no part in it
            self._waiting.appendleft(errand)
            self._site.end([worker])
            self._tell(f"a {worker.ended} while it had nothing to do; another takes its place")
        return []

    def _collect(self) -> list[tuple[int, Result | Lost]]:
        """Wait until something is done, or somebody ready or dead."""
        outcomes = list[tuple[int, Result | Lost]]()
        for worker in self._site.wait([*self._starting, *self._busy]):
            done, answer = worker.receive()
            if worker in self._starting:
                self._welcome(worker, self._starting.pop(worker), done, answer)
                continue
            errand = self._busy.pop(worker)
            if worker.ended:
                self._site.end([worker])
            else:
                self._idle.append(worker)
            outcomes += [(errand.place, answer)] if done else self._failed(errand, answer, worker)
        return outcomes

    def _welcome(self, worker: Worker, starts: int, done: bool, answer: Any) -> None:
        if done:
            self._idle.append(worker)
            return
        self._site.end([worker])
        if not worker.ended or starts == ATTEMPTS:
            raise answer
        self._tell(f"a {worker.ended} before it was ready; another takes its place")
        self._start(1, starts + 1)

    def _failed(self, errand: _Errand[Item], error: Exception, worker: Worker) -> list[tuple[int, Result | Lost]]:
        """Try an item again, or give it up."""
        errand.troubles.append(f"its {worker.ended}" if worker.ended else _said(error))
        name = self._name(errand.place, errand.item)
        if len(errand.troubles) < ATTEMPTS and not isinstance(error, InputError):
            self._tell(f"{name} is tried again: {errand.troubles[-1]}")
            self._waiting.appendleft(errand)
            return []
        lost = Lost("; then ".join(errand.troubles), len(errand.troubles))
        self._tell(f"{name} is lost: {lost.reason}")
        return [(errand.place, lost)]


def _said(error: Exception) -> str:
    text = str(error) if isinstance(error, SenpathError) else f"{type(error).__name__}: {error}"
    return " ".join(text.split()).rstrip(".")
