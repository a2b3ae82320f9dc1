"""Scikit-learn estimators as components: an SVM or a random forest is a pathway like any other."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from senpath.components.files import FileFormat
from senpath.components.kind import ComponentKind, register
from senpath.errors import StoreError
from senpath.tasks import TASK_KINDS, Classification, TaskKind


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


class EstimatorOutline(nn.Module):
    """The shape of an estimator's answer.

    Args:
        module: whose it is.
    """

    def __init__(self, module: Estimator) -> None:
        super().__init__()
        self.outputs = module.outputs

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return inputs.new_zeros(len(inputs), self.outputs)


class SkopsFile(FileFormat):
    """An estimator in the skops format, which holds no code."""

    suffix = ".skops"

    def dump(self, module: nn.Module) -> bytes:
        from senpath.components.estimator_files import dump_estimator  # here, for scikit-learn and skops are large

        return dump_estimator(module.estimator)

    def restore(self, kind: ComponentKind, config: Mapping[str, Any], payload: bytes) -> nn.Module:
        return _wrapped(config, payload, kind.name)

    def read(self, kind: ComponentKind, config: Mapping[str, Any], path: Path) -> nn.Module:
        return _wrapped(config, path.read_bytes(), path.name)


def _wrapped(config: Mapping[str, Any], payload: bytes, where: str) -> Estimator:
    from senpath.components.estimator_files import load_estimator

    estimator = load_estimator(payload, where)
    outputs, kind = config.get("outputs"), config.get("kind", Classification.name)  # the first format had classifications only
    if not isinstance(outputs, int) or outputs < 1:
        raise StoreError("component configuration field 'outputs'", expected="a positive integer", got=repr(outputs))
    if not isinstance(kind, str) or kind not in TASK_KINDS:
        raise StoreError("component configuration field 'kind'", expected=f"one of {', '.join(TASK_KINDS)}", got=repr(kind))
    return Estimator(estimator, outputs, TASK_KINDS[kind])


ESTIMATOR = register(ComponentKind("sklearn.v1", Estimator, trainable=False, exportable=None, outline=EstimatorOutline, files=SkopsFile()))
