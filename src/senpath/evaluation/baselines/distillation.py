"""Learners that are held to the answers of the model before: learning without forgetting, and iCaRL."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch.nn import functional

from senpath.errors import InputError
from senpath.evaluation.baselines.incremental import GrowingClassifier, Incremental, Lesson
from senpath.types import Examples

CHUNK = 4096


@dataclass(frozen=True)
class Lwf(Incremental):
    """Learning without forgetting (Li and Hoiem 2016): on the new examples the old columns answer as the model before did.

    Without a strength the new one's loss of n tasks weighs 1/n, and the distillation the rest (van de Ven and Tolias 2019, appendix A).

    Args:
        temperature: of both softmaxes; Li and Hoiem: 2.
        strength: how much the distillation weighs, where the new task's loss weighs 1 (Li and Hoiem 2016, λₒ; theirs is 1).
    """

    temperature: float = 2.0
    strength: float | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.temperature < float("inf"):
            raise InputError("setting 'temperature'", expected="a number above 0", got=repr(self.temperature))
        if self.strength is not None and not 0 <= self.strength < float("inf"):
            raise InputError("setting 'strength'", expected="a number from 0 on", got=repr(self.strength))

    @property
    def name(self) -> str:
        return "LwF"

    def teach(self, lesson: Lesson) -> dict[str, Any]:
        before, tasks = self.model, len(self.columns) + 1
        now, then = (1 / tasks, 1 - 1 / tasks) if self.strength is None else (1.0, self.strength)
        # With an output layer for each task each has a softmax of its own.
        groups = [*self.columns.values()] if self.heads == "each" else [range(lesson.new.start)]

        def loss(inputs: torch.Tensor, columns: torch.Tensor) -> torch.Tensor:
            logits = lesson.model(inputs)
            own = lesson.cross_entropy(logits, columns)
            if before is None:
                return own
            with torch.no_grad():
                old = before(inputs)
            held = [distillation(logits[:, g.start : g.stop], old[:, g.start : g.stop], self.temperature) for g in groups]
            return now * own + then * torch.stack(held).mean()

        lesson.fit(loss)
        return {}


def distillation(logits: torch.Tensor, old: torch.Tensor, temperature: float) -> torch.Tensor:
    """Cross-entropy of answers to old ones at a temperature, times its square (Hinton et al. 2015): a scalar."""
    soft = -(functional.softmax(old / temperature, 1) * functional.log_softmax(logits / temperature, 1)).sum(1).mean()
    return soft * temperature**2


@dataclass(frozen=True)
class Icarl(Incremental):
    """iCaRL (Rebuffi et al. 2017): exemplars chosen by herding, distillation, and the nearest mean of exemplars answers.

    Args:
        memory: exemplars of all classes together.
    """

    memory: int = 2000
    exemplars: Mapping[int, torch.Tensor] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__post_init__()
        if isinstance(self.memory, bool) or not isinstance(self.memory, int) or self.memory < 1:
            raise InputError("setting 'memory'", expected="a whole number, 1 or more", got=repr(self.memory))

    @property
    def name(self) -> str:
        return "iCaRL"

    def teach(self, lesson: Lesson) -> dict[str, Any]:
        before, known = self.model, lesson.new.start

        def loss(inputs: torch.Tensor, columns: torch.Tensor) -> torch.Tensor:
            logits = lesson.model(inputs)
            targets = functional.one_hot(columns, lesson.new.stop).to(logits.dtype)
            if before is not None:
                with torch.no_grad():
                    targets[:, :known] = torch.sigmoid(before(inputs))
            return functional.binary_cross_entropy_with_logits(logits, targets, reduction="sum") / len(columns)

        replace(lesson, examples=self._with_exemplars(lesson.examples)).fit(loss)
        each = max(1, self.memory // lesson.new.stop)
        exemplars = {column: chosen[:each] for column, chosen in self.exemplars.items()}
        for column in lesson.new:
            mine = lesson.examples.inputs[lesson.examples.targets == column]
            exemplars[column] = mine[herding(features_of(lesson.model, mine), each)]
        means = torch.stack([features_of(lesson.model, exemplars[column]).mean(0) for column in range(lesson.new.stop)])
        return {"exemplars": exemplars, "prototypes": functional.normalize(means, dim=1)}

    def _with_exemplars(self, examples: Examples) -> Examples:
        inputs = [examples.inputs, *self.exemplars.values()]
        columns = [torch.full((len(chosen),), column, dtype=torch.int64) for column, chosen in self.exemplars.items()]
        return replace(examples, inputs=torch.cat(inputs), targets=torch.cat([examples.targets, *columns]))


@torch.no_grad()
def features_of(model: GrowingClassifier, inputs: torch.Tensor) -> torch.Tensor:
    """The backbone's answers, of length 1: float32 (n, units)."""
    return torch.cat([functional.normalize(model.backbone(part), dim=1) for part in inputs.split(CHUNK)])


def herding(features: torch.Tensor, count: int) -> torch.Tensor:
    """Places of so many examples, or of all, the mean of whose first k features is near that of all for every k (Rebuffi et al. 2017,
    algorithm 4): int64, in the order in which they were chosen."""
    mean, total = features.mean(0), torch.zeros(features.shape[1])
    free, chosen = torch.ones(len(features), dtype=torch.bool), []
    for size in range(1, min(count, len(features)) + 1):
        distance = (mean - (total + features) / size).square().sum(1)
        best = int(distance.masked_fill(~free, float("inf")).argmin())
        chosen.append(best)
        free[best] = False
        total = total + features[best]
    return torch.tensor(chosen, dtype=torch.int64)
