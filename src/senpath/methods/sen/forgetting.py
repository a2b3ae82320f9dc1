"""Graceful forgetting: chosen earlier tasks' hidden layers are trained along with a new task (Ling et al., size control)."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, replace

import torch
from torch import nn

from senpath.components import Component, freeze_head, freeze_link
from senpath.errors import InputError
from senpath.methods.sen.config import SenSettings
from senpath.methods.sen.links import LinkPlan, Similarity, is_source, plan_all, similarities
from senpath.methods.sen.model import Backbone, choose_backbone, recipe_for
from senpath.methods.sen.own_part import OwnPart, movable
from senpath.methods.sen.train import Learner, Trained, fresh_head, make_link
from senpath.pathways import Pathway
from senpath.progress import Progress
from senpath.seeds import derive, seeded
from senpath.snapshot import View
from senpath.tasks import TaskKind
from senpath.training import TargetScaler, fit
from senpath.types import Examples


@dataclass(frozen=True)
class SharedLearning:
    """What was learned together.

    Args:
        trained: the new task's components.
        plans: its links, one to the hidden layer of each task that may change.
        measured: how similar these are.
        pathways: of these tasks, with their new hidden layers.
        backbones: the hidden layers.
    """

    trained: Trained
    plans: list[LinkPlan]
    measured: list[Similarity]
    pathways: tuple[Pathway, ...]
    backbones: tuple[Component, ...]


def learn_sharing(view: View, task: str, examples: Examples, settings: SenSettings, progress: Progress) -> SharedLearning:
    """Learn the examples with a few units of its own on top of hidden layers that move.

    Raises:
        InputError: if one of these tasks is of another type, or has no hidden layer that could be trained.
        UnknownTaskError: if there is no such task.
    """
    parts = {name: _part(view, name, examples) for name in settings.may_change}
    measured = similarities(view, examples, derive(settings.random_state, "similarity"), settings.may_change)
    plans = [plan_all(view, similarity, examples, settings.threshold) for similarity in measured]
    seed = derive(settings.random_state, "train")
    with seeded(seed):
        links = [make_link(plan, len(examples.classes)) for plan in plans]
        own = _fresh(examples, settings)
    backbone, module, head = own or (None, None, None)
    olds = list(parts.values())
    reads = [([part.backbone], link) for part, link in zip(olds, links, strict=True)]
    learner = Learner(module, head, reads, examples.task_kind)
    kinds = [view.pathway(name).task_kind for name in parts]
    model = _Sharing(learner, olds, kinds, settings.remember).to(view.device)
    scaler = TargetScaler.fit(examples)
    recipe = recipe_for(backbone.kind if backbone is not None else olds[0].kind, examples, settings)
    fit(model, examples.inputs.to(view.device), scaler.transform(examples.targets).to(view.device), recipe, seed, progress=progress)
    scaler.fold_into(head, links)
    backbones = tuple(part.freeze()[0] for part in olds)
    own_parts = (backbone.freeze(module), freeze_head(head)) if backbone is not None and module is not None and head is not None else ()
    figures = {"steps": recipe.steps, "batch_size": recipe.batch_size, "augment": recipe.augment}
    return SharedLearning(
        Trained(own_parts, tuple(freeze_link(link) for link in links), figures),
        [replace(plan, reads=(component.hash,)) for plan, component in zip(plans, backbones, strict=True)],
        measured,
        tuple(_moved(view, name, component, task) for name, component in zip(parts, backbones, strict=True)),
        backbones,
    )


class _Sharing(nn.Module):
    """The new task's loss, and that of each earlier one: how far its own part has moved from its earlier answers.

    Args:
        learner: the new task; its links read the earlier tasks' backbones.
        parts: the earlier tasks' own parts.
        kinds: of the earlier tasks.
        remember: weight of each earlier task's loss.
    """

    def __init__(self, learner: Learner, parts: Sequence[OwnPart], kinds: Sequence[TaskKind], remember: float) -> None:
        super().__init__()
        self.learner, self.backbones = learner, nn.ModuleList([part.backbone for part in parts])
        self.heads = nn.ModuleList([part.head.requires_grad_(False) for part in parts])
        self.earlier = nn.ModuleList([deepcopy(part.backbone).requires_grad_(False) for part in parts])
        self._kinds = [*kinds]
        self._remember = remember

    def forward(self, inputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        loss: torch.Tensor = self.learner(inputs, targets)
        if not self._remember:
            return loss
        for backbone, head, earlier, kind in zip(self.backbones, self.heads, self.earlier, self._kinds, strict=True):
            loss = loss + self._remember * kind.distillation_loss(head(backbone(inputs)), head(earlier(inputs)))
        return loss


def _part(view: View, name: str, examples: Examples) -> OwnPart:
    pathway = view.pathway(name)
    if pathway.data_type != examples.data_type.key:
        raise InputError(f"may_change: task {name!r}", expected=f"a task of type {examples.data_type.key!r}", got=repr(pathway.data_type))
    part = movable(view, pathway)
    reason = part if isinstance(part, str) else "it is pruned" if part.masks else ""
    if not reason and not is_source(pathway, examples.task_kind):
        reason = f"a {pathway.kind} task is no source for a {examples.kind}"
    if reason or isinstance(part, str):
        raise InputError(f"may_change: task {name!r}", expected="one with a hidden layer that can be trained", got=f"none: {reason}")
    return part


def _fresh(examples: Examples, settings: SenSettings) -> tuple[Backbone, nn.Module, nn.Linear] | None:
    """The new task's own units, where it gets any."""
    if not settings.hidden:
        return None
    backbone = choose_backbone(settings.model, examples.data_type, settings.hidden)
    return backbone, backbone.fresh(), fresh_head(backbone.outputs, len(examples.classes))


def _moved(view: View, task: str, backbone: Component, new: str) -> Pathway:
    """An earlier task's pathway with its new hidden layer, which was trained along with the new task."""
    pathway = view.pathway(task)
    provenance = pathway.provenance.revised("sen", view.version, {"along_with": new})
    return replace(pathway, components=(backbone.hash, *pathway.components[1:]), provenance=provenance)
