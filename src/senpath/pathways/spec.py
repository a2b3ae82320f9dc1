"""One task's route: which components it runs, and which links add to its outputs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

from senpath.pathways.provenance import Provenance
from senpath.tasks import Classification, Label, TaskKind, TaskKindName, task_kind


@dataclass(frozen=True)
class Transfer:
    """One class that borrows from an earlier task: `share` of its examples were taken for `source` by the earlier task's pathway."""

    target: Label
    source: Label
    share: float


@dataclass(frozen=True)
class Link:
    """What an earlier task's frozen layers add to this task's outputs.

    Args:
        source: the earlier task, for people to read; nothing depends on the name.
        reads: hashes of the components from the raw input to the layer that is read, as they were when the link was made.
        component: hash of the map from that layer to this task's outputs.
        transfers: the classes linked, their similarity and where they were copied from.
        examples: how many labelled examples set the link.
    """

    source: str
    reads: tuple[str, ...]
    component: str
    transfers: tuple[Transfer, ...]
    examples: int


@dataclass(frozen=True)
class Pathway:
    """One task's model.

    Args:
        task: its name.
        data_type: key of the type of its inputs.
        classes: labels in the order of the outputs; names of the numbers, for a regression.
        components: hashes, run one after another from the raw input; empty where links alone answer (zero-shot).
        links: each adds its output to that of the components.
        kind: what its outputs are: logits of a softmax ("classification"), of one sigmoid each ("multilabel"), or numbers ("regression").
        concept: what several tasks' inputs are signs of, so that they share their labels; None for a task by itself. Classifications only.
        temperature: its logits are divided by it, so that softmax tells how often they are right (Guo et al. 2017); 1 where that was not
            measured.
        children: of each composite component that it runs, by hash, the components inside. The network fills it in when it is committed, so
            that nothing has to be read to know what a pathway needs.
        provenance: how it was learned.
    """

    task: str
    data_type: str
    classes: tuple[Label, ...]
    components: tuple[str, ...]
    links: tuple[Link, ...] = ()
    kind: TaskKindName = Classification.name
    concept: str | None = None
    temperature: float = 1.0
    children: dict[str, tuple[str, ...]] = field(default_factory=dict, hash=False, compare=False)
    provenance: Provenance = field(default_factory=Provenance, hash=False, compare=False)

    @property
    def task_kind(self) -> TaskKind:
        """What the outputs mean, and all that follows from it."""
        return task_kind(self.kind)

    @cached_property
    def chains(self) -> tuple[tuple[str, ...], ...]:
        """Every sequence of components that is run from the raw input: the pathway's own and those its links read."""
        own = (self.components,) if self.components else ()
        return own + tuple((*link.reads, link.component) for link in self.links)

    @property
    def references(self) -> frozenset[str]:
        """Every component that it needs."""
        return self.whole(name for chain in self.chains for name in chain)

    def whole(self, names: Iterable[str]) -> frozenset[str]:
        """These components and all that are inside them."""
        reached: set[str] = set()
        rest = list(names)
        while rest:
            name = rest.pop()
            if name not in reached:
                reached.add(name)
                rest += self.children.get(name, ())
        return frozenset(reached)

    @cached_property
    def sources(self) -> tuple[str, ...]:
        """The tasks that its links read, each once."""
        return tuple(dict.fromkeys(link.source for link in self.links))
