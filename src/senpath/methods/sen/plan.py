"""What a new task borrows: which source, which classes, and what its links start from."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from senpath.methods.sen.config import SenSettings
from senpath.methods.sen.similarity import Similarity, readable
from senpath.pathways import Link, Transfer
from senpath.snapshot import View
from senpath.types import Examples

LAYER = "hidden layer"
"""What a regression borrows, in place of a class."""


@dataclass(frozen=True)
class LinkPlan:
    """One link before training.

    Args:
        source: the earlier task.
        reads: hashes of the components that it reads.
        classes: indices of the linked classes of the new task, ascending.
        weight: float32 (linked classes, units read), where its rows start.
        bias: float32 (linked classes,).
        transfers: for each linked class what it is most similar to.
        examples: labelled examples that set the link.
    """

    source: str
    reads: tuple[str, ...]
    classes: tuple[int, ...]
    weight: torch.Tensor
    bias: torch.Tensor
    transfers: tuple[Transfer, ...]
    examples: int

    def link(self, component: str) -> Link:
        """The link, once its trained map has this hash."""
        return Link(self.source, self.reads, component, self.transfers, self.examples)


def plan_links(view: View, examples: Examples, measured: list[Similarity], settings: SenSettings) -> list[LinkPlan]:
    """The links that these similarities and settings call for; none where no class is similar enough.

    Where only the hidden layer is to be copied, they are the links that would be made, for the source that they name.
    """
    if not settings.borrows or not measured:
        return []
    chosen = _choose(measured, settings)
    plans = []
    for found, classes in chosen:
        plans.append(_plan(view, found, classes, examples, settings.threshold))
    return plans


def plan_all(view: View, found: Similarity, examples: Examples, threshold: float) -> LinkPlan:
    """A link for every class to one source, however little similar it is."""
    return _plan(view, found, list(range(len(examples.classes))), examples, threshold)


def _choose(measured: list[Similarity], settings: SenSettings) -> list[tuple[Similarity, list[int]]]:
    """The sources, each with the new classes that borrow from it."""
    shares = torch.stack([found.best()[0] for found in measured])  # (sources, new classes)
    enough = torch.where(shares >= settings.threshold, shares, 0)
    if not bool(enough.any()):
        return []
    worth = [_worth(found, settings.threshold) for found in measured]
    one = torch.full(shares.shape[1:], worth.index(max(worth)))
    source = one if settings.source == "one" else shares.argmax(0)
    chosen = []
    for index, found in enumerate(measured):
        mine = source == index
        linked = mine & (enough[index] > 0) if settings.links == "similar" else mine
        if bool(linked.any()):
            chosen.append((found, linked.nonzero().flatten().tolist()))
    return chosen


def separability(found: Similarity) -> float:
    """Part of the new classes that a source takes for different ones of its own, 0 … 1.

    0 where it takes all for one class, 1 where it recognises each as another one. A high similarity of a class or two says little about
    what a transfer gains, and this says more (docs/results/transfer.md).
    """
    return (_worth(found, 0.0) - 1) / (len(found.shares) - 1)


def _worth(found: Similarity, threshold: float) -> float:
    """How many new classes to expect right of links alone, before any training.

    New classes that copy one class of the source cannot be told apart, so each source class counts once. Else a source of two classes,
    which takes everything for one or the other, would look similar to all.
    """
    shares, classes = found.best()
    enough = torch.where(shares >= threshold, shares, 0)
    return float(torch.zeros(found.shares.shape[1], dtype=enough.dtype).scatter_reduce(0, classes, enough, "amax").sum())


def _plan_readout(found: Similarity, rows: torch.Tensor, reads: tuple[str, ...], classes: list[int], examples: Examples) -> LinkPlan:
    """A link of a regression: it starts as the answer that was read off the source's layer."""
    shares = found.shares[:, 0].tolist()
    transfers = tuple(Transfer(examples.classes[index], LAYER, round(shares[index], 4)) for index in classes)
    return LinkPlan(found.source, reads, tuple(classes), rows[:, :-1], rows[:, -1], transfers, found.examples)


def _plan(view: View, found: Similarity, classes: list[int], examples: Examples, threshold: float) -> LinkPlan:
    pathway = view.pathway(found.source)
    reads, has_output_layer = readable(view, pathway)
    if found.readout is not None:
        return _plan_readout(found, found.readout.to(view.device)[classes], reads, classes, examples)
    if has_output_layer:
        output = view.component(pathway.components[-1]).module
        rows, biases = output.get_parameter("weight").detach(), output.get_parameter("bias").detach()
    else:
        rows, biases = torch.eye(len(pathway.classes), device=view.device), torch.zeros(len(pathway.classes), device=view.device)
    best, source_class = found.best()
    mixture = found.shares.clone()
    similar = best >= threshold
    # A similar class starts as a copy of its one source class, the others as what the source makes of them on average.
    mixture[similar] = torch.nn.functional.one_hot(source_class[similar], len(pathway.classes)).to(mixture.dtype)
    mixture = mixture[classes].float().to(rows.device)
    return LinkPlan(
        source=found.source,
        reads=reads,
        classes=tuple(classes),
        weight=mixture @ rows,
        bias=mixture @ biases,
        transfers=tuple(
            Transfer(examples.classes[index], pathway.classes[int(source_class[index])], round(float(best[index]), 4)) for index in classes
        ),
        examples=found.examples,
    )
