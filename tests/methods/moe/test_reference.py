"""A mixture against one that is written down plainly, and what is validated against what a network gets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
import torch
from torch.nn import functional

import senpath as sp
from senpath.components.attention import BERT_EPSILON as EPSILON
from senpath.learning import propose_jointly
from senpath.methods.moe.method import Moe
from senpath.methods.moe.model import Mixture, Plan, plan_of
from senpath.methods.moe.train import answer, fit_mixture
from senpath.progress import silent
from senpath.seeds import derive, seeded
from senpath.snapshot import try_out

CPU = torch.device("cpu")
Weights = dict[str, torch.Tensor]


def plainly(weights: Weights, tokens: torch.Tensor, task: torch.Tensor, rows: Mapping[int, int], *, scaled: bool) -> torch.Tensor:
    """Two blocks for one input (length, width) without padding, heads of 8 numbers: the mean of its tokens.

    Args:
        rows: of the experts that there are, by their row in the gate the place of their weights.
    """
    tokens = _attention(weights, "blocks.0.attention", tokens)
    tokens = _normed(weights, "blocks.0.norm", tokens + _two_layers(weights, "blocks.0.feed_forward", tokens))
    answers = []
    for token in _attention(weights, "blocks.1.attention", tokens):
        chances = (weights["blocks.1.router.token"] @ token + weights["blocks.1.router.task"] @ task).softmax(0)  # over all experts
        row = max(rows, key=lambda row: float(chances[row]))
        share = chances[row] if scaled else 1.0
        answers.append(_normed(weights, "blocks.1.norm", token + share * _two_layers(weights, f"blocks.1.experts.{rows[row]}", token)))
    return torch.stack(answers).mean(0)


def _attention(weights: Weights, name: str, tokens: torch.Tensor) -> torch.Tensor:
    width = tokens.shape[1]
    query, key, value = (tokens @ weights[f"{name}.attention.qkv.weight"].T + weights[f"{name}.attention.qkv.bias"]).split(width, 1)
    heads = []
    for start in range(0, width, 8):
        own = slice(start, start + 8)
        heads.append((query[:, own] @ key[:, own].T / 8**0.5).softmax(1) @ value[:, own])
    mixed = torch.cat(heads, 1) @ weights[f"{name}.attention.out_proj.weight"].T + weights[f"{name}.attention.out_proj.bias"]
    return _normed(weights, f"{name}.norm", tokens + mixed)


def _two_layers(weights: Weights, name: str, tokens: torch.Tensor) -> torch.Tensor:
    inner = functional.gelu(tokens @ weights[f"{name}.fc1.weight"].T + weights[f"{name}.fc1.bias"])
    return inner @ weights[f"{name}.fc2.weight"].T + weights[f"{name}.fc2.bias"]


def _normed(weights: Weights, name: str, tokens: torch.Tensor) -> torch.Tensor:
    centred = tokens - tokens.mean(-1, keepdim=True)
    return centred / (centred.square().mean(-1, keepdim=True) + EPSILON).sqrt() * weights[f"{name}.weight"] + weights[f"{name}.bias"]


@pytest.mark.parametrize("scaled", [True, False])
@pytest.mark.parametrize("rows", [[0, 1, 2, 3], [0, 3]])
def test_a_mixture_is_what_is_written_down(rows: list[int], scaled: bool) -> None:
    """In training, where tasks are mixed, and as a task's pathway runs, with all experts and with some."""
    with seeded(3):
        mixture = Mixture(Plan(16, 2, 20, 2, 4, "task-aware", 5, scaled=scaled), [3, 2], [rows]).eval()
        tokens = torch.randn(6, 4, 16)
        torch.nn.init.normal_(mixture.output_layers[1].weight)
    weights, tasks = {name: value.detach() for name, value in mixture.state_dict().items()}, torch.tensor([0, 1, 1, 0, 0, 1])
    places = {row: place for place, row in enumerate(rows)}
    with torch.no_grad():
        means, _ = mixture(tokens, tasks)
        own = mixture.tasks[tasks]
        plain = [plainly(weights, one, task, places, scaled=scaled) for one, task in zip(tokens, own, strict=True)]
        torch.testing.assert_close(means, torch.stack(plain), atol=1e-5, rtol=1e-4)
        for kept in ([*range(len(rows))], [1]):
            of_task = {rows[place]: place for place in kept}
            plain = [plainly(weights, one, mixture.tasks[1], of_task, scaled=scaled) for one in tokens]
            outputs = answer(mixture.of_task(1, [kept]), tokens, CPU)
            torch.testing.assert_close(outputs, mixture.output_layers[1](torch.stack(plain)), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("settings", [{}, {"keep": 0.3}, {"soften": 0.5, "gate": "token"}, {"experts": 1}], ids=str)
def test_what_is_stored_is_what_was_validated(settings: dict[str, Any], tasks: dict[str, tuple[list[str], list[str]]]) -> None:
    """The last state that is validated, which is kept where no earlier one is better, answers with the same bits in a network."""
    net = sp.Network(encoders={"text": "random-tokens"})
    more = {name: (labelled[0] * 2, labelled[1] * 2) for name, labelled in list(tasks.items())[:2]}  # enough to hold some out
    examples = {name: net.encode_examples(*labelled) for name, labelled in more.items()}
    method = Moe(epochs=1, least_steps=12, batch_size=16, **settings)
    with seeded(derive(0, "start")):
        mixture = Mixture(plan_of(method.settings, examples["things"].data_type), [2, 2])
    training, uses = fit_mixture(mixture, examples, method.settings, CPU, silent)
    proposal = propose_jointly(net.view, method, examples)
    record = proposal.pathways[0].provenance.record
    assert record["training"] == training
    assert training["quality"] == pytest.approx(max(training["curve"]), abs=1e-4)
    for place, (name, use) in enumerate(zip(examples, uses, strict=True)):
        validated = answer(mixture.of_task(place, use.kept), examples[name].inputs[:100], CPU)
        assert torch.equal(try_out(net.view, proposal, examples[name].inputs[:100], place), validated)
