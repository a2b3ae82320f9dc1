"""One task's route: which components it runs, which links add to its outputs, and how it was learned."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import isfinite
from typing import Any

from senpath.tasks import Classification, Label, TargetScale, TaskKind, TaskKindName, task_kind


@dataclass(frozen=True)
class LearningCost:
    """What learning one task ran and changed, in numbers of weights; a component counts once, however often it ran.

    Attributes:
        read: weights of earlier tasks that ran, the search for a source included.
        updated: weights that were trained and are kept. What a search or a joint method trains and leaves out is not among them.
        dispatcher_read: numbers of the dispatcher that ran.
        dispatcher_updated: numbers of the dispatcher that were learned or changed; the fixed features of a new data type are none of these.
        total: all weights of the network that has the task.
        encoder_read: weights of the pretrained encoder that read the examples.
    """

    read: int
    updated: int
    dispatcher_read: int
    dispatcher_updated: int
    total: int
    encoder_read: int = 0

    @property
    def run_share(self) -> float:
        """Of all weights, the part that ran, in 0 … 1."""
        # What the dispatcher adds or changes is written, not run through.
        return (self.read + self.updated + self.dispatcher_read + self.encoder_read) / max(1, self.total)

    @property
    def updated_share(self) -> float:
        """Of all weights, the part that was learned or changed, in 0 … 1."""
        return (self.updated + self.dispatcher_updated) / max(1, self.total)


@dataclass(frozen=True)
class RevisionRecord:
    """One change to a task after it was learned.

    Args:
        revision: name of what changed it: "review", "prune", "extend"; or of the method that learned another task along with it.
        version: of the network that the change was made against.
        record: what was measured and set (JSON values).
    """

    revision: str
    version: int
    record: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Provenance:
    """How a task was learned, and what changed it since.

    Args:
        method: name of the method that learned it.
        settings: of the method, those in effect (JSON values).
        examples: how many it was learned from, those that it was extended by included.
        fewest_per_class: examples of the class, or with the label, that has the fewest; of a regression, all.
        data: sixteen hexadecimal digits that stand for the encoded examples and their labels.
        sources_tried: for each earlier task that was tried as a source, how similar it was to the new one at best, in 0 … 1.
        untrained: hashes of the components that were taken as they were, such as layers of a pretrained model.
        cost: what learning it ran and changed; None where an earlier senpath learned it. Tasks that were learned together share one.
        record: the method's own record (JSON values). Only the method and its section of the report read it.
        revisions: what changed it since, oldest first.
    """

    method: str = ""
    settings: dict[str, Any] = field(default_factory=dict)
    examples: int = 0
    fewest_per_class: int = 0
    data: str = ""
    sources_tried: dict[str, float] = field(default_factory=dict)
    untrained: tuple[str, ...] = ()
    cost: LearningCost | None = None
    record: dict[str, Any] = field(default_factory=dict)
    revisions: tuple[RevisionRecord, ...] = ()

    @property
    def seed(self) -> int | None:
        """What everything drawn while it was learned follows from."""
        seed = self.settings.get("random_state")
        return seed if isinstance(seed, int) else None

    def revised(self, revision: str, version: int, record: dict[str, Any]) -> Provenance:
        """The same with one more revision."""
        return replace(self, revisions=(*self.revisions, RevisionRecord(revision, version, record)))

    def revisions_by(self, revision: str) -> tuple[RevisionRecord, ...]:
        """The revisions of this name."""
        return tuple(change for change in self.revisions if change.revision == revision)

    def log_entry(self) -> dict[str, Any]:
        """What the log says of it, in one flat mapping; revisions and cost have entries of their own."""
        return {
            "method": self.method,
            "examples": self.examples,
            "fewest_per_class": self.fewest_per_class,
            "data": self.data,
            "settings": self.settings,
            **({"sources_tried": self.sources_tried} if self.sources_tried else {}),
            **({"record": self.record} if self.record else {}),
        }


def number(value: Any) -> float | None:
    """A number of a record that can be computed with; None for anything else, as a record may be damaged."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not -1e18 < value < 1e18:
        return None
    return float(value) if isfinite(value) else None


@dataclass(frozen=True)
class Transfer:
    """A class `target` that borrows from a class `source` of an earlier task, which took `share` of its examples for that class.

    Example:
        >>> net.view.pathway("high").links[0].transfers[0]
        Transfer(target=5, source=0, share=1.0)
    """

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
        source_id: `Pathway.identity` of the earlier task, which tells it from another that has its name since. The commit fills it in; ""
            where that was before format 7.

    Example:
        >>> link = net.view.pathway("high").links[0]
        >>> link.source, link.examples
        ('low', 150)
    """

    source: str
    reads: tuple[str, ...]
    component: str
    transfers: tuple[Transfer, ...]
    examples: int
    source_id: str = field(default="", compare=False)

    def reads_from(self, pathway: Pathway) -> bool:
        """Whether the task of this pathway is the one that the link reads from, as far as is known, and not another of its name."""
        return self.source == pathway.task and self.source_id in ("", pathway.identity)


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
        scale: the units of a regression's outputs; None where they are the user's, as before format 7, and of scikit-learn models that were
            given as such.
        children: the components inside each composite that it runs, by hash. The commit fills it in, so nothing has to be read to find
            what the pathway depends on.
        id: see `identity`; the commit fills it in. "" before format 7.
        provenance: how it was learned.

    Example:
        >>> high = net.view.pathway("high")
        >>> high.data_type, high.classes, len(high.components), high.sources
        ('image', (5, 6, 7, 8, 9), 2, ('low',))
    """

    task: str
    data_type: str
    classes: tuple[Label, ...]
    components: tuple[str, ...]
    links: tuple[Link, ...] = ()
    kind: TaskKindName = Classification.name
    concept: str | None = None
    temperature: float = 1.0
    scale: TargetScale | None = None
    children: dict[str, tuple[str, ...]] = field(default_factory=dict, hash=False, compare=False)
    id: str = field(default="", hash=False, compare=False)
    provenance: Provenance = field(default_factory=Provenance, hash=False, compare=False)

    @cached_property
    def identity(self) -> str:
        """Sixteen hexadecimal digits that stand for the task, whatever changes it: made of what it was when it was first committed.

        Two tasks of one name, one after the other or in two networks, have one identity only if they were learned as the same.
        """
        if self.id:
            return self.id
        links = [[*link.reads, link.component] for link in self.links]
        content = [self.data_type, self.kind, self.classes, self.components, links, self.provenance.data]
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:16]

    @cached_property
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
