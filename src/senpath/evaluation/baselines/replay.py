"""Learners that keep some examples and train on them again: experience replay, and DER++."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn import functional

from senpath.errors import InputError
from senpath.evaluation.baselines.incremental import Incremental, Lesson
from senpath.seeds import derive

CHUNK = 1_000
"""Examples that are answered at once."""


class ReplayMemory(ABC):
    """Examples that are kept, with the columns and logits that they had.

    Args:
        capacity: examples that are kept at most.

    Attributes:
        inputs, columns, logits: float32 (n, …), int64 (n,), float32 (n, columns).
    """

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.inputs, self.columns, self.logits = torch.zeros(0), torch.zeros(0, dtype=torch.int64), torch.zeros(0, 0)

    def __len__(self) -> int:
        return len(self.columns)

    @abstractmethod
    def add(self, inputs: torch.Tensor, columns: torch.Tensor, logits: torch.Tensor, generator: torch.Generator) -> None:
        """Offer examples, with the logits (n, columns) that they had."""

    def draw(self, count: int, generator: torch.Generator) -> torch.Tensor:
        """Places of so many examples, or of all, drawn without replacement."""
        return torch.randperm(len(self), generator=generator)[:count]

    def targets(self, places: torch.Tensor, columns: int) -> torch.Tensor:
        """The kept logits, (n, columns); of columns that came since 0, at which they began."""
        return _widened(self.logits, columns)[places]


class Reservoir(ReplayMemory):
    """A sample of all examples that ever came, each with the same probability (Vitter 1985, algorithm R).

    Attributes:
        seen: examples that came.
    """

    def __init__(self, capacity: int) -> None:
        super().__init__(capacity)
        self.seen = 0

    def add(self, inputs: torch.Tensor, columns: torch.Tensor, logits: torch.Tensor, generator: torch.Generator) -> None:
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


class BalancedReservoir(ReplayMemory):
    """A sample of each class that came, all of one size, which shrinks as classes come: each example of a class is kept with the same
    probability.

    Every example draws a key, and the highest keys of its class stay, so that what is left of a sample that shrinks is one too.
    """

    def __init__(self, capacity: int) -> None:
        super().__init__(capacity)
        self._keys = torch.zeros(0, dtype=torch.float64)

    def add(self, inputs: torch.Tensor, columns: torch.Tensor, logits: torch.Tensor, generator: torch.Generator) -> None:
        keys = torch.cat([self._keys, torch.rand(len(columns), generator=generator, dtype=torch.float64)])
        both = torch.cat([self.columns, columns])
        of_class = [(both == column).nonzero()[:, 0] for column in both.unique()]
        most = max(1, self.capacity // len(of_class))
        stay = torch.cat([places[keys[places].topk(min(most, len(places))).indices] for places in of_class])[: self.capacity].sort().values
        self.logits = _widened(self.logits, logits.shape[1])
        if len(stay) == len(self) and int(stay[-1]) < len(self):  # none of these: so it is nearly always, once it is full
            return
        self._keys, self.columns, self.logits = keys[stay], both[stay], torch.cat([self.logits, logits])[stay]
        self.inputs = torch.cat([self.inputs, inputs])[stay] if len(self.inputs) else inputs[stay]


def _widened(logits: torch.Tensor, columns: int) -> torch.Tensor:
    return functional.pad(logits, (0, columns - logits.shape[1])) if logits.shape[1] < columns else logits


@dataclass(frozen=True)
class Replay(Incremental):
    """Experience replay, ER: every batch goes with one of the same size from a reservoir (Robins 1995; Chaudhry et al. 2019, section 3).

    Args:
        memory: examples that are kept, of all tasks together.
        balanced: whether as many are kept of each class, else as many as chance wants of a plain reservoir.
        online: whether examples are offered to the reservoir with the batch that they are learned in, in each pass, as the papers have it;
            else once, when their task is learned, so that what is trained on again is of earlier tasks alone.
        alpha, beta: weights of two further terms on two further batches of the reservoir: how far their logits are from those that
            they had when they came, and their labels' loss. Without them it is ER; with both it is DER++, with alpha alone DER
            (Buzzega et al. 2020, equations 5 and 6).
    """

    memory: int = 2000
    alpha: float | None = None
    beta: float = 0.0
    balanced: bool = False
    online: bool = True
    reservoir: ReplayMemory | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if isinstance(self.memory, bool) or not isinstance(self.memory, int) or self.memory < 1:
            raise InputError("setting 'memory'", expected="a whole number, 1 or more", got=repr(self.memory))
        for name in ("balanced", "online"):
            if not isinstance(getattr(self, name), bool):
                raise InputError(f"setting {name!r}", expected="true or false", got=repr(getattr(self, name)))
        for name, value in (("alpha", self.alpha), ("beta", self.beta)):
            if value is not None and not 0 <= value < float("inf"):
                raise InputError(f"setting {name!r}", expected="a number from 0 on", got=repr(value))

    @property
    def name(self) -> str:
        return "ER" if self.alpha is None else "DER++"

    def teach(self, lesson: Lesson) -> dict[str, Any]:
        first = BalancedReservoir if self.balanced else Reservoir
        kept: ReplayMemory = first(self.memory) if self.reservoir is None else copy.deepcopy(self.reservoir)
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
            if self.online:
                kept.add(*offered, generator)  # type: ignore[call-arg, arg-type]
        if not self.online:
            inputs, columns = lesson.examples.inputs, lesson.examples.targets
            with torch.no_grad():
                logits = torch.cat([lesson.model(part) for part in inputs.split(CHUNK)])
            kept.add(inputs, columns, logits, generator)
        return {"reservoir": kept}

    def _dark(self, lesson: Lesson, kept: ReplayMemory, count: int, generator: torch.Generator) -> torch.Tensor:
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
