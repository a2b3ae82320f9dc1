"""Images of any size, grey or colour, as float32 in [0, 1] of the network's size."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from io import BytesIO
from math import ceil, prod
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageFile
from torch.nn import functional

from senpath.arrays import as_array, require_finite
from senpath.errors import InputError, LimitError
from senpath.inputs.limits import PICTURE_PIXELS, require_plain_file
from senpath.inputs.modalities.normalised import Normalisation, is_usual, numbers_of, recognised, require_range
from senpath.inputs.modalities.picture_files import FORMATS, open_picture, turn_of, unreadable
from senpath.types import DataType

LARGEST = 64
"""Longest side, in pixels, that a network chooses by itself; larger first images are brought down to it."""

PHOTOGRAPH = 48
"""Shorter side, in pixels, of a colour image that is taken for a photograph."""

SAMPLED, SAMPLED_PHOTOGRAPHS = 16, 5
"""Pictures of a list that are looked at for the size of a type, and for whether they are photographs."""

AVERAGED = ("L", "RGB", "RGBA", "LA", "RGBX", "CMYK", "YCbCr", "I", "F")
"""Pillow's modes of pictures that are averaged as they are."""

GREY = torch.tensor([0.299, 0.587, 0.114])  # ITU-R BT.601

PIXELS_AT_ONCE = 2**22
"""Numbers of an array that are brought to the network's size together, so that memory does not grow with the batch."""


class ImageModality:
    """Arrays (n, h, w), (n, h, w, c) or (n, c, h, w); lists of such images, of PIL images or of files.

    Pictures stand upright as their EXIF data says, and what is transparent shows a white ground. Whole numbers are shares of 255; a
    picture of no other numbers than 0 and 1 is taken as it is. Of an animation the first picture is read. Floats beyond 0 … 1 are
    normalised: a convention that is recognised is undone, any other range is the type's own, see `senpath.inputs.modalities.normalised`.
    """

    name = "image"

    def define(self, items: Any) -> DataType:
        normal = normalisation_of(items)
        return DataType("image", typical_shape(items, normal), {} if normal is None else {"normalised": normal.to_json()})

    def encode(self, items: Any, data_type: DataType) -> torch.Tensor:
        encoded = [_fit(part, data_type.shape) for part in decoded(items, Normalisation.from_json(data_type.options))]
        return torch.cat(encoded) if encoded else torch.zeros(0, *data_type.shape)

    @staticmethod
    def fit(pictures: torch.Tensor, shape: tuple[int, ...]) -> torch.Tensor:
        """Pictures (n, c, h, w) brought to a type's shape, float32 (n, *shape)."""
        return _fit(pictures, shape)


