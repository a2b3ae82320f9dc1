"""What the baselines have in common: SEN's own bricks, seeds and recipe."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeVar

from torch import nn

from senpath.components import WideAndDeep
from senpath.errors import UnknownTaskError
from senpath.methods import SenSettings
from senpath.methods.sen.model import Backbone, choose_backbone, recipe_for
from senpath.methods.sen.train import Learner, fresh_head, train_skip
from senpath.pathways import LearningCost
from senpath.progress import silent
from senpath.seeds import derive, seeded
from senpath.training import fit
from senpath.types import Examples

T = TypeVar("T")


def fresh_part(examples: Examples, settings: SenSettings) -> tuple[Backbone, nn.Module, nn.Linear]:
    """A new body and output layer, as SEN draws them."""
    body = choose_backbone(settings.model, examples.data_type, settings.hidden)
    with seeded(derive(settings.random_state, "train")):
        return body, body.fresh(), fresh_head(body.outputs, len(examples.classes))


def train(learner: nn.Module, body: Backbone, examples: Examples, settings: SenSettings) -> None:
    """Train by SEN's own recipe, or not at all where `epochs` is 0."""
    if settings.epochs == 0:
        return
    recipe, seed = recipe_for(body.kind, examples, settings), derive(settings.random_state, "train")
    if isinstance(learner, Learner) and isinstance(learner.body, WideAndDeep):
        train_skip(learner.body, learner.head, [], examples, recipe, seed, silent)
    else:
        fit(learner, examples.inputs, examples.targets, recipe, seed)


def of_task(known: Mapping[str, T], task: str) -> T:
    """What a strategy has of a task.

    Raises:
        UnknownTaskError: if it has not learned it.
    """
    if task not in known:
        raise UnknownTaskError(f"task {task!r}", expected=f"one that was learned: {', '.join(known) or 'none yet'}", got="another name")
    return known[task]


def size(modules: Iterable[nn.Module]) -> int:
    """Weights of all these together."""
    return sum(weight.numel() for module in modules for weight in module.parameters())


def cost_of(read: int, updated: int, total: int) -> LearningCost:
    """What learning cost a model that has no dispatcher."""
    return LearningCost(read=read, updated=updated, dispatcher_read=0, dispatcher_updated=0, total=total)
