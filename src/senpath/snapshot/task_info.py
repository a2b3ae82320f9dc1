"""What is known of a task."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from senpath.notebook.html import block, facts
from senpath.pathways import Provenance, Transfer
from senpath.snapshot.thresholds import limit_share
from senpath.snapshot.view import View
from senpath.tasks import TaskKindName
from senpath.types import Label


@dataclass(frozen=True)
class TaskInfo:
    """What is known of a task.

    Attributes:
        kind: "classification", "multilabel" or "regression".
        classes_: its labels, in the order of the outputs (scikit-learn's name).
        data_type: key of the type of its inputs.
        examples: number of examples it was learned from.
        method: name of the method that learned it.
        transfers: the classes that borrow from an earlier task, as (earlier task, transfer).
        concept: the concept that it shares with tasks of other modalities, see `Network.learn`; None if there is none.
        weights: number of weights of its own components and links.
        run_weights: number of weights that run when it answers, including the layers that its links read.
        version: the network's version that brought it.
        provenance: how it was learned, and what changed it since.
        misled: what bringing it did to the other tasks, see `Learned`.
        limit: how far inputs may be from it, as a multiple of the limit that it was learned with; see `Network.thresholds`.
        description: what it is for, see `Network.describe`; "" if nobody said.

    Example:
        >>> task = net.tasks["high"]
        >>> task.method, task.examples, task.classes_, {source for source, _ in task.transfers}
        ('constant', 150, (5, 6, 7, 8, 9), {'low'})
    """

    kind: TaskKindName
    classes_: tuple[Label, ...]
    data_type: str
    examples: int
    method: str
    transfers: tuple[tuple[str, Transfer], ...]
    concept: str | None
    weights: int
    run_weights: int
    version: int
    provenance: Provenance
    misled: float
    limit: float = 1.0
    description: str = ""

    def _repr_html_(self) -> str:
        lenders = ", ".join(f"{source} ({count})" for source, count in Counter(source for source, _ in self.transfers).items())
        told: dict[str, object] = {
            "about": self.description,
            "classes": ", ".join(map(str, self.classes_)),
            "type of its inputs": self.data_type,
            "examples": self.examples,
        }
        told |= {"method": self.method, "classes that borrow": lenders, "concept": self.concept, "learned in version": self.version}
        told |= {"limit": f"{self.limit:.3g} times the learned one"} if self.limit != 1 else {}
        weights = {"weights of its own": f"{self.weights:,}", "weights that run": f"{self.run_weights:,}"}
        return block(f"{self.kind}, {len(self.classes_)} outputs", facts({**told, **weights}))


def task_info(view: View, task: str) -> TaskInfo:
    """What a version knows of one of its tasks."""
    record = view.tasks[task]
    pathway = record.pathway
    sizes = view.manifest.components
    own = pathway.whole((*pathway.components, *(link.component for link in pathway.links)))
    return TaskInfo(
        kind=pathway.kind,
        classes_=pathway.classes,
        data_type=pathway.data_type,
        examples=pathway.provenance.examples,
        method=pathway.provenance.method,
        transfers=tuple((link.source, transfer) for link in pathway.links for transfer in link.transfers),
        concept=pathway.concept,
        weights=sum(sizes[name] for name in own),
        run_weights=sum(sizes[name] for name in pathway.references),
        version=record.version,
        provenance=pathway.provenance,
        misled=record.misled,
        limit=limit_share(record.statistics),
        description=record.description,
    )
