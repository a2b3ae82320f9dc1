"""Scikit-learn estimators as components: an SVM or a random forest is a pathway like any other."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn

from senpath.errors import InputError
from senpath.types import TaskKind

TINY = 1e-6
"""Smallest probability that an estimator's answer counts as: a forest says 0 where no tree voted, and log 0 is no number."""


class Estimator(nn.Module):
    """Wraps a fitted estimator; its output, float32 (n, outputs), is what a torch pathway of the task's kind would give.

    Args:
        estimator: a classifier whose classes are 0 … outputs − 1, with scikit-learn's `predict_proba` or `decision_function`: log P(class |
            input); a classifier of several labels with `predict_proba`: log odds of each; a regressor: what it predicts.
        outputs: of the task.
        kind: of the task.
    """

    def __init__(self, estimator: Any, outputs: int, kind: TaskKind = "classification") -> None:
        super().__init__()
        self.estimator = estimator
        self.outputs, self.kind = outputs, kind

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        if not len(inputs):
            return torch.zeros(0, self.outputs, device=inputs.device)
        flat = inputs.detach().flatten(1).cpu().numpy()
        return torch.from_numpy(answer(self.estimator, flat, self.kind)).to(inputs.device)

    def stored_numbers(self) -> int:
        """Numbers in the fitted arrays (support vectors, tree nodes, …)."""
        from senpath.components.estimator_files import count_numbers

        return count_numbers(self.estimator)


def answer(estimator: Any, inputs: np.ndarray, kind: TaskKind) -> np.ndarray:
    """What a fitted estimator says, float32 (n, outputs); see `Estimator`.

    Raises:
        InputError: if it cannot answer for this kind of task.
    """
    if kind == "regression":
        return np.asarray(estimator.predict(inputs), dtype=np.float32).reshape(len(inputs), -1)
    if kind == "multilabel":
        return _log_odds(estimator, inputs)
    return log_probabilities(estimator, inputs)


def _log_odds(estimator: Any, inputs: np.ndarray) -> np.ndarray:
    if not hasattr(estimator, "predict_proba"):
        what = f"estimator {type(estimator).__name__} of several labels"
        raise InputError(what, expected="predict_proba", got="none", do="Wrap a classifier in sklearn.multiclass.OneVsRestClassifier")
    found = estimator.predict_proba(inputs)
    # Scikit-learn's own kinds answer (n, 2) for each label, in a list; its wrappers (n, labels).
    chances = np.stack([part[:, -1] for part in found], 1) if isinstance(found, list) else found
    chances = np.clip(chances, TINY, 1 - TINY)
    return np.asarray(np.log(chances) - np.log1p(-chances), dtype=np.float32)


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
