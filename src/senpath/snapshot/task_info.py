"""What is known of a task, for those who use a network."""

from __future__ import annotations

from dataclasses import dataclass

from senpath.pathways import Provenance, Transfer
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
        examples: how many it was learned from.
        method: name of the method that learned it.
        transfers: the classes that borrow from an earlier task, as (earlier task, transfer).
        concept: what its inputs are signs of, if it shares that with other tasks; see `Network.learn`.
        weights: of its own components and its links.
        run_weights: weights that answering with it runs, the layers that its links read included.
        version: the network's version that it came with.
        provenance: how it was learned, and what changed it since.
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
    )
