"""What passes between a method and the network: a read-only view one way, a proposal the other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import torch

from senpath.components import Component, Lookup
from senpath.pathways import Pathway, run_pathway
from senpath.progress import Progress
from senpath.routing import TaskStatistics
from senpath.snapshot.view import View, at_once
from senpath.types import DataType, Examples


@dataclass(frozen=True)
class Proposal:
    """A change to the network, ready to be committed or thrown away.

    Args:
        version: of the network that it was made against.
        pathways: added, or put in the place of one of the same name in `replaces`.
        components: bricks that the pathways name and the network may not have yet.
        statistics: what the dispatcher keeps of each added task, by name; of a replaced one, its new columns, if it gets any.
        types: for data types that were new in `version`, the type and its feature map.
        replaces: names of the tasks whose pathways may be replaced; what the dispatcher knows of them stays, but for `statistics`.
        removes: names of the tasks that go. Components that no other task names go with them.
        untrained: hashes of those of `components` that were taken as they were, such as layers of a pretrained model: they ran, and were
            not learned.
        entry: what the log says about it (JSON values).
    """

    version: int
    pathways: tuple[Pathway, ...]
    components: tuple[Component, ...]
    statistics: Mapping[str, TaskStatistics]
    types: Mapping[str, tuple[DataType, Component]] = field(default_factory=dict)
    replaces: frozenset[str] = frozenset()
    removes: frozenset[str] = frozenset()
    untrained: frozenset[str] = frozenset()
    entry: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Declined:
    """A method's answer where it proposes no change.

    Args:
        reason: why, a sentence for people without its full stop.
        notes: what it measured (JSON values).
    """

    reason: str
    notes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Revised:
    """What became of a task that was to be changed.

    Attributes:
        task: its name.
        changed: whether a new version was committed.
        reason: why not, or what was gained: a sentence for people.
        version: the network's version now.
        seconds: from the call to the answer.
        notes: what was measured (JSON values).
    """

    task: str
    changed: bool
    reason: str
    version: int
    seconds: float
    notes: Mapping[str, Any]


def try_out(view: View, proposal: Proposal, inputs: torch.Tensor, place: int = 0) -> torch.Tensor:
    """What a proposal's pathway would answer to encoded inputs (n, …) if it were committed: logits, float32 (n, classes).

    Args:
        place: which of its pathways.
    """
    lookup = with_new(proposal.components, view.component, view.device)
    return torch.cat([run_pathway(proposal.pathways[place], part.to(view.device), lookup) for part in inputs.split(at_once(inputs))])


def with_new(components: Iterable[Component], lookup: Lookup, device: torch.device) -> Lookup:
    """Finds these components too, where the network's own are."""
    new = {component.hash: component for component in components}

    def find(name: str) -> Component:
        return new[name] if name in new else lookup(name)

    for component in new.values():
        component.module.to(device)
        component.bind(find)
    return find


class Method(Protocol):
    """A way to change the network. It reads the view and the new examples, nothing else, and writes nothing.

    A method may also have `check(data_type)`, which raises InputError for a type that it cannot learn; `learn_many` asks before it begins.
    """

    name: str

    def propose(self, view: View, task: str, examples: Examples, progress: Progress) -> Proposal:
        """Learn `task` from `examples` on top of what `view` shows."""
        ...


@runtime_checkable
class Joint(Method, Protocol):
    """A method that learns several tasks at once, which `learn_many` commits as one version."""

    def propose_many(self, view: View, tasks: Mapping[str, Examples], progress: Progress) -> Proposal:
        """Learn tasks of one type of data together, on top of what `view` shows."""
        ...


class Revision(Protocol):
    """A way to change a task that the network has: review, prune, extend. Like a method it reads, and writes nothing.

    Attributes:
        name: for the log.
        grows: whether its examples may be of classes that the task does not have yet; they come behind the others.
    """

    name: str
    grows: bool

    def propose(self, view: View, task: str, examples: Examples | None, progress: Progress) -> Proposal | Declined:
        """Change `task`, with the help of examples where there are any."""
        ...
