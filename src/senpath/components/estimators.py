"""Scikit-learn estimators as components: an SVM or a random forest is a pathway like any other."""

from __future__ import annotations

from typing import Any

import numpy as np
import skops.io
import torch
from skops.io.exceptions import UntrustedTypesFoundException
from torch import nn

from senpath.errors import InputError, StoreError

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
        return _count_numbers(self.estimator, set())


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


def dump_estimator(estimator: Any) -> bytes:
    """The estimator in the skops format, which holds no code.

    Raises:
        InputError: if it contains a type that could not be loaded again without trust.
    """
    payload: bytes = skops.io.dumps(estimator)
    unknown = skops.io.get_untrusted_types(data=payload)
    if unknown:
        raise InputError(
            f"estimator {type(estimator).__name__}",
            expected="only types of numpy, scipy and scikit-learn",
            got=f"{sorted(unknown)}, which could run code when loaded",
            do="Use an estimator made of scikit-learn's own parts",
        )
    return payload


def load_estimator(payload: bytes, where: str) -> Any:
    """The estimator in this content; nothing in it is run.

    Raises:
        StoreError: if the content is no skops file or holds types that are not trusted.
    """
    try:
        return skops.io.loads(payload)
    except UntrustedTypesFoundException as error:
        raise StoreError(f"{where}: scikit-learn component", expected="trusted types only", got=str(error)) from error
    except Exception as error:  # skops raises whatever the zip, JSON or array readers under it raise
        raise StoreError(f"{where}: scikit-learn component", expected="a skops file", got=f"{type(error).__name__}: {error}") from error


def _count_numbers(value: Any, seen: set[int]) -> int:
    if id(value) in seen:
        return 0
    seen.add(id(value))
    if isinstance(value, np.ndarray):
        if value.dtype == object:
            return sum(_count_numbers(item, seen) for item in value.ravel())
        return value.size * (len(value.dtype.names) if value.dtype.names else 1)
    if isinstance(value, list | tuple):
        return sum(_count_numbers(item, seen) for item in value)
    if isinstance(value, dict):
        return sum(_count_numbers(item, seen) for item in value.values())
    if hasattr(value, "node_count") and hasattr(value, "__getstate__"):  # a scikit-learn tree keeps its arrays in its state
        return _count_numbers(value.__getstate__(), seen)
    if type(value).__module__.startswith("sklearn.") and hasattr(value, "__dict__"):
        return sum(_count_numbers(item, seen) for item in vars(value).values())
    return 0
