"""Pictures whose numbers are not shares of the brightest value: normalised as torch's transforms do it, or of a range of their own.

A convention that can be recognised is undone: then the same picture is the same to a network, normalised or not. Pictures of any other
range are a type of their own, for nothing says what they were; their range is brought to 0 … 1, and no others are read as that type.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from math import inf
from typing import Any

import numpy as np
import torch

from senpath.arrays import as_array
from senpath.errors import InputError

LEVEL = 1 / 255
"""Pixels are shares of 255, as files have them."""
WHOLE, WHOLE_LEVELS = 0.02, 8
"""How near to whole levels all numbers have to be, and how many different levels there have to be, so that it is no accident."""
MARGIN = 0.25
"""How far beyond the range of a type's first pictures later ones may be, as a share of it."""
FARTHEST = 100.0
"""Times their standard deviation: numbers of a wider range have one among them that would take all others' contrast."""
TINY = 1e-30
POOLED = 64
"""Pictures that are looked at together, at most."""
CONVENTIONS = {
    "ImageNet": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    "CLIP": ((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)),
    "CIFAR-10": ((0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)),
    "CIFAR-10, older": ((0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010)),
    "CIFAR-100": ((0.5071, 0.4867, 0.4408), (0.2675, 0.2565, 0.2761)),
    "MNIST": ((0.1307,), (0.3081,)),
    "Fashion-MNIST": ((0.2860,), (0.3530,)),
    "-1 … 1": ((0.5,), (0.5,)),
    "0 … 255": ((0.0,), (LEVEL,)),
}
"""Mean and standard deviation of each channel, or of all, by which torch's users normalise."""


@dataclass(frozen=True)
class Normalisation:
    """How numbers become pixels: number · std + mean.

    Args:
        mean, std: of each channel, or one of all; std above 0.
        name: of the convention; "" for the range of a type's first pictures.
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]
    name: str = ""

    @staticmethod
    def of_range(low: float, high: float) -> Normalisation:
        """That brings this range to 0 … 1."""
        return Normalisation((-low / (high - low),), (1 / (high - low),))

    @staticmethod
    def from_json(options: Mapping[str, Any]) -> Normalisation | None:
        """As a type's options have it; None where they have none."""
        kept = options.get("normalised")
        return None if kept is None else Normalisation(tuple(kept["mean"]), tuple(kept["std"]), kept["name"])

    def to_json(self) -> dict[str, Any]:
        """For a type's options."""
        return {"mean": [*self.mean], "std": [*self.std], "name": self.name}

    @property
    def tag(self) -> str:
        """What tells types of different ranges apart in their keys."""
        return f"n{sha256(repr((self.mean, self.std)).encode()).hexdigest()[:8]}"

    @property
    def range(self) -> tuple[float, float]:
        """The numbers that black and white have, the lowest and the highest of all channels."""
        ends = [[(pixel - mean) / std for mean, std in zip(self.mean, self.std, strict=True)] for pixel in (0.0, 1.0)]
        return min(ends[0]), max(ends[1])

    def about(self) -> str:
        """What is done, for people."""
        low, high = self.range
        if not self.name:
            return f"of a range of their own, {low:.3g} … {high:.3g}, brought to 0 … 1; no other pictures are read as this type"
        return f"normalised as for {self.name}: taken as number · {_shown(self.std)} + {_shown(self.mean)}"

    def pixels(self, numbers: np.ndarray) -> np.ndarray:
        """Pixels of numbers (n, c, h, w), float64; beyond 0 … 1 where the numbers are beyond the range."""
        mean, std = (np.array(value)[:, None, None] for value in (self.mean, self.std))
        pixels: np.ndarray = np.asarray(numbers, np.float64) * std + mean
        return pixels

    def fits(self, channels: int) -> bool:
        """Whether it says something of pictures of so many channels."""
        return channels in (1, 3) and len(self.mean) in (1, channels)

    def read(self, numbers: np.ndarray) -> np.ndarray | None:
        """Pixels (n, c, h, w) in [0, 1], float32; None if the numbers are of another range. Whole levels become exact ones."""
        if not self.fits(numbers.shape[1]):
            return None
        pixels = self.pixels(numbers)
        least = LEVEL / 2 if self.name else MARGIN
        if not (pixels.min() >= -least and pixels.max() <= 1 + least):
            return None
        if self.name and _are_whole(pixels, numbers):
            return (pixels / LEVEL).round().clip(0, 255).astype(np.float32) / np.float32(255)
        return pixels.astype(np.float32).clip(0, 1) if self.name else pixels.astype(np.float32)


