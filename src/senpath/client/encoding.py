"""Inputs and labels as a server takes them: JSON values, files in base64."""

from __future__ import annotations

import base64
import math
import os
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import date, time, timedelta
from decimal import Decimal
from io import BytesIO, IOBase
from numbers import Real
from pathlib import Path
from typing import Any
from unicodedata import normalize

import numpy as np

from senpath.errors import InputError

MODALITIES = ("image", "audio", "video", "table", "text")
FILES = {
    **dict.fromkeys((".png", ".jpg", ".jpeg", ".jfif", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".ppm", ".pgm"), "image"),
    **dict.fromkeys((".wav", ".flac", ".ogg", ".opus", ".mp3"), "audio"),
    **dict.fromkeys((".mp4", ".m4v", ".mov", ".webm", ".mkv", ".avi"), "video"),
    ".txt": "text",
}
"""What files hold, by their ending, as `senpath.inputs.modalities` has it, which takes long to load; a test compares them."""
READABLE = "a picture, sound, clip or text that can be read"
CHANNELS = (1, 3, 4)
Size = tuple[int, int]
Sizes = Callable[[], Collection[Size]]
"""Looks up height and width of the pictures that the network has learned."""


def encode_batch(x: Any, sizes: Sizes, unread: dict[int, InputError] | None = None) -> list[Any]:
    """A batch, or one input by itself, as JSON values, one for each input.

    Args:
        x: what `senpath.Network.predict` takes, a mapping of modalities too.
        sizes: looked up only where an array may be one picture or several inputs.
        unread: takes what stands in a list, or a table's file, for inputs that cannot be read, by place; the others' values are returned.

    Raises:
        InputError: for what is no input, or cannot be sent.
    """
    if is_by_modality(x):
        return _things(x, sizes)
    if hasattr(x, "columns") and not isinstance(x, Mapping):
        _require_different(x.column_names if hasattr(x, "to_pylist") and hasattr(x, "schema") else x.columns)
        return _each(_rows(x), lambda row, what: {"row": _row(row, what)}, unread)
    if isinstance(x, Path) and x.suffix.lower() not in FILES:
        return _of_table(x, sizes, unread)
    if _is_column(x):
        return [encode_input(item, f"input {place}") for place, item in enumerate(x.tolist())]
    is_one = any(is_kind(x) for is_kind in (_is_audio, _is_clip, _is_picture, _is_in_memory)) or (
        hasattr(x, "to_dict") and hasattr(x, "index")
    )
    if isinstance(x, str | Path | Mapping) or is_one:
        return [encode_input(x)]
    array = _array(x)
    if array is not None:
        return _each([array] if _is_one(array, sizes) else array, _array_value, unread)
    if isinstance(x, np.ndarray) and x.ndim == 1 and x.dtype.kind in "OUS":  # texts, or whatever a list would hold
        x = x.tolist()
    if not isinstance(x, list | tuple):
        raise InputError("inputs", expected="an array, a data frame, a list of inputs or one of them", got=type(x).__name__)
    if x and all(isinstance(value, Real) and not isinstance(value, bool) for value in x):
        return [{"array": [_cell(value) for value in x]}]
    return _each(x, encode_input, unread)


def _each(items: Iterable[Any], encode: Callable[[Any, str], Any], unread: dict[int, InputError] | None) -> list[Any]:
    """The JSON values of several inputs; `unread` takes why others have none, by place."""
    values = []
    for place, item in enumerate(items):
        try:
            values.append(encode(item, f"input {place}"))
        except InputError as error:
            if unread is None:
                raise
            unread[place] = error
    return values


def _require_different(names: Iterable[Any]) -> None:
    """Refuse columns of one name, of which a row would have the last."""
    words = set[str]()
    for name in names:
        word = normalize("NFC", str(name)).strip()
        if word in words:
            raise InputError("columns", expected="names that differ", got=f"{word!r} twice")
        words.add(word)


def _is_column(x: Any) -> bool:
    """Whether this is a pandas Series of inputs, as a data frame's column of texts, and no row: those have names, or numbers."""
    if not (hasattr(x, "to_dict") and hasattr(x, "index")) or isinstance(x, Mapping) or all(isinstance(name, str) for name in x.index):
        return False
    return not any(isinstance(value, Real) for value in x.tolist())


