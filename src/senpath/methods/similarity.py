"""Which earlier task a new one can borrow from, class by class (Ling et al., section 3: similarity by the source's own predictions)."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice

import numpy as np
import torch

from senpath.network import View
from senpath.pathways import Pathway, run_pathway
from senpath.types import Examples

PER_CLASS = 200
"""Examples of a class that similarity is measured on, at most; its standard error is then below 0.036."""
SOURCES = 5
"""Earlier tasks that are run as possible sources: those that the dispatcher takes the new examples for most."""


@dataclass(frozen=True)
class Similarity:
    """How an earlier task's pathway classifies a new task's examples.

    Args:
        source: the earlier task.
        shares: float64 (new classes, old classes), the part of each new class's examples predicted as each old class.
        examples: how many labelled examples it was measured on.
    """

    source: str
    shares: torch.Tensor
    examples: int

    def best(self) -> tuple[torch.Tensor, torch.Tensor]:
        """For each new class the highest share and the old class that has it."""
        shares, classes = self.shares.max(dim=1)
        return shares, classes


def similarities(view: View, examples: Examples, seed: int) -> list[Similarity]:
    """Similarity to the earlier tasks of the same data type that the dispatcher finds most relevant, those first."""
    sample = examples.subset(_sample(examples.targets, seed))
    return [_similarity(view, task, sample) for task in _relevant(view, sample)]


def readable(view: View, pathway: Pathway) -> tuple[tuple[str, ...], bool]:
    """The components that a link from this pathway reads, and whether an output layer, left out of them, follows.

    A pathway that ends in a linear layer is read at its last hidden layer; an estimator has none, so its answer is read.
    """
    ends_linear = bool(pathway.components) and view.component(pathway.components[-1]).kind == "linear.v1"
    return (pathway.components[:-1], True) if ends_linear else (pathway.components, False)


def _relevant(view: View, examples: Examples) -> list[str]:
    key = examples.data_type.key
    tasks = [task for task in view.tasks_of_type(key) if view.pathway(task).components]
    if len(tasks) <= SOURCES:
        return tasks
    names, ranking = view.rank(key, examples.inputs)
    found = ranking.tasks >= 0
    relevance = np.bincount(ranking.tasks[found], weights=ranking.chances.numpy()[found], minlength=len(names))
    ranked = (names[index] for index in np.argsort(-relevance, kind="stable") if relevance[index] > 0)
    return list(islice((task for task in ranked if view.pathway(task).components), SOURCES))


def _similarity(view: View, task: str, examples: Examples) -> Similarity:
    pathway = view.pathway(task)
    # The source's own output rows: what a link to it can read. Its own links stay out, so nothing chains.
    own = Pathway(task, pathway.data_type, pathway.classes, pathway.components)
    logits = run_pathway(own, examples.inputs.to(view.device), view.component)
    counts = torch.zeros(len(examples.classes), len(pathway.classes), dtype=torch.float64)
    counts.index_put_((examples.targets, logits.argmax(1).cpu()), torch.ones((), dtype=torch.float64), accumulate=True)
    return Similarity(task, counts / counts.sum(1, keepdim=True).clamp(min=1), len(examples))


def _sample(targets: torch.Tensor, seed: int) -> torch.Tensor:
    """Up to PER_CLASS examples of each class, in order."""
    shuffled = torch.randperm(len(targets), generator=torch.Generator().manual_seed(seed))
    kept = [shuffled[targets[shuffled] == target][:PER_CLASS] for target in targets.unique()]
    return torch.cat(kept).sort().values
