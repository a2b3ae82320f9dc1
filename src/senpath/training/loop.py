"""The one minibatch loop, and fitting one model with it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from math import cos, inf, pi
from typing import Any, TypeVar

import torch
from torch import nn

from senpath.progress import Progress, silent
from senpath.training.augment import Augmentation

WARM_UP = 0.05
"""Share of the steps over which the learning rate rises."""
REPORTS = 50
"""How often in all a training reports its progress."""

Batch = TypeVar("Batch")
Measured = Callable[[], Mapping[str, float]]
"""Figures of a model as it is now."""


def training_steps(
    batches: Iterable[Batch],
    loss: Callable[[Batch], torch.Tensor],
    descent: Descent,
    *,
    progress: Progress = silent,
    stage: str = "train",
    figures: Mapping[str, float] | None = None,
) -> Iterator[int]:
    """Take a step on each batch.

    A generator, so that whoever iterates may validate between two steps, keep the best state, save, or stop.

    Args:
        batches: in the order of training; whatever `loss` understands, such as places of examples.
        loss: of a batch, a scalar.
        descent: takes the steps.
        figures: what else is known by now, told with the loss; whoever iterates may change it.

    Yields:
        The number of steps taken so far.
    """
    for batch in batches:
        value = loss(batch)
        descent.step(value)
        if descent.done % max(1, descent.steps // REPORTS) == 0 or descent.done == descent.steps:
            progress(stage, descent.done, descent.steps, loss=float(value.detach()), **(figures or {}))
        yield descent.done


class Descent:
    """Gradient descent by one or more optimizers along a schedule of the learning rate.

    Args:
        optimizers: with the highest learning rate of each of their groups.
        steps: in all.
        warm_up: share of the steps over which the rates rise, see `schedule`; None keeps them as they are.
        clip: longest gradient, over all optimizers; None for any.

    Attributes:
        done: steps taken.
    """

    def __init__(self, *optimizers: torch.optim.Optimizer, steps: int, warm_up: float | None = WARM_UP, clip: float | None = None) -> None:
        self.steps, self.done = steps, 0
        self._optimizers, self._warm_up, self._clip = optimizers, warm_up, clip
        self._groups = [group for optimizer in optimizers for group in optimizer.param_groups]
        self._rates = [group["lr"] for group in self._groups]
        self._parameters = [parameter for group in self._groups for parameter in group["params"]]

    def step(self, loss: torch.Tensor) -> None:
        """Move the parameters against the gradient of a loss."""
        if self._warm_up is not None:
            share = schedule(self.done / self.steps, self._warm_up)
            for group, rate in zip(self._groups, self._rates, strict=True):
                group["lr"] = rate * share
        for optimizer in self._optimizers:
            optimizer.zero_grad()
        loss.backward()
        if self._clip is not None:
            nn.utils.clip_grad_norm_(self._parameters, self._clip)
        for optimizer in self._optimizers:
            optimizer.step()
        self.done += 1

    def state_dict(self) -> dict[str, Any]:
        """What `load_state_dict` goes on from."""
        return {"done": self.done, "optimizers": [optimizer.state_dict() for optimizer in self._optimizers]}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on with a descent of the same steps and optimizers."""
        self.done = state["done"]
        for optimizer, saved in zip(self._optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)


