"""Each component runs for those who use it, and that is the same as running all for all; so is the gradient of what is not used."""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from senpath.methods.allocation import Training, similarity
from senpath.methods.allocation.model import ESTIMATORS, AllocationRouter, grouped, gumbel, masked, temperature
from senpath.seeds import seeded

Make = Callable[..., Training]


class Counted(nn.Module):
    """A layer that says what it was given."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.layer = nn.Linear(inputs, outputs)
        self.seen: list[torch.Tensor] = []

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        self.seen.append(inputs.detach())
        answer: torch.Tensor = self.layer(inputs).relu()
        return answer


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_one_layer_equals_the_masked_one(data: st.DataObject) -> None:
    tasks, count, rows = (data.draw(st.integers(1, most)) for most in (4, 4, 9))
    seed = data.draw(st.integers(0, 1000))
    with seeded(seed):
        components = [Counted(3, 2) for _ in range(count)]
        inputs, owner = torch.randn(rows, 3), torch.randint(tasks, (rows,))
        use, ahead = torch.randint(2, (tasks, count)).float(), torch.randn(rows, 2)
    results = {}
    for name, mix in {"used": grouped, "all": ESTIMATORS["all"], "masked": masked}.items():
        leaves = [inputs.clone().requires_grad_(), use.clone().requires_grad_()]
        for component in components:
            component.zero_grad()
            component.seen.clear()
        output = mix(components, leaves[0], owner, leaves[1], (2,))
        if output.requires_grad:
            (output * ahead).sum().backward()
        gradients = [leaf.grad if leaf.grad is not None else torch.zeros_like(leaf) for leaf in leaves]
        weights = [component.layer.weight for component in components]
        gradients += [weight.grad if weight.grad is not None else torch.zeros_like(weight) for weight in weights]
        results[name] = output, gradients
        if name == "used":
            for place, component in enumerate(components):
                mine = use[owner, place] > 0
                assert len(component.seen) == bool(mine.any())
                assert all(torch.equal(seen, inputs[mine]) for seen in component.seen)
    for name in ("used", "all"):
        torch.testing.assert_close(results[name][0], results["masked"][0])
        mine, reference = results[name][1], [*results["masked"][1]]
        if name == "used":
            reference[1] = reference[1] * use
        for gradient, wanted in zip(mine, reference, strict=True):
            torch.testing.assert_close(gradient, wanted)


@pytest.mark.parametrize("changes", [{}, {"tasks_per_update": 1}, {"allocation": "shared"}, {"budget": 0.3}])
def test_a_step_equals_the_masked_one(make_training: Make, changes: dict[str, object]) -> None:
    trainings = [make_training(mix, p0=0.5, **changes) for mix in (None, masked)]
    losses = []
    for training in trainings:
        losses.append(training.loss(0))
        losses[-1].backward()
    torch.testing.assert_close(losses[0], losses[1])
    for module in ("model", "router"):
        mine, reference = (dict(getattr(training, module).named_parameters()) for training in trainings)
        for name, parameter in mine.items():
            wanted = reference[name].grad
            if parameter.grad is None:
                assert wanted is None or not wanted.any(), name
            else:
                torch.testing.assert_close(parameter.grad, wanted, msg=name)


def test_a_layer_that_a_task_does_not_use_answers_zeros() -> None:
    components, inputs = [nn.Linear(3, 2), nn.Linear(3, 2)], torch.randn(4, 3)
    owner, use = torch.tensor([0, 0, 1, 1]), torch.tensor([[0.0, 0.0], [1.0, 0.0]])
    answer = grouped(components, inputs, owner, use, (2,))
    assert not answer[:2].any()
    torch.testing.assert_close(answer[2:], components[0](inputs[2:]))
    assert not grouped(components, inputs, owner, torch.zeros(2, 2), (2,)).any()


@given(st.integers(0, 10**7))
def test_the_temperature_falls_to_a_half(updates: int) -> None:
    assert temperature(updates) == max(0.5, 50 / sqrt(updates + 1))
    assert temperature(updates + 1) <= temperature(updates)


def test_the_schedule_of_the_paper() -> None:
    assert [temperature(updates) for updates in (0, 99, 9_999, 10**6)] == [50, 5, 0.5, 0.5]


@pytest.mark.parametrize("p0", [0.1, 0.5, 0.97])
def test_components_are_drawn_as_often_as_the_router_says(p0: float) -> None:
    router = AllocationRouter(20, 20, 20, p0)
    torch.testing.assert_close(router.probabilities(), torch.full((20, 20, 20), p0))
    drawn = router.draw(gumbel(router.logits.shape, 0), 50.0)
    assert set(drawn.detach().unique().tolist()) <= {0.0, 1.0}
    assert abs(float(drawn.detach().mean()) - p0) < 0.03
    drawn.sum().backward()
    assert router.logits.grad is not None
    assert (router.logits.grad[..., 0] > 0).all()
    torch.testing.assert_close(router.logits.grad[..., 0], -router.logits.grad[..., 1])


def test_similarity_is_one_less_the_mean_difference() -> None:
    probabilities = torch.tensor([[[1.0, 0.0]], [[1.0, 0.0]], [[0.0, 0.5]]])
    torch.testing.assert_close(similarity(probabilities), torch.tensor([[1, 1, 0.25], [1, 1, 0.25], [0.25, 0.25, 1]]))