def typical_shape(items: Any, normal: Normalisation | None) -> tuple[int, int, int]:
    """The shape of the type that new pictures would establish: in colour if some are, of the size of the middle one.

    Of pictures in a list up to `SAMPLED` are looked at, evenly spread; the first may be unlike all others.
    """
    some = [next(decoded(items[:1], normal))] if isinstance(items, np.ndarray | torch.Tensor) else _sampled(items, SAMPLED, normal)
    shapes = sorted((own_shape(each) for each in some), key=lambda shape: shape[1] * shape[2])
    _, height, width = shapes[len(shapes) // 2]
    return max(channels for channels, _, _ in shapes), height, width


def _sampled(items: Any, most: int, normal: Normalisation | None = None) -> list[torch.Tensor]:
    """Some of these pictures, float32 (1, c, h, w) each; of those that cannot be read encoding says so, if others can.

    Raises:
        InputError: if none can be read.
    """
    pictures: list[torch.Tensor] = []
    for place in np.unique(np.linspace(0, len(items) - 1, min(most, len(items))).round().astype(int)).tolist():
        with suppress(InputError):
            pictures.append(next(decoded(items[place : place + 1], normal)))
    return pictures or [next(decoded(items[:1], normal))]


def own_shape(pictures: torch.Tensor) -> tuple[int, int, int]:
    """The shape of the type that the first of these pictures (n, c, h, w) would establish."""
    channels, height, width = pictures.shape[1:]
    scale = min(1.0, LARGEST / max(height, width))
    return (3 if channels > 1 else 1, max(1, round(height * scale)), max(1, round(width * scale)))


def normalisation_of(items: Any) -> Normalisation | None:
    """How the numbers of new pictures become pixels: by the convention that is recognised, else by their range; None of usual pixels.

    Raises:
        InputError: if a single number takes the whole range.
    """
    outside, low, high = numbers_of(items, channels_first)
    if not outside:
        return None
    return recognised(outside) or require_range(outside, low, high)


def decoded(items: Any, normal: Normalisation | None = None) -> Iterator[torch.Tensor]:
    """Pictures in any form as float32 (n, c, h, w) in [0, 1], those of one array some at a time and others one by one.

    Args:
        normal: how numbers beyond 0 … 1 become pixels where the pictures themselves do not tell; of a type with a range of its own, how all
            do.
    """
    items = _stacked(items)
    beyond = False
    if normal is None or normal.name:
        outside, _, _ = numbers_of(items, channels_first)
        normal = (recognised(outside) if outside else None) or normal
        beyond = bool(outside) and normal is not None
    if isinstance(items, np.ndarray | torch.Tensor):
        size = max(1, PIXELS_AT_ONCE // max(1, prod(items.shape[1:])))
        for start in range(0, len(items), size):
            yield _as_batch(items[start : start + size], start, normal, beyond)
    else:
        for index, item in enumerate(items):
            yield _as_batch([item], index, normal)


def _are_alike(items: Any) -> bool:
    """Whether these are several arrays of one shape and type, which one array may stand for."""
    if not isinstance(items, list) or len(items) < 2 or not all(type(item) is np.ndarray for item in items):
        return False
    return len({(item.shape, item.dtype) for item in items}) == 1 and items[0].size * len(items) <= PIXELS_AT_ONCE


def _stacked(items: Any) -> Any:
    """Several arrays that are alike as one; but each picture of a list speaks for itself, so not where only some go beyond 0 … 1."""
    if not _are_alike(items):
        return items
    array = np.stack(items)
    if array.dtype.kind == "f" and array.size:
        beyond = (array.min((*range(1, array.ndim),)) < 0) | (array.max((*range(1, array.ndim),)) > 1)
        return items if beyond.any() and not beyond.all() else array
    return array


def is_photograph(items: Any) -> bool:
    """Whether most of these images are in colour and larger than what is drawn of a letter or a digit."""
    try:
        some = [picture[0] for picture in _sampled(items, SAMPLED_PHOTOGRAPHS)]
    except InputError:  # which encoding it explains
        return False
    votes = [len(each) == 3 and min(each.shape[1:]) >= PHOTOGRAPH and bool((each[0] != each[2]).any()) for each in some]
    return 2 * sum(votes) > len(votes)


def _as_batch(
    items: np.ndarray | torch.Tensor | Sequence[Any], position: int = 0, normal: Normalisation | None = None, beyond: bool = False
) -> torch.Tensor:
    """float32 (n, channels, h, w) in [0, 1].

    Args:
        beyond: whether others of the same array have numbers beyond 0 … 1: then these are normalised too, whatever theirs are.
    """
    tensors = isinstance(items, torch.Tensor) or (len(items) > 0 and isinstance(items[0], torch.Tensor))
    if isinstance(items, torch.Tensor):
        array = as_array(items)
    elif isinstance(items, np.ndarray):
        array = items
    else:
        array = np.stack([_read(item) for item in items])
    return _on_white(_scale(channels_first(array, tensors), position, normal, beyond))


def _read(item: Any) -> np.ndarray:
    if isinstance(item, torch.Tensor):
        return as_array(item)
    if isinstance(item, np.ndarray):
        return item
    try:
        if isinstance(item, Image.Image):
            return _pixels_of(item)
        require_plain_file(Path(item), f"image {item}")
        with open_picture(Path(item)) as image:
            return _pixels(image)
    except InputError:
        raise
    except Exception as error:  # Pillow's readers raise whatever they trip over in a damaged file
        opened = isinstance(item, Image.Image)
        name = (getattr(item, "filename", "") or "in memory") if opened else item
        raise unreadable(f"image {name}", error, None if opened else Path(item)) from error


def read_picture(file: BytesIO, name: object, most: int) -> np.ndarray:
    """The pixels of a picture file in memory, as `ImageModality` takes them.

    Args:
        name: what errors call it.
        most: pixels that it may have, of which its header tells before any is decoded.

    Raises:
        InputError: if it cannot be read, or is larger.
    """
    try:
        with open_picture(file) as image:
            if image.width * image.height > most:
                raise LimitError(f"image {name}", expected=f"at most {most:,} pixels", got=f"{image.width:,} × {image.height:,}")
            return _pixels(image)
    except InputError:
        raise
    except Exception as error:  # Pillow's readers raise whatever they trip over in a damaged file
        raise unreadable(f"image {name}", error, file) from error


def _pixels_of(image: Image.Image) -> np.ndarray:
    """A picture's pixels; one that was opened from bytes and not decoded yet does not keep them, which would fill memory."""
    file = getattr(image, "fp", None)
    if isinstance(image, ImageFile.ImageFile) and image.format in FORMATS and image.tile and isinstance(file, BytesIO) and not image.tell():
        with open_picture(BytesIO(file.getvalue())) as fresh:
            if (fresh.mode, fresh.size) == (image.mode, image.size):
                return _pixels(fresh)
    return _pixels(image)


def _pixels(image: Image.Image) -> np.ndarray:
    image.load()
    turn = turn_of(image)
    factor = ceil((image.width * image.height / PICTURE_PIXELS) ** 0.5)
    sixteen, see_through = image.mode.startswith("I;16"), image.has_transparency_data
    if factor > 1:
        image = _averaged(image, factor, see_through)
    if sixteen:  # Pillow would cut these off at 255
        pixels = np.asarray(image if turn is None else image.transpose(turn), dtype=np.float32)
        return pixels / 65_535 if pixels.size and pixels.max() > 1 else pixels
    if see_through or image.mode not in ("L", "RGB", "I", "F"):
        image = image.convert(_plain_mode(image, see_through))
    pixels = np.asarray(image if turn is None else image.transpose(turn))
    if image.mode == "LA":  # two channels are none of an array's forms
        return _on_white(_scale(np.moveaxis(pixels, 2, 0)[None], 0))[0, 0].numpy()
    return pixels


def _averaged(image: Image.Image, factor: int, see_through: bool) -> Image.Image:
    """A large picture averaged down; of places in a palette, or of bits, there is no mean."""
    if image.mode.startswith("I;16"):
        image = image.convert("I")
    elif image.mode not in AVERAGED:
        image = image.convert(_plain_mode(image, see_through))
    return image.reduce(factor)


def _plain_mode(image: Image.Image, see_through: bool) -> str:
    grey = image.mode in ("1", "L", "LA", "La")
    return ("LA" if grey else "RGBA") if see_through else "L" if grey else "RGB"


def channels_first(array: np.ndarray, tensor: bool) -> np.ndarray:
    """Pictures in any order of axes as (n, c, h, w); of two that may both be channels, a tensor's second one is."""
    shape = f"shape {array.shape}"
    if array.ndim not in (3, 4) or 0 in array.shape[1:]:
        raise InputError("images", expected="(n, h, w), (n, h, w, c) or (n, c, h, w), no side 0", got=shape)
    if array.ndim == 3:
        return array[:, None]
    last, second = array.shape[3] in (1, 3, 4), array.shape[1] in (1, 3, 4)
    if not (last or second):
        raise InputError("images", expected="1, 3 or 4 channels as the second or last axis", got=shape)
    if last and not (second and tensor):
        array = array.transpose(0, 3, 1, 2)
    return array


def _on_white(images: torch.Tensor) -> torch.Tensor:
    """Pictures (n, c, h, w) in [0, 1] without their last channel, where that says how opaque they are: what is behind them is white.

    A picture that would not be seen at all but has colours keeps these: whoever wrote it left the channel empty.
    """
    channels = images.shape[1]
    if channels not in (2, 4):
        return images
    colours, alpha = images[:, : channels - 1], images[:, channels - 1 :]
    unseen = (alpha == 0).flatten(1).all(1) & (colours.flatten(2) != colours.flatten(2)[:, :, :1]).flatten(1).any(1)
    alpha = torch.where(unseen[:, None, None, None], 1.0, alpha)
    return colours * alpha + (1 - alpha)


def _scale(array: np.ndarray, position: int, normal: Normalisation | None = None, beyond: bool = False) -> torch.Tensor:
    if normal is not None and not normal.name:
        return _of_range(array, position, normal)
    if array.dtype == bool:
        return torch.from_numpy(np.require(array, requirements=["C", "W"])).float()
    if array.dtype == np.uint8:
        pixels = torch.from_numpy(np.require(array, requirements=["C", "W"])).float()
        bright = array.max((1, 2, 3), initial=0) > 1
        return pixels.div_(255) if bright.all() else _shares(pixels)
    if array.dtype.kind not in "fiu":
        raise InputError("images", expected="numbers", got=f"dtype {array.dtype}")
    with np.errstate(over="ignore"):  # what is too large becomes infinity, and is refused
        pixels = torch.from_numpy(np.require(array, np.float32, ["C", "W"]))
    require_finite(pixels, "image", range(position, position + len(pixels)))
    if array.dtype.kind in "iu":
        pixels = _shares(pixels)
    low, high = (float(pixels.min()), float(pixels.max())) if pixels.numel() else (0.0, 0.0)
    if low < 0 or high > 1 or beyond:
        undone = _undone(array, normal) if array.dtype.kind == "f" else None
        if undone is not None:
            return torch.from_numpy(undone)
        raise InputError(
            "pixel values",
            expected="whole numbers in 0 … 255, or floats in 0 … 1",
            got=f"{array.dtype} from {array.min():g} to {array.max():g}",
            do="Undo any standardisation and divide by the largest possible value",
        )
    return pixels


def _undone(array: np.ndarray, normal: Normalisation | None) -> np.ndarray | None:
    """Normalised pictures as pixels, if it is known how, or can be recognised."""
    pixels = normal.read(array) if normal is not None else None
    if pixels is None and (convention := recognised([array])) is not None:
        pixels = convention.read(array)
    return pixels


def _of_range(array: np.ndarray, position: int, normal: Normalisation) -> torch.Tensor:
    """Pictures of a type with a range of its own, which no others are taken for."""
    low, high = normal.range
    given = f"{array.dtype} from {array.min():g} to {array.max():g}" if array.size and array.dtype.kind in "fiub" else f"{array.dtype}"
    if array.dtype.kind == "f":
        with np.errstate(over="ignore"):
            require_finite(torch.from_numpy(np.require(array, np.float32, ["C", "W"])), "image", range(position, position + len(array)))
        pixels = normal.read(array)
        if pixels is not None and not is_usual(array, low, high):
            return torch.from_numpy(pixels)
    raise InputError(
        "pixel values",
        expected=f"floats from {low:.3g} to {high:.3g}, as the type's first pictures have",
        got=given,
        do="Prepare them as those that were learned",
    )


def _shares(whole: torch.Tensor) -> torch.Tensor:
    """Whole numbers as shares of 255; a picture of 0s and 1s, such as a mask, as it is, so that its type of numbers does not matter."""
    if not whole.numel():
        return whole
    is_mask = whole.flatten(1).amax(1) <= 1
    return torch.where(is_mask[:, None, None, None], whole, whole / 255) if bool(is_mask.any()) else whole / 255


def _fit(images: torch.Tensor, shape: tuple[int, ...]) -> torch.Tensor:
    channels, height, width = shape
    if images.shape[1] == 3 and channels == 1:
        images = (images * GREY[None, :, None, None]).sum(1, keepdim=True)
    elif images.shape[1] == 1 and channels == 3:
        images = images.expand(-1, 3, -1, -1)
    if images.shape[2:] != (height, width):
        images = functional.interpolate(images, (height, width), mode="bilinear", antialias=True, align_corners=False).clamp(0, 1)
    return images
