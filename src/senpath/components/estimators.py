"""Scikit-learn estimators as components: an SVM or a random forest is a pathway like any other."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from senpath.tasks import TaskKind


class Estimator(nn.Module):
    """Wraps a fitted estimator; its output, float32 (n, outputs), is what a torch pathway of the task's kind would give.

    Args:
        estimator: a classifier whose classes are 0 … outputs − 1, with scikit-learn's `predict_proba` or `decision_function`: log P(class |
            input); a classifier of several labels with `predict_proba`: log odds of each; a regressor: what it predicts.
        outputs: of the task.
        kind: of the task.
    """

    def __init__(self, estimator: Any, outputs: int, kind: TaskKind) -> None:
        super().__init__()
        self.estimator = estimator
        self.outputs, self.kind = outputs, kind

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        if not len(inputs):
            return torch.zeros(0, self.outputs, device=inputs.device)
        flat = inputs.detach().flatten(1).cpu().numpy()
        return torch.from_numpy(self.kind.estimator_outputs(self.estimator, flat)).to(inputs.device)

    def stored_numbers(self) -> int:
        """Numbers in the fitted arrays (support vectors, tree nodes, …)."""
        from senpath.components.estimator_files import count_numbers

        return count_numbers(self.estimator)
