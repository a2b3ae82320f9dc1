"""Tasks that answer numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, final

import numpy as np
import torch
from torch.nn import functional

from senpath.arrays import object_array
from senpath.errors import InputError
from senpath.tasks.base import Targets, TaskKind
from senpath.tasks.labels import Label, listed
from senpath.tasks.scale import TargetScale, relative_spread
from senpath.tasks.targets import column_names, read_numbers, require_columns

LARGEST = 1e100
"""Numbers to learn are at most this large: float64 has to hold their squares."""


@final
class Regression(TaskKind):
    """Outputs are numbers, in the units of the targets."""

    name = "regression"
    exclusive = False
    has_labels = False
    nouns = ("number", "numbers")
    score_name = "R²"
    exported_names = ("values",)
    estimator_noun = "regressor"
    estimator_methods = ("predict",)

    def read(self, y: Any, inputs: int) -> Targets:
        names = column_names(y)
        values = read_numbers(y, inputs, "numbers y of a regression")
        if not bool((np.abs(values) <= LARGEST).all()):
            raise InputError("numbers y of a regression", expected=f"finite numbers up to ±{LARGEST:g}", got="NaN, infinity or larger ones")
        return Targets(self.name, names or tuple(range(values.shape[1])), torch.from_numpy(values))

    def read_more(self, y: Any, inputs: int, known: tuple[Label, ...], *, new_classes: bool) -> Targets:
        names, given = column_names(y, known), self.read(y, inputs)
        if names is None and len(given.classes) != len(known):
            raise InputError("numbers y", expected=f"{len(known)} for each input", got=len(given.classes))
        if names is None:
            return Targets(self.name, known, given.values)
        require_columns(names, known)
        if len(names) > len(known):
            strange = next(name for name in names if name not in known)
            raise InputError("columns of y", expected=f"the task's alone, {listed(known)}", got=repr(strange))
        return Targets(self.name, known, given.values[:, [names.index(name) for name in known]])

    def _check_values(self, targets: torch.Tensor, classes: tuple[Label, ...], known: int) -> None:
        if not bool((targets.abs() <= LARGEST).all()):
            raise InputError("encoded examples", expected=f"targets up to ±{LARGEST:g}", got="NaN, infinity or larger ones")

    @property
    def _dtype(self) -> torch.dtype:
        return torch.float64

    @property
    def _dtypes(self) -> tuple[torch.dtype, ...]:
        return (torch.float64, torch.float32)

    def scale_of(self, targets: torch.Tensor) -> TargetScale | None:
        return TargetScale.of(targets)

    def counts(self, targets: torch.Tensor, outputs: int) -> torch.Tensor:
        return torch.full((outputs,), len(targets))

    def _loss(self, outputs: torch.Tensor, targets: torch.Tensor, reduction: str) -> torch.Tensor:
        return functional.mse_loss(outputs, targets, reduction=reduction)

    def distillation_loss(self, outputs: torch.Tensor, earlier: torch.Tensor) -> torch.Tensor:
        return functional.mse_loss(outputs, earlier) / earlier.detach().var(0, correction=0).mean().clamp(min=1e-12)

    def score(self, outputs: torch.Tensor, targets: torch.Tensor) -> float:
        """The coefficient of determination R², below 0 where a constant is better; 0 where all targets are equal."""
        score = r2_score(outputs, targets)
        return 0.0 if math.isnan(score) else score

    def skill(self, outputs: torch.Tensor, targets: torch.Tensor) -> float | None:
        score = r2_score(outputs, targets)
        return None if math.isnan(score) else score

    def read_truth(self, y: Any, inputs: int, classes: tuple[Label, ...]) -> torch.Tensor:
        return self.read_more(y, inputs, classes, new_classes=False).values

    def score_answers(self, answers: Sequence[Any], truth: torch.Tensor, classes: tuple[Label, ...]) -> float:
        """R², where no answer counts as one by the mean of all. NaN if the true numbers are all equal, as that of a single input is."""
        mean = tuple(truth.mean(0).tolist())
        rows = [mean if value is None else value if isinstance(value, tuple) else (value,) for value in answers]
        return r2_score(torch.tensor(rows, dtype=torch.float64), truth)

    def values(self, outputs: Sequence[torch.Tensor]) -> list[np.ndarray]:
        return [part.double().cpu().numpy() for part in outputs]

    def exported(self, outputs: torch.Tensor, temperature: float) -> tuple[torch.Tensor, ...]:
        return (outputs,)

    def answers(self, values: np.ndarray, classes: tuple[Label, ...]) -> np.ndarray:
        return object_array([row[0] if len(row) == 1 else tuple(row) for row in values.tolist()])

    def certainty(self, values: np.ndarray) -> np.ndarray:
        return np.ones(len(values))

    def builtin_estimator(self, name: str, seed: int) -> Any | None:
        from sklearn.ensemble import RandomForestRegressor  # large, and rarely needed
        from sklearn.svm import SVR

        return {"svm": SVR(), "forest": RandomForestRegressor(n_estimators=200, random_state=seed)}.get(name)

    def answered_outputs(self, method: str, width: int, outputs: int) -> int:
        return width

    def decode_estimator(self, method: str, answer: np.ndarray, outputs: int) -> np.ndarray:
        return np.asarray(answer, dtype=np.float64).reshape(len(answer), -1)


def r2_score(answers: torch.Tensor, truth: torch.Tensor) -> float:
    """The coefficient of determination R² of (n, outputs), the mean over the outputs whose true numbers differ; NaN if none's do.

    Computed in float64, of numbers of any size.
    """
    answers, truth = answers.double(), truth.double()
    size = relative_spread(truth)
    if not bool((size > 0).any()):
        return math.nan
    answers, truth, size = answers[:, size > 0], truth[:, size > 0], size[size > 0]
    errors = ((answers - truth) / size).clamp(-1e100, 1e100).square().sum(0)
    return float((1 - errors / ((truth - truth.mean(0)) / size).square().sum(0)).mean())
