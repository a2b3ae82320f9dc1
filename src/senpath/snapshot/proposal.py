"""What a method is given and returns, and a change to the network that is ready to be committed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import torch

from senpath.components import Component, Lookup
from senpath.pathways import LearningCost, Link, Pathway, run_pathway
from senpath.progress import Progress
from senpath.routing import TaskStatistics
from senpath.snapshot.view import View, at_once
from senpath.types import DataType, Examples


@dataclass(frozen=True)
class MethodResult:
    """What a method learned for one task; the network makes its pathway, statistics, provenance and proposal from this.

    Args:
        chain: the pathway's own components, run one after another: new ones, or hashes of components that the network has. Empty where
            links alone answer.
        parts: further components that `chain` and `links` name: maps of links, children of composites. Those that the network has already
            are passed over.
        links: each adds its output to that of the chain.
        settings: of the method, those in effect (JSON values).
        sources_tried: for each earlier task that was tried as a source, how similar it is at best, in 0 … 1.
        record: the method's own record, kept with the task (JSON values). Nobody else decides by it.
        untrained: hashes of components that were taken as they were, such as layers of a pretrained model: they ran, and were not learned.
        changes: pathways of earlier tasks as they are to be from now on, for a method that was asked to change them.
        log: further figures for the log's entry alone (JSON values).
        in_user_units: whether outputs are in the user's units, and not in those of the examples' targets, see `Examples.scale`.

    Example:
        >>> from senpath.snapshot import MethodResult
        >>> chain = net.view.pathway("iris").components  # hashes of what the network has
        >>> MethodResult(chain, settings={"copied": True}).links
        ()
    """

    chain: tuple[Component | str, ...]
    parts: tuple[Component, ...] = ()
    links: tuple[Link, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    sources_tried: Mapping[str, float] = field(default_factory=dict)
    record: Mapping[str, Any] = field(default_factory=dict)
    untrained: frozenset[str] = frozenset()
    changes: tuple[Pathway, ...] = ()
    log: Mapping[str, Any] = field(default_factory=dict)
    in_user_units: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """Hashes of the chain's components, in order."""
        return tuple(part if isinstance(part, str) else part.hash for part in self.chain)

    @property
    def components(self) -> tuple[Component, ...]:
        """Every component that comes with it, each once."""
        given = (*(part for part in self.chain if not isinstance(part, str)), *self.parts)
        return tuple({component.hash: component for component in given}.values())

    def pathway(self, task: str, examples: Examples) -> Pathway:
        """The pathway of a task that was learned from these examples; the network adds its provenance."""
        scale = None if self.in_user_units else examples.scale
        return Pathway(task, examples.data_type.key, examples.classes, self.names, self.links, examples.kind, scale=scale)


class Method(Protocol):
    """A way to learn a task. It reads the view and the new examples, nothing else, and writes nothing.

    A method may also have `check(data_type)`, which raises InputError for a type that it cannot learn; `learn_many` asks before it begins.
    And it may have `settings_class`, a subclass of `senpath.settings.Settings`, which the command line shows; without it a
    server takes no settings for the method but `random_state`.
    And `report_section(network, tasks)`, which gives a report what it says of the method's tasks: a `senpath.sections.Section`, or None.

    Attributes:
        name: for provenance and the log.

    Example:
        >>> from senpath.testing import ConstantMethod
        >>> class Small:  # learns as another method does, with fewer units
        ...     name = "small"
        ...     def propose(self, view, task, examples, progress):
        ...         return ConstantMethod(hidden=8).propose(view, task, examples, progress)
        >>> net.learn("odd", *tiny_task("odd"), method=Small()).provenance.method
        'small'
    """

    name: str

    def propose(self, view: View, task: str, examples: Examples, progress: Progress) -> MethodResult:
        """Learn `task` from `examples` on top of what `view` shows."""
        ...


@runtime_checkable
class JointMethod(Method, Protocol):
    """A method that learns several tasks at once, which `learn_many` commits as one version.

    Example:
        >>> from senpath.snapshot import JointMethod
        >>> hasattr(sp.Allocation, "propose_many"), hasattr(sp.Sen, "propose_many")
        (True, False)
    """

    def propose_many(self, view: View, tasks: Mapping[str, Examples], progress: Progress) -> Mapping[str, MethodResult]:
        """Learn tasks of one type of data together, on top of what `view` shows; gives a result for each."""
        ...


@dataclass(frozen=True)
class RevisionResult:
    """What a revision makes of a task.

    Args:
        pathway: of the task, with other components, links or classes; its provenance is the network's to complete.
        components: new ones that the pathway names, and those inside of them.
        reason: what was gained, a sentence for people without its full stop.
        record: what was measured and set (JSON values); it is kept with the task and in the log.
        relearned: what the task was learned as, if it was learned anew from its examples; None where its provenance stays and the revision
            is added to it.
        method: name of the method that learned it anew.

    Example:
        >>> from senpath.snapshot import RevisionResult
        >>> RevisionResult(net.view.pathway("iris"), (), "nothing was gained", {}).components
        ()
    """

    pathway: Pathway
    components: tuple[Component, ...]
    reason: str
    record: Mapping[str, Any]
    relearned: MethodResult | None = None
    method: str = ""


