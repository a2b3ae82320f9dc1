"""Files of pictures: which are opened, how pictures stand in them, and what is said of those that cannot be read."""

from __future__ import annotations

import re
from contextlib import suppress
from io import BytesIO
from pathlib import Path

from PIL import Image

from senpath.errors import InputError

FORMATS = ("PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP", "PPM")
NOT_READ = re.compile(rb".{4}ftyp(?:(hei[cfmsx]|hev[cmsx]|mi[fa]1|msf1)|avi[fs])", re.DOTALL)
"""How pictures begin that phones and browsers write, in a container that videos have too: the first are HEIC, the others AVIF."""

TURN = Image.Transpose
TURNS = {
    2: TURN.FLIP_LEFT_RIGHT,
    3: TURN.ROTATE_180,
    4: TURN.FLIP_TOP_BOTTOM,
    5: TURN.TRANSPOSE,
    6: TURN.ROTATE_270,
    7: TURN.TRANSVERSE,
    8: TURN.ROTATE_90,
}
"""How a picture is turned to stand upright, by the orientation that its camera wrote (Exif 2.32, tag 0x0112)."""
ACROSS = frozenset({TURN.TRANSPOSE, TURN.ROTATE_270, TURN.TRANSVERSE, TURN.ROTATE_90})
"""Turns after which width is height."""
ORIENTATION = 0x0112
HEAD = 32
"""Bytes that say what a file is."""


def open_picture(file: Path | BytesIO) -> Image.Image:
    """A picture of which only the header is read so far. What is wrong with it Pillow says in many kinds of exceptions.

    Raises:
        Image.DecompressionBombWarning: if it has more pixels than `PIL.Image.MAX_IMAGE_PIXELS`, of which Pillow would only warn.
    """
    picture, most = Image.open(file, formats=FORMATS), Image.MAX_IMAGE_PIXELS
    pixels = picture.width * picture.height
    if most is not None and pixels > most:  # filters of warnings are the whole process's, threads would leave each other's behind
        picture.close()
        raise Image.DecompressionBombWarning(f"Image size ({pixels} pixels) exceeds the limit of {most} pixels")
    return picture


def turn_of(image: Image.Image) -> Image.Transpose | None:
    """How the picture has to be turned, if its camera says so in a way that can be read."""
    try:
        return TURNS.get(image.getexif().get(ORIENTATION))  # type: ignore[arg-type]
    except Exception:  # what cameras and programs write there is often damaged; the picture is not
        return None


def not_read(head: bytes) -> str:
    """What a picture of a kind that is not read is called, by its first bytes; "" for anything else."""
    known = NOT_READ.match(head)
    return "" if known is None else f"{'HEIC' if known[1] else 'AVIF'}, which is not read: save it as JPEG or PNG"


def unreadable(what: str, error: Exception, file: Path | BytesIO | None = None) -> InputError:
    """What is to be said of a picture file that Pillow cannot read.

    Args:
        file: the file, if there is one: its first bytes may tell why.
    """
    head = b""
    with suppress(OSError, ValueError):
        head = file.getvalue()[:HEAD] if isinstance(file, BytesIO) else b"" if file is None else _head(file)
    said = type(error).__name__ if "BytesIO" in str(error) else f"{type(error).__name__}: {error}"
    return InputError(what, expected="a readable picture file", got=not_read(head) or said)


def _head(file: Path) -> bytes:
    with file.open("rb") as opened:
        return opened.read(HEAD)
