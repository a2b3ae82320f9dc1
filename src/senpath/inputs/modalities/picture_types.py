"""Which of a network's types of pictures new ones are read as: one that keeps what they show, or a type of their own.

What a type keeps is what a linear reader could get back. Bringing a picture to another size multiplies it by a matrix on either side; what
lies in the span of these stays, and the rest is lost (orthogonal projection). A larger size loses nothing, a smaller one what is fine,
another shape what is fine along one side, and grey loses the differences of the colours.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from math import log2, prod
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from senpath.errors import InputError
from senpath.inputs.modalities.image import ImageModality, decoded, own_shape
from senpath.types import DataType

LOOKED_AT = 64
"""Pictures of a task that are looked at, at most, evenly spread."""
MOST_LOST = 0.05
"""Share of their variance that the pictures of a task may lose in a type; above it they get one of their own. Chosen on the training parts
of seventeen sets, see docs/results/senses.md."""
COLOURED = 1e-3
"""Share of its variance that a picture's colours have where it counts as one in colour; pictures stored as RGB may be grey."""
TINY = 1e-12


@dataclass(frozen=True)
class Choice:
    """The type that inputs are read as, and why, for people; "" where there was nothing to choose."""

    data_type: DataType
    why: str = ""


def choose_type(items: Any, known: Iterable[DataType], suited: Sequence[DataType], define: Callable[[], DataType]) -> Choice:
    """The type that the pictures of a new task are read as.

    Of types that lose no more than `MOST_LOST` of what they show it is the one of the fewest numbers.

    Args:
        items: the pictures.
        known: the network's types.
        suited: those of pictures that may be joined.
        define: the type that the pictures would have in a network of their own.
    """
    others = [kind for kind in known if kind.modality == "image"]
    if not others:
        return Choice(define())
    pictures = looked_at(items)
    lost = [(kind, share_lost(pictures, pixels_of(kind))) for kind in suited]
    keeping = [(prod(pixels_of(kind) or kind.shape), place) for place, (kind, share) in enumerate(lost) if share <= MOST_LOST]
    if keeping:
        kind, share = lost[min(keeping)[1]]
        return Choice(kind, f"joined the type {titled(kind)}, which keeps {1 - share:.1%} of what these pictures show")
    new = define()
    same = next((kind for kind in suited if unnamed(kind) == new), None)
    if same is not None:  # pictures of many sizes: the first is of the type's
        return Choice(same, f"joined the type {titled(same)}, as the first picture has it")
    new = beside(new, others)
    return Choice(new, f"opened the type {titled(new)}: {_reason(lost, others)}")


def _reason(lost: Sequence[tuple[DataType, float]], others: Sequence[DataType]) -> str:
    if not lost:
        return f"{', '.join(map(titled, others))} {'is' if len(others) == 1 else 'are'} read by other means"
    each = ", ".join(f"{titled(kind)} would lose {share:.1%}" for kind, share in lost)
    return f"{each} of what these pictures show, and {MOST_LOST:.0%} may be lost"


def titled(kind: DataType) -> str:
    """A type of pictures by its key and what it reads, for people."""
    size = pixels_of(kind)
    parts = [f"through {kind.encoder!r}"] if kind.encoder is not None else []
    if size is not None and kind.encoder is None:
        parts = [f"{size[2]}×{size[1]} pixels, {'grey' if size[0] == 1 else 'in colour'}"]
    return f"{kind.key!r} ({', '.join(parts)})" if parts else repr(kind.key)


def type_name(kind: DataType) -> str:
    """What the key of a further type of pictures ends in: it follows from the encoding."""
    name = "x".join(map(str, pixels_of(kind) or kind.shape))
    return f"{name}-{kind.options['encoder']['sha256'][:12]}" if "encoder" in kind.options else name


def beside(kind: DataType, known: Iterable[DataType]) -> DataType:
    """A type of pictures with the key that it has in a network of these types."""
    taken = any(other.key == kind.modality for other in known)
    return replace(kind, options={**kind.options, "name": type_name(kind)}) if taken else unnamed(kind)


def unnamed(kind: DataType) -> DataType:
    """A type of pictures as it would be the first one: its encoding alone."""
    return replace(kind, options={name: value for name, value in kind.options.items() if name != "name"})


def pixels_of(kind: DataType) -> tuple[int, ...] | None:
    """(channels, height, width) that pictures are brought to; None where an encoder does not say."""
    shape = kind.options["reads"]["shape"] if kind.encoder is not None else kind.shape
    return tuple(shape) if len(shape) == 3 else None


