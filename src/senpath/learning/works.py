"""Tasks on their way to workers: read and encoded here, or read by the worker from the place where they are."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeVar

import numpy as np
import torch

from senpath.errors import InputError, SenpathError
from senpath.inputs.modalities import Group, known_type
from senpath.inputs.modalities.picture_types import Choice
from senpath.inputs.sources import read_labelled
from senpath.inputs.sources.located import DataAt
from senpath.learning.propose import propose, require_kind
from senpath.progress import Progress, silent
from senpath.snapshot.examples import check_encoded, check_name, check_task, encode_examples, labels_of, pair_of, read_concept
from senpath.snapshot.proposal import JointMethod, Method, Proposal
from senpath.snapshot.view import View
from senpath.tasks import TaskKindName
from senpath.types import DataType, Examples, Label, Origin

Looked = tuple[Choice, tuple[Label, ...], int]
"""The type that a task's inputs are taken for, its labels, and how many examples it has."""


T = TypeVar("T")


class Work(Protocol):
    """What a worker does for a task."""

    @property
    def task(self) -> str:
        """Its name."""

    def run(self, view: View, method: Method) -> Any:
        """Do it."""


@dataclass(frozen=True)
class ReadTask:
    """One task to learn, as it travels to a worker: arrays instead of tensors, so that every worker makes its own of the same bits."""

    task: str
    data_type: DataType
    inputs: np.ndarray
    targets: np.ndarray
    classes: tuple[Label, ...]
    kind: TaskKindName
    concept: str | None
    origin: Origin

    @staticmethod
    def of(task: str, examples: Examples, concept: str | None) -> ReadTask:
        """A task of these examples."""
        inputs, targets = (np.ascontiguousarray(part.detach().cpu().numpy()) for part in (examples.inputs, examples.targets))
        return ReadTask(task, examples.data_type, inputs, targets, examples.classes, examples.kind, concept, examples.origin)

    def examples(self) -> Examples:
        """Its examples. Copied into memory of torch's own: where arrays begin in memory may move the last bit of what is computed."""
        inputs, targets = torch.tensor(self.inputs), torch.tensor(self.targets)
        return Examples(self.data_type, inputs, targets, self.classes, self.kind, origin=self.origin)

    @property
    def size(self) -> tuple[int, int]:
        """How many examples and classes there are."""
        return len(self.targets), len(self.classes)

    def read(self, view: View) -> ReadTask:
        """Itself."""
        return self

    def run(self, view: View, method: Method) -> Proposal:
        """Learn it."""
        return propose(view, method, self.task, self.examples(), silent, self.concept)


@dataclass(frozen=True)
class Look:
    """A look at a task's data where it is: which type its inputs are taken for, and whether the method can learn it.

    Args:
        besides: types that the network does not have yet.
    """

    task: str
    data: DataAt
    kind: str | None
    concept: str | None
    besides: tuple[DataType, ...] = ()

    def run(self, view: View, method: Method) -> Looked:
        """Read the data, and encode nothing."""
        chooser = _Chooser(lambda group: view.choose_type(group, self.besides))
        try:
            examples = encode_examples(chooser, *read_labelled(self.data, None, self.kind), kind=self.kind)
            _check(method, examples)
        except SenpathError as error:
            error.reword(of_task(self.task, error))
            raise
        return Choice(examples.data_type, examples.origin.read_as), examples.classes, len(examples)


class Looks:
    """What workers saw of data where it is. After an earlier task of the call brings a type they look again, at ever more tasks at once.

    Args:
        looks: to take first, in the order of the tasks.
        take: takes some.
    """

    def __init__(self, looks: Sequence[Look], take: Callable[[Sequence[Look]], Sequence[Looked]]) -> None:
        self._order, self._take = [look.task for look in looks], take
        self._seen: dict[str, tuple[Look, Looked]] = {}
        self._block, self._last = 1, tuple[DataType, ...]()
        self._add(looks)

    def __contains__(self, task: str) -> bool:
        return task in self._seen

    def see(self, task: str, new: Sequence[DataType]) -> tuple[Look, Looked]:
        """What there is to a task, where the network is about to get these types."""
        look, (choice, *_) = self._seen[task]
        modality = choice.data_type.modality
        besides = tuple(data_type for data_type in new if data_type.modality == modality)  # on others the choice does not depend
        if besides != look.besides:
            self._block, self._last = 2 * self._block if besides == self._last else 1, besides
            rest = (self._seen[name] for name in self._order[self._order.index(task) :])
            alike = [replace(other, besides=besides) for other, (its, *_) in rest if its.data_type.modality == modality]
            self._add(alike[: self._block])
        return self._seen[task]

    def _add(self, looks: Sequence[Look]) -> None:
        self._seen |= {look.task: (look, seen) for look, seen in zip(looks, self._take(looks), strict=True)}


