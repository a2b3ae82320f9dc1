"""What is asked about or taught: JSON and uploaded files as the library takes inputs."""

from __future__ import annotations

import base64
import binascii
import json
import math
import os
import re
import tempfile
from collections.abc import Collection, Iterable
from functools import partial
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from PIL import Image

from senpath.errors import InputError, LimitError, printable
from senpath.inputs.limits import FRAME_PIXELS, files_within
from senpath.inputs.modalities import MODALITIES, MODALITY_BY_ENDING
from senpath.inputs.modalities.audio import check_recording, read_recording
from senpath.inputs.modalities.clips import container_of, read_clip
from senpath.inputs.modalities.image import read_picture
from senpath.inputs.modalities.in_memory import signed
from senpath.inputs.modalities.picture_files import HEAD
from senpath.inputs.sources.first_bytes import table_ending
from senpath.inputs.sources.read import ENDINGS
from senpath.inputs.sources.unlabelled import unlabelled_items
from senpath.serving.batcher import Senses
from senpath.serving.settings import ServerSettings
from senpath.types import Audio, DataType, Video

FORMS = ("text", "row", "array", "image", "audio", "video", "senses")
"""Names by which one input says what it is; other objects are rows of a table."""
ANIMATED = b"GIF8"
"""A picture, which is a clip where clips are known and pictures are not."""
DATA_URL = re.compile(r"\s*data:[\w.+-]+/[\w.+-]+(;[\w.+-]+=[^;,]{0,100})*;base64,", re.IGNORECASE | re.ASCII)
"""What browsers put before a file in base64 (RFC 2397)."""
DEFAULTS = ServerSettings()


def read_input(value: Any, what: str = "input", limits: ServerSettings = DEFAULTS) -> Any:
    """One input in JSON as the library takes it; several senses of one thing as `Senses`.

    Args:
        value: see docs/howto/serve.md.
        what: what errors call it.

    Raises:
        InputError: if it is none.
        LimitError: if it is larger than the server takes.
    """
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, list):
        return _array(value, what)
    if not isinstance(value, dict) or not value:
        got = "an empty object" if isinstance(value, dict) else printable(repr(value))[:100]
        raise InputError(what, expected="a text, an array of numbers or an object", got=got)
    form = next((name for name in FORMS if name in value), None)
    if form is None:
        return _row(value, what)
    if len(value) > 1:
        do = 'A row of a table with such a column is {"row": {…}}'
        raise InputError(what, expected=f"{form!r} alone", got=f"{len(value)} names", do=do)
    return _read_form(form, value[form], what, limits)


def read_inputs(values: Iterable[Any], limits: ServerSettings) -> list[Any]:
    """Inputs in JSON as the library takes them; an `InputError` stands for one that cannot be read."""
    inputs: list[Any] = []
    for place, value in enumerate(values):
        try:
            inputs.append(read_input(value, f"input {place}", limits))
        except InputError as error:
            inputs.append(error)
    return inputs


def one_input(value: Any, what: str, limits: ServerSettings) -> Any:
    """An input in JSON as the library takes it; several senses of one thing are no example of one task.

    Raises:
        InputError: as for `read_input`.
    """
    given = read_input(value, what, limits)
    if isinstance(given, Senses):
        raise InputError(what, expected="an input of one modality", got="several senses", do="Teach a task of each, with one concept")
    return given


def _read_form(form: str, value: Any, what: str, limits: ServerSettings) -> Any:
    if form == "text" and isinstance(value, str):
        return _text(value)
    if form == "array" and isinstance(value, list):
        return _array(value, what)
    if form == "row" and isinstance(value, list | dict) and value:
        return _array(value, what) if isinstance(value, list) else _row(value, what)
    if form == "image" and isinstance(value, str):
        return picture_of(_decoded(value, what), what, limits)
    if form == "audio" and isinstance(value, str):
        return sound_of(_decoded(value, what), what, limits)
    if form == "video" and isinstance(value, str | list):
        return Video(_array(value, what)) if isinstance(value, list) else clip_of(_decoded(value, what), what, limits)
    if form == "audio" and isinstance(value, dict) and value.keys() == {"samples", "rate"} and isinstance(value["samples"], list):
        return recording_of(_array(value["samples"], what).astype(np.float64), value["rate"], what, limits)
    if form == "senses" and isinstance(value, dict) and value:
        return Senses({name: _read_sense(name, given, what, limits) for name, given in value.items() if given is not None})
    takes = {"row": "an object or a list", "array": "a list", "senses": "an object of modalities"}
    takes |= {"audio": "a file in base64, or samples and rate", "image": "a file in base64", "video": "a file in base64, or its frames"}
    raise InputError(f"{what}: {form}", expected=takes.get(form, "a string"), got=printable(repr(value))[:100])


