"""Fitting a model to examples."""

from __future__ import annotations

from itertools import islice

import torch
from torch import nn

from senpath.progress import Progress, silent
from senpath.training.augment import Augmentation
from senpath.training.loop import Descent, passes, training_steps
from senpath.training.recipe import Recipe


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
    augment = Augmentation(distortion=recipe.augment)

    def loss(batch: torch.Tensor) -> torch.Tensor:
        examples = inputs[batch]
        if recipe.augment:  # what is no image is never distorted
            examples = augment(examples, generator)
        result: torch.Tensor = model(examples, targets[batch])
        return result

    model.train()
    batches = islice(passes(len(inputs), recipe.batch_size, generator), recipe.steps)
    for _ in training_steps(batches, loss, Descent(optimizer, steps=recipe.steps, clip=recipe.clip), progress=progress, stage=stage):
        pass
    model.eval()
