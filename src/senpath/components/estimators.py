"""Scikit-learn estimators as components: an SVM or a random forest is a pathway like any other."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn

from senpath.errors import InputError

TINY = 1e-6
"""Smallest probability that an estimator's answer counts as: a forest says 0 where no tree voted, and log 0 is no number."""


class Estimator(nn.Module):
    """Wraps a fitted classifier whose classes are 0 … outputs − 1; its output is log P(class | input), shape (n, outputs).

    Args:
        estimator: anything with scikit-learn's `predict_proba` or `decision_function`.
        outputs: classes of the task.
    """

    def __init__(self, estimator: Any, outputs: int) -> None:
        super().__init__()
        self.estimator = estimator
        self.outputs = outputs

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        if not len(inputs):
            return torch.zeros(0, self.outputs, device=inputs.device)
        flat = inputs.detach().flatten(1).cpu().numpy()
        return torch.from_numpy(log_probabilities(self.estimator, flat)).to(inputs.device)

    def stored_numbers(self) -> int:
        """Numbers in the fitted arrays (support vectors, tree nodes, …)."""
        from senpath.components.estimator_files import count_numbers

        return count_numbers(self.estimator)


def log_probabilities(estimator: Any, inputs: np.ndarray) -> np.ndarray:
    """log P(class | input) as float32 (n, classes); scores of `decision_function` are taken as logits.

    Raises:
        InputError: if the estimator has neither method.
    """
    if hasattr(estimator, "predict_proba"):
        chances: np.ndarray = np.clip(estimator.predict_proba(inputs), TINY, 1)
        return np.asarray(np.log(chances), dtype=np.float32)
    if not hasattr(estimator, "decision_function"):
        raise InputError(
            f"estimator {type(estimator).__name__}",
            expected="a classifier with predict_proba or decision_function",
            got="neither",
            do="Wrap it in sklearn.calibration.CalibratedClassifierCV",
        )
    scores = torch.from_numpy(np.asarray(estimator.decision_function(inputs), dtype=np.float32))
    if scores.ndim == 1:
        scores = torch.stack([-scores, scores], dim=1) / 2
    logs: np.ndarray = torch.log_softmax(scores, dim=1).numpy()
    return logs
