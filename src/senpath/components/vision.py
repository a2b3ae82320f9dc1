"""The parts of a Vision Transformer (Dosovitskiy et al. 2021) around its blocks, and the adapter between layers."""

from __future__ import annotations

from typing import Literal

import torch
from torch import nn
from torch.nn import functional

from senpath.components.attention import VIT_EPSILON
from senpath.components.kind import ComponentKind, register
from senpath.components.limits import Size


class Patches(nn.Module):
    """Images cut into squares, each mapped to a token.

    Args:
        channels: of an image; an image of one channel is repeated if there are to be more.
        side: height and width that images are brought to, pixels.
        patch: height and width of a square; divides `side`.
        width: numbers in a token.

    The output is (n, (side / patch)², width).
    """

    def __init__(self, channels: Size, side: Size, patch: Size, width: Size) -> None:
        super().__init__()
        if side % patch:
            raise ValueError(f"patch {patch} does not divide side {side}")
        self.channels, self.side = channels, side
        self.project = nn.Conv2d(channels, width, patch, patch)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        tokens: torch.Tensor = self.project(fitted(images, self.channels, self.side) * 2 - 1)
        return tokens.flatten(2).transpose(1, 2)


class ClassToken(nn.Module):
    """One learned token in front of the others, from which the answer is read.

    Args:
        width: numbers in a token.
    """

    def __init__(self, width: Size) -> None:
        super().__init__()
        self.token = nn.Parameter(torch.zeros(width))

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        return torch.cat([self.token.expand(tokens.shape[0], 1, -1), tokens], 1)


class Positions(nn.Module):
    """What tells tokens of different places apart, added to them.

    Args:
        tokens: how many there are.
        width: numbers in one.
    """

    def __init__(self, tokens: Size, width: Size) -> None:
        super().__init__()
        self.embedding = nn.Parameter(torch.empty(tokens, width))
        nn.init.normal_(self.embedding, std=0.02)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        return tokens + self.embedding


class ClassNorm(nn.Module):
    """The last normalisation, and of its tokens the first: (n, tokens, width) to (n, width).

    Args:
        width: numbers in a token.
    """

    def __init__(self, width: Size) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width, VIT_EPSILON)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        first: torch.Tensor = self.norm(tokens[:, 0])
        return first


class Adapter(nn.Module):
    """A residual adapter, x + W2·gelu(W1·LN(x)), that changes nothing before it is trained (Houlsby et al. 2019; Gesmundo and Dean 2022).

    Args:
        features: numbers that are adapted together: those of a token or a vector, or the channels of a map.
        hidden: units between.
        axis: where the features are, -1 of vectors and tokens, 1 of maps.
    """

    def __init__(self, features: Size, hidden: Size, axis: Literal[-1, 1] = -1) -> None:
        super().__init__()
        self.axis = axis
        self.norm = nn.LayerNorm(features, VIT_EPSILON)
        self.fc1, self.fc2 = nn.Linear(features, hidden), nn.Linear(hidden, features)
        nn.init.zeros_(self.fc2.weight)
        nn.init.zeros_(self.fc2.bias)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        made = self.fc2(functional.gelu(self.fc1(self.norm(inputs.movedim(self.axis, -1)))))
        adapted: torch.Tensor = inputs + made.movedim(-1, self.axis)
        return adapted


def fitted(images: torch.Tensor, channels: int, side: int | None) -> torch.Tensor:
    """Images (n, c, h, w) with so many channels, brought to side × side; None leaves their size as it is."""
    if images.shape[1] == 1 and channels > 1:
        images = images.expand(-1, channels, -1, -1)
    if side is not None and images.shape[2:] != (side, side):
        smaller = max(images.shape[2:]) > side  # only then does smoothing matter
        images = functional.interpolate(images, (side, side), mode="bilinear", antialias=smaller, align_corners=False)
    return images


PATCHES = register(ComponentKind("patches.v1", Patches))
CLASS_TOKEN = register(ComponentKind("class-token.v1", ClassToken))
POSITIONS = register(ComponentKind("positions.v1", Positions, renamed={"places": "embedding"}))
CLASS_NORM = register(ComponentKind("class-norm.v1", ClassNorm))
ADAPTER = register(ComponentKind("adapter.v1", Adapter, renamed={"narrow": "fc1", "widen": "fc2"}))
