"""The baselines are what their papers say: checked against plain re-computations, and by what they keep and forget."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import settings as profile
from hypothesis import strategies as st
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional

from senpath import Audio, DataType, Examples, InputError, Network, SenSettings
from senpath.evaluation.baselines import Pnn, Shared, Single
from senpath.evaluation.baselines.shared import FISHER_EXAMPLES, Anchor, fisher
from senpath.evaluation.protocol import Split
from senpath.methods.sen.model import choose_backbone, recipe_for
from senpath.seeds import derive
from senpath.snapshot import encode_examples
from senpath.training import fit

Labelled = tuple[np.ndarray, np.ndarray]
SETTINGS = SenSettings(hidden=32, epochs=30, augment=0.0, learning_rate=1e-2)
BRIEF = replace(SETTINGS, epochs=2, hidden=8)
STRENGTH = 1e4


@pytest.fixture(scope="module")
def splits() -> dict[str, Split]:
    """The digits 0 … 4, 5 … 9, and 0 … 4 again with their pixels in another order: 400 of each to learn from, and the rest."""
    bunch = load_digits()
    order = np.random.default_rng(0).permutation(len(bunch.target))
    x, y = bunch.images[order] / 16, bunch.target[order]
    mixed = x.reshape(-1, 64)[:, np.random.default_rng(1).permutation(64)].reshape(-1, 8, 8)
    view, low = Network().view, y < 5
    raw = {"low": (x[low], y[low]), "high": (x[~low], y[~low]), "mixed": (mixed[low], y[low])}
    return {task: Split(encode_examples(view, a[:400], b[:400]), encode_examples(view, a[400:], b[400:])) for task, (a, b) in raw.items()}


def tones() -> tuple[list[Audio], list[int]]:
    """Four low and high tones."""
    time = np.arange(800) / 8000
    return [Audio(np.sin(2 * np.pi * pitch * time).astype(np.float32), 8000) for pitch in (300, 900, 320, 880)], [0, 1, 0, 1]


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        pytest.param("image", BRIEF, id="image"),
        pytest.param("image", replace(BRIEF, augment=None, random_state=3), id="distorted image"),
        pytest.param("image", replace(BRIEF, epochs=1, model="cnn"), id="cnn"),
        pytest.param("image", SenSettings(epochs=30), id="image by default"),
        pytest.param("table", SenSettings(epochs=None), id="table by default"),
        pytest.param("sound", replace(BRIEF, learning_rate=None), id="sound"),
    ],
)
def test_single_is_the_network_that_borrows_nothing(digits: Labelled, iris: Labelled, kind: str, settings: SenSettings) -> None:
    net = Network()
    data: Any = {"image": (digits[0][:100], digits[1][:100]), "table": iris, "sound": tones()}[kind]
    examples = encode_examples(net.view, *data)
    alone = Single().learn("task", examples, settings)
    net.learn("task", *data, **{**vars(settings), "links": "none"})
    assert torch.equal(alone.logits("task", examples.inputs), net.view.logits("task", examples.inputs))
    assert alone.logits("task", examples.inputs).any()


def test_single_learns_each_task_as_if_it_were_the_first(splits: dict[str, Split]) -> None:
    after = Single().learn("low", splits["low"].train, BRIEF).learn("high", splits["high"].train, BRIEF)
    alone, inputs = Single().learn("high", splits["high"].train, BRIEF), splits["high"].test.inputs
    assert torch.equal(after.logits("high", inputs), alone.logits("high", inputs))


def test_sequential_training_forgets_and_consolidation_does_not(splits: dict[str, Split]) -> None:
    low, mixed = splits["low"], splits["mixed"]
    lost, moved, shifted = {}, {}, {}
    for strength in (0.0, 10.0, STRENGTH):
        first = Shared(strength).learn("low", low.train, SETTINGS)
        after = first.learn("mixed", mixed.train, SETTINGS)
        assert after.accuracy("mixed", mixed.test) > 0.9
        lost[strength] = first.accuracy("low", low.test) - after.accuracy("low", low.test)
        shifted[strength] = float((first.logits("low", low.test.inputs) - after.logits("low", low.test.inputs)).square().mean())
        importance = fisher(first.backbone, first.heads["low"], low.train, 0)
        moved[strength] = float(Anchor(importance, [f * w for f, w in zip(importance, shared(first), strict=True)]).penalty(shared(after)))
    assert lost[0] > 0.05
    assert lost[STRENGTH] <= 0.01
    # What matters to the first task hardly moves; a pixel that is always white may have any weight.
    assert moved[STRENGTH] < 0.001 * moved[0]
    assert moved[STRENGTH] < moved[10] < moved[0]
    assert shifted[STRENGTH] < 0.01 * shifted[0]


def shared(moment: Shared) -> list[torch.Tensor]:
    """The shared weights."""
    assert moment.backbone is not None
    return [weight.detach() for weight in moment.backbone.parameters()]


def test_the_first_task_is_learned_alike_by_all(splits: dict[str, Split]) -> None:
    inputs = splits["low"].test.inputs
    answers = [
        learner.learn("low", splits["low"].train, BRIEF).logits("low", inputs) for learner in (Single(), Shared(), Shared(10), Pnn())
    ]
    for answer in answers[1:]:  # by one recipe; where the gradients are written out, rounding differs
        torch.testing.assert_close(answer, answers[0], atol=1e-4, rtol=1e-4)


def test_an_untrained_task_has_no_wish(splits: dict[str, Split]) -> None:
    plain = Shared(STRENGTH).learn("low", splits["low"].train, BRIEF)
    blank = plain.learn("high", splits["high"].train, replace(BRIEF, epochs=0))
    one, other = (moment.learn("mixed", splits["mixed"].train, BRIEF) for moment in (plain, blank))
    assert torch.equal(one.logits("mixed", splits["mixed"].test.inputs), other.logits("mixed", splits["mixed"].test.inputs))


def test_the_shared_backbone_has_to_fit(splits: dict[str, Split]) -> None:
    first = Shared().learn("low", splits["low"].train, replace(BRIEF, epochs=0))
    message = r"^task 'high': expected inputs and a model as the shared backbone has them, got image data, (mlp|cnn)\.v1$"
    for other in ({"hidden": 9}, {"model": "cnn"}):
        with pytest.raises(InputError, match=message):
            first.learn("high", splits["high"].train, replace(BRIEF, **other))


@pytest.mark.parametrize("strength", [-1e-9, -100, float("inf"), float("nan")])
def test_a_strength_that_is_none_is_refused(strength: float) -> None:
    with pytest.raises(InputError, match=rf"^strength of elastic weight consolidation: expected a number from 0 on, got {strength!r}$"):
        Shared(strength)


def test_nothing_is_answered_before_anything_is_learned(splits: dict[str, Split]) -> None:
    with pytest.raises(InputError, match="task 'low': expected one that was learned: none yet, got another name"):
        Shared().logits("low", splits["low"].test.inputs)


class Consolidated(nn.Module):
    """Cross-entropy and λ/2 Σₜ Σᵢ Fₜᵢ (θᵢ − θₜᵢ)², a sum over the tasks as the paper has it."""

    def __init__(self, backbone: nn.Module, head: nn.Module, wishes: Sequence[tuple[list[torch.Tensor], list[torch.Tensor]]]) -> None:
        super().__init__()
        self.backbone, self.head, self.wishes = backbone, head, wishes

    def forward(self, inputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        loss = functional.cross_entropy(self.head(self.backbone(inputs)), targets)
        for importance, kept in self.wishes:
            for f, old, weight in zip(importance, kept, self.backbone.parameters(), strict=True):
                loss = loss + 30 / 2 * (f * (weight - old) ** 2).sum()
        return loss


def test_consolidation_is_its_formula(splits: dict[str, Split]) -> None:
    settings = replace(SETTINGS, epochs=5)
    one = Shared(strength=30).learn("low", splits["low"].train, settings)
    two = one.learn("high", splits["high"].train, settings)
    three = two.learn("mixed", splits["mixed"].train, settings)
    wishes = [
        (fisher(moment.backbone, moment.heads[task], splits[task].train, settings.random_state), shared(moment))
        for task, moment in {"low": one, "high": two}.items()
    ]
    train = splits["mixed"].train
    plan = choose_backbone("mlp", train.data_type, settings.hidden)
    backbone = plan.fresh()
    backbone.load_state_dict(two.backbone.state_dict())
    head = nn.Linear(settings.hidden, 5)
    nn.init.zeros_(head.weight)
    nn.init.zeros_(head.bias)
    fit(Consolidated(backbone, head, wishes), train.inputs, train.targets, recipe_for(plan.kind, train, settings), derive(0, "train"))
    for expected, found, before in zip(backbone.parameters(), shared(three), shared(two), strict=True):
        torch.testing.assert_close(found, expected.detach(), rtol=1e-3, atol=1e-4)
        assert (found - before).abs().max() > 0.01
    torch.testing.assert_close(three.heads["mixed"].weight.detach(), head.weight.detach(), rtol=1e-3, atol=1e-4)


@profile(deadline=None)
@given(st.integers(1, 4), st.integers(0, 2**32 - 1), st.sampled_from([0.0, 0.5]))
def test_the_merged_wishes_are_their_sum_and_a_constant(tasks: int, seed: int, unimportant: float) -> None:
    generator = torch.Generator().manual_seed(seed)
    shapes = ((3, 2), (3,))

    def draw() -> list[torch.Tensor]:
        return [torch.randn(shape, generator=generator, dtype=torch.float64) for shape in shapes]

    wishes = []
    for _ in range(tasks):
        importance = [part.square() * (torch.rand(part.shape, generator=generator) >= unimportant) for part in draw()]
        wishes.append((importance, draw()))
    zeros = [torch.zeros(shape, dtype=torch.float64) for shape in shapes]
    merged, singles = Anchor(zeros, zeros), []
    for importance, weights in wishes:
        merged = merged.with_task(importance, weights)
        singles.append(Anchor(zeros, zeros).with_task(importance, weights))
        assert float(singles[-1].penalty(weights)) == pytest.approx(0, abs=1e-12)

    def apart(weights: list[torch.Tensor]) -> float:
        written_out = sum((f * (w - old).square()).sum() for fs, olds in wishes for f, old, w in zip(fs, olds, weights, strict=True))
        assert float(sum(single.penalty(weights) for single in singles)) == pytest.approx(float(written_out))
        return float(written_out - merged.penalty(weights))

    assert apart(draw()) == pytest.approx(apart(draw()), abs=1e-9)


def linear_softmax(examples: int) -> tuple[nn.Linear, nn.Module, Examples]:
    """p(y | x) = softmax(W x + b) with fixed random W and b, and inputs for it."""
    generator = torch.Generator().manual_seed(5)
    backbone = nn.Linear(3, 4)
    with torch.no_grad():
        backbone.weight.copy_(torch.randn(4, 3, generator=generator))
        backbone.bias.copy_(torch.randn(4, generator=generator))
    inputs = torch.randn(examples, 3, generator=generator)
    return backbone, nn.Identity(), Examples(DataType("table", (3,)), inputs, torch.zeros(examples, dtype=torch.int64), (0, 1, 2, 3))


def test_importance_is_the_fisher_information() -> None:
    backbone, head, examples = linear_softmax(400)
    chances = torch.softmax(backbone(examples.inputs), 1).detach()
    # ∂ log p(y | x) / ∂ logits = onehot(y) − p: for each input, answer and output, and its square's mean and variance over answers.
    slopes = torch.eye(4)[None] - chances[:, None]
    with_ones = torch.cat([examples.inputs, torch.ones(len(examples), 1)], 1)
    squares = (slopes[..., None] * with_ones[:, None, None]).square()  # (input, answer, output, weight or bias)
    mean = (chances[..., None, None] * squares).sum(1)
    variance = (chances[..., None, None] * squares.square()).sum(1) - mean.square()
    seeds = 5
    found = [fisher(backbone, head, examples, seed) for seed in range(seeds)]
    average = torch.cat([sum(f[0] for f in found) / seeds, (sum(f[1] for f in found) / seeds)[:, None]], 1)
    error = (variance.sum(0) / seeds).sqrt() / len(examples)
    assert ((average - mean.mean(0)).abs() < 4 * error).all()
    assert (error < 0.1 * mean.mean(0)).all()  # else the line above would say little


def test_importance_reads_no_labels() -> None:
    backbone, head, examples = linear_softmax(50)
    others = Examples(examples.data_type, examples.inputs, examples.targets + 1, examples.classes)
    assert all(torch.equal(a, b) for a, b in zip(fisher(backbone, head, examples, 0), fisher(backbone, head, others, 0), strict=True))
    assert not torch.equal(fisher(backbone, head, examples, 0)[0], fisher(backbone, head, examples, 1)[0])


def test_importance_reads_a_bounded_number_of_examples() -> None:
    count = FISHER_EXAMPLES + 20
    backbone, targets = nn.Linear(count, 2), torch.zeros(count, dtype=torch.int64)
    # Each example alone touches one column of weights.
    importance, _ = fisher(backbone, nn.Identity(), Examples(DataType("table", (count,)), torch.eye(count), targets, (0, 1)), 0)
    assert int((importance > 0).all(0).sum()) == FISHER_EXAMPLES
    assert int((importance == 0).all(0).sum()) == 20


def test_earlier_columns_of_a_progressive_network_do_not_move(splits: dict[str, Split]) -> None:
    moment, answers = Pnn(), {}
    for task, split in splits.items():
        moment = moment.learn(task, split.train, BRIEF)
        answers[task] = moment.logits(task, split.test.inputs)
        for earlier, answer in answers.items():
            assert torch.equal(moment.logits(earlier, splits[earlier].test.inputs), answer)


def test_a_progressive_networks_answer_is_its_formula(splits: dict[str, Split]) -> None:
    moment, hidden = Pnn(), {"low": 8, "high": 6, "mixed": 10}
    for task, width in hidden.items():
        moment = moment.learn(task, splits[task].train, replace(BRIEF, hidden=width))
    inputs = splits["mixed"].test.inputs
    weights = {task: dict(column.backbone.named_parameters()) for task, column in moment.columns.items()}
    flat = inputs.flatten(1)
    h = {task: (flat @ part["layers.0.weight"].T + part["layers.0.bias"]).clamp(min=0) for task, part in weights.items()}
    column = moment.columns["mixed"]
    lateral = dict(column.lateral.named_parameters())
    alpha = lateral["scales"]
    assert alpha.shape == (2,)
    v = (torch.cat([alpha[0] * h["low"], alpha[1] * h["high"]], 1) @ lateral["project.weight"].T + lateral["project.bias"]).clamp(min=0)
    expected = h["mixed"] @ column.head.weight.T + column.head.bias + v @ lateral["out.weight"].T
    torch.testing.assert_close(moment.logits("mixed", inputs), expected.detach(), rtol=1e-4, atol=1e-5)
    assert v.detach().any()


def test_a_progressive_network_trains_its_adapter(splits: dict[str, Split]) -> None:
    first = Pnn().learn("low", splits["low"].train, BRIEF)
    drawn, trained = (
        dict(first.learn("high", splits["high"].train, replace(BRIEF, epochs=epochs)).columns["high"].lateral.named_parameters())
        for epochs in (0, 2)
    )
    for name in ("scales", "project.weight", "project.bias", "out.weight"):
        assert not torch.equal(drawn[name], trained[name])
    assert ((drawn["scales"] >= 0) & (drawn["scales"] <= 0.1)).all()


def test_what_a_progressive_network_runs_grows_with_each_task(splits: dict[str, Split]) -> None:
    moment, backbone, head = Pnn(), 64 * 8 + 8, 8 * 5 + 5
    for index, (task, split) in enumerate(splits.items()):
        moment = moment.learn(task, split.train, replace(BRIEF, epochs=0))
        lateral = index + (index * 8 * 8 + 8) + 8 * 5 if index else 0
        assert moment.activated(task) == (index + 1) * backbone + head + lateral
        assert moment.cost is not None
        assert (moment.cost.read, moment.cost.updated) == (index * backbone, backbone + head + lateral)
    assert moment.weights == sum(moment.activated(task) - index * backbone for index, task in enumerate(splits))
