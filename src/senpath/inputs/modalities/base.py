"""What a modality does: encode raw inputs of one kind as tensors of one shape."""

from __future__ import annotations

from typing import Any, Protocol

import torch

from senpath.types import DataType

MODALITY_BY_ENDING = {
    **dict.fromkeys((".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp"), "image"),
    **dict.fromkeys((".wav", ".flac", ".ogg"), "audio"),
    ".txt": "text",
}
"""What files hold, by their ending."""


class Modality(Protocol):
    """One kind of raw input: image, audio, table or text."""

    name: str

    def define(self, items: Any) -> DataType:
        """The data type that these first inputs establish; a network never changes it."""
        ...

    def encode(self, items: Any, data_type: DataType) -> torch.Tensor:
        """Encode inputs as float32 (n, *data_type.shape).

        Raises:
            InputError: if an input cannot be read, is not finite, or does not fit the type; the message names its position.
        """
        ...
