"""The fitting loop."""

from __future__ import annotations

from math import cos, pi

import torch
from torch import nn

from senpath.progress import Progress, silent
from senpath.training import distort
from senpath.training.recipe import Recipe

WARM_UP = 0.05
"""Share of the steps over which the learning rate rises."""
TOLD = 50
"""How often in all a run tells its progress."""


def fit(
    model: nn.Module,
    inputs: torch.Tensor,
    targets: torch.Tensor,
    recipe: Recipe,
    seed: int,
    *,
    progress: Progress = silent,
    stage: str = "train",
) -> None:
    """Minimise a model's loss on the examples; only parameters that require gradients move.

    Args:
        model: called with inputs (batch, …) and targets (batch,); answers with the loss to minimise, a scalar.
        inputs: float32 (n, …), on the model's device.
        targets: int64 (n,).
        recipe: how long and how fast.
        seed: decides the order of the examples and their distortions.
    """
    generator = torch.Generator().manual_seed(seed)
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.Adam(trained, lr=recipe.learning_rate, weight_decay=recipe.decay, fused=True)
    order, place, size = torch.randperm(len(inputs), generator=generator), 0, min(recipe.batch_size, len(inputs))
    model.train()
    for step in range(recipe.steps):
        if place + size > len(order):  # the rest of a pass, too small for a batch, waits for another pass
            order, place = torch.randperm(len(inputs), generator=generator), 0
        batch = order[place : place + size]
        place += size
        for group in optimizer.param_groups:
            group["lr"] = recipe.learning_rate * schedule(step / recipe.steps)
        examples = inputs[batch]
        if recipe.augment:
            examples = distort(examples, recipe.augment, generator)
        loss = model(examples, targets[batch])
        optimizer.zero_grad()
        loss.backward()
        if recipe.clip is not None:
            nn.utils.clip_grad_norm_(trained, recipe.clip)
        optimizer.step()
        if (step + 1) % max(1, recipe.steps // TOLD) == 0 or step + 1 == recipe.steps:
            progress(stage, step + 1, recipe.steps)
    model.eval()


def schedule(passed: float, warm_up: float = WARM_UP) -> float:
    """The learning rate as a share of its highest, when this share of the steps has passed: up in a line, then down along a cosine."""
    if passed < warm_up:
        return (0.02 + passed) / (0.02 + warm_up)
    return 0.5 * (1 + cos(pi * (passed - warm_up) / (1 - warm_up)))
