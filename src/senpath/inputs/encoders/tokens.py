"""Encoders of texts that answer with tokens: rows of exact zeros are padding, and that is the mask."""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache
from typing import Any

import torch
from torch import nn

from senpath.inputs.encoders.base import Encoder
from senpath.inputs.encoders.minilm import minilm
from senpath.inputs.modalities import texts_of
from senpath.types import DataType

MINILM_TOKENS, RANDOM_TOKENS = "minilm-tokens", "random-tokens"
LENGTH = 32
"""Tokens that are read of a text; what comes after them is cut off."""
LOWER = 4
"""Of MiniLM's six blocks those that stay as they are; what is learned begins behind them."""
WIDTH = 128
"""Numbers in a token of random weights."""
WORDS = re.compile(r"\w+|[^\w\s]")


class MiniLmTokens(Encoder):
    """Texts to (32, 384): the hidden states of MiniLM-L6-v2 after its lower four blocks, a row for each part of a word.

    Raises:
        MissingExtraError: if the packages are not installed.
    """

    def __init__(self) -> None:
        whole = minilm()
        self._tokenize = whole.tokenize
        model: Any = whole.module
        model.encoder.layer = model.encoder.layer[:LOWER]
        model.pooler = None  # what does not run is not counted
        model.config.num_hidden_layers = LOWER
        super().__init__(MINILM_TOKENS, "text", model, tokens=True)

    @property
    def _preparation(self) -> str:
        return f"{LENGTH} tokens after {LOWER} blocks"

    def _reads(self, items: Any) -> DataType:
        return DataType("text", (LENGTH,))

    def _run(self, items: Any, reads: DataType) -> torch.Tensor:
        longest = reads.shape[0]
        parts = self._tokenize(texts_of(items), padding=True, truncation=True, max_length=longest, return_tensors="pt").to(self._device)
        hidden = self.module(**parts).last_hidden_state * parts["attention_mask"][..., None]
        return _padded(hidden, longest)


class RandomTokens(Encoder):
    """Texts to (32, 128): each word and sign has a vector that follows from its letters, and each place one that is added.

    Nothing is learned; it is what a transformer from random weights reads. Vectors are standard normal from generators seeded by the word's
    hash; places are sines and cosines (Vaswani et al. 2017, section 3.5).
    """

    def __init__(self) -> None:
        module = nn.Module()
        module.register_buffer("places", _places(LENGTH, WIDTH))
        super().__init__(RANDOM_TOKENS, "text", module, tokens=True)

    @property
    def _preparation(self) -> str:
        return f"{LENGTH} words of {WIDTH} numbers, {WORDS.pattern}"

    def _reads(self, items: Any) -> DataType:
        return DataType("text", (LENGTH,))

    def _run(self, items: Any, reads: DataType) -> torch.Tensor:
        found = torch.zeros(len(items), reads.shape[0], WIDTH)
        for row, text in enumerate(texts_of(items)):
            words = WORDS.findall(text.casefold())[: reads.shape[0]]
            found[row, : len(words)] = torch.stack([_word(word) for word in words])
        there = (found != 0).any(-1, keepdim=True)
        places: torch.Tensor = self.module.get_buffer("places").cpu()
        return found + places[: reads.shape[0]] * there


@lru_cache(maxsize=50_000)  # 26 megabytes
def _word(word: str) -> torch.Tensor:
    seed = int.from_bytes(hashlib.sha256(word.encode()).digest()[:8], "little") >> 1
    return torch.randn(WIDTH, generator=torch.Generator().manual_seed(seed))


def _places(length: int, width: int) -> torch.Tensor:
    angles = torch.arange(length)[:, None] / 10_000 ** (torch.arange(0, width, 2) / width)
    return torch.stack([angles.sin(), angles.cos()], -1).flatten(1).float()


def _padded(tokens: torch.Tensor, length: int) -> torch.Tensor:
    return nn.functional.pad(tokens, (0, 0, 0, length - tokens.shape[1]))
