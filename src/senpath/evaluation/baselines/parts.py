"""Each task by a model of its own; and what all baselines have in common: SEN's own components, seeds and recipe."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

import torch
from torch import nn

from senpath.components import WideAndDeep
from senpath.errors import UnknownTaskError
from senpath.evaluation.strategy import Strategy
from senpath.methods import SenSettings
from senpath.methods.sen.model import Backbone, choose_backbone, recipe_for
from senpath.methods.sen.train import Learner, fresh_head, train_wide_and_deep
from senpath.pathways import LearningCost
from senpath.progress import silent
from senpath.seeds import derive, seeded
from senpath.training import fit
from senpath.types import DataType, Examples

T = TypeVar("T")


class Baseline(Strategy):
    """A strategy whose answers come from torch modules alone."""

    @property
    @abstractmethod
    def tasks(self) -> Iterable[str]:
        """Names of the tasks that it has learned."""

    @abstractmethod
    def modules(self, task: str) -> list[nn.Module]:
        """All that run to answer for a task."""

    def activated(self, task: str) -> int:
        return size(self.modules(task))

    @property
    def weights(self) -> int:
        return size(dict.fromkeys(module for task in self.tasks for module in self.modules(task)))


def fresh_part(examples: Examples, settings: SenSettings) -> tuple[Backbone, nn.Module, nn.Linear]:
    """A new backbone, unbuilt and built, and output layer, as SEN draws them."""
    backbone = choose_backbone(settings.model, examples.data_type, settings.hidden)
    with seeded(derive(settings.random_state, "train")):
        return backbone, backbone.fresh(), fresh_head(backbone.outputs, len(examples.classes))


def train(learner: nn.Module, backbone: Backbone, examples: Examples, settings: SenSettings) -> None:
    """Train by SEN's own recipe, or not at all where `epochs` is 0."""
    if settings.epochs == 0:
        return
    recipe = recipe_for(backbone.kind, examples, settings, dense=isinstance(learner, Learner) and learner.dense)
    seed = derive(settings.random_state, "train")
    if isinstance(learner, Learner) and isinstance(learner.backbone, WideAndDeep) and learner.head is not None:
        train_wide_and_deep(learner.backbone, learner.head, [], examples, recipe, seed, silent)
    elif isinstance(learner, Learner):
        learner.fit(examples.inputs, examples.targets, recipe, seed)
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


@dataclass(frozen=True)
class Single(Baseline):
    """Each task by a model of its own: what SEN does where nothing is borrowed.

    Args:
        models: of the tasks so far, by name.
        cost: of the task learned last.

    Example:
        >>> from senpath.evaluation import Single
        >>> examples = net.encode_examples(x, y)
        >>> learned = Single().learn("low", examples, sp.SenSettings(epochs=1))
        >>> learned.cost is not None
        True
    """

    models: Mapping[str, nn.Sequential] = field(default_factory=dict)
    cost: LearningCost | None = None

    @property
    def name(self) -> str:
        return "Single"

    @property
    def tasks(self) -> Iterable[str]:
        return self.models

    def learn(self, task: str, examples: Examples, settings: SenSettings) -> Single:
        backbone, module, head = fresh_part(examples, settings)
        train(Learner(module, head, [], examples.task_kind), backbone, examples, settings)
        models = {**self.models, task: nn.Sequential(module, head)}
        return Single(models, cost_of(0, size([models[task]]), size(models.values())))

    def modules(self, task: str) -> list[nn.Module]:
        return [of_task(self.models, task)]

    @torch.no_grad()
    def logits(self, task: str, inputs: torch.Tensor) -> torch.Tensor:
        answer: torch.Tensor = of_task(self.models, task)(inputs)
        return answer

    def takes(self, data_type: DataType) -> bool:
        return True
