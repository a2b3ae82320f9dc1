"""One input by itself: a picture, a row, a text. It is told from several by what the network has learned."""

from __future__ import annotations

import os
from collections.abc import Mapping
from numbers import Real
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import torch
from PIL import Image

from senpath.arrays import as_numpy, as_word, unmasked
from senpath.errors import InputError
from senpath.inputs.modalities import MODALITY_BY_ENDING
from senpath.inputs.modalities.columns import Rows, is_frame, is_list_row
from senpath.inputs.modalities.image import LARGEST
from senpath.inputs.modalities.in_memory import IN_MEMORY, NO_FETCHING, is_url
from senpath.inputs.modalities.picture_types import pixels_of
from senpath.inputs.modalities.sparse import SparseRows, is_sparse, sparse_rows
from senpath.inputs.modalities.table import known_table, table_columns, unnamed_columns
from senpath.inputs.sources.dataset import Data
from senpath.inputs.sources.read import ENDINGS
from senpath.inputs.sources.unlabelled import unlabelled_items, unlabelled_rows, unlabelled_table
from senpath.types import Audio, DataType, Video

CHANNELS = (1, 3, 4)
"""How many channels a picture may have."""


def as_batch(x: Any, known: Mapping[str, DataType], *, skip: bool = False) -> Any:
    """Inputs in a form that `split_by_modality` takes; one by itself becomes a list of one.

    Args:
        known: the types that come into question, by key. An array (h, w) is a picture if one of them is of pictures of this size, else
            rows of a table; (h, w, c) is a picture in colour. Without a type of pictures (t, h, w[, c]) is a clip if there is one of clips.
        skip: whether a table's rows, and files, may be such that they cannot be read.

    Raises:
        InputError: if it may be one input or several.
    """
    if isinstance(x, Data):
        return x.x
    x = sparse_rows(x) if is_sparse(x) else unmasked(as_numpy(x))
    if isinstance(x, Rows | SparseRows) or (is_frame(x) and known_table(x, known.values()) is not None):
        return x
    table = unlabelled_table(x)
    if table is not None:
        return unlabelled_rows(table, known.values(), skip=skip)
    if isinstance(x, Path):
        return unlabelled_items(x, known.values(), skip=skip)
    if isinstance(x, str):
        if os.path.splitext(x)[1].lower() in ENDINGS and os.path.isfile(x):
            raise InputError("inputs", expected="a Path, for a file", got=f"the text {x!r}", do=f"Write Path({x!r})")
        if is_url(x) and os.path.splitext(urlsplit(x.strip()).path)[1].lower() in (*ENDINGS, *MODALITY_BY_ENDING):
            do = f"{NO_FETCHING}. As a text it goes into a list"
            raise InputError("inputs", expected="an input itself", got=f"the address {x!r}", do=do)
        return [x]
    if isinstance(x, IN_MEMORY):
        return [x]
    if isinstance(x, Mapping):
        return [dict(x)]
    if isinstance(x, Audio | Image.Image | Video) or (
        is_list_row(x) and not any(isinstance(value, str) for value in x)
    ):  # there may be texts
        return [x]
    if hasattr(x, "to_numpy") and hasattr(x, "index") and not callable(x.index):  # arrays of pyarrow have a method of that name
        return _of_series(x, known)
    if x.dtype.kind not in "OUS" if isinstance(x, np.ndarray) else isinstance(x, torch.Tensor) and x.layout == torch.strided:
        return [x] if _is_clip(x, known) else x[None] if x.ndim == 1 or _is_picture(x, known) else x
    return x


def _is_clip(x: np.ndarray | torch.Tensor, known: Mapping[str, DataType]) -> bool:
    """Whether this is one clip (t, h, w[, c]), where pictures are out of the question."""
    pictures = any(kind.modality == "image" for kind in known.values())
    return "video" in known and not pictures and (x.ndim == 3 or (x.ndim == 4 and x.shape[3] in CHANNELS))


def _is_picture(x: np.ndarray | torch.Tensor, known: Mapping[str, DataType]) -> bool:
    """Whether this is one picture; of others an array holds several inputs."""
    shapes = [shape for kind in known.values() if kind.modality == "image" and (shape := pixels_of(kind)) is not None]
    if not shapes or x.ndim not in (2, 3):
        return False
    if x.ndim == 2:
        is_picture, may_be_rows = any(_has_size(x.shape, shape) for shape in shapes), unnamed_columns(x.shape[1]) in _tables(known)
        if is_picture and may_be_rows:
            got = f"shape {tuple(x.shape)}, one picture or rows of a table"
            raise InputError(
                "inputs", expected="one or the other", got=got, do="A picture goes into a list, and so do rows; or give the task"
            )
        return is_picture
    if x.shape[2] in CHANNELS and not any(_has_size(x.shape[1:], shape) for shape in shapes):
        return True
    colours = [shape for shape in shapes if x.shape[0] == shape[0] == 3]
    if colours and (isinstance(x, torch.Tensor) or any(_has_size(x.shape[1:], shape) for shape in colours)):
        got = f"shape {tuple(x.shape)}, three grey pictures or one in colour"
        raise InputError("inputs", expected="one or the other", got=got, do="A picture goes into a list; several have four axes")
    return False


def _has_size(size: tuple[int, ...], shape: tuple[int, ...]) -> bool:
    """Whether (h, w) is the size of pictures of this type, or becomes it as the first picture's did."""
    scale = min(1.0, LARGEST / max(1, *size))
    return tuple(shape[1:]) in (tuple(size), tuple(max(1, round(side * scale)) for side in size))


def _tables(known: Mapping[str, DataType]) -> list[list[str]]:
    return [table_columns(data_type) for data_type in known.values() if data_type.modality == "table"]


def _of_series(x: Any, known: Mapping[str, DataType]) -> Any:
    """A row of a pandas data frame, or a column of inputs."""
    values = x.tolist()
    names = [as_word(str(name)) for name in x.index]
    words = [value for value in values if isinstance(value, str)]
    if any({*columns} <= {*names} for columns in _tables(known)):
        if "text" in known and len(words) == len(values):
            raise InputError("inputs", expected="texts, or a row of a table", got="a Series that may be either", do="Put it into a list")
        return [dict(zip(names, values, strict=True))]
    numbers = sum(isinstance(value, Real) for value in values)
    if not numbers or len(words) + numbers < len(values):
        return x
    named = all(isinstance(name, str) for name in x.index)
    return [dict(zip(names, values, strict=True))] if named else [values]
