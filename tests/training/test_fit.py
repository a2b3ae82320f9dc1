"""The fitting loop is a plain PyTorch loop, a seed decides it, and distortions keep images images."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn.functional import cross_entropy

from senpath.training import Augmentation, Recipe, fit, schedule

BUNCH = load_digits()
INPUTS = torch.from_numpy(BUNCH.images[:300]).float()[:, None] / 16
TARGETS = torch.from_numpy(BUNCH.target[:300])


class Classifier(nn.Module):
    """A small MLP that answers with its loss."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(5)
        self.layers = nn.Sequential(nn.Flatten(), nn.Linear(64, 16), nn.ReLU(), nn.Linear(16, 10))

    def forward(self, inputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return cross_entropy(self.layers(inputs), targets)


def distort(images: torch.Tensor, strength: float, generator: torch.Generator) -> torch.Tensor:
    return Augmentation(distortion=strength)(images, generator)


def plain_loop(model: nn.Module, recipe: Recipe, seed: int) -> None:
    """What `fit` says that it does, written out."""
    generator = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.Adam(model.parameters(), lr=recipe.learning_rate)
    size = min(recipe.batch_size, len(INPUTS))
    batches: list[torch.Tensor] = []
    for step in range(recipe.steps):
        if not batches:
            batches = [*torch.randperm(len(INPUTS), generator=generator)[: len(INPUTS) // size * size].split(size)]
        rows = batches.pop(0)
        images = distort(INPUTS[rows], recipe.augment, generator) if recipe.augment else INPUTS[rows]
        optimizer.param_groups[0]["lr"] = recipe.learning_rate * schedule(step / recipe.steps)
        optimizer.zero_grad()
        model(images, TARGETS[rows]).backward()
        if recipe.clip is not None:
            nn.utils.clip_grad_norm_(model.parameters(), recipe.clip)
        optimizer.step()


RECIPES = {
    "whole batches": Recipe(30, 64, 1e-2),
    "one batch is all": Recipe(20, 1000, 1e-2),
    "single examples": Recipe(40, 1, 1e-3),
    "distorted": Recipe(20, 32, 1e-2, augment=0.7),
    "clipped": Recipe(20, 32, 1e-2, clip=0.1),
    "one step": Recipe(1, 32, 1e-2),
}


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_it_equals_a_plain_loop(recipe: Recipe) -> None:
    ours, plain = Classifier(), Classifier()
    before = [parameter.clone() for parameter in ours.parameters()]
    fit(ours, INPUTS, TARGETS, recipe, seed=3)
    plain_loop(plain, recipe, seed=3)
    for start, mine, theirs in zip(before, ours.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-4, atol=1e-5)
        assert not torch.equal(mine, start)


def test_no_step_changes_nothing() -> None:
    model = Classifier()
    before = [parameter.clone() for parameter in model.parameters()]
    fit(model, INPUTS, TARGETS, Recipe(0, 32, 1e-2), seed=0)
    assert all(torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True))


def test_the_same_seed_gives_the_same_bits() -> None:
    models = [Classifier() for _ in range(3)]
    for model, seed in zip(models, (1, 1, 2), strict=True):
        torch.rand(7)  # what the caller draws in between does not matter
        fit(model, INPUTS, TARGETS, Recipe(25, 32, 1e-2, augment=1.0), seed)
    first, again, other = ([*model.parameters()] for model in models)
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(first, other, strict=True))


def test_the_callers_randomness_is_left_alone() -> None:
    model = Classifier()
    state = torch.get_rng_state()
    fit(model, INPUTS, TARGETS, Recipe(5, 32, 1e-2, augment=1.0), seed=0)
    assert torch.equal(torch.get_rng_state(), state)


def test_what_needs_no_gradient_does_not_move() -> None:
    model = Classifier()
    frozen = model.layers[1].requires_grad_(False)
    before = frozen.weight.clone()
    fit(model, INPUTS, TARGETS, Recipe(10, 32, 1e-2), seed=0)
    assert torch.equal(frozen.weight, before)
    assert not model.training


def test_it_learns() -> None:
    model = Classifier()
    fit(model, INPUTS, TARGETS, Recipe(300, 64, 1e-2), seed=0)
    with torch.no_grad():
        assert (model.layers(INPUTS).argmax(1) == TARGETS).float().mean() > 0.95


@pytest.mark.parametrize("steps", [1, 49, 50, 51, 333])
def test_progress_ends_at_the_end_and_is_told_seldom(steps: int) -> None:
    told: list[tuple[str, int, int]] = []
    losses: list[float] = []

    def follow(stage: str, done: int, total: int, /, **figures: float) -> None:
        told.append((stage, done, total))
        losses.append(figures["loss"])

    fit(Classifier(), INPUTS, TARGETS, Recipe(steps, 8, 1e-3), 0, progress=follow, stage="judge")
    assert told[-1] == ("judge", steps, steps)
    assert all(0 < loss < 100 for loss in losses)
    assert all(earlier[1] < later[1] for earlier, later in pairwise(told))
    assert len(told) <= 60


def test_the_learning_rate_rises_and_falls() -> None:
    rates = [schedule(step / 1000) for step in range(1000)]
    top = rates.index(max(rates))
    assert max(rates) == 1
    assert top == 50
    assert all(a < b for a, b in pairwise(rates[: top + 1]))
    assert all(a > b for a, b in pairwise(rates[top:]))
    assert 0 < rates[0] < 0.5
    assert rates[-1] < 1e-4


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("shape", [(4, 1, 8, 8), (2, 3, 28, 20), (1, 1, 1, 1)])
def test_no_strength_no_distortion(shape: tuple[int, ...]) -> None:
    images = torch.rand(shape, generator=seeded())
    assert torch.equal(distort(images, 0.0, seeded()), images)
    torch.testing.assert_close(distort(images, 1e-6, seeded()), images, rtol=0, atol=1e-5)


@pytest.mark.parametrize("strength", [0.3, 1.0, 3.0])
def test_distorted_images_stay_in_range(strength: float) -> None:
    images = torch.rand(50, 3, 12, 9, generator=seeded())
    bent = distort(images, strength, seeded())
    assert bent.shape == images.shape
    assert bent.min() >= 0
    assert bent.max() <= 1 + 1e-6
    assert not torch.allclose(bent, images, atol=0.05)


def test_a_generator_decides_the_distortions() -> None:
    first, again, other = distort(INPUTS, 1.0, seeded(1)), distort(INPUTS, 1.0, seeded(1)), distort(INPUTS, 1.0, seeded(2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_each_image_is_distorted_in_its_own_way() -> None:
    bent = distort(INPUTS[:1].expand(6, -1, -1, -1), 1.0, seeded())
    assert len({image.numpy().tobytes() for image in bent}) == 6


def test_stronger_is_further_from_the_image() -> None:
    distances = [(distort(INPUTS, strength, seeded()) - INPUTS).abs().mean() for strength in (0.1, 0.3, 0.6, 1.0)]
    assert all(a < b for a, b in pairwise(distances))


def test_a_distorted_digit_is_still_that_digit() -> None:
    model = Classifier()
    fit(model, INPUTS, TARGETS, Recipe(400, 64, 1e-2, augment=1.0), seed=0)
    with torch.no_grad():
        assert (model.layers(distort(INPUTS, 1.0, seeded(9))).argmax(1) == TARGETS).float().mean() > 0.6
        assert (model.layers(INPUTS).argmax(1) == TARGETS).float().mean() > 0.85
