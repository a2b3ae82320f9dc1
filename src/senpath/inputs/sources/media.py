"""Looking at pictures, sounds and texts: whether each can be read, and what they have in common."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

from senpath.errors import InputError
from senpath.inputs.modalities.audio import read_recording
from senpath.inputs.modalities.image import open_picture
from senpath.inputs.modalities.kinds import IMAGE_FILES, SOUND_FILES
from senpath.inputs.modalities.text import read_text
from senpath.inputs.sources.found import Refusals, counted
from senpath.types import Audio

MODALITY = {**dict.fromkeys(IMAGE_FILES, "image"), **dict.fromkeys(SOUND_FILES, "audio"), ".txt": "text"}
"""What files of an ending hold."""
NAMES = {"image": ("picture", "pictures"), "audio": ("sound", "sounds"), "text": ("text", "texts"), "table": ("row", "rows")}
"""What one input and several of a modality are called."""


@dataclass(frozen=True)
class Encoded:
    """A picture or sound within a table, as the bytes of a file."""

    content: bytes


@dataclass(frozen=True)
class Seen:
    """What was seen of one file.

    Args:
        item: what takes its place among the inputs.
        format: of the file, such as "PNG".
        size: (width, height) in pixels, or (hertz, 0).
        colour: "grey" or "colour", for a picture.
    """

    item: Any
    format: str = ""
    size: tuple[int, int] = (0, 0)
    colour: str = ""


def look(files: Sequence[tuple[str, str, Path | Encoded]], modality: str, refusals: Refusals) -> tuple[list[int], list[Any], str]:
    """Read every file once.

    Args:
        files: each with its place, for a list of what is left out, and the name that errors call it.

    Returns:
        The places of those that can be read, what takes their place among the inputs, and what they are, in words.
    """
    see = SEE[modality]
    places, seen = [], []
    for place, (where, name, file) in enumerate(files):
        try:
            found = see(file, name)
        except InputError as error:
            refusals.refuse(where, error)
        else:
            places.append(place)
            seen.append(found)
    return places, [found.item for found in seen], _about(seen, modality)


def _see_picture(file: Path | Encoded, name: str) -> Seen:
    try:
        with open_picture(_opened(file)) as image:
            seen = Seen(file, str(image.format), image.size, "grey" if image.mode[:1] in "1LIF" else "colour")
            image.draft(None, (1, 1))  # a JPEG is read to its end, and an eighth of it computed
            image.load()
        return seen if isinstance(file, Path) else Seen(open_picture(_opened(file)), seen.format, seen.size, seen.colour)
    except Exception as error:  # Pillow's readers raise whatever they trip over in a damaged file
        raise InputError(f"image {name}", expected="a readable picture file", got=f"{type(error).__name__}: {error}") from error


def _see_sound(file: Path | Encoded, name: str) -> Seen:
    recording: Audio = read_recording(_opened(file), name)
    ending = file.suffix[1:].upper() if isinstance(file, Path) else ""
    return Seen(file if isinstance(file, Path) else recording, ending, (recording.rate, 0))


def _see_text(file: Path | Encoded, name: str) -> Seen:
    if isinstance(file, Encoded):
        raise InputError(f"text {name}", expected="a text, or the name of a file", got="bytes")
    if not read_text(file).strip():
        raise InputError(f"text {name}", expected="at least one word", got="none")
    return Seen(file)


SEE: dict[str, Callable[[Path | Encoded, str], Seen]] = {"image": _see_picture, "audio": _see_sound, "text": _see_text}


def _opened(file: Path | Encoded) -> Path | BytesIO:
    return file if isinstance(file, Path) else BytesIO(file.content)


def _about(seen: Sequence[Seen], modality: str) -> str:
    """Such as "3 pictures (JPEG and PNG, 64×64, colour)"."""
    formats = " and ".join(sorted({found.format for found in seen} - {""}))
    sizes = sorted({found.size for found in seen}, key=lambda size: (size[0] * max(1, size[1]), size))
    ends = [sizes[0], sizes[-1]] if len(sizes) > 1 else sizes
    spans = [f"{first}×{second}" if modality == "image" else f"{first:,}" for first, second in ends]
    span = " to ".join(spans) + (" Hz" if modality == "audio" else "")
    colours = " and ".join(sorted({found.colour for found in seen} - {""}))
    parts = [part for part in (formats, span, colours) if part] if modality != "text" else []
    return counted(len(seen), *NAMES[modality]) + (f" ({', '.join(parts)})" if parts else "")
