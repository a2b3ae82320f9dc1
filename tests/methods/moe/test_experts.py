"""Experts and their gate against a loop over tokens."""

from __future__ import annotations

from typing import Any, cast

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional

from senpath.components import Attention, EncoderBlock, Experts, FeedForward, Router, build, freeze, real
from senpath.components.attention import BERT_EPSILON as EPSILON
from senpath.components.experts import Gating, pass_through, pass_through_all
from senpath.errors import StoreError
from senpath.methods.moe.model import ExpertBlock, Flow, Plan, load_balance, trimmed
from senpath.methods.moe.train import kept_experts
from senpath.seeds import seeded


def tokens_of(count: int, length: int, width: int, seed: int) -> torch.Tensor:
    """Inputs of 1 … length tokens each, zeros behind."""
    generator = torch.Generator().manual_seed(seed)
    tokens = torch.randn(count, length, width, generator=generator)
    lengths = torch.randint(1, length + 1, (count,), generator=generator)
    return tokens * (torch.arange(length) < lengths[:, None])[..., None]


def experts_of(width: int, kept: list[int], gate: Gating, scaled: bool, seed: int, *, whole: bool = True) -> Experts:
    with seeded(seed):
        children = [Router(width, 3, 4, gate), *(FeedForward(width, 5) for _ in kept)]
        layer = Experts(width, 3, ["0" * 64] * len(children), kept, scaled, whole)
        nn.init.normal_(layer.task)
    layer.bind(children)
    return layer


def looped(layer: Experts, tokens: torch.Tensor) -> torch.Tensor:
    """The same, token by token, as it is written down."""
    router, *experts = layer.parts
    rows = []
    for token in tokens.flatten(0, 1):
        if not token.any():
            rows.append(token)
            continue
        logits = torch.stack(
            [
                (0 if router.token is None else router.token[row] @ token) + (0 if router.task is None else router.task[row] @ layer.task)
                for row in (range(4) if layer.whole else layer.kept)
            ]
        )
        chances = logits.exp() / logits.exp().sum()
        chances = chances[layer.kept] if layer.whole else chances
        chosen = int(chances.argmax())
        share = chances[chosen] if layer.scaled else chances[chosen] / chances[chosen].detach()
        added = token + share * experts[chosen](token)
        centred = added - added.mean()
        rows.append(centred / (centred.square().mean() + EPSILON).sqrt() * layer.norm.weight + layer.norm.bias)
    return torch.stack(rows).view_as(tokens)


