"""The parts of a small Vision Transformer (Dosovitskiy et al. 2021), each a brick of its own, and the adapter between layers."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

EPSILON = 1e-6
"""Of layer normalisation, as in the published Vision Transformers."""


class Patches(nn.Module):
    """Images cut into squares, each mapped to a token.

    Args:
        channels: of an image; an image of one channel is repeated if there are to be more.
        side: height and width that images are brought to, pixels.
        patch: height and width of a square; divides `side`.
        width: numbers in a token.

    The output is (n, (side / patch)², width).
    """

    def __init__(self, channels: int, side: int, patch: int, width: int) -> None:
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

    def __init__(self, width: int) -> None:
        super().__init__()
        self.token = nn.Parameter(torch.zeros(width))

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        return torch.cat([self.token.expand(len(tokens), 1, -1), tokens], 1)


class Positions(nn.Module):
    """What tells tokens of different places apart, added to them.

    Args:
        tokens: how many there are.
        width: numbers in one.
    """

    def __init__(self, tokens: int, width: int) -> None:
        super().__init__()
        self.places = nn.Parameter(torch.empty(tokens, width))
        nn.init.normal_(self.places, std=0.02)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        return tokens + self.places


class Transformer(nn.Module):
    """One block: attention, then two fully connected layers, each behind a normalisation and beside a skip connection.

    Args:
        width: numbers in a token.
        heads: of the attention; divides `width`.
        hidden: units between the two fully connected layers.
    """

    def __init__(self, width: int, heads: int, hidden: int) -> None:
        super().__init__()
        if width % heads:
            raise ValueError(f"{heads} heads do not divide width {width}")
        self.heads = heads
        self.before, self.between = nn.LayerNorm(width, EPSILON), nn.LayerNorm(width, EPSILON)
        self.ask, self.answer = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.widen, self.narrow = nn.Linear(width, hidden), nn.Linear(hidden, width)
        for layer in (self.ask, self.answer, self.widen, self.narrow):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        count, length, width = tokens.shape
        asked = self.ask(self.before(tokens)).reshape(count, length, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        seen = functional.scaled_dot_product_attention(*asked).transpose(1, 2).reshape(count, length, width)
        tokens = tokens + self.answer(seen)
        made: torch.Tensor = self.narrow(functional.gelu(self.widen(self.between(tokens))))
        return tokens + made


class ClassNorm(nn.Module):
    """The last normalisation, and of its tokens the first: (n, tokens, width) to (n, width).

    Args:
        width: numbers in a token.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width, EPSILON)

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

    def __init__(self, features: int, hidden: int, axis: int = -1) -> None:
        super().__init__()
        self.axis = axis
        self.norm = nn.LayerNorm(features, EPSILON)
        self.narrow, self.widen = nn.Linear(features, hidden), nn.Linear(hidden, features)
        nn.init.zeros_(self.widen.weight)
        nn.init.zeros_(self.widen.bias)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        made = self.widen(functional.gelu(self.narrow(self.norm(inputs.movedim(self.axis, -1)))))
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