@dataclass(frozen=True)
class Declined:
    """A revision's answer where it proposes no change.

    Args:
        reason: why, a sentence for people without its full stop.
        record: what it measured (JSON values).

    Example:
        >>> from senpath.snapshot import Declined
        >>> Declined("no later task is similar", {"most similar": 0.2}).reason
        'no later task is similar'
    """

    reason: str
    record: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Revised:
    """The outcome of a revision.

    Attributes:
        task: name of the task.
        changed: whether a new version was committed.
        reason: one sentence that says why not, or what was gained.
        version: the network's version now.
        seconds: from the call to the answer.
        record: what was measured (JSON values).

    Example:
        >>> revised = net.prune("iris", keep=0.6)
        >>> revised.task, revised.changed, revised.version
        ('iris', True, 4)
    """

    task: str
    changed: bool
    reason: str
    version: int
    seconds: float
    record: Mapping[str, Any]


class Revision(Protocol):
    """A way to change a task that the network has: review, prune, extend. Like a method it reads, and writes nothing.

    Attributes:
        name: for provenance and the log.
        grows: whether its examples are added to those that the task was learned from. They may be of classes that the task does not have
            yet, which come behind the others, and the dispatcher learns them.

    Example:
        >>> from senpath.snapshot import Declined
        >>> class Leave:  # a revision that never changes anything
        ...     name, grows = "leave", False
        ...     def propose(self, view, task, examples, progress):
        ...         return Declined("it is fine as it is")
        >>> net.revise("iris", Leave()).reason
        'it is fine as it is'
    """

    name: str
    grows: bool

    def propose(self, view: View, task: str, examples: Examples | None, progress: Progress) -> RevisionResult | Declined:
        """Change `task`, with the help of examples where there are any."""
        ...


@dataclass(frozen=True)
class Proposal:
    """A change to the network that is ready to be committed, or dropped.

    Args:
        version: the network's version that it was made against.
        pathways: pathways to add, or to put in the place of the task of the same name if that is in `replaces`.
        components: components that the pathways name and that the network may not have yet.
        statistics: what the dispatcher keeps of each added task, by name; of a replaced task its new columns, if it gets any.
        types: data types that are new to `version`, each with its feature map.
        replaces: names of tasks whose pathways may be replaced; the dispatcher's statistics of them stay unless `statistics` has new ones.
        removes: names of tasks to remove, with the components that no other task names.
        limits: of tasks, as multiples of the limit that each was learned with; see `Threshold`.
        descriptions: what added tasks are for, by name, where that is known.
        untrained: hashes of those `components` that were taken as they were, not learned.
        entry: the log entry (JSON values).
        cost: what learning ran and changed; for tasks learned together, of all of them. None if nothing was learned.
        warnings: what people should be told about a task before they rely on it, by its name.
        read_as: which type of data a task's inputs were taken for and why, by its name, where there was something to choose.

    Example:
        >>> from senpath.learning import propose
        >>> from senpath.testing import ConstantMethod
        >>> proposal = propose(net.view, ConstantMethod(), "odd", net.encode_examples(*tiny_task("odd")))
        >>> proposal.version, [pathway.task for pathway in proposal.pathways]
        (3, ['odd'])
    """

    version: int
    pathways: tuple[Pathway, ...]
    components: tuple[Component, ...]
    statistics: Mapping[str, TaskStatistics]
    types: Mapping[str, tuple[DataType, Component]] = field(default_factory=dict)
    replaces: frozenset[str] = frozenset()
    removes: frozenset[str] = frozenset()
    limits: Mapping[str, float] = field(default_factory=dict)
    descriptions: Mapping[str, str] = field(default_factory=dict)
    untrained: frozenset[str] = frozenset()
    entry: Mapping[str, Any] = field(default_factory=dict)
    cost: LearningCost | None = None
    warnings: Mapping[str, str] = field(default_factory=dict)
    read_as: Mapping[str, str] = field(default_factory=dict)


def try_out(view: View, proposal: Proposal, inputs: torch.Tensor, place: int = 0) -> torch.Tensor:
    """What a proposal's pathway would answer to encoded inputs (n, …) if it were committed: logits, float32 (n, classes).

    Args:
        place: which of its pathways.
    """
    return run_new(view, proposal.pathways[place], proposal.components, inputs)


def run_new(view: View, pathway: Pathway, components: Iterable[Component], inputs: torch.Tensor) -> torch.Tensor:
    """What a pathway answers to encoded inputs (n, …) whose components the network may not have yet: logits, float32 (n, classes)."""
    lookup = with_new(components, view.component, view.device)
    return torch.cat([run_pathway(pathway, part.to(view.device), lookup) for part in inputs.split(at_once(inputs))])


def with_new(components: Iterable[Component], lookup: Lookup, device: torch.device) -> Lookup:
    """A lookup that knows these components besides the network's own."""
    new = {component.hash: component for component in components}

    def find(name: str) -> Component:
        return new[name] if name in new else lookup(name)

    for component in new.values():
        component.module.to(device)
        component.bind(find)
    return find
