"""Training a task's own layers together with its links, everything earlier frozen."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from contextlib import nullcontext
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import nn

from senpath.arrays import in_proportion, unbent
from senpath.components import (
    RESCALED_WIDE_AND_DEEP,
    WIDE_AND_DEEP,
    ClassLink,
    Component,
    Linear,
    Mlp,
    OwnScale,
    WideAndDeep,
    freeze_head,
    freeze_link,
    unpruned,
)
from senpath.methods.sen.choice import FitChoice, choose
from senpath.methods.sen.config import SenSettings
from senpath.methods.sen.links import LinkPlan
from senpath.methods.sen.model import Backbone, choose_backbone, recipe_for
from senpath.methods.sen.refit import refit
from senpath.pathways import run_chain
from senpath.progress import Progress, silent
from senpath.seeds import derive, seeded
from senpath.snapshot import View
from senpath.snapshot.view import at_once
from senpath.tasks import TaskKind
from senpath.training import DenseTraining, Measured, Recipe, TargetScaler, fit, fit_dense
from senpath.types import Examples

OWN = 1.0
"""Weight of the own part's loss. Without it a task that learned with links is a poor source: docs/decisions/own-loss.md."""

FAR = 16.0
"""Root mean square of a column from which on a task reads it on a scale of its own: steps of the usual size move too far else."""
UNBENT = 1e30
"""No input is beyond it: inputs of types that bend none."""

Chain = Sequence[Callable[[torch.Tensor], torch.Tensor]]


@dataclass(frozen=True)
class Trained:
    """A task's new components.

    Args:
        own: its own components, in order.
        links: one component per planned link, or none where the settings want no links.
        figures: what is worth noting down about the training.
        copied_from: the earlier task whose hidden layer the own one started from.
        choice: how output layer and links were fitted, where that was chosen.
    """

    own: tuple[Component, ...]
    links: tuple[Component, ...]
    figures: dict[str, float]
    copied_from: str | None = None
    choice: FitChoice | None = None


class Learner(nn.Module):
    """The new pathway while it is trained: its own backbone and output layer, and links on frozen layers.

    Its loss is that of the whole pathway's answer plus that of its own part's alone: what the own part leaves to the
    links, a later task that borrows from this one could not read (a link never reads another link).

    Args:
        backbone: own layers up to the last hidden one; None where links alone answer.
        head: own output layer, or None.
        links: each with the frozen components that it reads.
        kind: of task.
    """

    def __init__(
        self,
        backbone: nn.Module | None,
        head: nn.Linear | None,
        links: Sequence[tuple[Chain, ClassLink]],
        kind: TaskKind,
    ) -> None:
        super().__init__()
        self._kind, self._loss = kind, kind.loss
        self.backbone: nn.Module | None = backbone
        self.head: nn.Linear | None = head
        self.links = nn.ModuleList([link for _, link in links])
        self._reads = [reads for reads, _ in links]  # a plain list: what is frozen is no part of this module

    @property
    def dense(self) -> bool:
        """Whether it is one hidden layer and an output layer, which `fit_dense` trains."""
        return hidden_layer(self.backbone) is not None and self.head is not None

    def dense_training(
        self, inputs: torch.Tensor, targets: torch.Tensor, recipe: Recipe, seed: int, weights: torch.Tensor | None = None
    ) -> DenseTraining | None:
        """Its fit, for `fit_dense`; None where that trains no such layers, or not by such a recipe."""
        hidden = hidden_layer(self.backbone)
        if hidden is None or self.head is None or recipe.clip is not None:
            return None
        links = [(reads, link) for reads, link in zip(self._reads, self.links, strict=True) if isinstance(link, ClassLink)]
        return DenseTraining(hidden, self.head, links, inputs, targets, seed, weights)

    def fit(
        self,
        inputs: torch.Tensor,
        targets: torch.Tensor,
        recipe: Recipe,
        seed: int,
        weights: torch.Tensor | None = None,
        progress: Progress = silent,
        measured: Measured | None = None,
    ) -> None:
        """Minimise the loss, the quickest way there is for such layers; see `senpath.training.fit`."""
        training = self.dense_training(inputs, targets, recipe, seed, weights)
        if training is None:
            fit(self, inputs, targets, recipe, seed, weights=weights, progress=progress, measured=measured)
        else:
            fit_dense([training], self._kind, recipe, progress=progress, measured=measured)

    @torch.no_grad()
    def accuracy(self, inputs: torch.Tensor, targets: torch.Tensor) -> dict[str, float]:
        """How good its answers are as it is now, as progress tells it; see `senpath.tasks.TaskKind.score`."""
        device = next(self.parameters()).device
        outputs = [torch.stack(self._parts(part.to(device))).sum(0).cpu() for part in inputs.split(at_once(inputs))]
        return {"accuracy": self._kind.score(torch.cat(outputs), targets)}

    def _parts(self, inputs: torch.Tensor) -> list[torch.Tensor]:
        # A copy, for a module that users bring may write into what it reads.
        own = [self.head(self.backbone(inputs.clone()))] if self.backbone is not None and self.head is not None else []
        return own + [link(run_chain(reads, inputs)) for reads, link in zip(self._reads, self.links, strict=True)]

    def forward(self, inputs: torch.Tensor, targets: torch.Tensor, weights: torch.Tensor | None = None) -> torch.Tensor:
        parts = self._parts(inputs)
        loss = self._loss(torch.stack(parts).sum(0) if len(parts) > 1 else parts[0], targets, weights)
        if len(parts) > 1 and self.backbone is not None:
            loss = loss + OWN * self._loss(parts[0], targets, weights)
        return loss


