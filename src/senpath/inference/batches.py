"""Encoded inputs, in batches of one type; and which type an input is of where several may hold it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import groupby
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from senpath.arrays import as_array
from senpath.inputs.modalities.image import ImageModality, decoded
from senpath.inputs.modalities.normalised import Normalisation
from senpath.inputs.modalities.picture_types import natives, surprise
from senpath.progress import Progress, silent
from senpath.routing import Decision
from senpath.snapshot.view import View
from senpath.types import Audio, DataType, Video

DOUBT = 0.1
"""What a unit of surprise at an input as it was before it was encoded adds to its ood score in the choice of a type. Others are compared
in docs/results/senses.md."""


@dataclass(frozen=True)
class ModalityInputs:
    """What one modality tells.

    Args:
        modality: key of `MODALITIES`.
        items: the inputs that are given.
        rows: int64, which things they are of, ascending.
    """

    modality: str
    items: Any
    rows: np.ndarray


@dataclass(frozen=True)
class Batch:
    """Encoded inputs of one data type.

    Args:
        key: of the type.
        stored: the inputs, float32 (n, …); sparse where nearly all numbers are 0.
        rows: their places among all inputs, int64 (n,).
        natives: what pictures were before, see `senpath.inputs.modalities.picture_types`, where other batches have the same inputs as
            other types encode them; such batches follow each other.
    """

    key: str
    stored: torch.Tensor
    rows: np.ndarray
    natives: np.ndarray | None = None

    @property
    def inputs(self) -> torch.Tensor:
        """The inputs, dense."""
        return self.stored.to_dense() if self.stored.is_sparse else self.stored

    def packed(self) -> Batch:
        """The same, in as little memory as it takes."""
        few = 8 * int(torch.count_nonzero(self.stored)) < self.stored.numel()
        return replace(self, stored=self.stored.to_sparse()) if few else self

    def only(self, places: np.ndarray) -> Batch:
        """Some of the inputs, by their places in the batch."""
        return replace(self, stored=self.inputs[torch.from_numpy(places).to(self.stored.device)], rows=self.rows[places], natives=None)


@dataclass(frozen=True)
class Reader:
    """How inputs that are of one of several types of pictures, or of one type of any kind, are encoded: as each of them, side by side.

    Args:
        view: whose types they are.
        types: at least one.
    """

    view: View
    types: tuple[DataType, ...]

    @property
    def numbers(self) -> int:
        """Numbers that one input is encoded as."""
        return sum(prod(kind.shape) for kind in self.types)

    def require(self) -> None:
        """Load the encoders; if one is missing, no input is to blame."""
        for kind in self.types:
            if kind.encoder is not None:
                self.view.encoders.of(kind)

    def encode(self, items: Any, progress: Progress = silent) -> torch.Tensor:
        """Inputs as the type encodes them, (n, …); as several types do, float32 (n, numbers + 2), and what they were before at the end."""
        if len(self.types) == 1:
            return self.view.encode(items, self.types[0], progress)
        parts: list[list[torch.Tensor]] = [[torch.zeros(0, prod(kind.shape))] for kind in self.types]
        before = [torch.zeros(0, 2)]
        normal = next(filter(None, (Normalisation.from_json(kind.options) for kind in self.types)), None)
        for pictures in decoded(items, normal):  # once, however many types there are
            before.append(torch.from_numpy(natives([pictures])))
            for part, kind in zip(parts, self.types, strict=True):
                if kind.encoder is None:
                    part.append(ImageModality.fit(pictures, kind.shape).flatten(1))
        for part, kind in zip(parts, self.types, strict=True):
            if kind.encoder is not None:
                part.append(self.view.encode(items, kind, progress).flatten(1))
        return torch.cat([*map(torch.cat, parts), torch.cat(before)], 1)

    def batches(self, inputs: torch.Tensor, rows: np.ndarray) -> Iterator[Batch]:
        """What `encode` gave, taken apart: for each type a batch."""
        if len(self.types) == 1:
            yield Batch(self.types[0].key, inputs.to(self.view.device), rows)
            return
        *parts, before = inputs.split([*(prod(kind.shape) for kind in self.types), 2], 1)
        for kind, part in zip(self.types, parts, strict=True):
            shaped = part.reshape(-1, *kind.shape).contiguous()
            yield Batch(kind.key, shaped.to(self.view.device), rows, before.numpy())


def together(batches: Iterable[Batch]) -> Iterator[list[Batch]]:
    """Batches one by one; those of the same inputs, as several types encode them, together."""
    for _, same in groupby(batches, key=lambda batch: batch.rows.tobytes()):
        yield [*same]


def decided(view: View, batches: Iterable[Batch], *, candidates: int = 2, admit: float | None = None) -> Iterator[tuple[Batch, Decision]]:
    """Each input once, as the type that it most likely is of encodes it, with what that type's dispatcher says.

    Where several types can hold inputs, each one's dispatcher finds the likeliest task. The type is that of the task within whose limit the
    input lies most clearly (its ood score, to which `DOUBT` times the surprise at the picture's size and colours is added).
    """
    for same in together(batches):
        decisions = [view.dispatcher(batch.key).decide(batch.inputs, candidates=candidates, admit=admit) for batch in same]
        if len(same) == 1:
            yield same[0], decisions[0]
            continue
        nearest = np.argmin([_distance(view, *pair) for pair in zip(same, decisions, strict=True)], axis=0)
        numbers = np.sum([decision.numbers for decision in decisions], axis=0)
        for place, (batch, decision) in enumerate(zip(same, decisions, strict=True)):
            mine = np.flatnonzero(nearest == place)
            if len(mine):
                yield batch.only(mine), replace(decision.only(mine), numbers=numbers[mine])


def _distance(view: View, batch: Batch, decision: Decision) -> np.ndarray:
    """How far inputs are from the likeliest task of a type, float64 (n,)."""
    distance, kind = decision.ood_score.copy(), view.types[batch.key]
    if batch.natives is None:
        return distance
    for task in np.unique(decision.order[:, 0]):
        mine, figures = decision.order[:, 0] == task, view.tasks[decision.names[task]].statistics.figures
        distance[mine] += DOUBT * surprise(batch.natives[mine], figures, kind)
    return distance


KEPT_INPUTS, KEPT_SIDE = 10, 144
"""Inputs that are kept for a notebook to show, and pixels of their sides: of larger pictures rows and columns are left out."""
KEPT_BYTES = 2**20
"""Of texts and files in memory longer ones are not kept."""


def first_inputs(x: Any) -> tuple[Any, ...]:
    """What is kept of the first inputs: pictures made small, texts and paths; None for what is not shown."""
    try:
        sliced = isinstance(x, np.ndarray | torch.Tensor | list | tuple)
        first = x[:KEPT_INPUTS] if sliced else [x[row] for row in range(min(KEPT_INPUTS, len(x)))]
        return tuple(map(_kept, first))
    except Exception:  # anything may be given, and a prediction does not fail for what a notebook would show of it
        return ()


def _kept(item: Any) -> Any:
    if isinstance(item, np.ndarray | torch.Tensor):
        array = as_array(item) if isinstance(item, torch.Tensor) else item
        array = array[len(array) // 2] if array.ndim == 4 else array  # of a clip the frame in its middle
        if array.ndim not in (2, 3):
            return array[:KEPT_INPUTS].copy() if array.ndim == 1 else None
        first = 1 if array.ndim == 3 and array.shape[0] in (1, 3, 4) and array.shape[2] not in (1, 3, 4) else 0
        every = slice(None, None, -(-max(array.shape[first : first + 2]) // KEPT_SIDE) or 1)
        return np.array(array[(*[slice(None)] * first, every, every)])
    if isinstance(item, Image.Image):
        scale = min(1.0, KEPT_SIDE / max(1, *item.size))
        return item.resize((max(1, round(item.width * scale)), max(1, round(item.height * scale))), Image.Resampling.NEAREST)
    if isinstance(item, Audio):
        return f"{len(item.samples) / item.rate:.2f} s of sound"
    if isinstance(item, Video):
        return item.frames if isinstance(item.frames, Path) else _kept(item.frames)
    if isinstance(item, str):
        return item[:200]
    if isinstance(item, bytes):
        return item if len(item) <= KEPT_BYTES else None
    return item if isinstance(item, Path | Mapping) else None