@settings(max_examples=40, deadline=None)
@given(
    count=st.integers(1, 4),
    length=st.integers(1, 6),
    kept=st.lists(st.integers(0, 3), min_size=1, max_size=4, unique=True).map(sorted),
    gate=st.sampled_from(["token", "task", "task-aware"]),
    scaled=st.booleans(),
    whole=st.booleans(),
    seed=st.integers(0, 2**31),
)
def test_it_equals_a_loop_and_so_do_its_gradients(
    count: int, length: int, kept: list[int], gate: Gating, scaled: bool, whole: bool, seed: int
) -> None:
    layer = experts_of(6, kept, gate, scaled, seed, whole=whole)
    weights = [*layer.parameters(), *(values for part in layer.parts for values in part.parameters())]
    tokens = tokens_of(count, length, 6, seed)
    goal = torch.randn(tokens.shape, generator=torch.Generator().manual_seed(seed))
    found = []
    for run in (layer, lambda inputs: looped(layer, inputs)):
        inputs = tokens.clone().requires_grad_()
        answer = run(inputs)
        (answer * goal).sum().backward()
        grads = [None if values.grad is None else values.grad.clone() for values in weights]
        there = real(tokens)
        found.append((answer.detach(), cast(torch.Tensor, inputs.grad)[there], grads))
        for values in weights:
            values.grad = None
    (answer, slope, grads), (answer2, slope2, grads2) = found
    torch.testing.assert_close(answer, answer2, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(slope, slope2, atol=1e-4, rtol=1e-3)
    for mine, other in zip(grads, grads2, strict=True):
        if mine is None or other is None:  # an expert that no token reached, or a gate of one
            assert all(values is None or not values.any() for values in (mine, other))
        else:
            torch.testing.assert_close(mine, other, atol=1e-4, rtol=1e-3)


def test_capacity_drops_in_training_and_nothing_is_dropped_in_evaluation() -> None:
    plan = Plan(6, 2, 5, 2, 4, "token", 3, scaled=False)
    with seeded(0):
        block = ExpertBlock(plan)
    tokens = tokens_of(8, 5, 6, 1)
    with torch.no_grad():
        cast(torch.Tensor, block.router.token).zero_()  # all tokens like the first expert best
        attended = block.attention(tokens)
        there = real(attended)
        every, flow = block(tokens, torch.zeros(8, 3))
        some, _ = block(tokens, torch.zeros(8, 3), 1.25)
        passed_by = block.norm(attended[there])
    assert (flow.choice == 0).all()
    taken = -(-5 * len(flow.choice) // 16)  # ceil(1.25 · tokens / 4)
    torch.testing.assert_close(some[there][:taken], every[there][:taken])
    torch.testing.assert_close(some[there][taken:], passed_by[taken:])
    assert not torch.isclose(every[there][taken:], passed_by[taken:]).all(1).any()


def test_an_expert_at_capacity_takes_the_first() -> None:
    tokens, chances = torch.ones(5, 2), torch.tensor([[0.9, 0.1]] * 3 + [[0.2, 0.8]] * 2)
    answers, choice = pass_through(tokens, chances, [lambda mine: 2 * mine, lambda mine: 3 * mine], scaled=True, capacity=2)
    assert choice.tolist() == [0, 0, 0, 1, 1]
    torch.testing.assert_close(answers[:, 0], torch.tensor([1.8, 1.8, 0.0, 2.4, 2.4]))


@pytest.mark.parametrize("scaled", [True, False])
def test_a_gate_is_soft_at_first_and_ends_at_the_likeliest_expert(scaled: bool) -> None:
    tokens = torch.randn(6, 3, generator=torch.Generator().manual_seed(0))
    chances = torch.randn(6, 3, generator=torch.Generator().manual_seed(1)).softmax(1)[:, :2]  # of a third expert that is not there
    parts = [lambda mine: 2 * mine, lambda mine: mine + 1]
    soft, half, hard = (pass_through_all(tokens, chances, parts, scaled=scaled, softness=softness) for softness in (1.0, 0.5, 0.0))
    torch.testing.assert_close(soft[0], chances[:, :1] * 2 * tokens + chances[:, 1:] * (tokens + 1))
    alone = pass_through(tokens, chances, parts, scaled=scaled)
    torch.testing.assert_close(hard[0], alone[0])
    torch.testing.assert_close(half[0], (soft[0] + hard[0]) / 2)
    assert torch.equal(hard[1], alone[1])


@pytest.mark.parametrize("experts", [2, 4, 8])
def test_load_balance_is_one_where_experts_are_used_evenly(experts: int) -> None:
    even = Flow(torch.full((16, experts), 1 / experts), torch.arange(16) % experts)
    assert float(load_balance(even)) == pytest.approx(1)
    one = Flow(torch.eye(experts)[torch.zeros(16, dtype=torch.int64)], torch.zeros(16, dtype=torch.int64))
    assert float(load_balance(one)) == pytest.approx(experts)


@pytest.mark.parametrize("kind", ["attention", "encoder-block", "experts"])
def test_padding_changes_no_answer_and_stays_zero(kind: str) -> None:
    with seeded(2):
        layers: dict[str, Any] = {"attention": Attention(6, 2), "encoder-block": EncoderBlock(6, 2, 5)}
    layers["experts"] = experts_of(6, [0, 1, 3], "task-aware", False, 2)
    layer, tokens = layers[kind], tokens_of(7, 6, 6, 3)
    with torch.no_grad():
        answers = layer(tokens)
        alone = [layer(tokens[place : place + 1, : int(count)]) for place, count in enumerate(real(tokens).sum(1))]
        wider = layer(functional.pad(tokens, (0, 0, 0, 3)))
    assert torch.equal(real(answers), real(tokens))
    torch.testing.assert_close(wider[:, :6], answers)
    for place, answer in enumerate(alone):
        torch.testing.assert_close(answers[place, : answer.shape[1]], answer[0])
    assert trimmed(functional.pad(tokens, (0, 0, 0, 3))).shape[1] == int(real(tokens).sum(1).max())


def test_nothing_but_padding() -> None:
    with seeded(0), torch.no_grad():
        assert not EncoderBlock(6, 2, 5)(torch.zeros(2, 3, 6)).any()
        assert not experts_of(6, [1], "token", True, 0)(torch.zeros(2, 3, 6)).any()


@pytest.mark.parametrize("whole", [True, False])
def test_experts_that_few_tokens_reach_are_left_out(whole: bool) -> None:
    assert kept_experts(torch.tensor([0.5, 0.005, 0.495, 0.0]), 0.01) == [0, 2]
    assert kept_experts(torch.tensor([0.5, 0.005, 0.495, 0.0]), 0.0) == [0, 1, 2]
    assert kept_experts(torch.tensor([0.4, 0.6]), 1.0) == [1]
    every, fewer = (experts_of(6, kept, "task-aware", True, 4, whole=whole) for kept in ([0, 1, 2, 3], [0, 2]))
    fewer.bind([every.parts[0], every.parts[1], every.parts[3]])
    fewer.load_state_dict(every.state_dict())
    tokens = torch.randn(20, 6, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        before, after = every.probabilities(tokens), fewer.probabilities(tokens)
    of_rest = 1 if whole else before[:, [0, 2]].sum(1, keepdim=True)  # older files share what the others had
    torch.testing.assert_close(after, before[:, [0, 2]] / of_rest)
    assert float(fewer.shares(tokens[None]).sum()) == pytest.approx(1)


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(StoreError, match=r"component of kind attention.v1: .*5 heads do not divide width 6"):
        build("attention.v1", {"width": 6, "heads": 5})
    with pytest.raises(StoreError, match=r"component of kind router.v1: .*gate: Input should be 'token', 'task' or 'task-aware'"):
        build("router.v1", {"width": 6, "embedding": 2, "experts": 2, "gate": "all"})
    for kept in ([], [1, 0], [0, 0], [0]):
        with pytest.raises(StoreError, match=r"component of kind experts.v2: .*3 children for the experts"):
            build("experts.v2", {"width": 6, "embedding": 2, "children": ["a" * 64, "b" * 64, "c" * 64], "kept": kept, "scaled": True})


def test_children_are_no_part_of_the_composite() -> None:
    layer = experts_of(6, [0, 1], "task-aware", False, 0)
    component = freeze("experts.v2", {"width": 6, "embedding": 3, "children": ["0" * 64] * 3, "kept": [0, 1], "scaled": False}, layer)
    assert set(layer.state_dict()) == {"task", "norm.weight", "norm.bias"}
    assert component.weights == 3 + 6 + 6
    assert component.children == ("0" * 64,) * 3
