"""What a new task borrows: how similar earlier tasks are, which source it takes, and what its links start from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
import torch
from torch.nn.functional import one_hot

from senpath.arrays import rounding_of, spread_of
from senpath.components import LINEAR
from senpath.methods.sen.config import SenSettings
from senpath.pathways import Link, Pathway, Transfer, run_chain, run_pathway
from senpath.snapshot import View
from senpath.tasks import TaskKind
from senpath.types import Examples

PER_CLASS = 200
"""Examples of a class that similarity is measured on, at most; its standard error is then below 0.036."""
PENALTIES = (1.0, 0.1, 0.01)
"""Of a ridge regression on a hidden layer, as shares of the units' mean squared length; the one that leaves the least error is taken."""
CHUNK = 256
"""Examples that go through a source at once: in between, deep layers hold many more numbers than they read or answer."""
SOURCES = 5
"""Earlier tasks that are run as possible sources: those that the dispatcher takes the new examples for most."""


@dataclass(frozen=True)
class Similarity:
    """How an earlier task's pathway classifies a new task's examples.

    Args:
        source: the earlier task.
        shares: float64 (new classes, old classes), the part of each new class's examples predicted as each old class. For a multilabel
            task and a regression (outputs, 1): the coefficient of determination R² with which the layer that a link would read says
            each output, on examples left out one at a time, at least 0.
        readout: for these, weights and biases (outputs, units + 1) of that answer, in units of the standardised targets.
        examples: how many labelled examples it was measured on.
    """

    source: str
    shares: torch.Tensor
    examples: int
    readout: torch.Tensor | None = None

    def best(self) -> tuple[torch.Tensor, torch.Tensor]:
        """For each new class the highest share and the old class that has it."""
        shares, classes = self.shares.max(dim=1)
        return shares, classes


def similarities(view: View, examples: Examples, seed: int, among: Sequence[str] | None = None) -> list[Similarity]:
    """Similarity to other tasks of the same data type.

    Args:
        among: the tasks that are asked; None asks those that the dispatcher finds most relevant, those first.
    """
    sample = examples.subset(_sample(examples, seed))
    measure = _similarity if examples.task_kind.exclusive else _readout
    return [measure(view, task, sample) for task in (_relevant(view, sample) if among is None else among)]


def readable(view: View, pathway: Pathway) -> tuple[tuple[str, ...], bool]:
    """The components that a link from this pathway reads, and whether an output layer, left out of them, follows.

    A pathway that ends in a linear layer is read at its last hidden layer; an estimator has none, so its answer is read.
    """
    ends_linear = bool(pathway.components) and view.component(pathway.components[-1]).kind is LINEAR
    return (pathway.components[:-1], True) if ends_linear else (pathway.components, False)


def _relevant(view: View, examples: Examples) -> list[str]:
    key = examples.data_type.key
    tasks = [task for task in view.tasks_of_type(key) if is_source(view.pathway(task), examples.task_kind)]
    if len(tasks) <= SOURCES:
        return tasks
    names, ranking = view.rank(key, examples.inputs)
    answered = ranking.tasks >= 0
    relevance = np.bincount(ranking.tasks[answered], weights=ranking.probabilities.numpy()[answered], minlength=len(names))
    ranked = (names[index] for index in np.argsort(-relevance, kind="stable") if relevance[index] > 0)
    return list(islice((task for task in ranked if is_source(view.pathway(task), examples.task_kind)), SOURCES))


def is_source(pathway: Pathway, kind: TaskKind) -> bool:
    """Whether a task of this kind can borrow from it: classes from what answers labels, the others from any layer."""
    return bool(pathway.components) and (not kind.exclusive or pathway.task_kind.has_labels)


def _similarity(view: View, task: str, examples: Examples) -> Similarity:
    pathway = view.pathway(task)
    # The source's own output rows: what a link to it can read. Its own links stay out, so nothing chains.
    own = Pathway(task, pathway.data_type, pathway.classes, pathway.components)
    logits = _in_chunks(view, examples.inputs, lambda part: run_pathway(own, part, view.component))
    answers = pathway.task_kind.decide(logits)
    truth = one_hot(examples.targets, len(examples.classes)).double()
    counts = truth.T @ answers.double().cpu()
    return Similarity(task, counts / truth.sum(0)[:, None].clamp(min=1), len(examples))


def _readout(view: View, task: str, examples: Examples) -> Similarity:
    """Ridge regression on the layer that is read (Hoerl and Kennard 1970); its errors without each example in closed form."""
    pathway = view.pathway(task)
    reads, _ = readable(view, pathway)
    units = _in_chunks(view, examples.inputs, lambda part: run_chain(map(view.component, reads), part)).double().cpu()
    targets = examples.targets.double()
    varies = spread_of(targets, rounding_of(np.dtype(np.float32))) > 0
    spread, mean = torch.std_mean(targets, dim=0, correction=0)
    targets = torch.where(varies, (targets - mean) / torch.where(varies, spread, 1), 0)
    design = torch.cat([units, torch.ones(len(units), 1, dtype=torch.float64)], 1)
    length = max(float(units.square().sum(1).mean()), 1e-9)
    shares, weights = max((_ridge(design, targets, penalty * length) for penalty in PENALTIES), key=lambda fit: float(fit[0].mean()))
    return Similarity(task, shares.clamp(0, 1)[:, None], len(examples), weights.T.float())


