"""Encoders without learned weights: statistics of sounds, and tokens whose vectors follow from the letters of words."""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache
from typing import Any, final

import torch
from torch import nn

from senpath.inputs.encoders.base import Encoder
from senpath.inputs.encoders.hugging_face import READ_CHARACTERS
from senpath.inputs.encoders.minilm import MAX_TOKENS
from senpath.inputs.modalities import MODALITIES, texts_of
from senpath.types import DataType

SOUND_STATISTICS, RANDOM_TOKENS = "sound-statistics", "random-tokens"
SCALES = (0.4, 0.2, 0.1, 0.15)
"""Typical spread of the four statistics from sound to sound, on training clips of ESC-10 and spoken digits."""
WIDTH = 128
"""Numbers in a token of random weights."""
WORDS = re.compile(r"\w+|[^\w\s]")


@final
class SoundStatistics(Encoder):
    """Mean and spread over time of each band of a log-mel spectrum, and of its changes from frame to frame: 256 numbers.

    From few examples they tell noises apart better than a network that reads frames in order (docs/results/senses.md).
    """

    def __init__(self) -> None:
        super().__init__(SOUND_STATISTICS, "audio", nn.Identity())

    def input_type(self, items: Any) -> DataType:
        return MODALITIES["audio"].define(items)

    def run(self, items: Any, inputs: DataType) -> torch.Tensor:
        return sound_statistics(items, inputs)


def sound_statistics(items: Any, inputs: DataType) -> torch.Tensor:
    """Statistics of recordings, (n, 256): what `SoundStatistics` answers."""
    spectra = MODALITIES["audio"].encode(items, inputs)
    steps = spectra.diff(dim=1)
    statistics = (spectra.mean(1), spectra.std(1, correction=0), steps.abs().mean(1), steps.std(1, correction=0))
    return torch.cat([values / scale for values, scale in zip(statistics, SCALES, strict=True)], 1)


@final
class RandomTokens(Encoder):
    """Texts to (32, 128): each word and sign has a vector that follows from its letters, to which its place's vector is added.

    A transformer with random weights reads these. The vectors of words are standard normal, from generators seeded by the word's hash;
    those of places are sines and cosines (Vaswani et al. 2017, section 3.5).
    """

    def __init__(self) -> None:
        module = nn.Module()
        module.register_buffer("places", _places(MAX_TOKENS, WIDTH))
        preparation = f"{MAX_TOKENS} words of {WIDTH} numbers, {WORDS.pattern}"
        super().__init__(RANDOM_TOKENS, "text", module, tokens=True, preparation=preparation)

    def input_type(self, items: Any) -> DataType:
        return DataType("text", (MAX_TOKENS,))

    def run(self, items: Any, inputs: DataType) -> torch.Tensor:
        (longest,) = inputs.shape
        tokens = torch.zeros(len(items), longest, WIDTH)
        for row, text in enumerate(texts_of(items, READ_CHARACTERS)):
            words = WORDS.findall(text.casefold())[:longest]
            tokens[row, : len(words)] = torch.stack([_word(word) for word in words])
        is_word = (tokens != 0).any(-1, keepdim=True)
        places: torch.Tensor = self.module.get_buffer("places").cpu()
        return tokens + places[:longest] * is_word


@lru_cache(maxsize=50_000)  # 26 megabytes
def _word(word: str) -> torch.Tensor:
    seed = int.from_bytes(hashlib.sha256(word.encode()).digest()[:8], "little") >> 1
    return torch.randn(WIDTH, generator=torch.Generator().manual_seed(seed))


def _places(length: int, width: int) -> torch.Tensor:
    angles = torch.arange(length)[:, None] / 10_000 ** (torch.arange(0, width, 2) / width)
    return torch.stack([angles.sin(), angles.cos()], -1).flatten(1).float()
