"""Pictures and their labels in the files of data sets: idx, zip, tar and npz."""

from __future__ import annotations

import gzip
import io
import string
import zlib
from collections.abc import Iterable
from math import prod
from pathlib import Path, PurePosixPath

import numpy as np
from PIL import Image

from senpath.data.archives import tar_entries, zip_entries
from senpath.errors import InputError
from senpath.inputs.sources.typed_tables import read_arrays

UBYTE = 0x08
MAX_AXES = 4
# EMNIST ByClass: labels 0-9 are digits, 10-35 capitals, 36-61 small letters (Cohen 2017, and its mapping file).
BYCLASS = np.array(list(string.digits + string.ascii_uppercase + string.ascii_lowercase))
AGAIN = "Fetch the file again."
PICTURES = (".png", ".jpg", ".jpeg")


def read_idx(path: Path | str) -> np.ndarray:
    """Read an idx file of unsigned bytes, gzipped or not (LeCun 1998, "The MNIST database", file format).

    Strict: the magic number, the size of every axis and the exact number of bytes must agree, so a truncated file or a
    flipped bit of the header is found.

    Returns: uint8, of the shape that the header names (1 to 4 axes, none of them empty).
    Raises: InputError if the file is missing, damaged or of another kind.
    """
    path = Path(path)
    try:
        content = path.read_bytes()
        content = gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content
    except FileNotFoundError:
        raise InputError(f"the idx file {path} is missing", do="Check the path.") from None
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"the idx file {path} cannot be read", expected="a whole file, gzipped or plain", got=error, do=AGAIN) from error
    magic = content[:4]
    axes = magic[3] if len(magic) == 4 and magic[:3] == bytes([0, 0, UBYTE]) else 0
    if not 1 <= axes <= MAX_AXES:
        expected = f"00 00 {UBYTE:02x} and 1 to {MAX_AXES} axes (unsigned bytes)"
        raise InputError(f"{path} is not an idx file of bytes", expected=expected, got=magic.hex(" ") or "nothing", do=AGAIN)
    sizes, body = content[4 : 4 + 4 * axes], memoryview(content)[4 + 4 * axes :]
    if len(sizes) != 4 * axes:
        raise InputError(f"the idx file {path} ends in its header", expected=f"{4 * axes} bytes of sizes", got=len(sizes), do=AGAIN)
    shape = tuple(int.from_bytes(sizes[place : place + 4], "big") for place in range(0, 4 * axes, 4))
    size = prod(shape)
    if size == 0 or len(body) != size:
        what = f"the idx file {path} does not hold what its header says"
        raise InputError(what, expected=f"{size} bytes for {shape}", got=len(body), do=AGAIN)
    return np.frombuffer(body, np.uint8).reshape(shape).copy()


def idx_files(folder: str, prefix: str = "", test: str = "t10k") -> dict[str, tuple[str, ...]]:
    """Names of the images' and the labels' file for each split."""
    return {
        split: tuple(f"{folder}/{prefix}{part}-{kind}-ubyte.gz" for kind in ("images-idx3", "labels-idx1"))
        for split, part in (("train", "train"), ("test", test))
    }


def read_pair(files: list[Path]) -> tuple[np.ndarray, np.ndarray]:
    """From a file of images and one of labels: uint8 (n, h, w) and (n,). Raises InputError if they do not go together."""
    images, labels = files
    x, y = read_idx(images), read_idx(labels)
    if x.ndim != 3 or y.ndim != 1 or len(x) != len(y):
        what = f"{images.name} and {labels.name} do not go together"
        raise InputError(what, expected="(n, h, w) and (n,)", got=f"{x.shape} and {y.shape}")
    return x, y


def read_digits(files: list[Path]) -> tuple[np.ndarray, np.ndarray]:
    """Images and labels as int64, as the file has them."""
    x, y = read_pair(files)
    return x, y.astype(np.int64)


def read_letters(files: list[Path], alphabet: str) -> tuple[np.ndarray, np.ndarray]:
    """Images and labels as the characters of `alphabet` that the file's numbers stand for."""
    x, y = read_pair(files)
    if int(y.max()) >= len(alphabet):
        raise InputError(f"a label of {files[1].name} is out of range", expected=f"0 to {len(alphabet) - 1}", got=int(y.max()), do=AGAIN)
    return x, np.array(list(alphabet))[y]


def read_emnist(files: list[Path], alphabet: str) -> tuple[np.ndarray, np.ndarray]:
    """The letters of `alphabet` out of an EMNIST ByClass split; about 0.6 GB of memory while the training split is read.

    EMNIST stores each image transposed; here it stands upright.
    """
    x, y = read_pair(files)
    if int(y.max()) >= len(BYCLASS):
        raise InputError(f"a label of {files[1].name} is out of range", expected="0 to 61 (ByClass)", got=int(y.max()), do=AGAIN)
    characters = BYCLASS[y]
    keep = np.isin(characters, list(alphabet))
    return np.ascontiguousarray(x[keep].transpose(0, 2, 1)), characters[keep]


def decode(content: bytes, mode: str, name: str) -> np.ndarray:
    """A picture as uint8: (h, w) for mode "L", (h, w, 3) for mode "RGB". Raises InputError if it is damaged."""
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
    """Arrays `<split>_images` and `<split>_labels` of an npz file."""
    x, y = read_arrays(path, f"{split}_images", f"{split}_labels")
    if x.dtype != np.uint8 or len(x) != len(y) or y.ndim != 1:
        raise InputError(f"arrays {path}", expected="uint8 images (n, ...), labels (n,)", got=f"{x.dtype} {x.shape}, {y.shape}")
    return x, y.astype(np.int64)