@dataclass(frozen=True, eq=False)
class Begun:
    """A task's layers before they are trained.

    Args:
        examples: inputs and weights on the learner's device, targets as they are trained on; what is held out likewise.
        copied_from: see `Trained`.
    """

    learner: Learner
    backbone: Backbone
    links: Sequence[tuple[Chain, ClassLink]]
    examples: Examples
    scaler: TargetScaler
    recipe: Recipe
    seed: int
    copied_from: str | None

    def dense(self) -> DenseTraining | None:
        """What `fit_dense` is to do; None where it cannot."""
        examples = self.examples
        return self.learner.dense_training(examples.inputs, examples.targets, self.recipe, self.seed, examples.weights)

    def fit(self, progress: Progress, choice: FitChoice | None = None) -> FitChoice | None:
        """Train; returns how output layer and links were fitted, if that was chosen."""
        learner, examples = self.learner, self.examples
        if isinstance(learner.backbone, WideAndDeep) and learner.head is not None:
            return train_wide_and_deep(learner.backbone, learner.head, self.links, examples, self.recipe, self.seed, progress, choice)
        held = examples.held_out
        measured = partial(learner.accuracy, held.inputs, held.targets) if held is not None else None
        with seeded(self.seed) if self.backbone.start is not None else nullcontext():  # a module that users bring may drop out units
            learner.fit(examples.inputs, examples.targets, self.recipe, self.seed, examples.weights, progress, measured)
        return choice

    def finish(self, choice: FitChoice | None = None, trained: bool = True) -> Trained:
        """The components that came of it."""
        recipe, learner = self.recipe, self.learner
        figures = {"steps": recipe.steps if trained else 0, "batch_size": recipe.batch_size, "augment": recipe.augment}
        if trained and choice is not None and isinstance(learner.backbone, WideAndDeep):
            figures |= {"strength": choice.both, "linear_strength": choice.wide, "hidden_share": choice.share}
        links = [link for _, link in self.links]
        self.scaler.fold_into(learner.head, links)
        components: tuple[Component, ...] = ()
        if learner.backbone is not None and learner.head is not None:
            components = (self.backbone.freeze(learner.backbone), freeze_head(learner.head))
        copied_from = self.copied_from if components else None
        return Trained(components, tuple(freeze_link(link) for link in links), figures, copied_from, choice)


