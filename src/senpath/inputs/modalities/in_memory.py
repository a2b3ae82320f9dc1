"""Files in memory: pictures, sounds and clips as bytes, or in an open file."""

from __future__ import annotations

import re
from io import BytesIO, IOBase
from typing import Any

from senpath.errors import InputError
from senpath.inputs.modalities.audio import read_recording
from senpath.inputs.modalities.clips import HEAD, container_of, read_clip
from senpath.inputs.modalities.image import open_picture
from senpath.types import Video

IN_MEMORY = (bytes, bytearray, memoryview, IOBase)
"""What may hold a file's bytes."""
PICTURES = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"BM", b"II*\x00", b"MM\x00*")
SOUNDS = (b"RIFF", b"fLaC", b"OggS")
URL = re.compile(r"[a-z][a-z0-9+.-]*://\S+", re.IGNORECASE)
NO_FETCHING = "senpath opens no address by itself, for whoever names one could make it ask anything of anyone. Fetch it, and give the bytes"
"""Why an address is refused, and what to do."""


def is_url(text: object) -> bool:
    """Whether a text is an address and nothing else."""
    return isinstance(text, str) and URL.fullmatch(text.strip()) is not None


def modality_of_bytes(content: bytes) -> str | None:
    """What the bytes of a file hold, by the first of them; None where they are nothing of this."""
    if container_of(content[:HEAD]) is not None:
        return "video"
    if content.startswith(PICTURES) or (content[:4] == b"RIFF" and content[8:12] == b"WEBP"):
        return "image"
    return "audio" if content.startswith(SOUNDS) else None


def from_memory(item: Any, name: str) -> Any:
    """The picture, recording or clip that the bytes of a file are.

    Args:
        item: bytes, or a file that was opened for reading bytes; one that is held in memory is read from its start.
        name: what errors call it.

    Raises:
        InputError: if it is nothing of this, or cannot be read.
    """
    content = bytes(_read(item, name) if isinstance(item, IOBase) else item)
    modality = modality_of_bytes(content)
    if modality is None:
        do = "Decode a text: data.decode(). Read a table: pandas.read_csv(file)"
        got = f"{len(content):,} bytes of another kind" if content else "no bytes"
        raise InputError(name, expected="the bytes of a picture, a sound or a clip", got=got, do=do)
    if modality == "audio":
        return read_recording(BytesIO(content), name)
    if modality == "video":
        return Video(read_clip(BytesIO(content), name))
    try:
        return open_picture(BytesIO(content))
    except Exception as error:  # Pillow's readers raise whatever they trip over in a damaged file
        got = type(error).__name__ if "BytesIO" in str(error) else f"{type(error).__name__}: {error}"
        raise InputError(name, expected="a readable picture file", got=got) from error


def _read(file: Any, name: str) -> Any:
    try:
        content = file.getvalue() if isinstance(file, BytesIO) else file.read()
    except (OSError, ValueError) as error:
        raise InputError(name, expected="a file that can be read", got=str(error)) from error
    if isinstance(content, str) or content is None:
        raise InputError(name, expected="a file that was opened for bytes", got="one of text", do='Open it with open(path, "rb")')
    return content
