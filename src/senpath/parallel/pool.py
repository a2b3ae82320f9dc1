"""Work on items one after another, or several at once, and their results in order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any, Generic

from senpath.parallel.base import Item, Prepare, Result, check_jobs
from senpath.parallel.here import one_thread
from senpath.parallel.processes import Processes, WorkerProcess, processes

AHEAD = 4
"""Items a worker that may be handed out beyond the first one without a result: so many results may have to wait for it."""


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
    with processes(prepare) as site:
        for worker in site.start(jobs):
            done, answer = worker.receive()
            if not done:
                raise answer
        yield _Pool[Item, Result](site, items).results()


class _Pool(Generic[Item, Result]):
    """Workers that are ready, and what they are at."""

    def __init__(self, site: Processes, items: Iterable[Item]) -> None:
        self._site, self._idle, self._busy = site, list(site.workers), dict[int, WorkerProcess]()
        self._items, self._ahead = enumerate(items), AHEAD * len(site.workers)
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
            if worker.send(item):
                self._busy[place] = worker
            else:
                self._found[place] = worker.receive()

    def _collect(self, seconds: float | None) -> None:
        """Take the results that are there, waiting for one at most so long."""
        ready = self._site.wait(list(self._busy.values()), seconds)
        for place, worker in list(self._busy.items()):
            if worker in ready:
                del self._busy[place]
                self._found[place] = worker.receive()
                self._idle.append(worker)
