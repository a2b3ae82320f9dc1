"""One backbone for all tasks: sequential multi-task training, and elastic weight consolidation."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf

import torch
from torch import nn
from torch.nn import functional

from senpath.errors import InputError
from senpath.evaluation.baselines.parts import Baseline, cost_of, fresh_part, of_task, size, train
from senpath.methods import SenSettings
from senpath.methods.sen.train import Learner
from senpath.pathways import LearningCost
from senpath.seeds import derive
from senpath.types import DataType, Examples

FISHER_EXAMPLES = 1_000
"""Examples that the importance of weights is estimated on, at most."""


@dataclass(frozen=True)
class Anchor:
    """Where earlier tasks would like the shared weights to stay (Kirkpatrick et al. 2016, equation 3).

    The penalties Σₜ Fₜ(θ − θₜ)² of all tasks add up to F(θ − c)² and a constant, with F = Σₜ Fₜ and c = Σₜ Fₜθₜ / F.

    Args:
        importance: F, one tensor per shared weight tensor.
        weighted: Σₜ Fₜθₜ, likewise.
    """

    importance: Sequence[torch.Tensor]
    weighted: Sequence[torch.Tensor]

    def penalty(self, weights: Sequence[torch.Tensor]) -> torch.Tensor:
        """Σ F(θ − c)², a scalar."""
        parts = [
            (importance * (weight - moved / importance.clamp(min=1e-30)).square()).sum()
            for importance, moved, weight in zip(self.importance, self.weighted, weights, strict=True)
        ]
        return torch.stack(parts).sum()

    def with_task(self, importance: Sequence[torch.Tensor], weights: Sequence[torch.Tensor]) -> Anchor:
        """One more task's wish, to stay at `weights`."""
        moved = [part * weight.detach() for part, weight in zip(importance, weights, strict=True)]
        return Anchor(
            [old + new for old, new in zip(self.importance, importance, strict=True)],
            [old + new for old, new in zip(self.weighted, moved, strict=True)],
        )


@dataclass(frozen=True)
class Shared(Baseline):
    """One backbone for all tasks, trained on each in turn, and an output layer per task.

    Args:
        strength: λ of elastic weight consolidation (Kirkpatrick et al. 2016), 0 for plain sequential training.
        kind, backbone: what all tasks share; None before the first.
        heads: the output layers of the tasks so far, by name.
        anchor: what the weights are held to; None without elastic weight consolidation.
        cost: of the task learned last.

    Raises:
        InputError: if the strength is negative or no number.

    Example:
        >>> from senpath.evaluation import Shared
        >>> examples = net.encode_examples(x, y)
        >>> learned = Shared(strength=10.0).learn("low", examples, sp.SenSettings(epochs=1))
        >>> learned.cost is not None
        True
    """

    strength: float = 0.0
    kind: tuple[str, str] | None = None
    backbone: nn.Module | None = None
    heads: Mapping[str, nn.Linear] = field(default_factory=dict)
    anchor: Anchor | None = None
    cost: LearningCost | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.strength < inf:
            raise InputError("strength of elastic weight consolidation", expected="a number from 0 on", got=repr(self.strength))

    @property
    def name(self) -> str:
        return "EWC" if self.strength else "Multi-task (seq)"

    @property
    def tasks(self) -> Iterable[str]:
        return self.heads

    def learn(self, task: str, examples: Examples, settings: SenSettings) -> Shared:
        plan, module, head = fresh_part(examples, settings)
        kind = (examples.data_type.key, repr(plan))
        if self.kind not in (None, kind):
            raise InputError(
                f"task {task!r}", expected="inputs and a model as the shared backbone has them", got=f"{kind[0]} data, {plan.kind}"
            )
        if self.backbone is not None:
            module = copy.deepcopy(self.backbone).requires_grad_(True)
        learner: nn.Module = Learner(module, head, [], examples.task_kind)
        if self.anchor is not None:
            learner = _Anchored(learner, module, self.anchor, self.strength)
        train(learner, plan, examples, settings)
        heads = {**self.heads, task: head}
        cost = cost_of(0, size([module, head]), size([module, *heads.values()]))
        return Shared(self.strength, kind, module, heads, self._anchored(module, head, examples, settings), cost)

    def modules(self, task: str) -> list[nn.Module]:
        head = of_task(self.heads, task)
        return [part for part in (self.backbone, head) if part is not None]

    @torch.no_grad()
    def logits(self, task: str, inputs: torch.Tensor) -> torch.Tensor:
        answer: torch.Tensor = nn.Sequential(*self.modules(task))(inputs)
        return answer

    def takes(self, data_type: DataType) -> bool:
        return self.kind is None or self.kind[0] == data_type.key

    def _anchored(self, module: nn.Module, head: nn.Linear, examples: Examples, settings: SenSettings) -> Anchor | None:
        if not self.strength or settings.epochs == 0:
            return self.anchor
        weights = list(module.parameters())
        before = self.anchor or Anchor([torch.zeros_like(w) for w in weights], [torch.zeros_like(w) for w in weights])
        return before.with_task(fisher(module, head, examples, settings.random_state), weights)


class _Anchored(nn.Module):
    """A loss with EWC's penalty."""

    def __init__(self, learner: nn.Module, backbone: nn.Module, anchor: Anchor, strength: float) -> None:
        super().__init__()
        self.learner, self._weights, self._anchor, self._strength = learner, list(backbone.parameters()), anchor, strength

    def forward(self, inputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        loss: torch.Tensor = self.learner(inputs, targets) + 0.5 * self._strength * self._anchor.penalty(self._weights)
        return loss


def fisher(backbone: nn.Module, head: nn.Module, examples: Examples, seed: int) -> list[torch.Tensor]:
    """The diagonal of the Fisher information of the backbone's weights: the mean square of ∂ log p(y | x) / ∂θ, y drawn from the model.

    Args:
        examples: of these at most FISHER_EXAMPLES, drawn at random, are used; their labels are not.
    """
    generator = torch.Generator().manual_seed(derive(seed, "fisher"))
    drawn = torch.randperm(len(examples), generator=generator)[:FISHER_EXAMPLES]
    weights = list(backbone.parameters())
    sums = [torch.zeros_like(weight) for weight in weights]
    for index in drawn.tolist():
        log_probabilities = functional.log_softmax(head(backbone(examples.inputs[index : index + 1])), dim=1)[0]
        answer = int(torch.multinomial(log_probabilities.detach().exp(), 1, generator=generator))
        for total, slope in zip(sums, torch.autograd.grad(log_probabilities[answer], weights), strict=True):
            total += slope.square()
    return [total / len(drawn) for total in sums]
