"""Learning several tasks in one call: each against the version that the call starts from, or all together."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch

from senpath.errors import InputError, SenpathError, SenpathWarning, StoreError, TaskExistsError
from senpath.history.checkout import Checkout
from senpath.inputs.modalities import Group, known_type
from senpath.inputs.modalities.picture_types import Choice
from senpath.inputs.sources import read_labelled
from senpath.learning.own_examples import say
from senpath.learning.propose import propose, propose_jointly, require_kind
from senpath.parallel import WorkerPool, one_thread
from senpath.progress import Progress, silent
from senpath.snapshot.examples import check_encoded, check_name, check_task, encode_examples, labels_of, one_type, pair_of, read_concept
from senpath.snapshot.proposal import JointMethod, Method, Proposal
from senpath.snapshot.view import TaskInfo, View, task_info
from senpath.store import Manifest, Store
from senpath.tasks import TaskKindName
from senpath.types import DataType, Examples, Label, Origin

NAMED = 20
"""Tasks that a message names at most."""


def learn_batch(
    checkout: Checkout,
    tasks: Mapping[str, Any],
    method: Method,
    jobs: int,
    progress: Progress,
    kind: str | None = None,
    concept: str | None = None,
) -> dict[str, LearnedOne]:
    """Learn tasks and commit them; see `Network.learn_many`.

    Returns:
        The outcome for each task; its seconds are from this call to its commit.
    """
    batch = _Batch(checkout)
    with one_thread():  # commits too: what they note down of a pathway's answers is to be the same for any number of jobs
        try:
            checkout.refresh()
            batch.learn(_read(checkout.view, tasks, method, kind, concept), method, jobs, progress)
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


@dataclass(frozen=True)
class _Work:
    """One task to learn, as it travels to a worker: arrays instead of tensors, so that every worker makes its own of the same bits."""

    task: str
    data_type: DataType
    inputs: np.ndarray
    targets: np.ndarray
    classes: tuple[Label, ...]
    kind: TaskKindName
    concept: str | None
    origin: Origin


class _Batch:
    """Tasks on their way into a network.

    Attributes:
        learned: the outcome for each task that is committed.
    """

    def __init__(self, checkout: Checkout) -> None:
        self.learned: dict[str, LearnedOne] = {}
        self._checkout = checkout
        self._start = time.perf_counter()
        self._task: str | None = None
        self._proposal: Proposal | None = None

    def learn(self, works: deque[_Work], method: Method, jobs: int, progress: Progress) -> None:
        names = [work.task for work in works]
        jobs = max(1, min(jobs, len(names)))
        try:
            with WorkerPool(self._prepare(works, method), jobs) as pool:
                proposals = pool.in_order(_drain(works))
                for task in names:
                    self._task = task
                    self._proposal = next(proposals)
                    say(self._proposal.warnings)
                    view, warning = self._checkout.commit(self._proposal), self._proposal.warnings.get(task)
                    seconds, read_as = time.perf_counter() - self._start, self._proposal.read_as.get(task, "")
                    self.learned[task] = LearnedOne(task_info(view, task), seconds, warning, read_as)
                    self._task = self._proposal = None
                    progress("tasks", len(self.learned), len(names))
        except SenpathError as error:
            if isinstance(error, TaskExistsError):  # by another writer, perhaps from the same data
                self._proposal = None
            error.reword(f"{_of(self._task, error)}. {self.told()}")
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
        if self._task is not None and self._proposal is not None and self._task not in self.learned:  # stopped while it was committed
            record = view.tasks.get(self._task)
            learned += [repr(self._task)] if record is not None and record.pathway == self._proposal.pathways[0] else []
        if not learned:
            return f"The network is as it was, at version {view.version}"
        names = ", ".join(learned[:NAMED]) + (f", … ({len(learned)} in all)" if len(learned) > NAMED else "")
        return f"Learned before: {names}; the network is otherwise as it was, at version {view.version}"

    def _prepare(self, works: deque[_Work], method: Method) -> Callable[[], Callable[[_Work], Proposal]]:
        view = self._checkout.view
        keys = [key for key in dict.fromkeys(work.data_type.key for work in works) if key in view.types]
        start = view.to_send()
        store = partial(Store, self._checkout.store.objects, trust=self._checkout.store.trust)
        return partial(_open, store, start, str(view.device), method, keys)


def _open(store: Callable[[], Store], manifest: Manifest, device: str, method: Method, keys: list[str]) -> Callable[[_Work], Proposal]:
    """Look at one version of a folder, afresh in this process too: what a view has taken over from earlier ones must not matter.

    Read first is what commits take away: the folder keeps the dispatchers of its last versions only.
    """
    view = View(store(), manifest, torch.device(device))
    for key in keys:
        view.dispatcher(key)
    return partial(_work, view, method)


def _work(view: View, method: Method, work: _Work) -> Proposal:
    return propose(view, method, work.task, _examples(work), silent, work.concept)


def _examples(work: _Work) -> Examples:
    # Copied into memory of torch's own: where arrays begin in memory may move the last bit of what is computed.
    return Examples(work.data_type, torch.tensor(work.inputs), torch.tensor(work.targets), work.classes, work.kind, origin=work.origin)


def _drain(works: deque[_Work]) -> Iterator[_Work]:
    """One after another, keeping none."""
    while works:
        yield works.popleft()


def _read(view: View, tasks: Mapping[str, Any], method: Method, kind: str | None, concept: str | None) -> deque[_Work]:
    """All tasks, checked and encoded.

    Raises:
        SenpathError: an InputError mostly, naming the first task that cannot be learned.
    """
    if not isinstance(tasks, Mapping):
        raise InputError("tasks", expected="a mapping of new names to labelled data", got=type(tasks).__name__)
    for task in tasks:
        check_task(task, view)
    if concept is not None:
        check_name("concept", concept)
    labels = labels_of(view.paths, concept) if concept is not None else ()
    reader, works = _Reader(view, isinstance(method, JointMethod)), deque[_Work]()
    check: Callable[[DataType], None] | None = getattr(method, "check", None)
    for task, data in tasks.items():
        try:
            examples = reader.read(data, kind)
            if check is not None:
                check(examples.data_type)
            require_kind(method, examples)
            if concept is not None:
                examples = read_concept(concept, examples, labels)
                labels = labels or examples.classes
        except SenpathError as error:
            error.reword(_of(task, error))
            raise
        inputs, targets = (np.ascontiguousarray(part.detach().cpu().numpy()) for part in (examples.inputs, examples.targets))
        works.append(_Work(task, examples.data_type, inputs, targets, examples.classes, examples.kind, concept, examples.origin))
    return works


def read_tasks(view: View, tasks: Mapping[str, Any], method: Method, kind: str | None) -> dict[str, Examples]:
    """All tasks' examples, checked and encoded.

    Raises:
        SenpathError: an InputError mostly, naming the first task that cannot be learned.
    """
    return {work.task: _examples(work) for work in _read(view, tasks, method, kind, None)}


class _Reader:
    """Encodes tasks as the network's data types, and as those that the first task of a new type defines.

    Args:
        together: whether the tasks are learned together.
    """

    def __init__(self, view: View, together: bool) -> None:
        self._view, self._together = view, together
        self._types: dict[str, DataType] = {}

    def choose_type(self, group: Group) -> Choice:
        """As `View.choose_type`; the types of the call's earlier tasks are there too, and tasks learned together are of one."""
        first = known_type(group, self._types.values()) if self._together else None
        choice = Choice(first) if first is not None else self._view.choose_type(group, self._types.values())
        self._types[choice.data_type.key] = choice.data_type
        return choice

    def encode(self, items: Any, data_type: DataType, progress: Progress = silent) -> torch.Tensor:
        """As `View.encode`."""
        return self._view.encode(items, data_type, progress)

    def read(self, data: Any, kind: str | None) -> Examples:
        """A task's examples; see `Network.learn_many`."""
        x, y = pair_of(data)
        if isinstance(x, Examples):
            return self._same_type(check_encoded(self._view, x, y, kind))
        return encode_examples(self, *read_labelled(x, y, kind), kind=kind)

    def _same_type(self, examples: Examples) -> Examples:
        known = self._types.setdefault(examples.data_type.key, examples.data_type)
        if examples.data_type != known:
            raise InputError("encoded examples", expected=f"the type of an earlier task of the call, {known}", got=str(examples.data_type))
        return examples


def _of(task: str | None, error: SenpathError) -> str:
    """The error's message, which names the task if it is one task's."""
    named = "" if task is None or error.message.startswith(f"task {task!r}") else f"task {task!r}: "
    return named + error.message.rstrip(".")


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