def encode_input(item: Any, what: str = "input") -> Any:
    """One input as a JSON value; errors as for `encode_batch`."""
    if isinstance(item, InputError):  # it stands for what could not be read
        raise item
    if isinstance(item, str):
        if os.path.splitext(item)[1].lower() in FILES and os.path.isfile(item):
            raise InputError(what, expected="a Path, for a file", got=f"the text {item!r}", do=f"Write Path({item!r})")
        return {"text": str(item)}
    if isinstance(item, Path):
        return _file(item)
    if _is_in_memory(item):
        from senpath.inputs.modalities.in_memory import held  # loads torch, which only bytes of some kind or other need

        modality, content = held(item, what)
        return {modality: base64.b64encode(content).decode()}
    if _is_audio(item):
        samples = np.asarray(item.samples)
        return {"audio": {"samples": _finite(samples, what).tolist(), "rate": int(item.rate)}}
    if _is_clip(item):
        return {"video": _clip(item, what)}
    if _is_picture(item):
        return {"image": _picture(item, what)}
    if isinstance(item, Mapping):
        return encode_row(item, what)
    if hasattr(item, "to_dict") and hasattr(item, "index"):  # a pandas Series: a row
        _require_different(item.index)
        return encode_row(item.to_dict(), what)
    array = _array(item)
    if array is None and isinstance(item, list | tuple):
        if any(value is None for value in item):  # a row with a gap
            return {"array": [_cell(value, what) for value in item]}
        array = np.asarray(item)
    if array is None:
        raise InputError(what, expected="a text, picture, Audio, Video, path, row or array", got=type(item).__name__)
    return _array_value(array, what)


def encode_row(row: Mapping[str, Any], what: str = "input") -> dict[str, Any]:
    """A row of a table as a JSON value; errors as for `encode_batch`."""
    _require_different(row)
    return {"row": _row(row, what)}


def encode_label(label: Any) -> Any:
    """A label, or several, as JSON has it."""
    if isinstance(label, np.ndarray | np.generic) or hasattr(label, "detach"):
        label = label.tolist()
    if isinstance(label, set | frozenset):
        return sorted(map(encode_label, label), key=str)
    return [encode_label(part) for part in label] if isinstance(label, list | tuple) else label


def is_by_modality(x: Any) -> bool:
    """Whether this is a mapping of modalities to inputs, and not a row of a table."""
    return isinstance(x, Mapping) and bool(x) and all(name in MODALITIES for name in x) and any(map(_is_several, x.values()))


def _is_several(value: Any) -> bool:
    return hasattr(value, "__len__") and not isinstance(value, str) and getattr(value, "ndim", 1) > 0


def _things(x: Mapping[str, Any], sizes: Sizes) -> list[Any]:
    told: dict[str, list[Any]] = {}
    for name, items in x.items():
        if items is None:
            continue
        if isinstance(items, list | tuple):  # None stands for an input that is missing
            told[name] = [None if item is None else encode_input(item, f"{name} {place}") for place, item in enumerate(items)]
        else:
            array = _array(items)
            told[name] = encode_batch(items, sizes) if array is None else [_array_value(item) for item in array]
    lengths = {name: len(items) for name, items in told.items()}
    if len({*lengths.values()}) != 1:
        got = ", ".join(f"{count} of {name}" for name, count in lengths.items())
        raise InputError("modalities", expected="as many inputs of each", got=got or "none", do="None stands for an input that is missing")
    things = zip(*told.values(), strict=True)
    return [{"senses": {name: value for name, value in zip(told, thing, strict=True) if value is not None}} for thing in things]


def _rows(x: Any) -> list[Mapping[str, Any]]:
    """The rows of a data frame of pandas or polars, or of a table that senpath has read."""
    if hasattr(x, "to_dicts"):
        return list(x.to_dicts())
    if hasattr(x, "to_pylist"):
        return list(x.to_pylist())
    return list(x.to_dict("records")) if hasattr(x, "to_dict") else [x[place] for place in range(len(x))]


def _row(row: Mapping[str, Any], what: str) -> dict[str, Any]:
    return {str(name): _cell(value, f"{what}, column {name!r}") for name, value in row.items()}


