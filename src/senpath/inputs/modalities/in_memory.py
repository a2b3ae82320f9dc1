"""Files in memory: pictures, sounds and clips as bytes, or in an open file."""

from __future__ import annotations

import re
from io import BytesIO, IOBase
from typing import Any

from senpath.errors import InputError
from senpath.inputs.modalities.audio import read_recording
from senpath.inputs.modalities.clips import container_of, read_clip
from senpath.inputs.modalities.picture_files import HEAD, not_read, open_picture, unreadable
from senpath.types import Video

IN_MEMORY = (bytes, bytearray, memoryview, IOBase)
"""What may hold a file's bytes."""
SIGNATURES = (
    (re.compile(rb"\x89PNG"), "image", ".png"),
    (re.compile(rb"\xff\xd8\xff"), "image", ".jpg"),
    (re.compile(rb"GIF8"), "image", ".gif"),
    (re.compile(rb"II\*\0|MM\0\*"), "image", ".tif"),
    (re.compile(rb"RIFF....WEBP", re.DOTALL), "image", ".webp"),
    (re.compile(rb"BM....\0\0\0\0", re.DOTALL), "image", ".bmp"),  # a table may begin with "BMI,"
    (re.compile(rb"RIFF....WAVE", re.DOTALL), "audio", ".wav"),
    (re.compile(rb"fLaC"), "audio", ".flac"),
    (re.compile(rb"OggS"), "audio", ".ogg"),
    (re.compile(rb"ID3[\x02-\x04]|\xff[\xe2\xe3\xf2\xf3\xfa\xfb]"), "audio", ".mp3"),
    (re.compile(rb"P[56]\s+(?:#[^\n]*\n\s*)*\d+\s+\d+\s+\d{1,5}\s"), "image", ".ppm"),  # a text may begin with "P5"
)
"""How files of pictures and sounds begin, what they hold, and the ending that says the same."""
CONTAINERS = {"mp4": ".mp4", "matroska": ".mkv", "avi": ".avi"}
"""The ending of a video file, by what `container_of` says."""
URL = re.compile(r"[a-z][a-z0-9+.-]*://\S+", re.IGNORECASE)
NO_FETCHING = "senpath opens no address by itself, for whoever names one could make it ask anything of anyone. Fetch it, and give the bytes"
"""Why an address is refused, and what to do."""


def is_url(text: object) -> bool:
    """Whether a text is an address and nothing else."""
    return isinstance(text, str) and URL.fullmatch(text.strip()) is not None


def signed(content: bytes) -> tuple[str, str] | None:
    """What the bytes of a file hold, by the first of them, and an ending for it: such as ("image", ".png"); None where they say nothing."""
    if not_read(content[:HEAD]):
        return "image", ".heic"  # which its reader refuses, and says why
    container = container_of(content[:HEAD])
    if container is not None:
        return "video", CONTAINERS[container]
    return next(((modality, ending) for begins, modality, ending in SIGNATURES if begins.match(content)), None)


def held(item: Any, name: str) -> tuple[str, bytes]:
    """What the bytes of a file hold, "image", "audio" or "video", and these bytes.

    Args:
        item: bytes, or a file that was opened for reading bytes; it is read from its start, if it has one.
        name: what errors call it.

    Raises:
        InputError: if it is nothing of this, or cannot be read.
    """
    content = bytes(_read(item, name) if isinstance(item, IOBase) else item)
    known = signed(content)
    if known is None:
        do = "Decode a text: data.decode(). Read a table: pandas.read_csv(file)"
        got = f"{len(content):,} bytes of another kind" if content else "no bytes"
        raise InputError(name, expected="the bytes of a picture, a sound or a clip", got=got, do=do)
    return known[0], content


def from_memory(item: Any, name: str) -> Any:
    """The picture, recording or clip that the bytes of a file are; arguments and errors as for `held`."""
    modality, content = held(item, name)
    if modality == "audio":
        return read_recording(BytesIO(content), name)
    if modality == "video":
        return Video(read_clip(BytesIO(content), name))
    try:
        return open_picture(BytesIO(content))
    except Exception as error:  # Pillow's readers raise whatever they trip over in a damaged file
        raise unreadable(name, error, BytesIO(content)) from error


def _read(file: Any, name: str) -> Any:
    try:
        if file.seekable():
            file.seek(0)
        content = file.read()
    except (OSError, ValueError) as error:
        raise InputError(name, expected="a file that can be read", got=str(error)) from error
    if isinstance(content, str) or content is None:
        raise InputError(name, expected="a file that was opened for bytes", got="one of text", do='Open it with open(path, "rb")')
    return content
