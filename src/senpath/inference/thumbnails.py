"""The first inputs of a prediction, as a notebook shows them."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from senpath.inputs.limits import PICTURE_PIXELS, require_plain_file
from senpath.inputs.modalities import MODALITY_BY_ENDING
from senpath.inputs.modalities.image import read_picture
from senpath.inputs.modalities.picture_files import open_picture
from senpath.notebook.html import Html, word

SIDE = 48
"""Longest side of a thumbnail, in pixels."""


def shown(item: Any) -> Html:
    """What a table shows of an input: a thumbnail of a picture, else a few words."""
    picture = _picture(item)
    if picture is not None:
        return _thumbnail(picture)
    if isinstance(item, Mapping):
        return Html(
            word(", ".join(f"{name}={value:.3g}" if isinstance(value, float) else f"{name}={value}" for name, value in item.items()))
        )
    if isinstance(item, np.ndarray):
        return Html(word(", ".join(f"{value:.3g}" if isinstance(value, float) else str(value) for value in item.tolist())))
    return Html("" if item is None or isinstance(item, bytes) else word(item.name if isinstance(item, Path) else item))


def _picture(item: Any) -> Image.Image | None:
    """What can be seen of an input; None where it is no picture, or cannot be read any more."""
    try:
        if isinstance(item, Image.Image):
            return item.convert("RGB")
        if isinstance(item, bytes):
            return Image.fromarray(_as_bytes(read_picture(BytesIO(item), "input", PICTURE_PIXELS)))
        if isinstance(item, Path):
            if MODALITY_BY_ENDING.get(item.suffix.lower()) != "image":
                return None
            require_plain_file(item, f"image {item}")
            with open_picture(item) as file:
                file.draft("RGB", (SIDE, SIDE))
                return file.convert("RGB") if file.width * file.height <= PICTURE_PIXELS else None
        return Image.fromarray(_as_bytes(item)) if isinstance(item, np.ndarray) and item.ndim in (2, 3) else None
    except Exception:  # the file may be gone or damaged; the answers are shown without it
        return None


def _as_bytes(pixels: np.ndarray) -> np.ndarray:
    """Numbers of any range as uint8, (h, w) or (h, w, 3)."""
    if pixels.ndim == 3 and pixels.shape[2] not in (1, 3, 4):
        pixels = pixels.transpose(1, 2, 0)
    pixels = pixels[..., :3] if pixels.ndim == 3 and pixels.shape[2] > 1 else pixels.reshape(pixels.shape[:2])
    if pixels.dtype == np.uint8 and pixels.max() > 1:
        return np.ascontiguousarray(pixels)
    numbers = np.nan_to_num(pixels.astype(np.float64))
    low, high = float(numbers.min()), float(numbers.max())
    low, high = (0.0, 1.0) if low >= 0 and high <= 1 else (0.0, 255.0) if low >= 0 and 1 < high <= 255 else (low, high)
    return np.ascontiguousarray((255 * (numbers - low) / max(high - low, 1e-12)).astype(np.uint8))


def _thumbnail(picture: Image.Image) -> Html:
    picture.thumbnail((SIDE, SIDE))
    file = BytesIO()
    picture.save(file, "PNG")
    scale = SIDE / max(picture.size)
    size = f'width="{round(picture.width * scale)}" height="{round(picture.height * scale)}"'
    source = f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"
    return Html(f'<img alt="input" {size} style="image-rendering:pixelated" src="{source}">')
