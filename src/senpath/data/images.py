"""Pictures in zip, tar and npz files."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

import numpy as np

from senpath.data.archives import tar_entries, zip_entries
from senpath.errors import InputError, MissingExtraError

PICTURES = (".png", ".jpg", ".jpeg")


def decode(content: bytes, mode: str, name: str) -> np.ndarray:
    """A picture as uint8: (h, w) for mode "L", (h, w, 3) for mode "RGB". Raises InputError if it is damaged."""
    try:
        from PIL import Image
    except ImportError as error:
        raise MissingExtraError("pictures need pillow, which is not installed", do="Run `pip install pillow`.") from error
    try:
        with Image.open(io.BytesIO(content)) as picture:
            return np.asarray(picture.convert(mode), dtype=np.uint8)
    except (OSError, SyntaxError, ValueError) as error:
        raise InputError(f"the picture {name} cannot be read", expected="a png or jpeg file", got=error) from error


def _stack(pictures: list[np.ndarray], labels: list[str], path: Path, split: str) -> tuple[np.ndarray, np.ndarray]:
    if not pictures:
        raise InputError(f"{path} holds no picture of the split {split!r}", expected=f"entries like {split}/<label>/<name>.jpg")
    shapes = {picture.shape for picture in pictures}
    if len(shapes) > 1:
        raise InputError(f"the pictures of {path} differ in size", expected="one shape", got=sorted(shapes))
    return np.stack(pictures), labels_of(labels)


def labels_of(names: list[str]) -> np.ndarray:
    """Folder names as labels: int64 if each is a number, else str."""
    return np.array(names, dtype=np.int64) if all(name.isdecimal() for name in names) else np.array(names)


def read_folders(path: Path, split: str) -> tuple[np.ndarray, np.ndarray]:
    """Colour pictures of an archive laid out as [.../]<split>/<label>/<name>: uint8 (n, h, w, 3), labels by folder."""
    entries: Iterable[tuple[str, bytes]] = zip_entries(path, PICTURES) if path.suffix == ".zip" else tar_entries(path)
    pictures, labels = [], []
    for name, content in entries:
        parts = PurePosixPath(name).parts
        if len(parts) >= 3 and parts[-3] == split and name.lower().endswith(PICTURES):
            pictures.append(decode(content, "RGB", name))
            labels.append(parts[-2])
    return _stack(pictures, labels, path, split)


def read_omniglot(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Drawings of an Omniglot zip (Lake 2015): uint8 (n, 105, 105), ink 255 on 0; labels "Alphabet/character07"."""
    pictures, labels = [], []
    for name, content in zip_entries(path, PICTURES):
        parts = PurePosixPath(name).parts
        if len(parts) >= 3:
            pictures.append(255 - decode(content, "L", name))
            labels.append(f"{parts[-3]}/{parts[-2]}")
    return _stack(pictures, labels, path, "<alphabet>")


def read_npz(path: Path, split: str) -> tuple[np.ndarray, np.ndarray]:
    """Arrays `<split>_images` and `<split>_labels` of an npz file, which may hold no pickled object."""
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
            x, y = arrays[f"{split}_images"], arrays[f"{split}_labels"]
    except (KeyError, ValueError, OSError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise InputError(f"{path} cannot be used", expected=f"an npz file with {split}_images and {split}_labels", got=error) from error
    if x.dtype != np.uint8 or len(x) != len(y) or y.ndim != 1:
        got = f"{x.dtype} {x.shape}, {y.shape}"
        raise InputError(f"the arrays of {path} do not fit", expected="uint8 images (n, ...), labels (n,)", got=got)
    return x, y.astype(np.int64)
