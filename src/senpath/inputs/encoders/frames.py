"""An encoder of pictures, frame by frame, as one of clips."""

from __future__ import annotations

from typing import Any, final

import torch
from torch.nn import functional

from senpath.inputs.encoders.base import Encoder
from senpath.inputs.encoders.efficientnet import efficientnet
from senpath.inputs.modalities.video import pictures_of
from senpath.types import DataType

EFFICIENTNET_FRAMES = "efficientnet-lite0-frames"
FRAMES = 8
"""Of a clip that are read, evenly from first to last."""


def efficientnet_frames() -> Encoder:
    """Clips to (8, 1280): what EfficientNet-Lite0 says of each of eight frames; raises what `efficientnet` does."""
    return FrameEncoder(EFFICIENTNET_FRAMES, efficientnet())


@final
class FrameEncoder(Encoder):
    """Clips to (frames, features): what an encoder of pictures says of each frame, every vector with a root mean square of 1.

    Args:
        name: under which networks know it.
        pictures: the encoder of pictures.
        frames: how many are read, evenly from first to last.
    """

    def __init__(self, name: str, pictures: Encoder, frames: int = FRAMES) -> None:
        super().__init__(name, "video", pictures.module, tokens=True, preparation=f"{frames} frames, {pictures.preparation}")
        self._pictures, self._frames = pictures, frames
        pictures.module = self.module

    def input_type(self, items: Any) -> DataType:
        return DataType("video", (self._frames, *self._pictures.input_type([]).shape))

    def run(self, items: Any, inputs: DataType) -> torch.Tensor:
        frames, *shape = inputs.shape
        picture = DataType("image", tuple(shape))
        of_clips = [self._pictures.run(pictures_of(item, index, frames, shape), picture) for index, item in enumerate(items)]
        vectors = torch.stack([answers.flatten(1) for answers in of_clips])
        scaled: torch.Tensor = functional.normalize(vectors, dim=2) * vectors.shape[2] ** 0.5
        return scaled
