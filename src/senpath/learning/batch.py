"""Learning several tasks in one call: each against the version that the call starts from, or all together."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from itertools import accumulate
from typing import Any

from senpath.errors import ConflictError, InputError, SenpathError, SenpathWarning, StoreError, TaskExistsError
from senpath.history.checkout import Checkout
from senpath.learning.own_examples import say
from senpath.learning.propose import propose_jointly
from senpath.learning.together import Proposed, TaskGroup, grouped, merged
from senpath.learning.works import (
    LocatedTask,
    Look,
    Looked,
    Looks,
    ReadTask,
    Work,
    check_tasks,
    drain,
    keys_of,
    locate,
    of_task,
    read_tasks,
    read_works,
)
from senpath.parallel import WorkerPool, one_thread
from senpath.parallel.ray_backend import Ray
from senpath.progress import Progress, log
from senpath.snapshot.examples import one_type
from senpath.snapshot.proposal import JointMethod, Method, Proposal
from senpath.snapshot.sending import opener
from senpath.snapshot.task_info import TaskInfo, task_info
from senpath.snapshot.view import View

Ready = Callable[[int], None] | None
"""Told how many proposals there are, while the next is waited for."""
NAMED = 20
"""Tasks that a message names at most."""


def learn_batch(
    checkout: Checkout,
    tasks: Mapping[str, Any],
    method: Method,
    jobs: int | None,
    progress: Progress,
    kind: str | None = None,
    concept: str | None = None,
    engine: str | None = None,
) -> dict[str, LearnedOne]:
    """Learn tasks and commit them; see `Network.learn_many`.

    Returns:
        The outcome for each task; its seconds are from this call to its commit.
    """
    batch = _Batch(checkout, method, progress)
    with one_thread():  # commits too: what they note down of a pathway's answers is to be the same for any number of jobs
        try:
            checkout.refresh()
            check_tasks(checkout.view, tasks, concept)
            if engine is None:
                batch.learn(read_works(checkout.view, tasks, method, kind, concept), jobs)
            else:
                batch.learn_on_ray(tasks, jobs, kind, concept)
        except KeyboardInterrupt:
            raise KeyboardInterrupt(f"interrupted. {batch.told()}") from None
    return batch.learned


@dataclass(frozen=True)
class LearnedOne:
    """What became of one task of several: what its version knows of it, the seconds that it took, a warning if it needs one, and
    which type its inputs were taken for."""

    info: TaskInfo
    seconds: float
    warning: str | None
    read_as: str = ""


class _Batch:
    """Tasks on their way into a network.

    Attributes:
        learned: the outcome for each task that is committed.
    """

    def __init__(self, checkout: Checkout, method: Method, progress: Progress) -> None:
        self.learned: dict[str, LearnedOne] = {}
        self._checkout, self._method, self._progress = checkout, method, progress
        self._start = time.perf_counter()
        self._task: str | None = None
        self._proposal: Proposal | None = None

    def learn(self, works: deque[ReadTask | LocatedTask], jobs: int | None) -> None:
        """Learn tasks that are read, in this process or on others of this machine."""
        keys, groups = keys_of(works), grouped(works, self._method)
        jobs = max(1, min(jobs or 1, len(groups)))
        with self._saying(), WorkerPool(self._prepare(keys, None), jobs, tell=log.info) as pool:
            self._commit(pool, groups)

    def learn_on_ray(self, tasks: Mapping[str, Any], jobs: int | None, kind: str | None, concept: str | None) -> None:
        """Learn tasks on Ray, whose workers read data of which only the place is given."""
        if not tasks:
            return
        view, backend, looks = self._checkout.view, Ray(), locate(tasks, kind, concept)
        with self._saying():
            jobs = max(1, min(jobs or backend.workers(), len(tasks)))
            encoders = self._checkout.given["encoders"] if looks else None
            with WorkerPool(self._prepare([*view.types], encoders), jobs, backend=backend, tell=log.info) as pool:
                looked = Looks(looks, lambda some: [*self._looking(pool, some)])
                works = read_works(view, tasks, self._method, kind, concept, looked)
                self._commit(pool, grouped(works, self._method), lambda ready: self._tell(len(tasks), ready, jobs))

    def _looking(self, pool: WorkerPool[Work, Any], looks: Sequence[Look]) -> Iterator[Looked]:
        for done, seen in enumerate(pool.in_order(looks), 1):
            self._progress("look", done, len(looks))
            yield seen

    def _commit(self, pool: WorkerPool[Work, Any], groups: deque[TaskGroup], ready: Ready = None) -> None:
        names = [tuple(work.task for work in group.works) for group in groups]
        ends = [*accumulate(map(len, names))]
        works = drain(groups)
        outcomes = pool.in_order(works, None if ready is None else lambda count: ready(ends[count - 1] if count else 0))
        for tasks, end in zip(names, ends, strict=True):
            self._task = ", ".join(tasks)  # of which one a worker died is not known
            proposed: Proposed = next(outcomes)
            for proposal in self._together(proposed.proposals):
                self._add(proposal)
            if proposed.error is not None:
                self._task = tasks[len(proposed.proposals)]
                raise proposed.error
            self._progress("tasks", end, ends[-1])

    def _together(self, proposals: tuple[Proposal, ...]) -> tuple[Proposal, ...]:
        """Those that are left to commit one by one, once all were committed as one version, if that can be done."""
        if len(proposals) == 1:
            return proposals
        self._task = None
        with suppress(InputError, ConflictError):  # one of them, which will say so
            self._add(merged(proposals))
            return ()
        return proposals

    def _add(self, proposal: Proposal) -> None:
        """Commit a proposal."""
        names = [pathway.task for pathway in proposal.pathways if pathway.task not in proposal.replaces]
        self._task, self._proposal = names[0] if len(names) == 1 else None, proposal
        say(proposal.warnings)
        view, seconds = self._checkout.commit(proposal), time.perf_counter() - self._start
        for task in names:
            warning, read_as = proposal.warnings.get(task), proposal.read_as.get(task, "")
            self.learned[task] = LearnedOne(task_info(view, task), seconds, warning, read_as)
        self._task = self._proposal = None

    def _tell(self, tasks: int, ready: int, workers: int) -> None:
        """What all workers have done between them, before it is a task's turn to be committed."""
        self._progress("tasks", len(self.learned), tasks, proposed=float(ready), workers=float(workers))

    @contextmanager
    def _saying(self) -> Iterator[None]:
        """Within, an error says whose it is, and what the network has by now."""
        try:
            yield
        except SenpathError as error:
            if isinstance(error, TaskExistsError):  # by another writer, perhaps from the same data
                self._proposal = None
            error.reword(f"{of_task(self._task, error)}. {self.told()}")
            raise
        except Exception as error:
            if self._task is None or isinstance(error, SenpathWarning):  # raised by `progress`, or for whoever makes warnings errors
                raise
            got = f"{type(error).__name__}: {error}"
            raise SenpathError(f"task {self._task!r}", expected="a proposal of the method", got=got, do=self.told()) from error

    def told(self) -> str:
        """Which tasks of the batch the network has by now, in a sentence without its full stop."""
        with suppress(StoreError):
            self._checkout.refresh()
        view, learned = self._checkout.view, [repr(task) for task in self.learned]
        for pathway in self._proposal.pathways if self._proposal is not None else ():  # stopped while it was committed
            record = view.tasks.get(pathway.task)
            if pathway.task not in self.learned and record is not None and record.pathway == pathway:
                learned.append(repr(pathway.task))
        if not learned:
            return f"The network is as it was, at version {view.version}"
        names = ", ".join(learned[:NAMED]) + (f", … ({len(learned)} in all)" if len(learned) > NAMED else "")
        return f"Learned before: {names}; the network is otherwise as it was, at version {view.version}"

    def _prepare(self, keys: Iterable[str], encoders: Any) -> Callable[[], Callable[[Work], Any]]:
        return partial(_open, opener(self._checkout.store, self._checkout.view, keys, encoders), self._method)


