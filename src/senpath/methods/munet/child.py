"""Training one child. It needs nothing but what it is given, so it may happen in any process."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
import torch
from torch import nn

from senpath.components import Component, Linear, build, freeze
from senpath.methods.munet.disturb import disturb, disturbs
from senpath.methods.munet.flops import count_flops
from senpath.methods.munet.path import HEAD, Part
from senpath.pathways import run_chain
from senpath.seeds import seeded
from senpath.tasks import TaskKindName
from senpath.training import TargetScaler, schedule
from senpath.types import DataType, Examples, Label

CHUNK = 256
"""Inputs that go through frozen layers at once; a fixed number, so that the same bits come out wherever it happens."""
KEPT_BYTES = 2**31
"""What a worker keeps at most of what frozen layers answered."""


@dataclass(frozen=True)
class Effort:
    """How long a child is trained.

    Args:
        cycles: it is validated after each, and its best state is kept.
        examples: of one cycle, drawn from the training examples pass after pass.
        batch: examples of one step.
    """

    cycles: int
    examples: int
    batch: int


@dataclass(frozen=True)
class Work:
    """A child as it travels to a worker.

    Args:
        number: of the child.
        parts: what it is made of, see `Part`.
        components: those that are run, or that trained ones start from, by hash.
        hyper: its hyperparameters.
        seed: decides first weights, the order of the examples and how images are changed.
    """

    number: int
    parts: tuple[Part, ...]
    components: Mapping[str, Component]
    hyper: Mapping[str, Any]
    seed: int


@dataclass(frozen=True)
class Grown:
    """What came of a child: the components of its trained parts, in order, and the figures of `Outcome`; `curve` is the quality after each
    cycle."""

    components: tuple[Component, ...]
    quality: float
    flops: float
    curve: tuple[float, ...]


@dataclass(frozen=True)
class Lesson:
    """A task's examples as they travel to workers: arrays, of which every worker makes tensors of its own.

    Args:
        fitted, held: places of the examples to learn from and to validate on.
    """

    data_type: DataType
    inputs: np.ndarray
    targets: np.ndarray
    classes: tuple[Label, ...]
    kind: TaskKindName
    fitted: np.ndarray
    held: np.ndarray
    effort: Effort
    device: str

    @staticmethod
    def of(examples: Examples, fitted: torch.Tensor, held: torch.Tensor, effort: Effort, device: torch.device) -> Lesson:
        """The lesson of these examples."""
        inputs, targets, first, rest = (part.detach().cpu().numpy() for part in (examples.inputs, examples.targets, fitted, held))
        return Lesson(examples.data_type, inputs, targets, examples.classes, examples.kind, first, rest, effort, str(device))


class Teacher:
    """Trains children of one search, one after another, in one process."""

    def __init__(self, lesson: Lesson) -> None:
        self._device, self._effort = torch.device(lesson.device), lesson.effort
        torch.empty(0, device=self._device)  # a worker that does not have it says so at once
        # Copied into memory of torch's own: where arrays begin in memory may move the last bit of what is computed.
        inputs, targets = torch.tensor(lesson.inputs), torch.tensor(lesson.targets)
        examples = Examples(lesson.data_type, inputs, targets, lesson.classes, lesson.kind)
        self._kind = examples.task_kind
        self._fitted, self._held = (examples.subset(torch.from_numpy(places)) for places in (lesson.fitted, lesson.held))
        self._scaler = TargetScaler.fit(self._fitted)
        self._seen: dict[tuple[str, ...], torch.Tensor] = {}

    def __call__(self, work: Work) -> Grown:
        """Train a child; the same work gives the same bits.

        Raises:
            ArithmeticError: if it diverges before it has answered anything.
        """
        model = _Model(work, self._device, self._scaler)
        data_type = self._fitted.data_type
        disturbed = data_type.form == "image" and disturbs(work.hyper, data_type.shape[0])
        # Where images are changed while training, the frozen layers in front see each anew.
        first, seen = (self._fitted.inputs, False) if disturbed else self._before(model, self._fitted.inputs, "fitted")
        held = self._before(model, self._held.inputs, "held")
        targets = self._scaler.transform(self._fitted.targets).to(self._device)
        learning = _Learning(model, work.hyper, self._effort, len(targets))
        curve, best, kept = list[float](), -float("inf"), None
        generator = torch.Generator().manual_seed(work.seed)
        for batches in learning.cycles(generator):
            for batch in batches:
                values = first[batch].to(self._device)
                if disturbed:
                    values = disturb(values, work.hyper, generator)
                values = values if seen else run_chain(model.frozen, values)
                learning.step(self._kind.loss(model.rest(values), targets[batch.to(self._device)]))
            quality = self._quality(model, *held)
            if not model.finite():
                break
            curve.append(quality)
            if quality > best:
                best, kept = quality, model.state()
        if kept is None:
            raise ArithmeticError(f"it diverged in its first cycle, at learning rate {work.hyper['learning_rate']:g}")
        return Grown(model.components(kept), best, self._flops(model), tuple(curve))

    def _before(self, model: _Model, inputs: torch.Tensor, which: str) -> tuple[torch.Tensor, bool]:
        """What the first trained layer reads, and True; or, where that is too much to be kept, the inputs, and False."""
        if not model.names:
            return inputs, True
        key = (which, *model.names)
        if key not in self._seen:
            with torch.no_grad():
                shape = run_chain(model.frozen, inputs[:1].to(self._device)).shape[1:]
                size = 4 * len(inputs) * prod(shape)
                if size > KEPT_BYTES:
                    return inputs, False
                while self._seen and size + sum(value.nbytes for value in self._seen.values()) > KEPT_BYTES:
                    del self._seen[next(iter(self._seen))]
                found = torch.empty(len(inputs), *shape)
                for start in range(0, len(inputs), CHUNK):
                    found[start : start + CHUNK] = run_chain(model.frozen, inputs[start : start + CHUNK].to(self._device))
            self._seen[key] = found
        return self._seen[key], True

    def _quality(self, model: _Model, held: torch.Tensor, seen: bool) -> float:
        outputs = []
        with torch.no_grad():
            for part in held.split(CHUNK):
                values = part.to(self._device)
                outputs.append(model.rest(values if seen else run_chain(model.frozen, values)).cpu())
        return self._kind.score(torch.cat(outputs), self._scaler.transform(self._held.targets))

    def _flops(self, model: _Model) -> float:
        return count_flops([*model.frozen, *model.behind], self._held.inputs[:1].to(self._device))


class _Model:
    """A child's modules: the frozen ones in front, and the rest, of which some are trained."""

    def __init__(self, work: Work, device: torch.device, scaler: TargetScaler) -> None:
        first = next(index for index, part in enumerate(work.parts) if part.trained)
        self._parts = work.parts
        self._modules: list[nn.Module] = []
        with seeded(work.seed):
            for part in work.parts:
                self._modules.append(_module(part, work.components, device))
        self._scaler = scaler
        head = work.parts[-1]
        if head.component is not None and isinstance(self._modules[-1], Linear):
            scaler.inverse().fold_into(self._modules[-1])  # it answers in the targets' own units
        self.names = tuple(part.component or "" for part in work.parts[:first])
        self.frozen, self.behind = self._modules[:first], self._modules[first:]

    def rest(self, values: torch.Tensor) -> torch.Tensor:
        """The answer to what comes out of the frozen layers in front."""
        return run_chain(self.behind, values)

    def parameters(self) -> list[nn.Parameter]:
        return [parameter for module in self.behind for parameter in module.parameters() if parameter.requires_grad]

    def finite(self) -> bool:
        return all(bool(torch.isfinite(parameter).all()) for parameter in self.parameters())

    def state(self) -> list[dict[str, torch.Tensor]]:
        """A copy of the trained modules' weights."""
        trained = [module for part, module in zip(self._parts, self._modules, strict=True) if part.trained]
        return [{name: value.clone() for name, value in module.state_dict().items()} for module in trained]

    def components(self, state: Sequence[dict[str, torch.Tensor]]) -> tuple[Component, ...]:
        """The trained modules with these weights; the output layer answers in the targets' own units."""
        found, states = [], iter(state)
        for part, module in zip(self._parts, self._modules, strict=True):
            if part.trained:
                module.load_state_dict(next(states))
                if part.place == HEAD and isinstance(module, Linear):
                    self._scaler.fold_into(module)
                found.append(freeze(part.kind, part.config, module))
        return tuple(found)


