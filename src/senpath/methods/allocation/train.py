"""Training the tasks together. What a step draws depends on its number alone, so a run goes on from any state that was saved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from senpath.methods.allocation.blueprint import Blueprint
from senpath.methods.allocation.config import AllocationSettings
from senpath.methods.allocation.model import Mix, Shared, grouped
from senpath.methods.allocation.router import Router, gumbel, temperature
from senpath.progress import Progress, silent
from senpath.seeds import derive, seeded
from senpath.training import TargetScaler
from senpath.types import Examples

LEEWAY = 0.02
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
    """A validation.

    Attributes:
        step: after which it was.
        qualities: of each task, on what is held out of it; None where nothing is.
        use: mean probability of use.
        within: whether no task is above the budget, by more than `LEEWAY`.
    """

    step: int
    qualities: tuple[float | None, ...]
    use: float
    within: bool

    @property
    def quality(self) -> float:
        """The mean over tasks; R² has no least value, and one below 0 counts 0."""
        return float(np.mean([max(0.0, quality) for quality in self.qualities if quality is not None]))


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
        self.scalers = [TargetScaler.fit(lesson.fitted) for lesson in lessons]
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
    def best(self) -> Check | None:
        """The validation whose state is kept: within the budget if there is one, and of equals the last, which was trained longest."""
        return max(self.checks, key=lambda check: (check.within, check.quality, check.step), default=None)

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
            if self._settings.budget is not None:
                self.router.press(self._settings.budget, self._settings.penalty * self._settings.router_rate, tasks)

    def loss(self, tasks: Sequence[int], updates: int) -> torch.Tensor:
        """The mean loss of some tasks' batches of this step.

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
            targets = self.scalers[task].transform(examples.targets[rows]).to(self._device)
            answers = self.model.heads[task](features[start : start + len(rows)])
            losses.append(examples.task_kind.loss(answers, targets))
            start += len(rows)
        return torch.stack(losses).mean()

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

    def validate(self) -> None:
        """Measure every task of which something is held out, and keep the state if it is the best."""
        qualities = list[float | None]()
        for task, (lesson, scaler) in enumerate(zip(self._lessons, self.scalers, strict=True)):
            if not len(lesson.held):
                qualities.append(None)
                continue
            answers = self.answers(task, lesson.held.inputs)
            quality = lesson.held.task_kind.score(answers, scaler.transform(lesson.held.targets))
            qualities.append(quality if np.isfinite(quality) else 0.0)
        if all(quality is None for quality in qualities):
            return
        use = self.probabilities().flatten(1).mean(1)
        budget = self._settings.budget
        self.checks.append(Check(self.step, tuple(qualities), float(use.mean()), budget is None or bool((use <= budget + LEEWAY).all())))
        if self.best is self.checks[-1]:
            self._best = {name: _copy(module) for name, module in self._modules().items()}

    def keep_best(self) -> None:
        """Go back to the best state that was validated; stay where nothing was held out to validate on."""
        for name, kept in (self._best or {}).items():
            self._modules()[name].load_state_dict(kept)

    def _modules(self) -> dict[str, nn.Module]:
        return {"model": self.model, "router": self.router}

    def state(self) -> State:
        """All that training goes on from: tensors, numbers and text, in dicts and lists."""
        return {
            "step": self.step,
            "checks": [[check.step, list(check.qualities), check.use, check.within] for check in self.checks],
            "best": self._best,
            "now": {name: module.state_dict() for name, module in self._modules().items()},
            "optimizers": [self._weights.state_dict(), self._logits.state_dict()],
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a `state` of the same training."""
        self.step, self._best = int(state["step"]), state["best"]
        self.checks = [Check(step, tuple(qualities), use, within) for step, qualities, use, within in state["checks"]]
        for name, module in self._modules().items():
            module.load_state_dict(state["now"][name])
        for optimizer, kept in zip((self._weights, self._logits), state["optimizers"], strict=True):
            optimizer.load_state_dict(kept)


def _shuffled(count: int, seed: int) -> torch.Tensor:
    return torch.randperm(count, generator=torch.Generator().manual_seed(seed))


def _copy(module: nn.Module) -> State:
    return {name: value.detach().clone() for name, value in module.state_dict().items()}
