"""Which of a network's types of pictures new ones are read as: one that keeps what they show, or a type of their own.

What a type keeps is what a linear reader could get back. Bringing a picture to another size multiplies it by a matrix on either side; what
lies in the span of these stays, and the rest is lost (orthogonal projection). A larger size loses nothing, a smaller one what is fine,
another shape what is fine along one side, and grey loses the differences of the colours.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from math import log2, prod
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch.nn import functional

from senpath.errors import InputError, warn
from senpath.inputs.limits import require_plain_file
from senpath.inputs.modalities import Group
from senpath.inputs.modalities.image import ImageModality, channels_first, decoded, normalisation_of, own_shape
from senpath.inputs.modalities.normalised import MARGIN, Normalisation, numbers_of, recognised
from senpath.inputs.modalities.picture_files import open_picture
from senpath.types import DataType

LOOKED_AT = 64
"""Pictures of a task that are looked at, at most, evenly spread."""
MOST_LOST = 0.05
"""Share of their variance that the pictures of a task may lose in a type; above it they get one of their own. Chosen on the training parts
of fifteen sets, see docs/results/senses.md."""
COLOURED = 1e-3
"""Share of its variance that a picture's colours have where it counts as one in colour; pictures stored as RGB may be grey."""
TINY = 1e-12
DARK = 32
"""Photographs of the night have brighter places than this."""
QUICKLY_READ = 2**22
"""Pixels up to which files are opened only to see whether they are dark."""
LONG = 128
"""Numbers in a line from which on an array of one or two of them is no picture."""


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

    Raises:
        InputError: if arrays are as flat as recordings.
    """
    _require_no_waves(items)
    _warn_of_dark(items)
    others = [kind for kind in known if kind.modality == "image"]
    normal = normalisation_of(items)
    about = "" if normal is None else f"pictures {'look' if normal.name else 'are'} {normal.about()}"
    if not others:
        return Choice(define(), about)
    choice = _choose(items, others, [kind for kind in suited if _shares_range(kind, normal)], define, normal)
    return replace(choice, why="; ".join(filter(None, [about, choice.why])))


def is_wave(shape: Sequence[int]) -> bool:
    """Whether an array of this shape is rather a recording, of one or two channels, or a row of numbers than a picture."""
    return len(shape) == 2 and min(shape) <= 2 and max(shape) >= LONG


def _require_no_waves(items: Any) -> None:
    for item in items[:1] if isinstance(items, np.ndarray | torch.Tensor) else items:
        if isinstance(item, np.ndarray | torch.Tensor) and is_wave(item.shape):
            do = "A recording is Audio(samples, rate), of one channel; a row of numbers has one axis"
            raise InputError("pictures", expected="more than a line of pixels", got=f"shape {tuple(item.shape)}", do=do)


def _warn_of_dark(items: Any) -> None:
    """Warn where whole numbers, which are shares of 255, are all so small that another number is rather white."""
    arrays = [items] if isinstance(items, np.ndarray | torch.Tensor) else items
    if not all(_is_whole(array) for array in arrays):
        _warn_of_dark_files(arrays)
        return
    most = max((int(array.max()) for array in arrays if 0 not in array.shape), default=0)
    if 1 < most <= DARK:
        warn(f"whole numbers in pictures are shares of 255, and none of these is above {most}: if that is white, divide them by it")


def _warn_of_dark_files(items: Sequence[Any]) -> None:
    """As `_warn_of_dark`, of files and PIL's pictures: such as those of cameras that write 12 bits of 16."""
    if not all(isinstance(item, Path | Image.Image) for item in items):
        return
    most = 0.0
    for place in _spread(len(items)):
        with suppress(InputError, OSError):  # which encoding them explains, by its place
            if _is_quickly_read(items[place]):
                most = max(most, *(float(picture.max()) for picture in decoded(items[place : place + 1])))
                if most > DARK / 255:
                    return
    if most > 0:
        do = "if that is white, bring their numbers to 0 … 255 (in files of 16 bits to 0 … 65,535) first"
        warn(f"none of these pictures has a place brighter than {most:.1%} of white: {do}")


def _is_quickly_read(item: Path | Image.Image) -> bool:
    if isinstance(item, Image.Image):
        return item.width * item.height <= QUICKLY_READ
    require_plain_file(item, f"picture {item}")
    with open_picture(item) as image:
        return image.width * image.height <= QUICKLY_READ


def _spread(count: int) -> list[int]:
    """Places of up to `LOOKED_AT` of so many items, evenly spread."""
    places: list[int] = np.unique(np.linspace(0, count - 1, min(LOOKED_AT, count)).round().astype(int)).tolist()
    return places


def _is_whole(array: Any) -> bool:
    if isinstance(array, torch.Tensor):
        return not array.is_floating_point() and not array.is_complex() and array.dtype != torch.bool
    return isinstance(array, np.ndarray) and array.dtype.kind in "iu"