def begin(view: View, examples: Examples, plans: Sequence[LinkPlan], settings: SenSettings) -> Begun:
    """The layers that a torch model is to get, as the seed draws them."""
    backbone = choose_backbone(settings.model, examples.data_type, settings.hidden)
    straight = examples.data_type.options.get("straight", UNBENT)
    scale = _own_scale(examples, straight) if backbone.kind is WIDE_AND_DEEP else None
    if scale is not None:
        backbone = replace(backbone, kind=RESCALED_WIDE_AND_DEEP, config={**backbone.config, "straight": straight})
    seed = derive(settings.random_state, "train")
    source = _same_backbone(view, backbone, plans) if settings.copies and plans else None
    linked = plans if settings.links != "none" else ()
    with seeded(seed):
        links = [make_link(plan, len(examples.classes)) for plan in linked]
        own = None if settings.epochs == 0 and links else _own_part(view, backbone, len(examples.classes), source)
    reads = [[view.component(name) for name in plan.reads] for plan in linked]
    module, head = own or (None, None)
    if scale is not None and isinstance(module, WideAndDeep) and isinstance(module.pool, OwnScale):
        module.pool.centre.copy_(scale[0])
        module.pool.factor.copy_(scale[1])
    scaler, parts = TargetScaler.fit(examples), list(zip(reads, links, strict=True))
    learner = Learner(module, head, parts, examples.task_kind)
    learner.to(view.device)
    recipe = recipe_for(backbone.kind, examples, settings, dense=learner.dense)
    if isinstance(module, WideAndDeep):
        recipe = replace(recipe, augment=0.0)  # its layer is trained on vectors
    held, weights = examples.held_out, examples.weights
    there = replace(
        examples,
        inputs=examples.inputs.to(view.device),
        targets=scaler.transform(examples.targets).to(view.device),
        weights=None if weights is None else weights.to(view.device),
        held_out=None if held is None else replace(held, targets=scaler.transform(held.targets)),
    )
    return Begun(learner, backbone, parts, there, scaler, recipe, seed, source.source if source else None)


def train(
    view: View,
    examples: Examples,
    plans: Sequence[LinkPlan],
    settings: SenSettings,
    progress: Progress,
    choice: FitChoice | None = None,
) -> Trained:
    """Learn the examples with a torch model; the same settings and seed give the same bits.

    Args:
        choice: of a model that is fitted; None chooses.
    """
    begun, trained = begin(view, examples, plans, settings), settings.epochs != 0
    return begun.finish(begun.fit(progress, choice) if trained else choice, trained)


def train_together(tasks: Sequence[Begun]) -> None:
    """Train tasks' layers as each would be by itself, but for rounding: those of one shape in one product."""
    alike: dict[Hashable, list[tuple[Begun, DenseTraining]]] = {}
    for task in tasks:
        dense = task.dense()
        if dense is None:
            task.fit(silent)
        else:
            alike.setdefault((dense.shape, task.recipe, task.examples.kind), []).append((task, dense))
    for group in alike.values():
        first = group[0][0]
        fit_dense([dense for _, dense in group], first.examples.task_kind, first.recipe)


def train_wide_and_deep(
    backbone: WideAndDeep,
    head: nn.Linear,
    links: Sequence[tuple[Chain, ClassLink]],
    examples: Examples,
    recipe: Recipe,
    seed: int,
    progress: Progress,
    choice: FitChoice | None = None,
) -> FitChoice:
    """Train the hidden layer by itself, then fit output layer and links on top of inputs and hidden layer together.

    Args:
        backbone, head, links: of the pathway, see `Learner`.
        examples: on the backbone's device, targets as they are trained on.
        choice: how they are fitted; None chooses.

    Returns:
        How they were fitted.
    """

    def learned(parts: Sequence[Examples]) -> list[WideAndDeep]:
        layers = [deepcopy(backbone) for _ in parts]
        smaller = replace(recipe, batch_size=min(recipe.batch_size, *map(len, parts)))
        _train_hidden(layers, parts, smaller, seed, partial(_tell_folds, progress))
        return layers

    choice = choice or choose(examples, backbone.vectors, learned, derive(seed, "folds"), progress)
    _train_hidden([backbone], [examples], recipe, seed, progress)
    with torch.no_grad():
        own, read = backbone(examples.inputs), [run_chain(chain, examples.inputs) for chain, _ in links]
    ends = [link for _, link in links]
    maps = refit(ends, own, read, examples, choice.both)
    if choice.share < 1:
        maps = refit(ends, own[:, : -backbone.units], read, examples, choice.wide).blended(maps, choice.share)
    maps.write_to(head, *ends)
    return choice


