"""Training a task's own layers on, its old answers held (Li and Hoiem 2016, "Learning without Forgetting", sections 3 and 3.1)."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, replace

import torch
from torch import nn
from torch.nn.functional import cross_entropy, mse_loss

from senpath.components import ClassLink, ComponentKind
from senpath.methods.extend.config import ExtendSettings
from senpath.methods.sen.config import SenSettings
from senpath.methods.sen.model import recipe_for
from senpath.methods.sen.own_part import OwnPart, hold_at_zero
from senpath.methods.sen.train import Chain
from senpath.pathways import run_chain
from senpath.progress import Progress
from senpath.seeds import derive
from senpath.tasks import TaskKind
from senpath.training import Recipe, TargetScaler, fit
from senpath.types import Examples

KEEP = 1.0
"""Weight of what holds the old answers, beside the loss on the examples."""
HIDDEN = 10.0
"""Weight of what holds the hidden layer, where old classes have no examples."""
STEPS, RATE = 0.5, 0.25
"""Shares of the steps and of the learning rate that learning takes."""
BATCH = 128
"""Made-up features of old classes in one step."""


@dataclass(frozen=True)
class SyntheticFeatures:
    """Features of old classes that there are no examples of, see `senpath.methods.extend.new_rows.synthesize_features`.

    Args:
        share: of the old classes that have no examples, in 0 … 1.
        hidden: float32 (n, units), what the output layer reads.
        added: float32 (n, outputs), what links add.
        targets: int64 (n,).
    """

    share: float
    hidden: torch.Tensor
    added: torch.Tensor
    targets: torch.Tensor


class Distillation(nn.Module):
    """An own part in training beside frozen links. Its loss is that on the examples, and how far old answers are from what they were.

    Old classes without examples have nothing that answers for them but what the layers were: for their share the hidden layer is held
    too, and the output layer has to know their made-up features.

    Args:
        part: what is trained, with rows for new classes behind the old ones.
        before: backbone and output layer as they were.
        links: frozen, over all classes, with what they read.
        kind: of the task.
        synthetic: None where there is nothing to make up.
    """

    def __init__(
        self,
        part: OwnPart,
        before: tuple[nn.Module, nn.Module],
        links: Sequence[tuple[Chain, ClassLink]],
        kind: TaskKind,
        synthetic: SyntheticFeatures | None,
    ) -> None:
        super().__init__()
        self.backbone, self.head, self._kind, self._synthetic = part.backbone, part.head, kind, synthetic
        self._before, self._links = [*before], [*links]  # plain lists: what is frozen is no part of this module
        self._generator = torch.Generator().manual_seed(0)

    def forward(self, inputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        hidden = self.backbone(inputs)
        answers = self.head(hidden)
        with torch.no_grad():
            hidden_before = self._before[0](inputs)
            earlier = self._before[1](hidden_before)
            added = self._added(inputs, answers)
        earlier, answers = earlier + added[:, : earlier.shape[1]], answers + added
        loss: torch.Tensor = self._kind.loss(answers, targets) + KEEP * self._kind.distillation_loss(
            answers[:, : earlier.shape[1]], earlier
        )
        if self._synthetic is None:
            return loss
        drift: torch.Tensor = mse_loss(hidden, hidden_before) / hidden_before.square().mean().clamp(min=1e-12)
        return loss + self._synthetic.share * (HIDDEN * drift + self._on_synthetic(self._synthetic))

    def _added(self, inputs: torch.Tensor, answers: torch.Tensor) -> torch.Tensor:
        """What links add to answers, and of the same shape."""
        added = torch.zeros_like(answers)
        for reads, link in self._links:
            added = added + link(run_chain(reads, inputs))
        return added

    def _on_synthetic(self, synthetic: SyntheticFeatures) -> torch.Tensor:
        some = torch.randint(len(synthetic.targets), (BATCH,), generator=self._generator).to(synthetic.targets.device)
        return cross_entropy(self.head(synthetic.hidden[some]) + synthetic.added[some], synthetic.targets[some])


def finetune(
    part: OwnPart,
    before: tuple[nn.Module, nn.Linear],
    links: Sequence[tuple[Chain, ClassLink]],
    examples: Examples,
    synthetic: SyntheticFeatures | None,
    settings: ExtendSettings,
    device: torch.device,
    progress: Progress,
) -> Recipe:
    """Train an own part on, in place; returns how long and how fast. The others stay, see `Distillation`."""
    scaler = TargetScaler.fit(examples)
    before, links = deepcopy(before), [(reads, deepcopy(link)) for reads, link in links]
    to_trained = scaler.inverse()
    to_trained.fold_into(part.head, [link for _, link in links])
    to_trained.fold_into(before[1])
    recipe = finetuning_recipe(part.kind, examples, settings)
    hold_at_zero(part)
    model = Distillation(part, before, links, examples.task_kind, synthetic).to(device)
    targets = scaler.transform(examples.targets).to(device)
    fit(model, examples.inputs.to(device), targets, recipe, derive(settings.random_state, "extend"), progress=progress)
    scaler.fold_into(part.head)
    return recipe


def finetuning_recipe(kind: ComponentKind, examples: Examples, settings: ExtendSettings) -> Recipe:
    """Shorter and slower than learning: what is there is good."""
    recipe = recipe_for(kind, examples, SenSettings(epochs=settings.epochs, learning_rate=settings.learning_rate))
    if settings.epochs is None:
        recipe = replace(recipe, steps=max(1, round(STEPS * recipe.steps)))
    return recipe if settings.learning_rate is not None else replace(recipe, learning_rate=RATE * recipe.learning_rate)
