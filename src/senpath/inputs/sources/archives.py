"""Labelled data in a zip file: unpacked into a folder that goes again, and held in memory."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

from senpath.errors import InputError
from senpath.inputs.limits import files_within, require_plain_file
from senpath.inputs.modalities import modality_of_file
from senpath.inputs.modalities.audio import read_recording
from senpath.inputs.modalities.clips import read_clip
from senpath.inputs.modalities.picture_files import open_picture
from senpath.inputs.modalities.text import read_text
from senpath.inputs.sources.dataset import Data
from senpath.inputs.sources.zipped import unpack
from senpath.types import Video


def read_zipped(path: Path, read: Callable[[Path], Data]) -> Data:
    """Read what a zip file holds as `read` does a folder or a file.

    Raises:
        InputError: if it is damaged or holds too much, or what is in it cannot be read.
    """
    with unpacked(path) as folder:
        data = read(folder)
        return replace(data, x=held(data.x))


@contextmanager
def unpacked(path: Path) -> Iterator[Path]:
    """What is in a zip file, for a while; errors name the zip file."""
    require_plain_file(path, f"data {path}")
    with tempfile.TemporaryDirectory(prefix="senpath-") as name:  # for this user alone
        folder = Path(name) / "data"
        try:
            inside = unpack(path, folder)
            if inside.suffix.lower() == ".zip":
                raise InputError(f"data {path}", expected="a folder for each class, or a table", got="a zip file in it")
            with files_within(folder):
                yield inside
        except InputError as error:
            error.rename(str(folder), str(path))
            raise


def held(items: Any) -> Any:
    """The inputs without the files that they are in; pictures stay as small as in the files."""
    return [*map(_held, items)] if isinstance(items, list) else items


def _held(item: Any) -> Any:
    file = item.frames if isinstance(item, Video) else item
    if not isinstance(file, Path):
        return item
    modality = "video" if isinstance(item, Video) else modality_of_file(file)
    if modality == "video":
        return Video(read_clip(file, file.name))
    if modality == "text":
        return read_text(file)
    return open_picture(BytesIO(file.read_bytes())) if modality == "image" else read_recording(file, file.name)
