"""Learners that hold weights where earlier tasks need them: elastic weight consolidation, and synaptic intelligence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from senpath.errors import InputError
from senpath.evaluation.baselines.incremental import GrowingClassifier, Incremental, Lesson
from senpath.evaluation.baselines.shared import Anchor, fisher


def _held(learner: Incremental, model: GrowingClassifier) -> list[nn.Parameter]:
    """Weights that several tasks have in common. Where each task has columns of its own, a later task's loss does not move them."""
    return [*(model.backbone if learner.heads == "each" else model).parameters()]


def widened(parts: Sequence[torch.Tensor], weights: Sequence[torch.Tensor]) -> list[torch.Tensor]:
    """Tensors with zeros for rows that the weights have got since."""
    return [functional.pad(part, (*([0] * (2 * part.ndim - 1)), len(w) - len(part))) for part, w in zip(parts, weights, strict=True)]


def _require_strength(strength: float, what: str) -> None:
    if not 0 <= strength < inf:
        raise InputError(f"strength of {what}", expected="a number from 0 on", got=repr(strength))


class _Rivals(nn.Module):
    """An output layer's columns of which the loss has chosen."""

    def __init__(self, head: nn.Linear, rivals: range) -> None:
        super().__init__()
        self.head, self._rivals = head, rivals

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        answer: torch.Tensor = self.head(hidden)[:, self._rivals.start : self._rivals.stop]
        return answer


@dataclass(frozen=True)
class Ewc(Incremental):
    """Elastic weight consolidation (Kirkpatrick et al. 2016, equation 3); with one head of the output layer's weights too.

    Args:
        strength: λ.
    """

    strength: float = 100.0
    anchor: Anchor | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        _require_strength(self.strength, "elastic weight consolidation")

    @property
    def name(self) -> str:
        return "EWC"

    def teach(self, lesson: Lesson) -> dict[str, Any]:
        weights = _held(self, lesson.model)
        zeros = [torch.zeros_like(weight) for weight in weights]
        held = Anchor(zeros, zeros)
        if self.anchor is not None:
            held = Anchor(widened(self.anchor.importance, weights), widened(self.anchor.weighted, weights))

        def loss(inputs: torch.Tensor, columns: torch.Tensor) -> torch.Tensor:
            return lesson.plain(inputs, columns) + 0.5 * self.strength * held.penalty(weights)

        lesson.fit(loss if self.anchor is not None else lesson.plain)
        if lesson.settings.epochs == 0:
            return {"anchor": self.anchor}
        head: nn.Module = _Rivals(lesson.model.head, lesson.rivals)
        body: nn.Module = lesson.model.backbone
        if self.heads == "one":
            body, head = nn.Sequential(body, head), nn.Identity()
        return {"anchor": held.with_task(fisher(body, head, lesson.examples, lesson.settings.random_state), weights)}


@dataclass(frozen=True)
class Si(Incremental):
    """Synaptic intelligence (Zenke, Poole and Ganguli 2017, equations 4 and 5): a weight's importance is how much its way while a task was
    learned lowered the loss, over the square of that way.

    Args:
        strength: c.
        damping: ξ.
    """

    strength: float = 0.1
    damping: float = 0.1
    importance: tuple[torch.Tensor, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        _require_strength(self.strength, "synaptic intelligence")
        if not 0 < self.damping < inf:
            raise InputError("setting 'damping'", expected="a number above 0", got=repr(self.damping))

    @property
    def name(self) -> str:
        return "SI"

    def teach(self, lesson: Lesson) -> dict[str, Any]:
        weights = _held(self, lesson.model)
        start = [weight.detach().clone() for weight in weights]
        held = widened(self.importance, weights) if self.importance else [torch.zeros_like(weight) for weight in weights]
        lowered = [torch.zeros_like(weight) for weight in weights]
        slopes: list[torch.Tensor] = []

        def loss(inputs: torch.Tensor, columns: torch.Tensor) -> torch.Tensor:
            own = lesson.plain(inputs, columns)
            slopes[:] = torch.autograd.grad(own, weights, retain_graph=True)
            pulls = [(f * (w - s).square()).sum() for f, w, s in zip(held, weights, start, strict=True)]
            return own + self.strength * torch.stack(pulls).sum()

        before = [weight.detach().clone() for weight in weights]
        for _ in lesson.steps(loss):
            for total, slope, weight, last in zip(lowered, slopes, weights, before, strict=True):
                total -= slope * (weight.detach() - last)
                last.copy_(weight.detach())
        ways = [(weight.detach() - s).square() + self.damping for weight, s in zip(weights, start, strict=True)]
        gained = [f + total.clamp(min=0) / way for f, total, way in zip(held, lowered, ways, strict=True)]
        return {"importance": tuple(gained)}