def _shown(values: Sequence[float]) -> str:
    return f"{values[0]:.4g}" if len(values) == 1 else f"({', '.join(f'{value:.4g}' for value in values)})"


def _are_whole(pixels: np.ndarray, numbers: np.ndarray) -> bool:
    levels = pixels / LEVEL
    coarse = float(np.finfo(numbers.dtype).eps) * float(np.abs(levels).max(initial=0) + 1)  # of half precision nothing can be told
    return coarse <= WHOLE and bool(np.abs(levels - levels.round()).max(initial=0) <= WHOLE)


def recognised(pictures: Sequence[np.ndarray]) -> Normalisation | None:
    """The convention by which float pictures (n, c, h, w) were normalised, if there is one and no other.

    Undone, all numbers have to lie in 0 … 1, and either all are whole levels of 255, of which there are several, or black and white both
    occur in every channel.
    """
    whole, ended = [], []
    for name, (mean, std) in CONVENTIONS.items():
        convention = Normalisation(mean, std, name)
        if not all(convention.fits(part.shape[1]) for part in pictures):
            continue
        pixels = [convention.pixels(part) for part in pictures]
        low, high = min(part.min() for part in pixels), max(part.max() for part in pixels)
        if low < -LEVEL / 2 or high > 1 + LEVEL / 2:
            continue
        if name == "0 … 255" and high <= 0.5:  # numbers up to 16 or 100 are of another range, however whole
            continue
        if all(_are_whole(part, own) for part, own in zip(pixels, pictures, strict=True)):
            levels = np.unique(np.concatenate([(part / LEVEL).round().ravel() for part in pixels]))
            whole += [convention] if len(levels) >= WHOLE_LEVELS else []
        lows = np.min([part.min(axis=(0, 2, 3)) for part in pixels], axis=0)
        highs = np.max([part.max(axis=(0, 2, 3)) for part in pixels], axis=0)
        ended += [convention] if lows.max() <= LEVEL / 2 and highs.min() >= 1 - LEVEL / 2 else []
    return whole[0] if len(whole) == 1 else ended[0] if not whole and len(ended) == 1 else None


def numbers_of(items: Any, channels_first: Any) -> tuple[list[np.ndarray], float, float]:
    """Of pictures in any form some that are arrays of floats beyond 0 … 1, as (n, c, h, w); and the lowest and highest of all such numbers.

    Args:
        channels_first: brings an array of pictures, given whether it came as a tensor, to (n, c, h, w).

    Returns:
        The pictures, `POOLED` at most; no pictures, infinity and its negative where there are none.
    """
    whole = isinstance(items, np.ndarray | torch.Tensor)
    outside: list[np.ndarray] = []
    low, high = inf, -inf
    for item in [items] if whole else items:
        if not _is_floating(item) or 0 in item.shape:
            continue
        array = as_array(item) if isinstance(item, torch.Tensor) else item
        least, most = float(array.min()), float(array.max())
        if (least < 0 or most > 1) and np.isfinite([least, most]).all():
            low, high = min(low, least), max(high, most)
            if len(outside) < POOLED:
                some = array[np.unique(np.linspace(0, len(array) - 1, POOLED).astype(int))] if whole else array[None]
                outside.append(channels_first(some, isinstance(item, torch.Tensor)))
    return outside, low, high


def _is_floating(item: Any) -> bool:
    return (isinstance(item, np.ndarray) and item.dtype.kind == "f") or (isinstance(item, torch.Tensor) and item.is_floating_point())


def is_usual(array: np.ndarray, low: float, high: float) -> bool:
    """Whether pictures look as if they were of usual pixels, not of a range from `low` to `high`: they lie in 0 … 1, and are not dark."""
    return bool(array.min() >= 0 and 0.5 < array.max() <= 1 and not 0 <= low < high <= 1)


def require_range(pictures: Sequence[np.ndarray], low: float, high: float) -> Normalisation:
    """The range of a type's first pictures, if no single number takes all of it.

    Raises:
        InputError: if one does.
    """
    spread = float(np.concatenate([part.ravel() for part in pictures]).astype(np.float64).std())
    if high - low > FARTHEST * max(spread, TINY):
        do = "Look for a wrong number in them, or divide by the largest possible value"
        raise InputError("pixel values", expected="numbers in proportion", got=f"{low:g} to {high:g}, nearly all of them alike", do=do)
    return Normalisation.of_range(low, high)
