"""Each task by a model of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import nn

from senpath.evaluation.baselines.parts import cost_of, fresh_part, of_task, size, train
from senpath.evaluation.strategy import Strategy
from senpath.methods import SenSettings
from senpath.methods.sen.train import Learner
from senpath.pathways import LearningCost
from senpath.types import DataType, Examples


@dataclass(frozen=True)
class Single(Strategy):
    """Each task by a model of its own: what SEN does where nothing is borrowed."""

    models: Mapping[str, nn.Sequential] = field(default_factory=dict)
    cost: LearningCost | None = None

    @property
    def name(self) -> str:
        return "Single"

    def learn(self, task: str, examples: Examples, settings: SenSettings) -> Single:
        body, module, head = fresh_part(examples, settings)
        train(Learner(module, head, [], examples.task_kind), body, examples, settings)
        models = {**self.models, task: nn.Sequential(module, head)}
        return Single(models, cost_of(0, size([models[task]]), size(models.values())))

    @torch.no_grad()
    def logits(self, task: str, inputs: torch.Tensor) -> torch.Tensor:
        answer: torch.Tensor = of_task(self.models, task)(inputs)
        return answer

    def takes(self, data_type: DataType) -> bool:
        return True

    def activated(self, task: str) -> int:
        return size([of_task(self.models, task)])

    @property
    def weights(self) -> int:
        return size(self.models.values())
