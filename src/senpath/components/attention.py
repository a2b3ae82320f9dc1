"""Attention, and the blocks of transformers: with normalisation in front (Vision Transformers) or behind (BERT).

Tokens are (n, length, width). In blocks with normalisation behind, rows of exact zeros are padding: they take no part and stay zero (see
`senpath.components.tokens`).
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from senpath.components.kind import ComponentKind, register
from senpath.components.limits import Size
from senpath.components.tokens import real, spread, together

VIT_EPSILON, BERT_EPSILON = 1e-6, 1e-12
"""Of layer normalisation, as in the published models."""


class SelfAttention(nn.Module):
    """Multi-head attention of tokens to each other (Vaswani et al. 2017, section 3.2).

    Args:
        width: numbers in a token.
        heads: divides `width`.
    """

    def __init__(self, width: Size, heads: Size) -> None:
        super().__init__()
        if width % heads:
            raise ValueError(f"{heads} heads do not divide width {width}")
        self.heads = heads
        self.qkv, self.out_proj = nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, tokens: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
        """What each token takes from the others.

        Args:
            mask: the tokens that are looked at, bool (n, length); None for all.
        """
        count, length, width = tokens.shape
        query, key, value = self.qkv(tokens).reshape(count, length, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(query, key, value, attn_mask=None if mask is None else mask[:, None, None])
        output: torch.Tensor = self.out_proj(mixed.transpose(1, 2).reshape(count, length, width))
        return output


class FeedForward(nn.Module):
    """Two fully connected layers with GELU between: the second half of a block, or one expert. It reads (…, width).

    Args:
        width: numbers in a token.
        hidden: units between.
    """

    def __init__(self, width: Size, hidden: Size) -> None:
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(width, hidden), nn.Linear(hidden, width)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        output: torch.Tensor = self.fc2(functional.gelu(self.fc1(tokens)))
        return output


class Transformer(nn.Module):
    """One block of a Vision Transformer (Dosovitskiy et al. 2021): each half behind a normalisation and beside a skip connection.

    Args:
        width: numbers in a token.
        heads: of the attention; divides `width`.
        hidden: units between the two fully connected layers.
    """

    def __init__(self, width: Size, heads: Size, hidden: Size) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width, VIT_EPSILON), nn.LayerNorm(width, VIT_EPSILON)
        self.attention, self.feed_forward = SelfAttention(width, heads), FeedForward(width, hidden)
        for layer in (self.attention.qkv, self.attention.out_proj, self.feed_forward.fc1, self.feed_forward.fc2):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        tokens = tokens + self.attention(self.norm1(tokens))
        output: torch.Tensor = tokens + self.feed_forward(self.norm2(tokens))
        return output


class Attention(nn.Module):
    """The attention half of a BERT block (Devlin et al. 2019): tokens look at each other, then skip connection and normalisation.

    Args:
        width: numbers in a token.
        heads: divides `width`.
    """

    def __init__(self, width: Size, heads: Size) -> None:
        super().__init__()
        self.attention = SelfAttention(width, heads)
        self.norm = nn.LayerNorm(width, BERT_EPSILON)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        there = real(tokens)
        mask = there | ~there.any(1, keepdim=True)  # where nothing is real, softmax would have nothing to share out
        normed: torch.Tensor = self.norm(tokens + self.attention(tokens, mask))
        return normed * there[..., None]


class EncoderBlock(nn.Module):
    """A whole BERT block: attention, then the feed-forward part, each with skip connection and normalisation behind.

    Args:
        width: numbers in a token.
        heads: of the attention; divides `width`.
        hidden: units of the feed-forward part.
    """

    def __init__(self, width: Size, heads: Size, hidden: Size) -> None:
        super().__init__()
        self.attention, self.feed_forward = Attention(width, heads), FeedForward(width, hidden)
        self.norm = nn.LayerNorm(width, BERT_EPSILON)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        tokens = self.attention(tokens)
        there = real(tokens)
        mine = together(tokens, there)  # padding is not computed with
        return spread(tokens, there, self.norm(mine + self.feed_forward(mine)))


FC = {"widen": "fc1", "narrow": "fc2"}
"""What the two fully connected layers were called in older files."""
QKV = {"ask": "attention.qkv", "answer": "attention.out_proj"}
TRANSFORMER = register(
    ComponentKind(
        "transformer.v1",
        Transformer,
        renamed={**QKV, "widen": "feed_forward.fc1", "narrow": "feed_forward.fc2", "before": "norm1", "between": "norm2"},
    )
)
ATTENTION = register(ComponentKind("attention.v1", Attention, renamed=QKV))
FEED_FORWARD = register(ComponentKind("feed-forward.v1", FeedForward, renamed=FC))
ENCODER_BLOCK = register(ComponentKind("encoder-block.v1", EncoderBlock, renamed={**QKV, **FC, "feed": "feed_forward"}))
