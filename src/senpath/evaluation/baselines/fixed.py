"""Learners over fixed features, in closed form: the nearest class mean, and RanPAC. They train nothing and forget nothing."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from senpath.errors import InputError
from senpath.evaluation.baselines.parts import Baseline, cost_of, of_task
from senpath.evaluation.closed_form import ClassSums, RandomProjection, RidgeSums, choose_strength
from senpath.evaluation.strategy import Answers, Classes, best_of
from senpath.methods import SenSettings
from senpath.pathways import LearningCost
from senpath.seeds import derive
from senpath.types import DataType, Examples

HELD_OUT = 5
"""One in so many examples of a task decides on the strength of its ridge."""


@dataclass(frozen=True)
class FixedFeatures(Baseline):
    """What all tasks' classes have in common here: a column each in one matrix over the inputs, flattened and mapped by a fixed map."""

    columns: Mapping[str, range] = field(default_factory=dict)
    kind: tuple[str, tuple[int, ...]] | None = None
    weight: torch.Tensor | None = None
    bias: torch.Tensor | None = None
    cost: LearningCost | None = None

    @property
    def tasks(self) -> Iterable[str]:
        return self.columns

    def modules(self, task: str) -> list[nn.Module]:
        of_task(self.columns, task)
        return []

    def outputs(self, inputs: torch.Tensor) -> torch.Tensor:
        """How much each column is answered, float32 (n, columns)."""
        if self.weight is None:
            raise InputError("learner", expected="one that has learned a task", got="one that has not")
        outputs = self.features(inputs.flatten(1)) @ self.weight
        return outputs if self.bias is None else outputs + self.bias

    def features(self, inputs: torch.Tensor) -> torch.Tensor:
        """The fixed map, of flattened inputs."""
        projection: RandomProjection | None = getattr(self, "projection", None)
        return inputs if projection is None else projection(inputs)

    def logits(self, task: str, inputs: torch.Tensor) -> torch.Tensor:
        places = of_task(self.columns, task)
        return self.outputs(inputs)[:, places.start : places.stop]

    def find(self, test: Examples, tasks: Classes) -> Answers:
        """The best column of all."""
        return best_of(self.outputs, test.inputs, self.columns, tasks)

    def takes(self, data_type: DataType) -> bool:
        return self.kind in (None, (data_type.key, data_type.shape))

    def activated(self, task: str) -> int:
        of_task(self.columns, task)
        return self.weights

    @property
    def weights(self) -> int:
        held = (self.weight, self.bias, getattr(getattr(self, "projection", None), "weight", None))
        return sum(part.numel() for part in held if part is not None)

    def _next(self, task: str, examples: Examples) -> tuple[torch.Tensor, dict[str, Any]]:
        """The examples' columns, and the fields that every learner here has next."""
        if not self.takes(examples.data_type):
            raise InputError(f"task {task!r}", expected=f"inputs as the earlier tasks have them, {self.kind}", got=examples.data_type.key)
        start = sum(len(places) for places in self.columns.values())
        columns = {**self.columns, task: range(start, start + len(examples.classes))}
        return examples.targets + start, {"columns": columns, "kind": (examples.data_type.key, examples.data_type.shape)}


@dataclass(frozen=True)
class NearestMean(FixedFeatures):
    """The class whose mean is nearest to the input (as in Mensink et al. 2013, without a learned metric)."""

    sums: ClassSums | None = None

    @property
    def name(self) -> str:
        return "nearest class mean"

    def learn(self, task: str, examples: Examples, settings: SenSettings) -> NearestMean:
        columns, fields = self._next(task, examples)
        features = examples.inputs.flatten(1)
        sums = ClassSums(features.shape[1]) if self.sums is None else copy.deepcopy(self.sums)
        sums.add(features, columns)
        means = sums.means
        cost = cost_of(0, means.numel(), means.numel())
        return NearestMean(**fields, weight=2 * means.T, bias=-means.square().sum(1), sums=sums, cost=cost)


@dataclass(frozen=True)
class RanPac(FixedFeatures):
    """RanPAC (McDonnell et al. 2023), its second phase: random features of the inputs and ridge regression from accumulated sums. Its first
    phase, adapting a pretrained transformer to the first task, is left out.

    Args:
        projected: random features; McDonnell et al.: 10,000.
    """

    projected: int = 2000
    projection: RandomProjection | None = None
    ridge: RidgeSums | None = None

    def __post_init__(self) -> None:
        if isinstance(self.projected, bool) or not isinstance(self.projected, int) or self.projected < 1:
            raise InputError("setting 'projected'", expected="a whole number, 1 or more", got=repr(self.projected))

    @property
    def name(self) -> str:
        return "RanPAC"

    def learn(self, task: str, examples: Examples, settings: SenSettings) -> RanPac:
        columns, fields = self._next(task, examples)
        flat = examples.inputs.flatten(1)
        projection = self.projection or RandomProjection(flat.shape[1], self.projected, derive(settings.random_state, "projection"))
        features = projection(flat)
        order = torch.randperm(len(flat), generator=torch.Generator().manual_seed(derive(settings.random_state, "held out")))
        held = torch.zeros(len(flat), dtype=torch.bool)
        held[order[: max(1, len(flat) // HELD_OUT)]] = True
        sums = RidgeSums(self.projected) if self.ridge is None else copy.deepcopy(self.ridge)
        sums.add(features[~held], columns[~held])
        strength, _ = choose_strength(sums, features[held], columns[held])
        sums.add(features[held], columns[held])
        weight = sums.solve(strength)
        cost = cost_of(0, weight.numel(), weight.numel() + projection.weight.numel())
        return RanPac(**fields, weight=weight, cost=cost, projected=self.projected, projection=projection, ridge=sums)
