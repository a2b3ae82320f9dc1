"""Training on what a task's pathway has become; its links stay as they are."""

from __future__ import annotations

from copy import deepcopy

import torch

from senpath.components import ClassLink
from senpath.methods.sen.learner import Chain, Learner
from senpath.methods.sen.own_part import OwnPart
from senpath.pathways import Pathway
from senpath.progress import Progress
from senpath.snapshot import View
from senpath.training import Recipe, TargetScaler, fit
from senpath.types import Examples


def train_on(view: View, pathway: Pathway, part: OwnPart, examples: Examples, recipe: Recipe, seed: int, progress: Progress) -> None:
    """Fit an own part, in place, to examples of its task, beside the pathway's frozen links.

    The loss is the one that tasks are learned with: of the whole answer, and of the own part's alone.
    """
    links = _frozen_links(view, pathway)
    scaler = TargetScaler.fit(examples)
    scaler.inverse().fold_into(part.head, [link for _, link in links])
    learner = Learner(part.body, part.head, links, examples.task_kind).to(view.device)
    targets = scaler.transform(examples.targets).to(view.device)
    fit(learner, examples.inputs.to(view.device), targets, recipe, seed, progress=progress)
    scaler.fold_into(part.head)


def _frozen_links(view: View, pathway: Pathway) -> list[tuple[Chain, ClassLink]]:
    """Copies of the links, which training cannot touch, and what they read."""
    links: list[tuple[Chain, ClassLink]] = []
    for link in pathway.links:
        module = deepcopy(view.component(link.component).module)
        if not isinstance(module, ClassLink):
            raise TypeError(f"expected a ClassLink, got {type(module).__name__}")
        links.append(([view.component(name) for name in link.reads], module))
    return links


def held_out(examples: Examples, seed: int) -> tuple[Examples, Examples]:
    """Four fifths and one fifth of the examples at random; the fifth has of each class its share."""
    order = torch.randperm(len(examples), generator=torch.Generator().manual_seed(seed))
    strata = examples.task_kind.strata(examples.targets)
    if strata is not None:
        order = order[strata[order].argsort(stable=True)]
    held = torch.zeros(len(examples), dtype=torch.bool)
    held[order[FOLD - 1 :: FOLD]] = True
    return examples.subset(~held), examples.subset(held)


FOLD = 5
"""One of so many examples is held out."""
