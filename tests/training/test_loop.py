"""The parts of a training: batches, descent along a schedule, the best state."""

from __future__ import annotations

from itertools import islice
from math import nan

import pytest
import torch
from torch import nn

from senpath.training import BestState, Descent, passes, schedule, training_steps


def seeded() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def descent_of(module: nn.Module, steps: int, warm_up: float | None = None, clip: float | None = None) -> Descent:
    return Descent(torch.optim.SGD(module.parameters(), lr=0.5), steps=steps, warm_up=warm_up, clip=clip)


@pytest.mark.parametrize(("count", "size"), [(10, 3), (10, 5), (4, 9), (1, 1)])
def test_every_pass_has_each_example_once_at_most(count: int, size: int) -> None:
    per_pass = max(1, count // size)
    batches = list(islice(passes(count, size, seeded()), 6 * per_pass))
    assert {len(batch) for batch in batches} == {min(size, count)}
    orders = [torch.cat(batches[start : start + per_pass]).tolist() for start in range(0, len(batches), per_pass)]
    assert all(len(set(order)) == len(order) for order in orders)
    assert count == 1 or len({tuple(order) for order in orders}) > 1


def test_the_loop_can_be_left_and_gone_on_with() -> None:
    """Rates and steps of a training that goes on are those of one that never stopped."""
    inputs = torch.arange(8.0)[:, None]
    whole, first = (nn.Linear(1, 1) for _ in range(2))
    first.load_state_dict(whole.state_dict())
    list(training_steps(inputs, lambda batch: whole(batch).square().mean(), descent_of(whole, 8, 0.2)))
    for step in training_steps(inputs, lambda batch: first(batch).square().mean(), descent_of(first, 8, 0.2)):
        if step == 3:
            break
    second = descent_of(first, 8, 0.2)
    second.done = 3
    assert list(training_steps(inputs[3:], lambda batch: first(batch).square().mean(), second)) == [4, 5, 6, 7, 8]
    assert torch.equal(first.weight, whole.weight)


@pytest.mark.parametrize("warm_up", [None, 0.25])
def test_every_optimizer_keeps_its_rate_in_proportion(warm_up: float | None) -> None:
    slow, fast = nn.Parameter(torch.zeros(())), nn.Parameter(torch.zeros(()))
    descent = Descent(torch.optim.SGD([slow], lr=0.1), torch.optim.SGD([fast], lr=1.0), steps=4, warm_up=warm_up)
    for _ in training_steps(range(4), lambda _: -slow - fast, descent):
        pass
    shares = sum(1.0 if warm_up is None else schedule(step / 4, warm_up) for step in range(4))
    assert (slow.item(), fast.item()) == (pytest.approx(0.1 * shares), pytest.approx(shares))


def test_gradients_of_all_optimizers_are_clipped_together() -> None:
    values = [nn.Parameter(torch.zeros(())) for _ in range(2)]
    descent = Descent(*(torch.optim.SGD([value], lr=1.0) for value in values), steps=1, warm_up=None, clip=1.0)
    descent.step(-3 * values[0] - 4 * values[1])
    assert [value.item() for value in values] == [pytest.approx(0.6), pytest.approx(0.8)]


@pytest.mark.parametrize(("latest", "expected"), [(False, 2.0), (True, 4.0)])
def test_the_best_state_is_kept(latest: bool, expected: float) -> None:
    module = nn.Linear(1, 1)
    best = BestState(module, latest=latest)
    best.restore()
    assert not best.kept
    for value, quality in enumerate([nan, 0.2, 0.7, 0.5, 0.7, nan]):
        nn.init.constant_(module.weight, value)
        best.offer(quality)
    best.restore()
    assert (best.kept, best.quality, module.weight.item()) == (True, (0.7,), expected)


def test_of_several_numbers_the_first_decides() -> None:
    best = BestState(nn.Linear(1, 1))
    for quality in ((False, 0.9), (True, 0.1), (True, 0.3), (False, 1.0)):
        best.offer(*quality)
    assert best.quality == (True, 0.3)
