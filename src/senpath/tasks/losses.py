"""What is minimised, and what is measured, for each kind of task."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch.nn import functional

from senpath.types import TaskKind

Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
"""From outputs (n, classes) and targets, see `senpath.types.Examples`, to a scalar."""

LOSSES: dict[TaskKind, Loss] = {
    "classification": functional.cross_entropy,
    "multilabel": functional.binary_cross_entropy_with_logits,
    "regression": functional.mse_loss,
}


TEMPERATURE = 2.0
"""At which earlier and present probabilities are compared (Hinton, Vinyals and Dean 2015; Li and Hoiem 2016, equation 3)."""


def distance(kind: TaskKind, answers: torch.Tensor, earlier: torch.Tensor) -> torch.Tensor:
    """How far outputs (n, outputs) are from what they were, a scalar to be minimised: distillation (Li and Hoiem 2016, section 3.1)."""
    if kind == "classification":
        return functional.cross_entropy(answers / TEMPERATURE, (earlier / TEMPERATURE).softmax(1)) * TEMPERATURE**2
    if kind == "multilabel":
        return functional.binary_cross_entropy_with_logits(answers, earlier.sigmoid())
    return functional.mse_loss(answers, earlier) / earlier.detach().var(0, correction=0).mean().clamp(min=1e-12)


def score(kind: TaskKind, outputs: torch.Tensor, targets: torch.Tensor) -> float:
    """How good outputs are, at most 1.

    For a classification the share that is right; for a multilabel task the mean Jaccard index, what an answer's labels and the true ones
    have in common as a share of what either has; for a regression the coefficient of determination R², below 0 where a constant is better.

    Args:
        outputs: float32 (n, classes), as a pathway gives them.
        targets: see `senpath.types.Examples`.
    """
    if kind == "classification":
        return float((outputs.argmax(1) == targets).double().mean())
    if kind == "multilabel":
        return float(jaccard(outputs > 0, targets > 0.5).mean())
    return determination(outputs, targets)


def jaccard(answers: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    """Of bool (n, labels) twice: float64 (n,); 1 where both are empty."""
    both, either = (answers & truth).sum(1).double(), (answers | truth).sum(1).double()
    return torch.where(either > 0, both / either.clamp(min=1), torch.ones_like(both))


def determination(answers: torch.Tensor, truth: torch.Tensor) -> float:
    """R² (n, outputs), the mean over the outputs; an output that is constant in truth counts 1 if it is met, else 0."""
    errors = (answers.double() - truth.double()).square().sum(0)
    spread = (truth.double() - truth.double().mean(0)).square().sum(0)
    shares = torch.where(spread > 0, 1 - errors / spread.clamp(min=1e-300), (errors == 0).double())
    return float(shares.mean())
