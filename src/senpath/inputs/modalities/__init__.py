"""Raw inputs: which modality each is of, and encoding them."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from PIL import Image

from senpath.arrays import as_array, as_numpy, unmasked
from senpath.errors import InputError
from senpath.inputs.limits import may_name
from senpath.inputs.modalities.audio import AudioModality, waves_of
from senpath.inputs.modalities.columns import array_of, is_frame, is_list_row, is_missing, row_of
from senpath.inputs.modalities.image import ImageModality, is_photograph
from senpath.inputs.modalities.in_memory import IN_MEMORY, from_memory
from senpath.inputs.modalities.sparse import is_sparse, sparse_rows
from senpath.inputs.modalities.table import TableModality, known_table, table_key
from senpath.inputs.modalities.text import TextModality, texts_of
from senpath.inputs.modalities.video import VideoModality, is_clip
from senpath.inputs.modalities.voice import is_speech
from senpath.types import Audio, DataType, Video

__all__ = [
    "MODALITIES",
    "MODALITY_BY_ENDING",
    "Group",
    "Modality",
    "is_photograph",
    "is_speech",
    "known_type",
    "known_types",
    "modality_of_file",
    "name_files",
    "split_by_modality",
    "texts_of",
    "type_key",
    "waves_of",
]

MODALITY_BY_ENDING = {
    **dict.fromkeys((".png", ".jpg", ".jpeg", ".jfif", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".ppm", ".pgm"), "image"),
    **dict.fromkeys((".wav", ".flac", ".ogg", ".opus", ".mp3"), "audio"),
    **dict.fromkeys((".mp4", ".m4v", ".mov", ".webm", ".mkv", ".avi"), "video"),
    ".txt": "text",
}
"""What files hold, by their ending."""
ANIMATED = frozenset({".gif"})
"""Endings of files that are pictures unless they are asked for as clips."""
SOUND_KEYS = {"array", "sampling_rate"}
"""What a row of a data set of Hugging Face has for a recording."""
FILE_KEYS = {"bytes", "path"}
"""What it has for a file that is not decoded."""


class Modality(Protocol):
    """One kind of raw input: image, audio, video, table or text."""

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


MODALITIES: dict[str, Modality] = {
    "image": ImageModality(),
    "audio": AudioModality(),
    "video": VideoModality(),
    "table": TableModality(),
    "text": TextModality(),
}
"""The forms of raw input that networks read, by name.

Example:
    >>> from senpath.inputs.modalities import MODALITIES
    >>> list(MODALITIES)
    ['image', 'audio', 'video', 'table', 'text']