def _in_chunks(view: View, inputs: torch.Tensor, run: Callable[[torch.Tensor], torch.Tensor]) -> torch.Tensor:
    return torch.cat([run(part.to(view.device)) for part in inputs.split(CHUNK)])


def _ridge(design: torch.Tensor, targets: torch.Tensor, penalty: float) -> tuple[torch.Tensor, torch.Tensor]:
    """R² of each target (outputs,) on examples left out, and the weights (units, outputs)."""
    inverse = torch.linalg.inv(design.T @ design + penalty * torch.eye(design.shape[1], dtype=torch.float64))
    weights = inverse @ (design.T @ targets)
    leverage = (design @ inverse * design).sum(1, keepdim=True)
    errors = (targets - design @ weights) / (1 - leverage).clamp(min=1e-6)
    spread = targets.square().sum(0)
    # What never changes says nothing of how similar a source is.
    return torch.where(spread > 0, 1 - errors.square().sum(0) / spread.clamp(min=1e-12), 0.0), weights


def _sample(examples: Examples, seed: int) -> torch.Tensor:
    """Up to PER_CLASS examples of each class, in order; of other kinds of tasks as many in all."""
    targets = examples.targets
    shuffled = torch.randperm(len(targets), generator=torch.Generator().manual_seed(seed))
    if examples.task_kind.strata(targets) is None:
        return shuffled[: PER_CLASS * max(5, len(examples.classes))].sort().values
    kept = [shuffled[targets[shuffled] == target][:PER_CLASS] for target in targets.unique()]
    return torch.cat(kept).sort().values


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
    for similarity, classes in chosen:
        plans.append(_plan(view, similarity, classes, examples, settings.threshold))
    return plans


def plan_all(view: View, similarity: Similarity, examples: Examples, threshold: float) -> LinkPlan:
    """A link for every class to one source, however little similar it is."""
    return _plan(view, similarity, list(range(len(examples.classes))), examples, threshold)


def _choose(measured: list[Similarity], settings: SenSettings) -> list[tuple[Similarity, list[int]]]:
    """The sources, each with the new classes that borrow from it."""
    shares = torch.stack([similarity.best()[0] for similarity in measured])  # (sources, new classes)
    enough = torch.where(shares >= settings.threshold, shares, 0)
    if not bool(enough.any()):
        return []
    worth = [_worth(similarity, settings.threshold) for similarity in measured]
    one = torch.full(shares.shape[1:], worth.index(max(worth)))
    source = one if settings.source == "one" else shares.argmax(0)
    chosen = []
    for index, similarity in enumerate(measured):
        mine = source == index
        linked = mine & (enough[index] > 0) if settings.links == "similar" else mine
        if bool(linked.any()):
            chosen.append((similarity, linked.nonzero().flatten().tolist()))
    return chosen


def separability(similarity: Similarity) -> float:
    """Part of the new classes that a source takes for different ones of its own, 0 … 1.

    0 where it takes all for one class, 1 where it recognises each as another one. A high similarity of a class or two says little about
    what a transfer gains, and this says more (docs/results/transfer.md).
    """
    return (_worth(similarity, 0.0) - 1) / (len(similarity.shares) - 1)


def _worth(similarity: Similarity, threshold: float) -> float:
    """How many new classes to expect right of links alone, before any training.

    New classes that copy one class of the source cannot be told apart, so each source class counts once. Else a source of two classes,
    which takes everything for one or the other, would look similar to all.
    """
    shares, classes = similarity.best()
    enough = torch.where(shares >= threshold, shares, 0)
    return float(torch.zeros(similarity.shares.shape[1], dtype=enough.dtype).scatter_reduce(0, classes, enough, "amax").sum())


def _plan_readout(similarity: Similarity, rows: torch.Tensor, reads: tuple[str, ...], classes: list[int], examples: Examples) -> LinkPlan:
    """A link of a regression: it starts as the answer that was read off the source's layer."""
    shares = similarity.shares[:, 0].tolist()
    transfers = tuple(Transfer(examples.classes[index], LAYER, round(shares[index], 4)) for index in classes)
    return LinkPlan(similarity.source, reads, tuple(classes), rows[:, :-1], rows[:, -1], transfers, similarity.examples)


def _plan(view: View, similarity: Similarity, classes: list[int], examples: Examples, threshold: float) -> LinkPlan:
    pathway = view.pathway(similarity.source)
    reads, has_output_layer = readable(view, pathway)
    if similarity.readout is not None:
        return _plan_readout(similarity, similarity.readout.to(view.device)[classes], reads, classes, examples)
    if has_output_layer:
        output = view.component(pathway.components[-1]).module
        rows, biases = output.get_parameter("weight").detach(), output.get_parameter("bias").detach()
    else:
        rows, biases = torch.eye(len(pathway.classes), device=view.device), torch.zeros(len(pathway.classes), device=view.device)
    best, source_class = similarity.best()
    mixture = similarity.shares.clone()
    similar = best >= threshold
    # A similar class starts as a copy of its one source class, the others as what the source makes of them on average.
    mixture[similar] = torch.nn.functional.one_hot(source_class[similar], len(pathway.classes)).to(mixture.dtype)
    mixture = mixture[classes].float().to(rows.device)
    return LinkPlan(
        source=similarity.source,
        reads=reads,
        classes=tuple(classes),
        weight=mixture @ rows,
        bias=mixture @ biases,
        transfers=tuple(
            Transfer(examples.classes[index], pathway.classes[int(source_class[index])], round(float(best[index]), 4)) for index in classes
        ),
        examples=similarity.examples,
    )
