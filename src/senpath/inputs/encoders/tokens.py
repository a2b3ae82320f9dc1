"""Pictures and sounds as tokens, without learned weights: what a patch or a frame holds, 112 numbers, and where it stands, 16."""

from __future__ import annotations

from itertools import product
from math import pi
from typing import Any, final

import torch
from torch import nn
from torch.nn import functional

from senpath.inputs.encoders.base import Encoder
from senpath.inputs.modalities import MODALITIES
from senpath.inputs.modalities.audio import SILENCE
from senpath.types import DataType

PATCHES, FRAMES = "patches", "sound-frames"
CONTENT, PLACE = 112, 16
ACROSS = 4
"""Patches along a picture's longer side, at most; with 8 a mixture learned digits more slowly, and each pass took longer (docs/log.md)."""


@final
class PatchTokens(Encoder):
    """Pictures to at most 4 × 4 squares, (squares, 128): the lowest cosines of a square's pixels, and those of its row and column.

    A picture has the size that its modality gives it. Cosines are JPEG's (Ahmed, Natarajan and Rao 1974): 112 of grey squares, 37 of each
    colour, which are all there are up to 8 × 8 pixels of grey. A square at the edge that has too few pixels repeats its last ones.
    """

    def __init__(self) -> None:
        preparation = f"{ACROSS} across, {CONTENT} of cosines, {PLACE} of places"
        super().__init__(PATCHES, "image", nn.Identity(), tokens=True, preparation=preparation)

    def input_type(self, items: Any) -> DataType:
        return MODALITIES["image"].define(items)

    def run(self, items: Any, inputs: DataType) -> torch.Tensor:
        channels, height, width = inputs.shape
        step = 1 << max(1, (-(-max(height, width) // ACROSS) - 1).bit_length())
        rows, columns = -(-height // step), -(-width // step)
        pixels = MODALITIES["image"].encode(items, inputs) * 2 - 1
        whole = functional.pad(pixels, (0, columns * step - width, 0, rows * step - height), mode="replicate")
        squares = whole.reshape(-1, channels, rows, step, columns, step).permute(0, 2, 4, 1, 3, 5)
        waves = functional.normalize(_cosines(step, range(step)), dim=1)
        down, across = (_cosines(count, range(1, PLACE // 2 + 1)).T for count in (rows, columns))
        places = torch.cat([down[:, None].expand(-1, columns, -1), across.expand(rows, -1, -1)], 2)
        return _joined(_lowest(waves @ squares @ waves.T, CONTENT // channels).flatten(1, 2), places.flatten(0, 1))


@final
class FrameTokens(Encoder):
    """Sounds to (frames, 128): 64 log-mels of each 40 ms (longer in sounds of more than ten seconds), and the place of the frame.

    Silence at the end is padding.
    """

    def __init__(self) -> None:
        super().__init__(FRAMES, "audio", nn.Identity(), tokens=True, preparation=f"{CONTENT} of mels, {PLACE} of places")

    def input_type(self, items: Any) -> DataType:
        return MODALITIES["audio"].define(items)

    def run(self, items: Any, inputs: DataType) -> torch.Tensor:
        spectra = MODALITIES["audio"].encode(items, inputs)
        heard = (spectra > SILENCE + 1e-3).any(2)
        heard[:, 0] = True  # every sound has a token
        until_end = heard.flip(1).cummax(1).values.flip(1)
        return _joined(spectra, _cosines(spectra.shape[1], range(1, PLACE + 1)).T) * until_end[..., None]


def _cosines(length: int, halves: range) -> torch.Tensor:
    """Cosines of so many half periods over `length` places: (halves, length)."""
    angles = torch.tensor([*halves])[:, None] * (torch.arange(length) + 0.5) * (pi / length)
    return angles.cos()


def _lowest(waves: torch.Tensor, count: int) -> torch.Tensor:
    """Of the cosines of squares, (…, channels, step, step), so many of each channel, from the lowest on: (…, count · channels)."""
    order = sorted(product(range(waves.shape[-1]), repeat=2), key=lambda place: (sum(place), place))[:count]
    down, across = torch.tensor(order).T
    return waves[..., down, across].flatten(-2)


def _joined(content: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
    """Tokens (n, tokens, 128) of what they hold, zeros where that is less than there is room for, and of their places (tokens, 16)."""
    filled = functional.pad(content, (0, CONTENT - content.shape[-1]))
    return torch.cat([filled, places.expand(len(content), -1, -1)], 2)