def _tell_folds(progress: Progress, _: str, done: int, steps: int, /, **figures: float) -> None:
    progress("folds", done, steps, **figures)


def _train_hidden(backbones: Sequence[WideAndDeep], parts: Sequence[Examples], recipe: Recipe, seed: int, progress: Progress) -> None:
    """Train hidden layers of one shape by themselves, each on examples of its own."""
    trainings = []
    for backbone, part in zip(backbones, parts, strict=True):
        vectors, hidden = backbone.vectors(part.inputs), hidden_layer(backbone)
        if hidden is not None:
            head = fresh_head(backbone.units, len(part.classes)).to(vectors.device)
            trainings.append(DenseTraining(hidden, head, (), vectors, part.targets, seed, part.weights))
    fit_dense(trainings, parts[0].task_kind, recipe, progress=progress)
    with torch.no_grad():
        for backbone, part in zip(backbones, parts, strict=True):
            backbone.balance(part.inputs)


def _own_scale(examples: Examples, straight: float) -> tuple[torch.Tensor, torch.Tensor] | None:
    """What to take off each column and multiply it by, (columns,), so that those far from 0 are standardised; None if there are none.

    A later task's rows may be thousands of times larger than those of the task that a type is standardised by. Cells out of all
    proportion to their column are not asked.
    """
    vectors = in_proportion(unbent(examples.inputs.flatten(1), straight).double())
    far = vectors.square().mean(0).sqrt() > FAR
    if not bool(far.any()):
        return None
    deviation, mean = torch.std_mean(vectors, 0, correction=0)
    return torch.where(far, mean, 0.0).float(), torch.where(far & (deviation > 0), 1 / deviation, 1.0).float()


def hidden_layer(module: nn.Module | None) -> nn.Linear | None:
    """The layer of a backbone that has one fully connected layer; None of any other."""
    layers = [layer for layer in module.layers if isinstance(layer, nn.Linear)] if isinstance(module, Mlp | WideAndDeep) else []
    return layers[0] if len(layers) == 1 else None


def make_link(plan: LinkPlan, outputs: int) -> ClassLink:
    """The planned link as a trainable module."""
    link = ClassLink(plan.weight.shape[1], outputs, plan.classes)
    with torch.no_grad():
        link.weight.copy_(plan.weight)
        link.bias.copy_(plan.bias)
    return link


def fresh_head(inputs: int, classes: int) -> nn.Linear:
    """An output layer that says nothing yet, so that links, where there are any, decide at first."""
    with seeded(0):  # what it draws is not used
        head = Linear(inputs, classes)
    nn.init.zeros_(head.weight)
    nn.init.zeros_(head.bias)
    return head


def _own_part(view: View, backbone: Backbone, classes: int, source: LinkPlan | None) -> tuple[nn.Module, nn.Linear]:
    module, head = backbone.fresh(), fresh_head(backbone.outputs, classes)
    if source is not None:
        module.load_state_dict(unpruned(view.component(source.reads[0]))[2].state_dict())
    return module, head


def _same_backbone(view: View, backbone: Backbone, plans: Sequence[LinkPlan]) -> LinkPlan | None:
    """The largest link, if what it reads is one backbone of this shape."""
    largest = max(plans, key=lambda plan: len(plan.classes))
    if len(largest.reads) != 1:
        return None
    kind, config, _ = unpruned(view.component(largest.reads[0]))
    return largest if kind is backbone.kind and config == backbone.config else None
