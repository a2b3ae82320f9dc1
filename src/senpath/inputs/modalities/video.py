"""Clips as a few frames each, sampled evenly, and what a small picture encoder says of every frame."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from senpath.arrays import as_array, unmasked
from senpath.errors import InputError, warn
from senpath.inputs.limits import CLIP_FRAMES
from senpath.inputs.modalities.clips import KEPT, LONGEST_SIDE, evenly, read_clip, upright_size
from senpath.inputs.modalities.edges import GRID, NUMBERS, edges_of
from senpath.inputs.modalities.image import ImageModality, is_photograph
from senpath.inputs.modalities.picture_files import open_picture
from senpath.types import DataType, Video

FRAMES = 12
"""Of an encoded clip: of a longer one as many are taken, evenly from first to last; of a shorter one some are taken several times."""
SIDE = 32
"""Longest side of the pictures that are encoded, in pixels; smaller first clips keep their size."""
LOOKED_AT = 8
"""First clips that decide how large frames are, and whether they are in colour."""
CHANNELS = (1, 3, 4)
LEAST_SIDE, LONGEST_RATIO = 8, 4
"""Of the frames of an array of clips (n, t, h, w), so that it is not taken for pictures of many channels."""
PICTURES = ImageModality()


class VideoModality:
    """Arrays (n, t, h, w) or (n, t, h, w, c); lists of such clips, of `Video` or of video files.

    Pixels are read as those of pictures are; whether whole numbers are shares of 255 is judged by a whole clip.
    """

    name = "video"

    def define(self, items: Any) -> DataType:
        firsts = [frames_of(items[int(place)], int(place)) for place in np.unique(evenly(len(items), LOOKED_AT))]
        height, width = (max(frames.shape[axis] for frames in firsts) for axis in (1, 2))
        scale = min(1.0, SIDE / max(height, width))
        channels = 3 if any(map(_is_coloured, firsts)) else 1
        frame = [channels, max(1, round(height * scale)), max(1, round(width * scale))]
        return DataType("video", (FRAMES, video_width(channels)), {"frame": frame})

    @staticmethod
    def warn_of_colours(items: Any, known: DataType) -> None:
        """Warn if most clips of a new task are in colour, and the type that the network has is grey."""
        if known.options["frame"][0] > 1:
            return
        votes = [_is_coloured(frames_of(items[int(place)], int(place))) for place in np.unique(evenly(len(items), LOOKED_AT))]
        if 2 * sum(votes) > len(votes):
            text = "most clips are in colour, of which nothing is seen in this network, because its first clips were grey. "
            warn(f"{text}Learn these first, or in a network of their own")

    def encode(self, items: Any, data_type: DataType) -> torch.Tensor:
        frames, numbers = data_type.shape
        encoded = torch.zeros(len(items), frames, numbers)
        for index in range(len(items)):
            encoded[index] = edges_of(pictures_of(items[index], index, frames, data_type.options["frame"]))
        return encoded


def _is_coloured(frames: np.ndarray) -> bool:
    return frames.shape[3] > 1 and bool((frames != frames[..., :1]).any())


def video_width(channels: int) -> int:
    """Numbers in a frame, of pictures with so many channels."""
    return NUMBERS + channels * GRID**2


def pictures_of(item: Any, index: int, frames: int, shape: Sequence[int]) -> torch.Tensor:
    """Some frames of a clip as pictures, float32 (frames, *shape) in 0 … 1.

    Args:
        index: the clip's place, for errors.
        frames: how many, evenly from first to last.
        shape: (channels, height, width) of the pictures.

    Raises:
        InputError: if it is no clip, or its pixels are not in range.
    """
    all_frames = frames_of(item, index)
    pixels = _in_range(all_frames[evenly(len(all_frames), frames)], f"clip {index}")
    return PICTURES.encode(pixels, DataType("image", tuple(shape)))


def frames_of(item: Any, index: int) -> np.ndarray:
    """The frames of a clip as they are, (t, h, w, c) with 1, 3 or 4 channels; of a file or of pictures at most `KEPT` of them.

    Raises:
        InputError: if it cannot be read.
    """
    frames = unmasked(item.frames if isinstance(item, Video) else item)
    if isinstance(frames, str | Path):
        return read_clip(Path(frames), frames)
    if isinstance(frames, list | tuple):
        return _of_pictures(frames, f"clip {index}")
    if not isinstance(frames, np.ndarray | torch.Tensor):
        raise InputError(f"clip {index}", expected="an array, a list of pictures or a Path", got=type(frames).__name__)
    array = as_array(frames) if isinstance(frames, torch.Tensor) else frames
    if array.ndim == 3:
        array = array[..., None]
    if array.ndim == 4 and array.shape[1] in CHANNELS and (isinstance(frames, torch.Tensor) or array.shape[3] not in CHANNELS):
        array = array.transpose(0, 2, 3, 1)
    if array.ndim != 4 or array.shape[3] not in CHANNELS or 0 in array.shape:
        raise InputError(f"clip {index}", expected="(t, h, w), (t, h, w, c) or (t, c, h, w), no axis 0", got=f"shape {tuple(frames.shape)}")
    return array


def is_clip(shape: Sequence[int]) -> bool:
    """Whether an array of this shape, three or four axes, is without doubt a clip, and no picture (h, w, c) or (c, h, w)."""
    if len(shape) == 4:
        return shape[1] in CHANNELS or shape[3] in CHANNELS
    time, height, width = shape
    short, long = sorted((height, width))
    return not (time in CHANNELS or width in CHANNELS) and short >= LEAST_SIDE and long <= LONGEST_RATIO * short


def is_film(items: Any) -> bool:
    """Whether frames of the first of these clips are photographs."""
    frames = frames_of(items[0], 0)
    return is_photograph([_in_range(frames[:1], "clip 0")[0]])


def _of_pictures(pictures: Sequence[Any], what: str) -> np.ndarray:
    if not pictures or len(pictures) > CLIP_FRAMES:
        raise InputError(what, expected=f"1 to {CLIP_FRAMES:,} pictures", got=f"{len(pictures):,}")
    chosen = [pictures[place] for place in evenly(len(pictures), min(KEPT, len(pictures)))]
    first = chosen[0]
    try:
        if isinstance(first, str | Path):
            with open_picture(Path(first)) as picture:
                width, height = upright_size(picture)
        elif isinstance(first, Image.Image):
            width, height = upright_size(first)
        else:
            height, width = np.shape(first)[-2:] if np.ndim(first) == 2 or np.shape(first)[0] in CHANNELS else np.shape(first)[:2]
        scale = min(1.0, LONGEST_SIDE / max(height, width))
        size = (3, max(1, round(height * scale)), max(1, round(width * scale)))
        frames: np.ndarray = PICTURES.encode(chosen, DataType("image", size)).movedim(1, 3).numpy()
    except InputError as error:
        error.reword(f"{what}: {error.message}", what=f"{what}: {error.what}")
        raise
    except Exception as error:  # Pillow's readers raise whatever they trip over in a damaged file
        raise InputError(what, expected="pictures of one size", got=f"{type(error).__name__}: {error}") from error
    return frames


def _in_range(frames: np.ndarray, what: str) -> np.ndarray:
    """Pixels as float32 in 0 … 1. All frames decide whether whole numbers are shares of 255: a dark one may have but 0 and 1."""
    kind = frames.dtype.kind
    if kind not in "biuf":
        raise InputError(what, expected="numbers", got=f"dtype {frames.dtype}")
    with np.errstate(over="ignore"):
        pixels = frames.astype(np.float32)
    if not np.isfinite(pixels).all():
        raise InputError(what, expected="finite numbers", got="NaN or infinity")
    low, high = float(pixels.min()), float(pixels.max())
    most = 255 if kind in "iu" else 1
    if low < 0 or high > most:
        expected, do = "whole numbers in 0 … 255, or floats in 0 … 1", "Undo any standardisation and divide by the largest possible value"
        raise InputError(what, expected=expected, got=f"{frames.dtype} from {low:g} to {high:g}", do=do)
    return pixels / 255 if high > 1 else pixels