class _Learning:
    """Stochastic gradient descent with momentum along a cosine, by a path's hyperparameters."""

    def __init__(self, model: _Model, hyper: Mapping[str, Any], effort: Effort, examples: int) -> None:
        self._parameters = model.parameters()
        self._rate, self._warm_up = float(hyper["learning_rate"]), float(hyper["warm_up"])
        self._optimizer = torch.optim.SGD(
            self._parameters, lr=self._rate, momentum=float(hyper["momentum"]), nesterov=bool(hyper["nesterov"]), foreach=True
        )
        self._effort, self._examples = effort, examples
        self._batch = min(effort.batch, examples)
        self._steps = max(1, effort.examples // self._batch)
        self._step = 0

    def cycles(self, generator: torch.Generator) -> Iterator[list[torch.Tensor]]:
        """For each cycle its batches, places of examples."""
        order = torch.zeros(0, dtype=torch.int64)
        for _ in range(self._effort.cycles):
            batches = []
            for _ in range(self._steps):
                if len(order) < self._batch:  # the rest of a pass, too small for a batch, waits for another pass
                    order = torch.randperm(self._examples, generator=generator)
                batches.append(order[: self._batch])
                order = order[self._batch :]
            yield batches

    def step(self, loss: torch.Tensor) -> None:
        passed = self._step / (self._steps * self._effort.cycles)
        for group in self._optimizer.param_groups:
            group["lr"] = self._rate * schedule(passed, self._warm_up)
        self._optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self._parameters, 1.0)
        self._optimizer.step()
        self._step += 1


def _module(part: Part, components: Mapping[str, Component], device: torch.device) -> nn.Module:
    """A part as a module: frozen, or to be trained from its component or from nothing."""
    if not part.trained:
        frozen = components[part.component or ""].module
        return frozen if device.type == "cpu" else deepcopy(frozen).to(device)  # others may have it, on another device
    module = build(part.kind, part.config)
    if part.component is not None:
        module.load_state_dict(components[part.component].module.state_dict())
    elif part.place == HEAD:
        for values in module.parameters():
            nn.init.zeros_(values)
    return module.to(device).train()