class BestState:
    """The weights that a module had when its quality was highest.

    Args:
        module: whose weights are kept.
        latest: whether of equal qualities the later one counts as higher, for it was trained longer.

    Attributes:
        quality: the highest that was offered; (-inf,) if there is none.
    """

    def __init__(self, module: nn.Module, *, latest: bool = False) -> None:
        self.quality: tuple[float, ...] = (-inf,)
        self._module, self._latest = module, latest
        self._state: dict[str, torch.Tensor] | None = None

    @property
    def kept(self) -> bool:
        """Whether there is a best state; a quality that is no number is none."""
        return self._state is not None

    def offer(self, *quality: float) -> None:
        """Keep the weights as they are now, if their quality is the highest; of several numbers the first decides, then the next."""
        if quality > self.quality or (self._latest and quality == self.quality):
            self.quality = quality
            self._state = {name: value.clone() for name, value in self._module.state_dict().items()}

    def restore(self) -> None:
        """Give the module its best weights; if there are none it stays as it is."""
        if self._state is not None:
            self._module.load_state_dict(self._state)

    def state_dict(self) -> dict[str, Any]:
        """What `load_state_dict` goes on from."""
        return {"quality": self.quality, "state": self._state}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take over the best state so far of the same training."""
        self.quality, self._state = state["quality"], state["state"]


def passes(count: int, size: int, generator: torch.Generator) -> Iterator[torch.Tensor]:
    """Batches of places (int64) without end: every pass over `count` examples has a random order of its own.

    The rest of a pass that is too small for a batch is left out. Where there are fewer examples, they are all of a batch.
    """
    size = min(size, count)
    while True:
        order = torch.randperm(count, generator=generator)
        for start in range(0, count - size + 1, size):
            yield order[start : start + size]


def schedule(passed: float, warm_up: float = WARM_UP) -> float:
    """The learning rate as a share of its highest, when this share of the steps has passed: up in a line, then down along a cosine."""
    if passed < warm_up:
        return (0.02 + passed) / (0.02 + warm_up)
    return 0.5 * (1 + cos(pi * (passed - warm_up) / (1 - warm_up)))


@dataclass(frozen=True)
class Recipe:
    """Settings of one run of `fit`.

    Args:
        steps: mini-batches in all.
        batch_size: examples in one.
        learning_rate: the highest; it rises over the first twentieth of the steps and falls to zero along a cosine.
        augment: strength of random distortions of images, 0 for none, see `Augmentation`.
        clip: longest gradient, None for any.
        decay: half of it is the share of the weights' squared length that is added to the loss.
        shrink: side of the squares of pixels that `fit_dense` makes one pixel of while training; 1 for images as they are.
        opposed: whether every second step of `fit_dense` is on the images of the step before it, distorted the opposite way.
    """

    steps: int
    batch_size: int
    learning_rate: float
    augment: float = 0.0
    clip: float | None = None
    decay: float = 0.0
    shrink: int = 1
    opposed: bool = False


def fit(
    model: nn.Module,
    inputs: torch.Tensor,
    targets: torch.Tensor,
    recipe: Recipe,
    seed: int,
    *,
    weights: torch.Tensor | None = None,
    progress: Progress = silent,
    stage: str = "train",
    measured: Measured | None = None,
) -> None:
    """Minimise a model's loss on the examples; only parameters that require gradients move.

    Args:
        model: called with inputs (batch, …) and targets (batch,), and with weights (batch,) if there are any; answers with the loss to
            minimise, a scalar.
        inputs: float32 (n, …), on the model's device.
        targets: int64 (n,).
        recipe: how long and how fast.
        seed: decides the order of the examples and their distortions.
        weights: how much each example counts, see `senpath.types.Examples`.
        measured: what else is told with the loss; the model is in evaluation mode meanwhile.
    """
    generator = torch.Generator().manual_seed(seed)
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.Adam(trained, lr=recipe.learning_rate, weight_decay=recipe.decay, fused=True)
    augment = Augmentation(distortion=recipe.augment)

    def loss(batch: torch.Tensor) -> torch.Tensor:
        examples = inputs[batch]
        if recipe.augment:  # what is no image is never distorted
            examples = augment(examples, generator)
        result: torch.Tensor = model(examples, targets[batch], *(() if weights is None else (weights[batch],)))
        return result

    def told(stage: str, done: int, steps: int, /, **figures: float) -> None:
        model.eval()
        more = measured() if measured is not None else {}
        model.train()
        progress(stage, done, steps, **figures, **more)

    model.train()
    follower = progress if measured is None else told
    batches = islice(passes(len(inputs), recipe.batch_size, generator), recipe.steps)
    for _ in training_steps(batches, loss, Descent(optimizer, steps=recipe.steps, clip=recipe.clip), progress=follower, stage=stage):
        pass
    model.eval()
