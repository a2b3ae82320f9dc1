"""Components that read tokens, (n, tokens, width), of which rows of exact zeros are padding."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from senpath.components.kind import ComponentKind, register
from senpath.components.limits import Size


def real(tokens: torch.Tensor) -> torch.Tensor:
    """Which tokens (n, length, width) are no padding: bool (n, length)."""
    return (tokens != 0).any(-1)


def token_mean(tokens: torch.Tensor) -> torch.Tensor:
    """The mean over the tokens that are no padding: (n, width); zeros where there are none."""
    counts = real(tokens).sum(1, keepdim=True).clamp(min=1)
    return tokens.sum(1) / counts  # padding adds nothing


def together(tokens: torch.Tensor, there: torch.Tensor) -> torch.Tensor:
    """The tokens (n, length, width) at `there`, one after another: (m, width). Where there are only shapes, all of them."""
    return tokens.flatten(0, 1) if tokens.is_meta else tokens[there]


def spread(tokens: torch.Tensor, there: torch.Tensor, made: torch.Tensor) -> torch.Tensor:
    """What was made of the tokens at `there` in their places, and zeros elsewhere."""
    return made.reshape(tokens.shape) if tokens.is_meta else torch.zeros_like(tokens).index_put((there,), made)


class TokenEmbedding(nn.Module):
    """Tokens brought to another width, (n, length, inputs) to (n, length, width), or each vector (n, inputs) to one token: (n, 1, width).

    Args:
        inputs: numbers in a token, or a vector, as it comes.
        width: as it leaves.
    """

    def __init__(self, inputs: Size, width: Size) -> None:
        super().__init__()
        self.project = nn.Linear(inputs, width)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        if tokens.ndim == 2:  # a vector of zeros is one as well
            single: torch.Tensor = self.project(tokens)[:, None]
            return single
        answer: torch.Tensor = self.project(tokens) * real(tokens)[..., None]
        return answer


class TokenMean(nn.Module):
    """The mean over the tokens that are no padding: (n, length, width) to (n, width).

    Args:
        width: numbers in a token.
    """

    def __init__(self, width: Size) -> None:
        super().__init__()
        self.width = width

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        return token_mean(tokens)


class TokenFeatures(nn.Module):
    """That mean brought to length 1: what tasks over tokens are told apart by.

    Args:
        outputs: numbers in a token.
    """

    def __init__(self, outputs: Size) -> None:
        super().__init__()
        self.outputs = outputs
        self.operations = 2 * outputs

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        return functional.normalize(token_mean(tokens), dim=1)


TOKEN_EMBEDDING = register(ComponentKind("token-embedding.v1", TokenEmbedding))
TOKEN_MEAN = register(ComponentKind("token-mean.v1", TokenMean))
TOKEN_FEATURES = register(ComponentKind("token-features.v1", TokenFeatures))