def _choose(
    items: Any, others: Sequence[DataType], suited: Sequence[DataType], define: Callable[[], DataType], normal: Normalisation | None
) -> Choice:
    pictures = looked_at(items, normal)
    lost = [(kind, share_lost(pictures, pixels_of(kind))) for kind in suited]
    keeping = [(prod(pixels_of(kind) or kind.shape), place) for place, (kind, share) in enumerate(lost) if share <= MOST_LOST]
    if keeping:
        kind, share = lost[min(keeping)[1]]
        return Choice(kind, f"joined the type {titled(kind)}, which keeps {1 - share:.1%} of what these pictures show")
    new = define()
    same = next((kind for kind in suited if (pixels_of(kind), kind.encoder_id) == (pixels_of(new), new.encoder_id)), None)
    if same is not None:  # of many sizes: the middle one is of the type's
        return Choice(same, f"joined the type {titled(same)}, which has the size of these pictures")
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
        own = own_range(kind)
        parts += ["of numbers from {:.3g} to {:.3g}".format(*own.range)] if own is not None else []
    return f"{kind.key!r} ({', '.join(parts)})" if parts else repr(kind.key)


def type_name(kind: DataType) -> str:
    """What the key of a further type of pictures ends in: it follows from the encoding."""
    name = "x".join(map(str, pixels_of(kind) or kind.shape))
    normal = Normalisation.from_json(kind.options)
    if normal is not None:
        return f"{name}-{normal.tag}"
    return f"{name}-{kind.options['encoder']['sha256'][:12]}" if "encoder" in kind.options else name


def beside(kind: DataType, known: Iterable[DataType]) -> DataType:
    """A type of pictures with the key that it has in a network of these types."""
    taken = any(other.key == kind.modality for other in known)
    return replace(kind, options={**kind.options, "name": type_name(kind)}) if taken else unnamed(kind)


def unnamed(kind: DataType) -> DataType:
    """A type of pictures as it would be the first one."""
    return replace(kind, options={name: value for name, value in kind.options.items() if name != "name"})


def encodes_as(kind: DataType, other: DataType) -> bool:
    """Whether two types encode inputs alike: how normalised pictures are recognised is no matter of the encoding."""

    def encoding(one: DataType) -> DataType:
        left = {"name"} if own_range(one) is not None else {"name", "normalised"}
        return replace(one, options={name: value for name, value in one.options.items() if name not in left})

    return encoding(kind) == encoding(other)


def own_range(kind: DataType) -> Normalisation | None:
    """The range of a type's first pictures, where it is no usual one."""
    normal = Normalisation.from_json(kind.options) if kind.modality == "image" else None
    return normal if normal is not None and not normal.name else None


def _shares_range(kind: DataType, normal: Normalisation | None) -> bool:
    """Whether a type reads pictures of these numbers: of a range of their own one of nearly the same range."""
    own = own_range(kind)
    if normal is None or normal.name or own is None:
        return (normal is None or bool(normal.name)) == (own is None)
    (low, high), (least, most) = own.range, normal.range
    return low - MARGIN * (high - low) <= least and most <= high + MARGIN * (high - low) and 2 * (most - least) >= high - low


def by_range(group: Group, known: Sequence[DataType]) -> list[tuple[Group, list[DataType]]]:
    """Inputs that are to be answered, and the types of pictures among these that may hold them: of usual pixels, or of ranges of their own.

    Where no type has a range of its own there is nothing to tell apart.
    """
    usual, own = [kind for kind in known if own_range(kind) is None], [kind for kind in known if own_range(kind) is not None]
    if not own:
        return [(group, usual)]
    if isinstance(group.items, np.ndarray | torch.Tensor):  # one array has one range
        return [(group, _types_for(group.items, usual, own))]
    parts: dict[tuple[str, ...], list[int]] = {}
    types = {}
    for place in range(len(group.rows)):
        kinds = _types_for(group.items[place : place + 1], usual, own)
        key = tuple(kind.key for kind in kinds)
        types[key] = kinds
        parts.setdefault(key, []).append(place)
    return [
        (replace(group, items=[group.items[place] for place in places], rows=group.rows[places]), types[key])
        for key, places in parts.items()
    ]


def _types_for(items: Any, usual: list[DataType], own: list[DataType]) -> list[DataType]:
    """Of types of usual pixels and of those with a range of their own the ones that read these numbers."""
    outside, low, high = numbers_of(items, channels_first)
    if not outside:
        return usual
    near = [kind for kind in own if kind_holds(kind, low, high)]
    return usual if usual and (not near or recognised(outside) is not None) else near


def kind_holds(kind: DataType, low: float, high: float) -> bool:
    """Whether a type with a range of its own has these numbers."""
    own = own_range(kind)
    return own is not None and own.read(np.array([low, high], dtype=np.float64).reshape(1, 1, 1, 2)) is not None


def pixels_of(kind: DataType) -> tuple[int, ...] | None:
    """(channels, height, width) that pictures are brought to; None where an encoder does not say."""
    shape = kind.options["reads"]["shape"] if kind.encoder is not None else kind.shape
    return tuple(shape) if len(shape) == 3 else None


def looked_at(items: Any, normal: Normalisation | None = None) -> list[torch.Tensor]:
    """Some of these pictures, those that can be read: float32 (1, c, h, w) each.

    Args:
        normal: how their numbers become pixels, where that is known.
    """
    pictures = []
    for place in _spread(len(items)):
        try:
            pictures += [*decoded(items[place : place + 1], normal)]
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
