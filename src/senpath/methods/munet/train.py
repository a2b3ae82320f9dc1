"""Training one child. It needs nothing but what it is given, so it may happen in any process."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from copy import deepcopy
from dataclasses import dataclass
from itertools import islice
from math import nan, prod
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from senpath.components import Component, Linear, build, freeze
from senpath.methods.munet.hyper import augmentation_of
from senpath.methods.munet.path import HEAD, PathLayer
from senpath.pathways import run_chain
from senpath.seeds import derive, seeded
from senpath.tasks import TaskKindName
from senpath.training import Augmentation, BestState, Descent, TargetScaler, passes, training_steps
from senpath.types import DataType, Examples, Label

CHUNK = 256
"""Inputs that go through frozen layers at once; a fixed number, so that the same bits come out wherever it happens."""
CACHE_BYTES = 2**31
"""Outputs of frozen layers that a worker keeps at most."""


@dataclass(frozen=True)
class TrainingBudget:
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
class ChildJob:
    """A child as it travels to a worker.

    Args:
        number: of the child.
        layers: of its path.
        components: those that are run, or that trained ones start from, by hash.
        hyper: its hyperparameters.
        seed: decides first weights, the order of the examples and how images are changed.
        budget: how long it is trained.
    """

    number: int
    layers: tuple[PathLayer, ...]
    components: Mapping[str, Component]
    hyper: Mapping[str, Any]
    seed: int
    budget: TrainingBudget


@dataclass(frozen=True)
class TrainedChild:
    """A child after its training: the components of its trained layers, in order, the figures of `Outcome`, the quality after each
    cycle, and the loss of its last batches."""

    components: tuple[Component, ...]
    quality: float
    flops: float
    curve: tuple[float, ...]
    loss: float = nan


@dataclass(frozen=True)
class TrainingSplit:
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
    device: str

    @staticmethod
    def of(examples: Examples, fitted: torch.Tensor, held: torch.Tensor, device: torch.device) -> TrainingSplit:
        """These examples, split."""
        inputs, targets, first, rest = (part.detach().cpu().numpy() for part in (examples.inputs, examples.targets, fitted, held))
        return TrainingSplit(examples.data_type, inputs, targets, examples.classes, examples.kind, first, rest, str(device))


class ChildTrainer:
    """Trains children of one search, one after another, in one process."""

    def __init__(self, split: TrainingSplit) -> None:
        self._device = torch.device(split.device)
        torch.empty(0, device=self._device)  # a worker that does not have it says so at once
        # Copied into memory of torch's own: where arrays begin in memory may move the last bit of what is computed.
        inputs, targets = torch.tensor(split.inputs), torch.tensor(split.targets)
        examples = Examples(split.data_type, inputs, targets, split.classes, split.kind)
        self._kind = examples.task_kind
        self._fitted, self._held = (examples.subset(torch.from_numpy(places)) for places in (split.fitted, split.held))
        self._scaler = TargetScaler.fit(self._fitted)
        self._cache: dict[tuple[str, ...], torch.Tensor] = {}

    def __call__(self, job: ChildJob) -> TrainedChild:
        """Train a child by stochastic gradient descent with momentum; the same job gives the same bits.

        Raises:
            ArithmeticError: if it diverges in its first cycle.
        """
        model = _ChildModel(job, self._device, self._scaler)
        data_type = self._fitted.data_type
        augment = augmentation_of(job.hyper) if data_type.form == "image" else Augmentation()
        augments = augment.changes(data_type.shape[0])
        # Where images are changed while training, the frozen layers in front see each anew.
        inputs, past_frozen = (self._fitted.inputs, False) if augments else self._behind_frozen(model, self._fitted.inputs, "fitted")
        held = self._behind_frozen(model, self._held.inputs, "held")
        targets = self._scaler.transform(self._fitted.targets).to(self._device)
        generator = torch.Generator().manual_seed(job.seed)

        def loss(batch: torch.Tensor) -> torch.Tensor:
            values = inputs[batch].to(self._device)
            if augments:
                values = augment(values, generator)
            values = values if past_frozen else run_chain(model.frozen, values)
            return self._kind.loss(model.answer(values), targets[batch.to(self._device)])

        steps = max(1, job.budget.examples // min(job.budget.batch, len(targets)))
        best, curve, losses = BestState(model.trained), list[float](), [nan]

        def note(stage: str, done: int, total: int, /, **figures: float) -> None:
            losses.append(figures["loss"])

        descent = self._descent(model, job.hyper, steps * job.budget.cycles)
        batches = self._batches(job.budget, len(targets), steps, generator)
        with seeded(derive(job.seed, "draws")) if any(":" in layer.kind for layer in job.layers) else nullcontext():  # as dropout does
            for step in training_steps(batches, loss, descent, progress=note):
                if step % steps:
                    continue
                quality = self._quality(model, *held)
                if not model.finite():
                    break
                curve.append(quality)
                best.offer(quality)
        if not best.kept:
            raise ArithmeticError(f"it diverged in its first cycle, at learning rate {job.hyper['learning_rate']:g}")
        best.restore()
        model.trained.eval()
        return TrainedChild(model.components(), best.quality[0], self._flops(model), tuple(curve), losses[-1])

    def _batches(self, budget: TrainingBudget, count: int, steps: int, generator: torch.Generator) -> Iterator[torch.Tensor]:
        """Batches of all cycles; those of one are drawn together, before its images are changed."""
        batches = passes(count, budget.batch, generator)
        for _ in range(budget.cycles):
            yield from list(islice(batches, steps))

    def _descent(self, model: _ChildModel, hyper: Mapping[str, Any], steps: int) -> Descent:
        parameters = [parameter for parameter in model.trained.parameters() if parameter.requires_grad]
        rate, momentum, nesterov = float(hyper["learning_rate"]), float(hyper["momentum"]), bool(hyper["nesterov"])
        optimizer = torch.optim.SGD(parameters, lr=rate, momentum=momentum, nesterov=nesterov, foreach=True)
        return Descent(optimizer, steps=steps, warm_up=float(hyper["warm_up"]), clip=1.0)

    def _behind_frozen(self, model: _ChildModel, inputs: torch.Tensor, which: str) -> tuple[torch.Tensor, bool]:
        """The inputs of the first trained layer, and True; or, where those are too large to be kept, the inputs of the path, and False."""
        if not model.names:
            return inputs, True
        key = (which, *model.names)
        if key not in self._cache:
            with torch.no_grad():
                shape = run_chain(model.frozen, inputs[:1].to(self._device, copy=True)).shape[1:]
                size = 4 * len(inputs) * prod(shape)
                if size > CACHE_BYTES:
                    return inputs, False
                while self._cache and size + sum(value.nbytes for value in self._cache.values()) > CACHE_BYTES:
                    del self._cache[next(iter(self._cache))]
                outputs = torch.empty(len(inputs), *shape)
                for start in range(0, len(inputs), CHUNK):
                    outputs[start : start + CHUNK] = run_chain(model.frozen, inputs[start : start + CHUNK].to(self._device, copy=True))
            self._cache[key] = outputs
        return self._cache[key], True

    def _quality(self, model: _ChildModel, held: torch.Tensor, past_frozen: bool) -> float:
        outputs = []
        model.trained.eval()
        with torch.no_grad():
            for chunk in held.split(CHUNK):
                values = chunk.to(self._device, copy=True)  # a layer that users bring may write into what it reads
                outputs.append(model.answer(values if past_frozen else run_chain(model.frozen, values)).cpu())
        model.trained.train()
        return self._kind.score(torch.cat(outputs), self._scaler.transform(self._held.targets))

    def _flops(self, model: _ChildModel) -> float:
        return count_flops([*model.frozen, *model.behind], self._held.inputs[:1].to(self._device))


class _ChildModel:
    """A child's modules: the frozen ones in front, and those behind them, of which some are trained."""

    def __init__(self, job: ChildJob, device: torch.device, scaler: TargetScaler) -> None:
        first = next(index for index, layer in enumerate(job.layers) if layer.trained)
        with seeded(job.seed):
            modules = [_module(layer, job.components, device) for layer in job.layers]
        head = job.layers[-1]
        if head.component is not None and isinstance(modules[-1], Linear):
            scaler.inverse().fold_into(modules[-1])  # it answers in the targets' own units
        self.names = tuple(layer.component or "" for layer in job.layers[:first])
        self.frozen, self.behind = modules[:first], modules[first:]
        self._layers, self._scaler = [layer for layer in job.layers if layer.trained], scaler
        self.trained = nn.ModuleList(module for layer, module in zip(job.layers, modules, strict=True) if layer.trained)

    def answer(self, values: torch.Tensor) -> torch.Tensor:
        """What the path answers to outputs of the frozen layers in front."""
        return run_chain(self.behind, values)

    def finite(self) -> bool:
        return all(bool(torch.isfinite(parameter).all()) for parameter in self.trained.parameters())

    def components(self) -> tuple[Component, ...]:
        """The trained modules; the output layer answers in the targets' own units from then on."""
        frozen = []
        for layer, module in zip(self._layers, self.trained, strict=True):
            if layer.name == HEAD and isinstance(module, Linear):
                self._scaler.fold_into(module)
            frozen.append(freeze(layer.kind, layer.config, module))
        return tuple(frozen)


def _module(layer: PathLayer, components: Mapping[str, Component], device: torch.device) -> nn.Module:
    """A layer as a module: frozen, or to be trained from its component or from nothing."""
    if not layer.trained:
        frozen = components[layer.component or ""].module
        return frozen if device.type == "cpu" else deepcopy(frozen).to(device)  # others may have it, on another device
    module = build(layer.kind, layer.config)
    if layer.component is not None:
        module.load_state_dict(components[layer.component].module.state_dict())
    elif layer.name == HEAD:
        for values in module.parameters():
            nn.init.zeros_(values)
    return module.to(device).train()


def count_flops(modules: Sequence[nn.Module], inputs: torch.Tensor) -> float:
    """Floating-point operations of matrix products and convolutions, a multiplication and an addition counted as two.

    Args:
        inputs: one input, (1, …).
    """
    # Of attention only this form is counted on every device.
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter, torch.no_grad():
        run_chain(modules, inputs.clone())
    return float(counter.get_total_flops())