"""


@dataclass(frozen=True)
class Group:
    """The inputs of one modality within a batch; of tables, those with the same columns.

    Args:
        modality: key of `MODALITIES`.
        items: the raw inputs, an array or a list.
        rows: their positions in the batch, int64.
    """

    modality: str
    items: Any
    rows: np.ndarray

    @property
    def title(self) -> str:
        """What errors call it: its modality, and of rows with names these too."""
        named = isinstance(self.items, list) and bool(self.items) and isinstance(self.items[0], dict)
        return f"{self.modality} ({', '.join(map(str, self.items[0]))})" if named else self.modality


def split_by_modality(x: Any, unusable: dict[int, InputError] | None = None) -> list[Group]:
    """Sort a batch by what its inputs are.

    Arrays and tensors: (n, columns) is a table, (n, h, w) and four axes are images, five axes are clips, and so are four of which neither
    the second nor the last can be channels. Data frames and sparse matrices of scipy are tables.
    In a list each item speaks for itself: `str` is text, `Audio` a
    recording, `Video` a clip, a path a file by its ending, bytes and open files what
    their first bytes say, one axis, a dict or a series a row, two or three axes or a PIL image an image; a dict of
    Hugging Face's "array" and "sampling_rate" is a recording, one of "bytes" and "path" a file. An `InputError` stands for what could not
    be read.

    Args:
        unusable: takes the items of a list that are nothing of this, by place, with what is wrong with each; rows of different lengths
            are then groups of their own.

    Raises:
        InputError: for anything else, without `unusable` also for such an item.
    """
    x = sparse_rows(x) if is_sparse(x) else x
    if not isinstance(x, np.ndarray | torch.Tensor) and is_frame(x):
        return [Group("table", x, np.arange(len(x)))]
    if hasattr(x, "to_numpy"):  # a pandas Series finds its items by label, not by place
        x = x.to_pylist() if hasattr(x, "to_pylist") else x.to_numpy()
    x = unmasked(as_numpy(x))
    if isinstance(x, np.ndarray | torch.Tensor) and not (isinstance(x, np.ndarray) and x.dtype.kind in "OUS" and x.ndim == 1):
        return [Group(_of_array(x, batch=True), x, np.arange(len(x)))]
    if isinstance(x, str | bytes | dict) or not hasattr(x, "__len__") or not hasattr(x, "__getitem__"):
        expected, several = "an array, a tensor, a data frame or a list of inputs", hasattr(x, "__iter__") and not hasattr(x, "__getitem__")
        do = "Make a list of what it gives: list(…)" if several else "Put a single input into a list"
        if hasattr(x, "dataset") and hasattr(x, "batch_size"):  # a DataLoader
            do = "Give the inputs alone, such as torch.cat([x for x, _ in loader])"
        if isinstance(x, dict) and x and all(hasattr(values, "__len__") and not isinstance(values, str | bytes) for values in x.values()):
            do = "Of columns make a data frame: pandas.DataFrame(…); of several inputs a list"
        raise InputError("inputs", expected=expected, got=type(x).__name__, do=do)
    rows: dict[tuple[str, frozenset[Any] | int | None], list[int]] = {}
    items = [*map(row_of, x)]
    for index, item in enumerate(items):
        try:
            if isinstance(item, InputError):
                raise item
            content = _content(item)
            if content is not None:
                item = items[index] = from_memory(content, f"input {index}")
            modality = _of_item(item, index)
            columns = frozenset(item) if isinstance(item, dict) else len(item) if unusable is not None and modality == "table" else None
            rows.setdefault((modality, columns), []).append(index)
        except InputError as error:
            if unusable is None:
                raise
            unusable[index] = error
    return [
        Group(modality, [_plain(items[index]) for index in places], np.array(places, dtype=np.int64))
        for (modality, _), places in rows.items()
    ]


def modality_of_file(file: Path, asked: str | None = None) -> str | None:
    """What a file holds, by its ending; an animated picture is a clip where clips are asked for."""
    ending = file.suffix.lower()
    return "video" if asked == "video" and ending in ANIMATED else MODALITY_BY_ENDING.get(ending)


def name_files(items: Any) -> bool:
    """Whether strings look like names of pictures, sounds, clips or texts, all of them."""
    return len(items) > 0 and all(isinstance(item, str) and os.path.splitext(item)[1].lower() in MODALITY_BY_ENDING for item in items)


def type_key(group: Group, known: Iterable[DataType] = ()) -> str:
    """The key of the data type that these inputs are of; see `DataType.key`.

    Args:
        known: types that there are: rows with names are of one whose columns they have, in whatever order.
    """
    return table_key(group.items, known) if group.modality == "table" else group.modality


def known_types(group: Group, known: Iterable[DataType]) -> list[DataType]:
    """All of these types that may hold inputs: pictures may be of several."""
    if group.modality == "image":
        return [kind for kind in known if kind.modality == "image"]
    kind = known_type(group, known)
    return [] if kind is None else [kind]


def known_type(group: Group, known: Iterable[DataType]) -> DataType | None:
    """The one of these types that inputs are read as, if there is one; of rows with names other columns are left aside."""
    if group.modality == "table":
        return known_table(group.items, known)
    return next((data_type for data_type in known if data_type.modality == group.modality), None)


def _of_array(x: np.ndarray | torch.Tensor, *, batch: bool) -> str:
    if isinstance(x, torch.Tensor) and (x.is_nested or x.layout != torch.strided):
        as_array(x)  # which refuses it
    axes = x.ndim - batch
    if axes == 1:
        return "table"
    if axes in (3, 4) and is_clip(x.shape[batch:]):
        return "video"
    if axes in (2, 3):
        return "image"
    several = "(n, columns), (n, h, w), (n, h, w, c), (n, c, h, w), or clips (n, t, h, w[, c])"
    wanted = several if batch else "a row (columns,), an image (h, w[, c]) or a clip (t, h, w[, c])"
    do = "Numbers of one column are x.reshape(-1, 1), or frame[[name]]" if batch and not axes else ""
    if isinstance(x, np.ndarray) and x.dtype.names is not None:
        do = "pandas.DataFrame(x) has its fields as columns"
    raise InputError("array of inputs" if batch else "input", expected=wanted, got=f"shape {tuple(x.shape)}", do=do)


def _of_item(item: Any, index: int) -> str:
    if isinstance(item, str):
        if os.path.splitext(item)[1].lower() in MODALITY_BY_ENDING and os.path.isfile(item) and may_name(Path(item)):
            raise InputError(f"input {index}", expected="a Path, for a file", got=f"the text {item!r}", do=f"Write Path({item!r})")
        return "text"
    if isinstance(item, Path):
        ending = item.suffix.lower()
        if ending not in MODALITY_BY_ENDING:
            raise InputError(f"file {item}", expected=f"one of {', '.join(MODALITY_BY_ENDING)}", got=ending or "no ending")
        return MODALITY_BY_ENDING[ending]
    if isinstance(item, Audio):
        return "audio"
    if isinstance(item, Video):
        return "video"
    if isinstance(item, Image.Image):
        return "image"
    if isinstance(item, np.ndarray | torch.Tensor):
        return _of_array(item, batch=False)
    if _is_sound(item):
        return "audio"
    if isinstance(item, dict) or is_list_row(item):
        return "table"
    expected, do = "an array, str, Audio, Video, path, bytes, dict or PIL image", ""
    if is_missing(item):
        do = "Leave out inputs without a value, and their labels"
    elif isinstance(item, list | tuple) and len(item) and getattr(item[0], "ndim", 0) > 1:
        do = "Of inputs with their labels give the inputs alone, such as [x for x, _ in data]"
    elif isinstance(item, list | tuple) and any(hasattr(part, "shape") for part in item):
        do = "A recording and its rate are Audio(samples, rate)"
    elif isinstance(item, list | tuple):
        do = "Rows of words go into a data frame: pandas.DataFrame(rows)"
    raise InputError(f"input {index}", expected=expected, got=type(item).__name__, do=do)


def _content(item: Any) -> Any:
    """What holds the bytes of a file, if the input is one; columns of a table may be called bytes and path too, but hold no bytes."""
    if isinstance(item, dict) and item.keys() == FILE_KEYS and isinstance(item["bytes"], bytes):
        return item["bytes"]
    return item if isinstance(item, IN_MEMORY) else None


def _is_sound(item: Any) -> bool:
    return isinstance(item, dict) and item.keys() >= SOUND_KEYS and isinstance(item["array"], np.ndarray | list | torch.Tensor)


def _plain(item: Any) -> Any:
    if _is_sound(item):
        samples, rate = item["array"], item["sampling_rate"]
        rate = int(rate) if isinstance(rate, torch.Tensor) and rate.numel() == 1 else rate
        return Audio(as_array(samples) if isinstance(samples, torch.Tensor) else np.asarray(samples), rate)
    return array_of(item) if isinstance(item, list | tuple) else unmasked(item)
