"""Training the tasks together. What an update draws depends on its number alone, so a training goes on from any state that was saved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import torch
from torch import nn

from senpath.methods.allocation.blueprint import make_blueprint
from senpath.methods.allocation.config import AllocationSettings
from senpath.methods.allocation.model import ESTIMATORS, AllocationRouter, LayerFunction, SharedModel, grouped, gumbel, temperature
from senpath.progress import Progress, silent
from senpath.seeds import derive, seeded
from senpath.training import BestState, Descent, TaskSplit, in_chunks, mean_quality, training_steps

LEEWAY = 0.02
"""By how much the mean use may be above the budget: the router meets it only about."""


@dataclass(frozen=True)
class Check:
    """A validation.

    Attributes:
        step: after which it was.
        quality: mean over the tasks.
        qualities: of each task, on what is held out of it; None where nothing is.
        use: mean probability of use.
        within: whether no task is above the budget, by more than `LEEWAY`.
    """

    step: int
    quality: float
    qualities: tuple[float | None, ...]
    use: float
    within: bool


class Training:
    """Weights and allocation of several tasks, and how they are moved.

    A step trains every task on one batch. It consists of one update or more, each of some tasks together.

    Args:
        splits: of each task, all of one type of data.
        settings: see `AllocationSettings`.
        device: where it is computed.
        layer: how a layer is computed; None as the setting `evaluate` says.

    Attributes:
        checks: every validation so far.

    Raises:
        InputError: if the type of data cannot be learned, or the settings do not fit it.
    """

    def __init__(
        self, splits: Sequence[TaskSplit], settings: AllocationSettings, device: torch.device, layer: LayerFunction | None = None
    ) -> None:
        self.splits, self.settings, self._device = splits, settings, device
        self._layer = layer or (ESTIMATORS[settings.evaluate] if self.learns_allocation else grouped)
        self.blueprint = make_blueprint(splits[0].examples.data_type, settings)
        with seeded(derive(settings.random_state, "weights")):
            self.model = SharedModel(self.blueprint, [len(split.examples.classes) for split in splits]).to(device)
        self.router = AllocationRouter(len(splits), len(self.blueprint.layers), len(self.blueprint.names), settings.p0).to(device)
        self._modules = nn.ModuleDict({"model": self.model, "router": self.router})
        self._together = min(settings.tasks_per_update or len(splits), len(splits))
        self._updates_per_step = -(-len(splits) // self._together)
        weights = torch.optim.Adam(self.model.parameters(), settings.learning_rate, weight_decay=settings.l2, fused=True)
        logits = torch.optim.Adam(self.router.parameters(), settings.router_rate)
        self._descent = Descent(weights, logits, steps=settings.steps * self._updates_per_step, warm_up=None)
        self.checks, self._best = list[Check](), BestState(self._modules, latest=True)

    @property
    def step(self) -> int:
        """How many are done."""
        return self._descent.done // self._updates_per_step

    @property
    def learns_allocation(self) -> bool:
        return self.settings.allocation == "learned"

    @property
    def best(self) -> Check | None:
        """The validation whose state is kept: within the budget if there is one, and of equals the last, which was trained longest."""
        return max(self.checks, key=lambda check: (check.within, check.quality, check.step), default=None)

    def active(self) -> torch.Tensor:
        """What each task uses where nothing is drawn, as in answering: bool (tasks, layers, components), on the CPU."""
        return self.probabilities() > 0.5

    def probabilities(self) -> torch.Tensor:
        """Of using each component: float32 (tasks, layers, components), on the CPU; 1 where all is shared."""
        learned = self.router.probabilities().detach().cpu()
        return learned if self.learns_allocation else torch.ones_like(learned)

    def run(self, progress: Progress = silent, *, until: int | None = None) -> None:
        """Train to the last step, or to another one."""
        settings, each = self.settings, self._updates_per_step
        updates = range(self._descent.done, (settings.steps if until is None else until) * each)
        figures: dict[str, float] = {}
        for done in training_steps(updates, self.loss, self._descent, progress=progress, figures=figures):
            if self.learns_allocation and settings.budget is not None:
                self.router.press(settings.budget, settings.penalty * settings.router_rate, self._tasks(done - 1))
            if done % each == 0 and (self.step % settings.validate_every == 0 or self.step == settings.steps):
                self.validate()
                figures |= {"accuracy": self.checks[-1].quality} if self.checks else {}

    def loss(self, update: int) -> torch.Tensor:
        """The mean loss of the batches of an update's tasks, which are counted from 0."""
        step, tasks = update // self._updates_per_step, self._tasks(update)
        seen = step * len(self.splits) + update % self._updates_per_step * self._together  # each task of an update counted
        batches = [self._batch(task, step) for task in tasks]
        sizes = [len(places) for places in batches]
        inputs = torch.cat([self.splits[task].inputs(places) for task, places in zip(tasks, batches, strict=True)])
        owner = torch.repeat_interleave(torch.tensor(tasks), torch.tensor(sizes))
        features = self.model.features(inputs.to(self._device), owner, self._drawn_use(seen, step), self._layer)
        features = features * self._dropout(features.shape, self._seed("dropout", seen, step))
        losses = torch.stack(
            [
                self.splits[task].loss(self.model.heads[task](values), places)
                for task, places, values in zip(tasks, batches, features.split(sizes), strict=True)
            ]
        )
        return (losses + self._entropy_penalty(seen)[tasks]).mean()

    def _entropy_penalty(self, seen: int) -> torch.Tensor:
        """Of each task, after so many updates, each task of an update counted: (tasks,)."""
        settings = self.settings
        if not settings.entropy_penalty or not self.learns_allocation:
            return torch.zeros(len(self.splits), device=self._device)
        passed = seen / (settings.steps * len(self.splits))
        return self.router.entropy() * float(settings.entropy_penalty * passed**settings.entropy_alpha)

    def _tasks(self, update: int) -> list[int]:
        """Those that an update trains together: all, or some of a step's random order."""
        step, place = divmod(update, self._updates_per_step)
        count = len(self.splits)
        order = [*range(count)] if self._together == count else _shuffled(count, self._seed("order", step)).tolist()
        return order[place * self._together : (place + 1) * self._together]

    def _batch(self, task: int, step: int) -> torch.Tensor:
        """Places of a task's examples; every pass has an order of its own, and what is left of one is left out."""
        count = len(self.splits[task].fitted)
        size = min(self.settings.batch, count)
        turn, place = divmod(step, count // size)
        return _shuffled(count, self._seed("pass", task, turn))[place * size : (place + 1) * size]

    def _drawn_use(self, seen: int, step: int) -> torch.Tensor:
        logits = self.router.logits
        if not self.learns_allocation:
            return torch.ones(logits.shape[:-1], device=logits.device)
        noise = gumbel(logits.shape, self._seed("noise", seen, step)).to(logits.device)
        return self.router.draw(noise, temperature(seen))

    def _dropout(self, shape: torch.Size, seed: int) -> torch.Tensor:
        left_out, generator = self.settings.dropout, torch.Generator().manual_seed(seed)
        return (torch.rand(shape, generator=generator) >= left_out).float().div(1 - left_out).to(self._device)

    def _seed(self, *names: object) -> int:
        return derive(self.settings.random_state, *names)

    def answers(self, task: int, inputs: torch.Tensor) -> torch.Tensor:
        """What a task answers as it is now, in the units that it is trained on: float32 (n, outputs), on the CPU."""
        use = self.active().float().to(self._device)

        def answer(part: torch.Tensor) -> torch.Tensor:
            outputs: torch.Tensor = self.model.heads[task](self.model.features(part, torch.full((len(part),), task), use, grouped))
            return outputs

        return in_chunks(answer, inputs, self._device)

    def validate(self) -> None:
        """Measure every task of which something is held out, and keep the state if it is the best."""
        qualities = tuple(split.validate(partial(self.answers, task)) for task, split in enumerate(self.splits))
        quality, use = mean_quality(qualities), self.probabilities().flatten(1).mean(1)
        if quality is not None:
            within = self.settings.budget is None or bool((use <= self.settings.budget + LEEWAY).all())
            self.checks.append(Check(self.step, quality, qualities, float(use.mean()), within))
            self._best.offer(within, quality)

    def keep_best(self) -> None:
        """Go back to the best state that was validated; stay where nothing was held out to validate on."""
        self._best.restore()

    def state(self) -> dict[str, Any]:
        """All that training goes on from: tensors, numbers and text, in dicts and lists."""
        state: dict[str, Any] = {name: part.state_dict() for name, part in self._parts.items()}
        return {**state, "checks": [asdict(check) for check in self.checks]}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a `state` of the same training."""
        self.checks = [Check(**check) for check in state["checks"]]
        for name, part in self._parts.items():
            part.load_state_dict(state[name])

    @property
    def _parts(self) -> dict[str, nn.ModuleDict | Descent | BestState]:
        return {"modules": self._modules, "descent": self._descent, "best": self._best}


def _shuffled(count: int, seed: int) -> torch.Tensor:
    return torch.randperm(count, generator=torch.Generator().manual_seed(seed))
