"""Images of any size, grey or colour, as float32 in [0, 1] of the network's size."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch.nn import functional

from senpath.arrays import as_array, require_finite
from senpath.errors import InputError
from senpath.types import DataType

LARGEST = 64
"""Longest side, in pixels, that a network chooses by itself; larger first images are brought down to it."""

PHOTOGRAPH = 48
"""Shorter side, in pixels, of a colour image that is taken for a photograph."""

FORMATS = ("PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP")

GREY = torch.tensor([0.299, 0.587, 0.114])  # ITU-R BT.601


class ImageModality:
    """Arrays (n, h, w), (n, h, w, c) or (n, c, h, w); lists of such images, of PIL images or of files."""

    name = "image"

    def define(self, items: Any) -> DataType:
        first = _as_batch(items[:1])
        channels, height, width = first.shape[1:]
        scale = min(1.0, LARGEST / max(height, width))
        return DataType("image", (3 if channels > 1 else 1, max(1, round(height * scale)), max(1, round(width * scale))))

    def encode(self, items: Any, data_type: DataType) -> torch.Tensor:
        if isinstance(items, np.ndarray | torch.Tensor):
            return _fit(_as_batch(items), data_type.shape)
        encoded = [_fit(_as_batch([item], index), data_type.shape) for index, item in enumerate(items)]
        return torch.cat(encoded) if encoded else torch.zeros(0, *data_type.shape)


def is_photograph(items: Any) -> bool:
    """Whether the first of these images is in colour and larger than what is drawn of a letter or a digit."""
    first = _as_batch(items[:1])[0]
    return len(first) == 3 and min(first.shape[1:]) >= PHOTOGRAPH and bool((first[0] != first[2]).any())


def _as_batch(items: np.ndarray | torch.Tensor | Sequence[Any], position: int = 0) -> torch.Tensor:
    """float32 (n, channels, h, w) in [0, 1]."""
    channels_first = isinstance(items, torch.Tensor) or (len(items) > 0 and isinstance(items[0], torch.Tensor))
    if isinstance(items, torch.Tensor):
        array = as_array(items)
    elif isinstance(items, np.ndarray):
        array = items
    else:
        array = np.stack([_read(item) for item in items])
    return _scale(_channels_first(array, channels_first), position)


def open_picture(file: Path | BytesIO) -> Image.Image:
    """A picture of which only the header is read so far. What is wrong with it Pillow says in many kinds of exceptions.

    Raises:
        Image.DecompressionBombWarning: if it has more pixels than `PIL.Image.MAX_IMAGE_PIXELS`, of which Pillow would only warn.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        return Image.open(file, formats=FORMATS)


def _read(item: Any) -> np.ndarray:
    if isinstance(item, torch.Tensor):
        return as_array(item)
    if isinstance(item, np.ndarray):
        return item
    try:
        if isinstance(item, Image.Image):
            return _pixels(item)
        with open_picture(Path(item)) as image:
            return _pixels(image)
    except Exception as error:  # Pillow's readers raise whatever they trip over in a damaged file
        raise InputError(f"image {item}", expected="a readable picture file", got=f"{type(error).__name__}: {error}") from error


def _pixels(image: Image.Image) -> np.ndarray:
    if image.mode.startswith("I;16"):  # Pillow would cut these off at 255
        return np.asarray(image, dtype=np.float32) / 65_535
    if image.mode in ("L", "RGB", "I", "F"):
        return np.asarray(image)
    return np.asarray(image.convert("L" if image.mode in ("1", "LA") else "RGB"))


def _channels_first(array: np.ndarray, channels_first: bool) -> np.ndarray:
    shape = f"shape {array.shape}"
    if array.ndim not in (3, 4) or 0 in array.shape[1:]:
        raise InputError("images", expected="(n, h, w), (n, h, w, c) or (n, c, h, w), no side 0", got=shape)
    if array.ndim == 3:
        return array[:, None]
    last, second = array.shape[3] in (1, 3, 4), array.shape[1] in (1, 3, 4)
    if not (last or second):
        raise InputError("images", expected="1, 3 or 4 channels as the second or last axis", got=shape)
    if last and not (second and channels_first):
        array = array.transpose(0, 3, 1, 2)
    return array[:, :3]  # transparency carries no content


def _scale(array: np.ndarray, position: int) -> torch.Tensor:
    if array.dtype == np.uint8:
        return torch.from_numpy(np.require(array, requirements=["C", "W"])).float() / 255
    if array.dtype == bool:
        return torch.from_numpy(np.require(array, requirements=["C", "W"])).float()
    if array.dtype.kind not in "fiu":
        raise InputError("images", expected="numbers", got=f"dtype {array.dtype}")
    with np.errstate(over="ignore"):  # what is too large becomes infinity, and is refused
        pixels = torch.from_numpy(np.require(array, np.float32, ["C", "W"]))
    require_finite(pixels, "image", range(position, position + len(pixels)))
    if array.dtype.kind in "iu":
        pixels = pixels / 255
    low, high = (float(pixels.min()), float(pixels.max())) if pixels.numel() else (0.0, 0.0)
    if low < 0 or high > 1:
        raise InputError(
            "pixel values",
            expected="whole numbers in 0 … 255, or floats in 0 … 1",
            got=f"{array.dtype} from {array.min():g} to {array.max():g}",
            do="Undo any standardisation and divide by the largest possible value",
        )
    return pixels


def _fit(images: torch.Tensor, shape: tuple[int, ...]) -> torch.Tensor:
    channels, height, width = shape
    if images.shape[1] == 3 and channels == 1:
        images = (images * GREY[None, :, None, None]).sum(1, keepdim=True)
    elif images.shape[1] == 1 and channels == 3:
        images = images.expand(-1, 3, -1, -1)
    if images.shape[2:] != (height, width):
        images = functional.interpolate(images, (height, width), mode="bilinear", antialias=True, align_corners=False).clamp(0, 1)
    return images