@dataclass(frozen=True)
class LocatedTask:
    """One task to learn, whose data the worker reads.

    Args:
        choice: what its inputs are encoded as.
        labels: that its concept has.
        size: how many examples and classes there are.
    """

    task: str
    data: DataAt
    choice: Choice
    kind: str | None
    concept: str | None
    labels: tuple[Label, ...]
    size: tuple[int, int]

    @property
    def data_type(self) -> DataType:
        """The type that its inputs are encoded as."""
        return self.choice.data_type

    def run(self, view: View, method: Method) -> Proposal:
        """Read it and learn it."""
        return self.read(view).run(view, method)

    def read(self, view: View) -> ReadTask:
        """Read its data."""
        chooser = _Chooser(lambda group: self.choice, view.encode)
        examples = encode_examples(chooser, *read_labelled(self.data, None, self.kind), kind=self.kind)
        if self.concept is not None:
            examples = read_concept(self.concept, examples, self.labels)
        return ReadTask.of(self.task, examples, self.concept)  # the same bits as if it had travelled


class _Chooser:
    """Says which type inputs are encoded as; without a function that encodes, only their number is right."""

    def __init__(self, choose: Callable[[Group], Choice], encode: Callable[[Any, DataType, Progress], torch.Tensor] | None = None) -> None:
        self.choose_type, self._encode = choose, encode

    def encode(self, items: Any, data_type: DataType, progress: Progress = silent) -> torch.Tensor:
        """See `senpath.snapshot.examples.Types`."""
        return torch.zeros(1).expand(len(items), *data_type.shape) if self._encode is None else self._encode(items, data_type, progress)


def _check(method: Method, examples: Examples) -> None:
    check: Callable[[DataType], None] | None = getattr(method, "check", None)
    if check is not None:
        check(examples.data_type)
    require_kind(method, examples)


def check_tasks(view: View, tasks: Mapping[str, Any], concept: str | None) -> None:
    """Refuse names that cannot be learned.

    Raises:
        SenpathError: naming the first.
    """
    if not isinstance(tasks, Mapping):
        raise InputError("tasks", expected="a mapping of new names to labelled data", got=type(tasks).__name__)
    for task in tasks:
        check_task(task, view)
    if concept is not None:
        check_name("concept", concept)


def locate(tasks: Mapping[str, Any], kind: str | None, concept: str | None) -> list[Look]:
    """The looks to take at those tasks of which only the place is given."""
    places = {task: DataAt.of(*pair_of(data)) for task, data in tasks.items()}
    return [Look(task, place, kind, concept) for task, place in places.items() if place is not None]


def read_works(
    view: View,
    tasks: Mapping[str, Any],
    method: Method,
    kind: str | None,
    concept: str | None,
    looks: Looks | None = None,
) -> deque[ReadTask | LocatedTask]:
    """All tasks: checked, and encoded but for those that were looked at where they are.

    Args:
        looks: what was seen of these.

    Raises:
        SenpathError: an InputError mostly, naming the first task that cannot be learned.
    """
    labels = labels_of(view.paths, concept) if concept is not None else ()
    reader, works = _Reader(view, isinstance(method, JointMethod)), deque[ReadTask | LocatedTask]()
    for task, data in tasks.items():
        try:
            if looks is not None and task in looks:
                look, (choice, classes, count) = reader.locate(task, looks)
                works.append(LocatedTask(task, look.data, choice, kind, concept, labels, (count, len(classes))))
                labels = labels or classes
                continue
            examples = reader.read(data, kind)
            _check(method, examples)
            if concept is not None:
                examples = read_concept(concept, examples, labels)
                labels = labels or examples.classes
        except SenpathError as error:
            error.reword(of_task(task, error))
            raise
        works.append(ReadTask.of(task, examples, concept))
    return works


def read_tasks(view: View, tasks: Mapping[str, Any], method: Method, kind: str | None) -> dict[str, Examples]:
    """All tasks' examples, checked and encoded.

    Raises:
        SenpathError: an InputError mostly, naming the first task that cannot be learned.
    """
    check_tasks(view, tasks, None)
    return {work.task: work.examples() for work in read_works(view, tasks, method, kind, None) if isinstance(work, ReadTask)}


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

    def locate(self, task: str, looks: Looks) -> tuple[Look, Looked]:
        """As `choose_type`, of a task whose data is elsewhere."""
        look, seen = looks.see(task, [known for key, known in self._types.items() if key not in self._view.types])
        self._types[seen[0].data_type.key] = seen[0].data_type
        return look, seen

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


def keys_of(works: Sequence[ReadTask | LocatedTask]) -> list[str]:
    """The keys of the types of these tasks."""
    return [*dict.fromkeys(work.data_type.key for work in works)]


def drain(works: deque[T]) -> Iterator[T]:
    """One after another, keeping none."""
    while works:
        yield works.popleft()


def of_task(task: str | None, error: SenpathError) -> str:
    """The error's message, which names the task if it is one task's."""
    named = "" if task is None or error.message.startswith(f"task {task!r}") else f"task {task!r}: "
    return named + error.message.rstrip(".")
