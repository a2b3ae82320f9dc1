"""Learners that keep some examples and train on them again: experience replay, and DER++."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn import functional

from senpath.errors import InputError
from senpath.evaluation.baselines.incremental import Incremental, Lesson
from senpath.seeds import derive


class Reservoir:
    """A sample of all examples that ever came, each with the same probability (Vitter 1985, algorithm R).

    Args:
        capacity: examples that are kept.
    """

    def __init__(self, capacity: int) -> None:
        self.capacity, self.seen = capacity, 0
        self.inputs, self.columns, self.logits = torch.zeros(0), torch.zeros(0, dtype=torch.int64), torch.zeros(0, 0)

    def __len__(self) -> int:
        return len(self.columns)

    def add(self, inputs: torch.Tensor, columns: torch.Tensor, logits: torch.Tensor, generator: torch.Generator) -> None:
        """Offer examples, with the logits (n, columns) that they had."""
        free = min(self.capacity - len(self), len(columns))
        if free:
            self.logits = torch.cat([_widened(self.logits, logits.shape[1]), logits[:free]])
            self.inputs = torch.cat([self.inputs, inputs[:free]]) if len(self.inputs) else inputs[:free].clone()
            self.columns = torch.cat([self.columns, columns[:free]])
            self.seen += free
        if free == len(columns):
            return
        self.logits = _widened(self.logits, logits.shape[1])
        upto = self.seen + 1 + torch.arange(len(columns) - free)
        drawn = (torch.rand(len(upto), generator=generator, dtype=torch.float64) * upto).long()
        self.seen += len(upto)
        for place, slot in enumerate(drawn.tolist(), start=free):
            if slot < self.capacity:
                self.inputs[slot], self.columns[slot], self.logits[slot] = inputs[place], columns[place], logits[place]

    def draw(self, count: int, generator: torch.Generator) -> torch.Tensor:
        """Places of so many examples, or of all, drawn without replacement."""
        return torch.randperm(len(self), generator=generator)[:count]

    def targets(self, places: torch.Tensor, columns: int) -> torch.Tensor:
        """The kept logits, (n, columns); of columns that came since 0, at which they began."""
        return _widened(self.logits, columns)[places]


def _widened(logits: torch.Tensor, columns: int) -> torch.Tensor:
    return functional.pad(logits, (0, columns - logits.shape[1])) if logits.shape[1] < columns else logits


@dataclass(frozen=True)
class Replay(Incremental):
    """Experience replay, ER: every batch goes with one of the same size from a reservoir (Robins 1995; Chaudhry et al. 2019, section 3).

    Args:
        memory: examples that are kept, of all tasks together.
        alpha, beta: weights of two further terms on two further batches of the reservoir: how far their logits are from those that
            they had when they came, and their labels' loss. Without them it is ER; with both it is DER++, with alpha alone DER
            (Buzzega et al. 2020, equations 5 and 6).
    """

    memory: int = 2000
    alpha: float | None = None
    beta: float = 0.0
    reservoir: Reservoir | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if isinstance(self.memory, bool) or not isinstance(self.memory, int) or self.memory < 1:
            raise InputError("setting 'memory'", expected="a whole number, 1 or more", got=repr(self.memory))
        for name, value in (("alpha", self.alpha), ("beta", self.beta)):
            if value is not None and not 0 <= value < float("inf"):
                raise InputError(f"setting {name!r}", expected="a number from 0 on", got=repr(value))

    @property
    def name(self) -> str:
        return "ER" if self.alpha is None else "DER++"

    def teach(self, lesson: Lesson) -> dict[str, Any]:
        kept = Reservoir(self.memory) if self.reservoir is None else copy.deepcopy(self.reservoir)
        generator = torch.Generator().manual_seed(derive(lesson.settings.random_state, "reservoir", lesson.new.start))
        offered: list[torch.Tensor] = []

        def loss(inputs: torch.Tensor, columns: torch.Tensor) -> torch.Tensor:
            if self.alpha is None and len(kept):
                places = kept.draw(len(columns), generator)
                both = lesson.model(torch.cat([inputs, kept.inputs[places]]))
                logits, again = both[: len(columns)], both[len(columns) :]
                total = (
                    lesson.cross_entropy(both, torch.cat([columns, kept.columns[places]]))
                    if self.heads == "one"
                    else (lesson.cross_entropy(logits, columns) + functional.cross_entropy(again, kept.columns[places])) / 2
                )
            else:
                logits = lesson.model(inputs)
                total = lesson.cross_entropy(logits, columns) + self._dark(lesson, kept, len(columns), generator)
            offered[:] = [inputs, columns, logits.detach()]
            return total

        for _ in lesson.steps(loss):
            kept.add(*offered, generator)  # type: ignore[call-arg, arg-type]
        return {"reservoir": kept}

    def _dark(self, lesson: Lesson, kept: Reservoir, count: int, generator: torch.Generator) -> torch.Tensor:
        """The two terms of DER++."""
        if self.alpha is None or not len(kept):
            return torch.zeros(())
        places = kept.draw(count, generator)
        now = lesson.model(kept.inputs[places])
        total = self.alpha * functional.mse_loss(now, kept.targets(places, now.shape[1]))
        if self.beta:
            places = kept.draw(count, generator)
            total = total + self.beta * functional.cross_entropy(lesson.model(kept.inputs[places]), kept.columns[places])
        return total
