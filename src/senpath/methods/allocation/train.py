"""Training the tasks together. What a step draws depends on its number alone, so a run goes on from any state that was saved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from senpath.methods.allocation.blueprint import Blueprint
from senpath.methods.allocation.model import Mix, Shared, grouped
from senpath.methods.allocation.router import Router, gumbel, temperature
from senpath.methods.allocation.settings import AllocationSettings
from senpath.methods.learner import Scale
from senpath.progress import Progress, silent
from senpath.seeds import derive, seeded
from senpath.training import LOSSES, score
from senpath.types import Examples

CHUNK = 256
"""Inputs that are answered at once."""
State = dict[str, Any]


@dataclass(frozen=True)
class Lesson:
    """A task's examples: those to learn from, and those to validate on."""

    fitted: Examples
    held: Examples


@dataclass(frozen=True)
class Check:
    """A validation: the step after which it was, each task's quality, and how much is in use on average."""

    step: int
    qualities: tuple[float, ...]
    use: float

    @property
    def quality(self) -> float:
        """The mean over tasks."""
        return float(np.mean(self.qualities))


class Training:
    """Weights and allocation of several tasks, and how they are moved.

    Args:
        lessons: of one type of data.
        blueprint: made of that type.
        settings: see `AllocationSettings`.
        device: where it is computed.
        mix: how a layer is computed; there is one other way, for comparison.

    Attributes:
        step: how many are done.
        checks: every validation so far.
    """

    def __init__(
        self, lessons: Sequence[Lesson], blueprint: Blueprint, settings: AllocationSettings, device: torch.device, mix: Mix = grouped
    ) -> None:
        self._lessons, self._settings, self._device, self._mix = lessons, settings, device, mix
        self.scales = [Scale.of(lesson.fitted) for lesson in lessons]
        with seeded(derive(settings.random_state, "weights")):
            self.model = Shared(blueprint, [len(lesson.fitted.classes) for lesson in lessons]).to(device)
        self.router = Router(len(lessons), len(blueprint.layers), len(blueprint.names), settings.p0).to(device)
        self._weights = torch.optim.Adam(self.model.parameters(), settings.learning_rate, weight_decay=settings.l2, fused=True)
        self._logits = torch.optim.Adam(self.router.parameters(), settings.router_rate)
        self.step, self.checks = 0, list[Check]()
        self._best: dict[str, State] | None = None

    @property
    def learns_allocation(self) -> bool:
        return self._settings.allocation == "learned"

    @property
    def best(self) -> Check:
        """The validation whose state is kept."""
        return max(self.checks, key=lambda check: check.quality)  # the first of equals

    def active(self) -> torch.Tensor:
        """What each task uses: bool (tasks, layers, components), on the CPU."""
        active = self.router.active().cpu()
        return active if self.learns_allocation else torch.ones_like(active)

    def probabilities(self) -> torch.Tensor:
        """Of using each component: float32 (tasks, layers, components), on the CPU; 1 where all is shared."""
        found = self.router.probabilities().detach().cpu()
        return found if self.learns_allocation else torch.ones_like(found)

    def run(self, progress: Progress = silent, *, until: int | None = None) -> None:
        """Train to the last step, or to another one."""
        end, every = self._settings.steps if until is None else until, self._settings.validate_every
        while self.step < end:
            self.take_step()
            if self.step % every == 0 or self.step == self._settings.steps:
                self.validate()
            if self.step % max(1, self._settings.steps // 50) == 0 or self.step == end:
                progress("train", self.step, self._settings.steps)

    def take_step(self) -> None:
        """Train every task on one batch."""
        count = len(self._lessons)
        group = self._settings.tasks_per_update or count
        order = list(range(count)) if group >= count else _shuffled(count, self._seed("order")).tolist()
        for start in range(0, count, group):
            self._update(order[start : start + group], self.step * count + start)
        self.step += 1

    def _update(self, tasks: Sequence[int], updates: int) -> None:
        loss = self.loss(tasks, updates)
        for optimizer in (self._weights, self._logits):
            optimizer.zero_grad()
        loss.backward()
        self._weights.step()
        if self.learns_allocation:
            self._logits.step()

    def loss(self, tasks: Sequence[int], updates: int) -> torch.Tensor:
        """The mean loss of some tasks' batches of this step, and what is above the budget.

        Args:
            updates: made before, each task of an update counted: they set the temperature.
        """
        batches = [self._batch(task) for task in tasks]
        inputs = torch.cat([self._lessons[task].fitted.inputs[rows] for task, rows in zip(tasks, batches, strict=True)])
        owner = torch.repeat_interleave(torch.tensor(tasks), torch.tensor([len(rows) for rows in batches]))
        use = self._drawn(updates)
        features = self.model.features(inputs.to(self._device), owner, use, self._mix)
        features = features * self._kept(features.shape, updates)
        losses, start = [], 0
        for task, rows in zip(tasks, batches, strict=True):
            examples = self._lessons[task].fitted
            targets = self.scales[task].shrink(examples.targets[rows]).to(self._device)
            answers = self.model.heads[task](features[start : start + len(rows)])
            losses.append(LOSSES[examples.kind](answers, targets))
            start += len(rows)
        loss = torch.stack(losses).mean()
        if self._settings.budget is not None and self.learns_allocation:
            where = torch.tensor(tasks, device=self._device)
            loss = loss + self._settings.penalty * self.router.excess(self._settings.budget, where)
        return loss

    def _batch(self, task: int) -> torch.Tensor:
        """Places of a task's examples of this step; every pass has an order of its own, and what is left of one is left out."""
        count = len(self._lessons[task].fitted)
        size = min(self._settings.batch, count)
        turn, place = divmod(self.step, count // size)
        return _shuffled(count, derive(self._settings.random_state, "pass", task, turn))[place * size : (place + 1) * size]

    def _drawn(self, updates: int) -> torch.Tensor:
        logits = self.router.logits
        if not self.learns_allocation:
            return torch.ones(logits.shape[:-1], device=logits.device)
        noise = gumbel(logits.shape, self._seed("noise", updates)).to(logits.device)
        return self.router.draw(noise, temperature(updates))

    def _kept(self, shape: torch.Size, updates: int) -> torch.Tensor:
        """Dropout, of a generator of its own."""
        left_out = self._settings.dropout
        generator = torch.Generator().manual_seed(self._seed("dropout", updates))
        return (torch.rand(shape, generator=generator) >= left_out).float().div(1 - left_out).to(self._device)

    def _seed(self, *names: object) -> int:
        return derive(self._settings.random_state, *names, self.step)

    def answers(self, task: int, inputs: torch.Tensor) -> torch.Tensor:
        """What a task answers as it is now, in the units that it is trained on: float32 (n, outputs), on the CPU."""
        use, found = self.active().float().to(self._device), []
        with torch.no_grad():
            for part in inputs.split(CHUNK):
                owner = torch.full((len(part),), task)
                found.append(self.model.heads[task](self.model.features(part.to(self._device), owner, use, self._mix)).cpu())
        return torch.cat(found)

    def validate(self) -> Check:
        """Measure every task, and keep the state if it is the best."""
        qualities = []
        for task, (lesson, scale) in enumerate(zip(self._lessons, self.scales, strict=True)):
            answers = self.answers(task, lesson.held.inputs)
            quality = score(lesson.held.kind, answers, scale.shrink(lesson.held.targets))
            qualities.append(quality if np.isfinite(quality) else -float("inf"))
        self.checks.append(Check(self.step, tuple(qualities), float(self.probabilities().mean())))
        if self._best is None or self.best is self.checks[-1]:
            self._best = {name: _copy(module) for name, module in self._modules().items()}
        return self.checks[-1]

    def keep_best(self) -> None:
        """Go back to the best state that was validated."""
        for name, module in self._modules().items():
            module.load_state_dict((self._best or {})[name])

    def _modules(self) -> dict[str, nn.Module]:
        return {"model": self.model, "router": self.router}

    def state(self) -> State:
        """All that training goes on from: tensors, numbers and text, in dicts and lists."""
        return {
            "step": self.step,
            "checks": [[check.step, list(check.qualities), check.use] for check in self.checks],
            "best": self._best,
            "now": {name: module.state_dict() for name, module in self._modules().items()},
            "optimizers": [self._weights.state_dict(), self._logits.state_dict()],
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a `state` of the same training."""
        self.step, self._best = int(state["step"]), state["best"]
        self.checks = [Check(step, tuple(qualities), use) for step, qualities, use in state["checks"]]
        for name, module in self._modules().items():
            module.load_state_dict(state["now"][name])
        for optimizer, kept in zip((self._weights, self._logits), state["optimizers"], strict=True):
            optimizer.load_state_dict(kept)


def _shuffled(count: int, seed: int) -> torch.Tensor:
    return torch.randperm(count, generator=torch.Generator().manual_seed(seed))


def _copy(module: nn.Module) -> State:
    return {name: value.detach().clone() for name, value in module.state_dict().items()}
