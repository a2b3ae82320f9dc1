"""One task's route: which components it runs, and which links add to its outputs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

from senpath.pathways.provenance import Provenance
from senpath.tasks import Classification, Label, TaskKind, TaskKindName, task_kind


@dataclass(frozen=True)
class Transfer:
    """A class `target` that borrows from a class `source` of an earlier task, which took `share` of its examples for that class."""

    target: Label
    source: Label
    share: float


@dataclass(frozen=True)
class Link:
    """What a task's outputs take from the frozen layers of an earlier task.

    Args:
        source: name of the earlier task, for people to read; nothing depends on it.
        reads: hashes of the components from the encoded input to the layer that is read, as they were when the link was made.
        component: hash of the map from that layer to this task's outputs.
        transfers: the linked classes, their similarity, and the classes they were copied from.
        examples: number of labelled examples from which the link was set.
    """

    source: str
    reads: tuple[str, ...]
    component: str
    transfers: tuple[Transfer, ...]
    examples: int


@dataclass(frozen=True)
class Pathway:
    """One task's model: components that run one after another, and links.

    Args:
        task: its name.
        data_type: key of the type of its inputs.
        classes: labels in the order of the outputs; of a regression the names of its outputs.
        components: hashes, run one after another from the encoded input; empty where links alone answer (zero-shot).
        links: each adds its output to that of the components.
        kind: what the outputs are: logits of a softmax ("classification"), of one sigmoid each ("multilabel"), or numbers ("regression").
        concept: name that tasks of several modalities share if they have the same labels for the same things; None if there is none.
            Classifications only.
        temperature: divides the logits, so that softmax says how often answers are right (Guo et al. 2017); 1 where that was not measured.
        children: the components inside each composite that it runs, by hash. The commit fills it in, so nothing has to be read to find
            what the pathway depends on.
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
        """The kind of task, see `senpath.tasks`."""
        return task_kind(self.kind)

    @cached_property
    def chains(self) -> tuple[tuple[str, ...], ...]:
        """Every sequence of components that runs from the encoded input: its own, and those that its links read."""
        own = (self.components,) if self.components else ()
        return own + tuple((*link.reads, link.component) for link in self.links)

    @property
    def references(self) -> frozenset[str]:
        """Hashes of every component that it needs."""
        return self.whole(name for chain in self.chains for name in chain)

    def whole(self, names: Iterable[str]) -> frozenset[str]:
        """These components and everything inside them."""
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
        """Names of the tasks that its links read, each once."""
        return tuple(dict.fromkeys(link.source for link in self.links))