def _read_sense(name: str, value: Any, what: str, limits: ServerSettings) -> Any:
    """One sense: in any form, or plain."""
    if name not in MODALITIES:
        raise InputError(f"{what}: sense {name!r}", expected=f"one of {', '.join(MODALITIES)}", got="another name")
    what = f"{what}: {name}"
    if name in ("image", "audio", "video") and isinstance(value, str):
        return _read_form(name, value, what, limits)
    if name == "video" and isinstance(value, list):
        return _read_form(name, value, what, limits)
    if name == "audio" and isinstance(value, dict) and "samples" in value:
        return _read_form(name, value, what, limits)
    given = read_input(value, what, limits)
    if isinstance(given, Senses):
        raise InputError(what, expected="one input", got="senses within senses")
    return given


def _text(text: str) -> str:
    # The library refuses a text that is the name of a file that is there: nobody may find out which are.
    return f"{text} " if os.path.splitext(text)[1].lower() in (*ENDINGS, *MODALITY_BY_ENDING) else text


def _row(value: dict[str, Any], what: str) -> dict[str, Any]:
    for name, cell in value.items():
        if isinstance(cell, dict | list):
            raise InputError(f"{what}: column {name!r}", expected="a number, a word or null", got=type(cell).__name__)
    return dict(value)


def _array(value: list[Any], what: str) -> np.ndarray:
    try:
        kinds = {*map(type, value)}
        if type(None) in kinds:  # of a row, what is missing
            value = [math.nan if cell is None else cell for cell in value]
        array = _whole_numbers(value) if kinds == {list} and {*map(type, value[0])} == {int} else np.asarray(value)
        if array.dtype.kind not in "biuf" or not array.size:
            raise ValueError("something else" if array.size else "none")
    except (ValueError, OverflowError) as error:
        got = "lists of different lengths" if "inhomogeneous" in str(error) else str(error)[:100]
        raise InputError(what, expected="numbers, in lists of equal lengths", got=got) from None
    return array


def _whole_numbers(rows: list[list[Any]]) -> np.ndarray:
    """An array of two axes; most pictures are bytes, which are read three times as fast so."""
    try:
        flat = b"".join(map(bytes, rows))
    except (TypeError, ValueError):  # not all of them are
        return np.asarray(rows)
    return np.frombuffer(flat, np.uint8).reshape(len(rows), -1) if len({*map(len, rows)}) == 1 else np.asarray(rows)


def _decoded(text: str, what: str) -> bytes:
    plain = "".join(DATA_URL.sub("", text, count=1).split())  # some write it in lines
    try:
        return base64.b64decode(plain, validate=True)
    except (binascii.Error, ValueError) as error:
        raise InputError(what, expected="a file in base64", got=str(error)[:100]) from None


def picture_of(content: bytes, what: str, limits: ServerSettings = DEFAULTS) -> np.ndarray:
    """The pixels of a picture file; errors as for `read_input`."""
    return read_picture(BytesIO(content), what, limits.pixels)


def sound_of(content: bytes, what: str, limits: ServerSettings = DEFAULTS) -> Audio:
    """The recording in a sound file; errors as for `read_input`."""
    return read_recording(BytesIO(content), what, limits.seconds)


def clip_of(content: bytes, what: str, limits: ServerSettings = DEFAULTS) -> Video:
    """Some frames of a video file or an animated picture; errors as for `read_input`."""
    return Video(read_clip(BytesIO(content), what, min(limits.pixels, FRAME_PIXELS), limits.seconds))


def recording_of(samples: np.ndarray, rate: Any, what: str, limits: ServerSettings = DEFAULTS) -> Audio:
    """A recording of these samples, (time,) in -1 … 1; errors as for `read_input`."""
    recording = check_recording(Audio(samples, rate), what)
    if len(samples) > limits.seconds * recording.rate:
        raise LimitError(what, expected=f"at most {limits.seconds:g} s", got=f"{len(samples) / recording.rate:,.0f} s")
    return recording


def kind_of_file(filename: str, content: bytes) -> str:
    """What an uploaded file holds by its content: "image", "audio", "video", "text", or the ending of a table."""
    known = signed(content)
    if known is not None:
        return known[0]
    table, ending = table_ending(content), PurePosixPath(filename.lower()).suffix
    return table or (ending if ending in ENDINGS and ending != ".txt" else "text")


def as_json(filename: str, content: bytes, what: str = "file") -> dict[str, Any]:
    """An uploaded picture, sound, clip or text as one input in JSON.

    Raises:
        InputError: if it is nothing of these.
    """
    held = kind_of_file(filename, content)
    if held == "text":
        return {"text": _utf8(content, what)}
    if held not in ("image", "audio", "video"):
        raise InputError(what, expected="a picture, a sound, a clip or a text", got=f"a table ({held})")
    return {held: base64.b64encode(content).decode()}


