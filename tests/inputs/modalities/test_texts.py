"""Texts come out as hashed counts: the same for ever, alike where texts are alike."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from senpath.errors import InputError
from senpath.inputs.modalities import MODALITIES, split_by_modality

TEXT = MODALITIES["text"]
KIND = TEXT.define(["anything"])
WRITTEN = st.text(st.characters(codec="utf-8"), min_size=1, max_size=80).filter(str.strip)


def encode(*texts: str) -> torch.Tensor:
    return TEXT.encode(list(texts), KIND)


@settings(deadline=None, max_examples=60)
@given(st.lists(WRITTEN, min_size=1, max_size=4))
def test_any_text_has_its_place(texts: list[str]) -> None:
    found = encode(*texts)
    assert found.shape == (len(texts), *KIND.shape)
    assert found.dtype == torch.float32
    assert torch.isfinite(found).all()
    assert torch.equal(found, encode(*texts))
    assert torch.equal(found[-1:], encode(texts[-1]))
    # Words and letter groups are each of length 1 or, where there is none (such as words in "!"), 0.
    lengths = torch.stack([part.norm(dim=1) for part in found.chunk(2, 1)])
    assert all(min(abs(length), abs(length - 1)) < 1e-5 for length in lengths.flatten().tolist())


@pytest.mark.slow("starts a process of its own")
def test_another_process_encodes_the_same() -> None:
    text = "Which planet is the largest?"
    code = "from senpath.inputs.modalities import MODALITIES; t = MODALITIES['text']; "
    code += f"print(t.encode([{text!r}], t.define([])).nonzero()[:, 1].tolist())"
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={**os.environ, "PYTHONHASHSEED": "7"}
    )
    assert run.stdout.strip() == str(encode(text).nonzero()[:, 1].tolist())


def test_alike_texts_are_near_each_other() -> None:
    one, same, typo, other = encode("the card was stolen", "The card was stolen", "the card was stollen", "which planet is largest")
    assert torch.equal(one, same)
    assert one @ typo > 3 * (one @ other)


def test_the_order_of_words_is_seen() -> None:
    first, second = encode("dog bites man", "man bites dog")
    assert not torch.equal(first, second)


def test_no_text_is_an_empty_batch() -> None:
    assert encode().shape == (0, *KIND.shape)


@pytest.mark.parametrize("empty", ["", " ", "\n\t ", "\u3000"])
def test_an_empty_text_is_refused(empty: str) -> None:
    with pytest.raises(InputError, match="text 1: expected at least one word, got an empty text"):
        encode("something", empty)


def test_a_text_is_what_it_holds_not_what_it_is_called() -> None:
    class Said(str):  # as members of (str, Enum) are
        def __str__(self) -> str:
            return "Said.WARM"

    assert torch.equal(encode(Said("a warm day")), encode("a warm day"))


def test_a_column_of_texts_is_read_by_place() -> None:
    column = pd.DataFrame({"text": ["one", "two", "three"]})["text"].iloc[[2, 0, 1]]
    group = split_by_modality(column)[0]
    assert (group.modality, list(group.items), group.rows.tolist()) == ("text", ["three", "one", "two"], [0, 1, 2])


@pytest.mark.parametrize("texts", [pd.Series([1.5, 2.5]), pd.Series([b"bytes", b"again"])])
def test_a_column_of_something_else_is_refused(texts: Any) -> None:
    with pytest.raises(InputError, match=r"array of inputs|input 0"):
        split_by_modality(texts)


def test_a_long_text_is_counted_as_its_words_are() -> None:
    words = [f"{letters}{number}" for letters in ("Häß", "cat", "x") for number in range(300)]
    once, often = " ".join(words), " ".join(words * 30)
    assert len(once) < 2**16 < len(often)
    encoded = TEXT.encode([once, often], TEXT.define([once]))[:, 2048:]
    torch.testing.assert_close(encoded[1], encoded[0], atol=1e-6, rtol=0)