def _open(view: Callable[[], View], method: Method) -> Callable[[Work], Any]:
    """Look at one version, afresh in this process too: what a view has taken over from earlier ones must not matter."""
    return partial(_work, view(), method)


def _work(view: View, method: Method, work: Work) -> Any:
    return work.run(view, method)


def learn_jointly(
    checkout: Checkout, tasks: Mapping[str, Any], method: JointMethod, jobs: int, progress: Progress, kind: str | None, concept: str | None
) -> dict[str, LearnedOne]:
    """Learn tasks together and commit them; see `Network.learn_many`.

    Returns:
        The outcome for each task; its seconds are from this call to the commit.
    """
    start = time.perf_counter()
    together = f"with {method.name!r}, which learns tasks together"
    if jobs != 1:
        raise InputError("jobs", expected=f"1 {together}", got=jobs, do="Leave it out")
    if concept is not None:
        do = "Learn tasks of a concept with method 'sen'"
        raise InputError("concept", expected=f"none {together}", got=repr(concept), do=do)
    checkout.refresh()
    try:
        view, proposal = _learn(checkout, tasks, method, progress, kind)
    except KeyboardInterrupt:
        checkout.refresh()
        learned = all(task in checkout.view.tasks for task in tasks)
        state = "interrupted after the tasks were committed" if learned else "interrupted; the network is as it was"
        raise KeyboardInterrupt(f"{state}, at version {checkout.view.version}") from None
    seconds = time.perf_counter() - start
    warned, read_as = (proposal.warnings, proposal.read_as) if proposal is not None else ({}, {})
    return {task: LearnedOne(task_info(view, task), seconds, warned.get(task), read_as.get(task, "")) for task in tasks}


def _learn(
    checkout: Checkout, tasks: Mapping[str, Any], method: JointMethod, progress: Progress, kind: str | None
) -> tuple[View, Proposal | None]:
    view = checkout.view
    examples = read_tasks(view, tasks, method, kind)
    if not examples:
        return view, None
    one_type(examples)
    raised: list[Exception] = []

    def told(stage: str, done: int, total: int, /, **figures: float) -> None:
        try:
            progress(stage, done, total, **figures)
        except Exception as error:
            raised.append(error)
            raise

    try:
        proposal = propose_jointly(view, method, examples, told)
        say(proposal.warnings)
        return checkout.commit(proposal), proposal
    except (SenpathError, SenpathWarning, KeyboardInterrupt):
        raise
    except Exception as error:
        if error in raised:  # of the caller's own
            raise
        got = f"{type(error).__name__}: {error}"
        do = f"The network is as it was, at version {view.version}"
        raise SenpathError(f"tasks {', '.join(map(repr, tasks))}"[:200], expected="a proposal of the method", got=got, do=do) from error