def _utf8(content: bytes, what: str) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(what, expected="a picture, a sound, a clip, a table or text in UTF-8", got=error.reason) from None


def read_file(
    filename: str, content: bytes, known: Collection[DataType], what: str, limits: ServerSettings, *, skip: bool = False
) -> list[Any]:
    """The inputs in an uploaded file: one, or those of a table or of arrays.

    Args:
        known: the types that the network has.
        skip: whether an `InputError` stands for a row, or a file in a zip file, that cannot be read.

    Raises:
        InputError: as for `read_input`.
    """
    held, modalities = kind_of_file(filename, content), {data_type.modality for data_type in known}
    if held == "video" or (content.startswith(ANIMATED) and "video" in modalities and "image" not in modalities):
        return [clip_of(content, what, limits)]
    if held == "image":
        return [picture_of(content, what, limits)]
    if held == "audio":
        return [sound_of(content, what, limits)]
    if held == "text":
        return [_text(_utf8(content, what))]
    with tempfile.TemporaryDirectory(prefix="senpath-") as folder:  # for this user alone
        path = Path(folder) / f"upload{held}"
        path.write_bytes(content)
        try:
            with files_within(path.parent):
                items = list(unlabelled_items(path, known, skip=skip))
        except InputError as error:
            _rename(error, path, what)
            raise
    for item in items:
        if isinstance(item, InputError):
            _rename(item, path, what)
    if len(items) > limits.rows:
        raise LimitError(what, expected=f"at most {limits.rows:,} rows", got=f"{len(items):,}")
    return items


def _rename(error: InputError, path: Path, what: str) -> None:
    for said in (str(path), path.name):
        error.rename(said, what)


def read_files(
    files: Iterable[tuple[str, bytes]], known: Collection[DataType], limits: ServerSettings, *, skip: bool = False
) -> list[list[Any]]:
    """The inputs in each of some uploaded files (name, content); an `InputError` stands for one that cannot be read.

    Args:
        skip: whether one stands also for a row, or a file in a zip file; otherwise for the whole file.

    Raises:
        LimitError: if there are too many.
    """
    inputs: list[list[Any]] = []
    for filename, content in files:
        try:
            inputs.append(read_file(filename, content, known, printable(filename)[:200] or "file", limits, skip=skip))
        except InputError as error:
            inputs.append([error])
    count, most = sum(map(len, inputs)), max(limits.inputs, limits.rows)
    if count > most:
        raise LimitError("inputs", expected=f"at most {most:,}", got=f"{count:,}")
    return inputs


def as_sent(file: tuple[str, bytes], inputs: list[Any]) -> list[Any]:
    """For each input of an uploaded file what the inbox would keep: the file, where it is one input."""
    return [partial(in_json, item) for item in inputs] if kind_of_file(*file) in ENDINGS else [file for _ in inputs]


def content_of(value: Any) -> tuple[bytes, str]:
    """An input in JSON as it came, and its media type: a picture, a sound, a clip, a text, or JSON."""
    if isinstance(value, dict) and len(value) == 1:
        form, given = next(iter(value.items()))
        if form in ("image", "audio", "video") and isinstance(given, str):
            content = _decoded(given, form)
            return content, _media_type(form, content)
        value = given if form == "text" else value
    return (value.encode(), "text/plain; charset=utf-8") if isinstance(value, str) else (json.dumps(value).encode(), "application/json")


def _media_type(form: str, content: bytes) -> str:
    if form == "audio":
        known = signed(content)
        return {".flac": "audio/flac", ".ogg": "audio/ogg", ".mp3": "audio/mpeg"}.get(known[1] if known is not None else "", "audio/wav")
    container = container_of(content[:HEAD]) if form == "video" else None
    if container is not None:
        return {"mp4": "video/mp4", "matroska": "video/webm"}.get(container, "video/x-msvideo")
    with Image.open(BytesIO(content)) as picture:  # it was read when it came
        return Image.MIME.get(picture.format or "", "application/octet-stream")


def in_json(given: Any) -> Any:
    """An input as `read_input` takes it."""
    if isinstance(given, Senses):
        return {"senses": {name: in_json(value) for name, value in given.items()}}
    if isinstance(given, Audio):
        return {"audio": {"samples": given.samples.tolist(), "rate": given.rate}}
    if isinstance(given, Image.Image):
        file = BytesIO()
        given.convert("RGB" if given.mode not in ("1", "L", "RGB", "RGBA") else given.mode).save(file, "PNG")
        return {"image": base64.b64encode(file.getvalue()).decode()}
    if isinstance(given, Video):
        return {"video": given.frames.tolist()}
    if isinstance(given, np.ndarray):
        return {"array": given.tolist()}
    return {"row": given} if isinstance(given, dict) else given