def _cell(value: Any, what: str = "input") -> Any:
    """A number, a word or None, as the library would read the cell: times are words, and durations seconds; what is missing is None.

    Raises:
        InputError: for bytes and collections.
    """
    if value is None or value is np.ma.masked or type(value).__name__ in ("NAType", "NaTType"):
        return None
    if isinstance(value, np.datetime64 | np.timedelta64) and np.isnat(value):
        return None
    if isinstance(value, np.timedelta64 | timedelta):
        return float(value / np.timedelta64(1, "s") if isinstance(value, np.timedelta64) else value.total_seconds())
    if isinstance(value, np.datetime64 | date | time):  # a moment is a date too
        return str(value)
    if getattr(value, "ndim", None) == 0:  # of numpy, or a tensor
        value = value.item()
    if isinstance(value, Decimal | Real) and not isinstance(value, int | float):
        value = float(value)
    if isinstance(value, float) and not math.isfinite(value):  # JSON has no such number, and the server refuses what the word means
        return None if math.isnan(value) else str(value)
    if hasattr(value, "__len__") and not isinstance(value, str):
        raise InputError(what, expected="numbers, words or times", got=type(value).__name__)
    return value if isinstance(value, str | int | float) else str(value)  # such as an interval, which is a category


def _of_table(path: Path, sizes: Sizes, unread: dict[int, InputError] | None) -> list[Any]:
    from senpath.inputs.sources.unlabelled import unlabelled_items  # loads torch, which only tables need

    items = unlabelled_items(path, skip=unread is not None)
    return [_file(path)] if len(items) == 1 and items[0] is path else encode_batch(items, sizes, unread)


def _file(path: Path) -> Any:
    held = FILES.get(path.suffix.lower())
    content = _bytes(path)
    try:
        text = content.decode("utf-8-sig") if held in (None, "text") else ""
    except UnicodeDecodeError:
        raise InputError(f"file {path}", expected=READABLE, got="no UTF-8") from None
    return {"text": text} if held in (None, "text") else {held: base64.b64encode(content).decode()}


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"file {path}", expected=READABLE, got=error.strerror or str(error)) from None


def _is_in_memory(item: Any) -> bool:
    return isinstance(item, bytes | bytearray | memoryview | IOBase)


def _is_audio(item: Any) -> bool:
    return hasattr(item, "samples") and hasattr(item, "rate")


def _is_clip(item: Any) -> bool:
    return type(item).__module__ == "senpath.types" and hasattr(item, "frames")


def _clip(item: Any, what: str) -> Any:
    """A file in base64, or frames in lists."""
    if isinstance(item.frames, Path) and item.frames.is_file():
        return base64.b64encode(_bytes(item.frames)).decode()
    from senpath.inputs.modalities.video import frames_of  # loads torch, which only clips need

    return _finite(frames_of(item, 0), what).tolist()


def _is_picture(item: Any) -> bool:
    return type(item).__module__.startswith("PIL.")


def _picture(image: Any, what: str) -> str:
    file = BytesIO()
    try:
        image.save(file, "PNG", exif=image.getexif())
    except (OSError, ValueError, KeyError) as error:
        raise InputError(what, expected="a picture that PNG can hold", got=str(error), do="Convert it to RGB") from None
    return base64.b64encode(file.getvalue()).decode()


def _array(x: Any) -> np.ndarray | None:
    """An array or a tensor as an array; None for anything else."""
    if hasattr(x, "detach") and hasattr(x, "cpu"):  # an open file can be detached too
        x = x.detach().cpu()
        x = (x.float() if str(x.dtype) == "torch.bfloat16" else x).numpy()  # numpy has none
    return x if isinstance(x, np.ndarray) and x.dtype.kind in "biuf" else None


def _array_value(array: Any, what: str = "input") -> Any:
    array = np.asarray(array)
    if array.ndim == 1 and array.dtype.kind == "f":  # a row, of which values may be missing
        missing = np.isnan(array)
        cells = _finite(np.where(missing, 0, array), what).tolist()
        return {"array": [None if gone else cell for cell, gone in zip(cells, missing.tolist(), strict=True)]}
    return {"array": _finite(array, what).tolist()}


def _finite(array: np.ndarray, what: str) -> np.ndarray:
    if array.dtype.kind not in "biuf" or (array.dtype.kind == "f" and not np.isfinite(array).all()):
        raise InputError(what, expected="finite numbers", got="NaN or infinity" if array.dtype.kind == "f" else f"{array.dtype}")
    return array


def _is_one(array: np.ndarray, sizes: Sizes) -> bool:
    """Whether an array is one input, as `senpath.Network.predict` sees it: a row, or a picture as large as those that were learned."""
    if array.ndim < 2:
        return True
    if array.ndim == 2:
        return array.shape in sizes()
    return array.ndim == 3 and array.shape[2] in CHANNELS and array.shape[1:] not in sizes()
