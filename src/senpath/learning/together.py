"""Tasks of one call that a method learns in one product, and that are committed as one version: those of few images."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Protocol, runtime_checkable

from senpath.learning.propose import in_reach, propose
from senpath.learning.works import LocatedTask, ReadTask
from senpath.parallel import portable
from senpath.snapshot.proposal import Method, MethodResult, Proposal
from senpath.snapshot.view import View
from senpath.types import DataType, Examples

GROUP = 16
"""Tasks in one product, at most, however many workers there are: they decide how results are rounded."""


class Unfinished(Protocol):
    """A task up to its training."""

    def finish(self) -> MethodResult:
        """What it has become, once it is trained."""
        ...


@runtime_checkable
class GroupedMethod(Method, Protocol):
    """A method that trains several tasks in one product, each as by itself but for rounding."""

    def joins(self, data_type: DataType, examples: int, classes: int) -> bool:
        """Whether a task of this size does better in a group."""
        ...

    def begin(self, view: View, examples: Examples) -> Unfinished:
        """Do what comes before training."""
        ...

    def train_together(self, tasks: Sequence[Any]) -> None:
        """Train tasks that were begun."""
        ...


@dataclass(frozen=True)
class Proposed:
    """What became of some tasks, in order.

    Args:
        proposals: one for each, up to the first that failed.
        error: of that one.
    """

    proposals: tuple[Proposal, ...]
    error: Exception | None = None


@dataclass(frozen=True)
class TaskGroup:
    """Tasks on their way to a worker, which learns them together."""

    works: tuple[ReadTask | LocatedTask, ...]

    @property
    def task(self) -> str:
        """The name of the first."""
        return self.works[0].task

    def run(self, view: View, method: Method) -> Proposed:
        """Learn them; if that fails, one by one, which tells whose the fault is."""
        if len(self.works) == 1 or not isinstance(method, GroupedMethod):
            return Proposed(tuple(work.run(view, method) for work in self.works))
        with suppress(Exception):  # which comes again
            return Proposed(propose_together(view, method, {work.task: work.read(view).examples() for work in self.works}))
        proposals: list[Proposal] = []
        for work in self.works:
            try:
                proposals.append(work.run(view, method))
            except Exception as error:
                return Proposed(tuple(proposals), portable(error))
        return Proposed(tuple(proposals))


def grouped(works: deque[ReadTask | LocatedTask], method: Method) -> deque[TaskGroup]:
    """The tasks in groups of those that follow each other, are of one type and join; all others alone. Takes them out of `works`."""
    groups: deque[TaskGroup] = deque()
    before: DataType | None = None
    while works:
        work = works.popleft()
        joins = isinstance(method, GroupedMethod) and work.concept is None and method.joins(work.data_type, *work.size)
        if joins and before == work.data_type and len(groups[-1].works) < GROUP:
            groups[-1] = TaskGroup((*groups[-1].works, work))
        else:
            groups.append(TaskGroup((work,)))
        before = work.data_type if joins else None
    return groups


def propose_together(view: View, method: GroupedMethod, tasks: Mapping[str, Examples]) -> tuple[Proposal, ...]:
    """What a method makes of tasks that it trains in one product, each as `propose` has it, but for rounding."""
    begun = {}
    for task, examples in tasks.items():
        with view.watch() as trace:
            begun[task] = method.begin(view, in_reach(examples.scaled(examples.task_kind.scale_of(examples.user_targets)))), trace
    method.train_together([one for one, _ in begun.values()])
    return tuple(
        propose(view, method, task, examples, learned=(begun[task][0].finish(), begun[task][1])) for task, examples in tasks.items()
    )


def merged(proposals: Sequence[Proposal]) -> Proposal:
    """New tasks that were learned from one version, as one change. Its entry says what they share, and the rest by task."""
    first = proposals[0]
    entries = {proposal.pathways[0].task: proposal.entry for proposal in proposals}
    shared = {name: value for name, value in first.entry.items() if all(entry.get(name) == value for entry in entries.values())}
    learned = {task: {name: value for name, value in entry.items() if name not in shared} for task, entry in entries.items()}
    examples = sum(pathway.provenance.examples for proposal in proposals for pathway in proposal.pathways)
    components = {part.hash: part for proposal in proposals for part in proposal.components}
    return replace(
        first,
        pathways=tuple(pathway for proposal in proposals for pathway in proposal.pathways),
        components=tuple(components.values()),
        statistics={task: kept for proposal in proposals for task, kept in proposal.statistics.items()},
        types={key: kind for proposal in proposals for key, kind in proposal.types.items()},
        untrained=frozenset().union(*(proposal.untrained for proposal in proposals)),
        entry={**shared, "examples": examples, "learned": learned},
        cost=None,
        warnings={task: text for proposal in proposals for task, text in proposal.warnings.items()},
        read_as={task: why for proposal in proposals for task, why in proposal.read_as.items()},
    )