def looked_at(items: Any) -> list[torch.Tensor]:
    """Some of these pictures, those that can be read: float32 (1, c, h, w) each."""
    places = np.unique(np.linspace(0, len(items) - 1, min(LOOKED_AT, len(items))).round().astype(int))
    pictures = []
    for place in places.tolist():
        try:
            pictures += [*decoded(items[place : place + 1])]
        except InputError:  # which encoding them explains, by its place
            continue
    return pictures


def share_lost(pictures: Sequence[torch.Tensor], shape: tuple[int, ...] | None) -> float:
    """Share of the pictures' variance that is lost where they are brought to this shape, of all of them together, in 0 … 1.

    Args:
        pictures: float32 (1, c, h, w) each. What is beyond the size that a first type would have counts as lost anyway.
        shape: (channels, height, width); None loses nothing that is known of.
    """
    lost = total = 0.0
    if shape is None:
        return 0.0
    for picture in pictures:
        native = ImageModality.fit(picture, own_shape(picture))
        channels, height, width = native.shape[1:]
        kept = native
        if channels == 3 and shape[0] == 1:
            kept = ImageModality.fit(native, (1, height, width)).expand(-1, 3, -1, -1)
        kept = _span(height, shape[1]) @ kept @ _span(width, shape[2])
        lost += float((native - kept).square().sum())
        total += float((native - native.mean()).square().sum())
    return lost / max(total, TINY)


@lru_cache(maxsize=256)
def _span(size: int, smaller: int) -> torch.Tensor:
    """The projection onto what is left of `size` pixels in a row where they are brought to `smaller` ones: float32 (size, size)."""
    if smaller >= size:
        return torch.eye(size)
    every = torch.eye(size)[None, None]
    reduced = functional.interpolate(every, (smaller, size), mode="bilinear", antialias=True, align_corners=False)[0, 0].double()
    span: torch.Tensor = torch.linalg.pinv(reduced, rtol=1e-2) @ reduced
    return torch.as_tensor(span, dtype=torch.float32)


def natives(pictures: Iterable[torch.Tensor]) -> np.ndarray:
    """Of each picture whether it is in colour, 1 or 0, and the logarithm to base 2 of its longer side in pixels: float32 (n, 2)."""
    rows = [np.zeros((0, 2), dtype=np.float32)]
    for part in pictures:
        coloured = torch.zeros(len(part))
        if part.shape[1] == 3:
            colours = (part - part.mean(1, keepdim=True)).square().flatten(1).sum(1)
            variance = (part - part.flatten(1).mean(1)[:, None, None, None]).square().flatten(1).sum(1)
            coloured = (colours > COLOURED * variance.clamp(min=TINY)).float()
        rows.append(np.column_stack([coloured.numpy(), np.full(len(part), log2(max(part.shape[2:])), dtype=np.float32)]))
    return np.concatenate(rows)


def native_figures(pictures: Sequence[torch.Tensor]) -> dict[str, float]:
    """What is kept of a task's pictures as they were: the share in colour, and mean and spread of the logarithms of their sides."""
    if not pictures:
        return {}
    coloured, side = natives(pictures).astype(np.float64).T
    return {"colour": float(coloured.mean()), "side": float(side.mean()), "side_spread": float(side.std())}


RARE = 0.02
"""Share of pictures in colour, or in grey, that a task of none is taken to have."""
OCTAVE = 0.5
"""Least spread of the logarithms of sides."""
FARTHEST = 4.0
"""A side tells no more than if it had this probability's negative logarithm."""


def surprise(rows: np.ndarray, figures: Mapping[str, float], kind: DataType) -> np.ndarray:
    """How unlike the pictures of a task these were before they were encoded: −log of a likelihood, float64 (n,), 0 at the least.

    Args:
        rows: of the pictures, see `natives`.
        figures: of the task, see `native_figures`; of a task that has none the type tells.
    """
    size = pixels_of(kind) if kind.encoder is None else None
    share = figures.get("colour", None if size is None else float(size[0] == 3))
    told = np.zeros(len(rows))
    if share is not None:
        share = (share + RARE) / (1 + 2 * RARE)
        told -= np.log(np.where(rows[:, 0] > 0.5, share, 1 - share) / max(share, 1 - share))
    side = figures.get("side", None if size is None else log2(max(size[1:])))
    if side is not None:
        away = (rows[:, 1] - side) / max(figures.get("side_spread", 0.0), OCTAVE)
        told += np.minimum(away**2 / 2, FARTHEST)
    return told
