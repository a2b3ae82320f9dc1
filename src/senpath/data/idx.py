"""The idx format of MNIST, and the data sets that come in it."""

from __future__ import annotations

import gzip
import io
import string
import zlib
from pathlib import Path
from typing import BinaryIO

import numpy as np

from senpath.errors import InputError

UBYTE = 0x08
MAX_AXES = 4
# EMNIST ByClass: labels 0-9 are digits, 10-35 capitals, 36-61 small letters (Cohen 2017, and its mapping file).
BYCLASS = np.array(list(string.digits + string.ascii_uppercase + string.ascii_lowercase))
AGAIN = "Fetch the file again."


def read_idx(path: Path | str) -> np.ndarray:
    """Reads an idx file of unsigned bytes, gzipped or not (LeCun 1998, "The MNIST database", file format).

    Strict: the magic number, the size of every axis and the exact number of bytes must agree, so a truncated file or a
    flipped bit of the header is found.

    Returns: uint8, of the shape that the header names (1 to 4 axes, none of them empty).
    Raises: InputError if the file is missing, damaged or of another kind.
    """
    path = Path(path)
    try:
        with path.open("rb") as raw:
            packed = raw.read(2) == b"\x1f\x8b"
            raw.seek(0)
            if not packed:
                return _parse(raw, path)
            with gzip.open(raw) as unpacked:
                return _parse(unpacked, path)
    except FileNotFoundError:
        raise InputError(f"the idx file {path} is missing", do="Check the path.") from None
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"the idx file {path} cannot be read", expected="a whole file, gzipped or plain", got=error, do=AGAIN) from error


def _parse(stream: BinaryIO | io.BufferedIOBase, path: Path) -> np.ndarray:
    magic = stream.read(4)
    known = len(magic) == 4 and magic[:2] == b"\0\0" and magic[2] == UBYTE and 1 <= magic[3] <= MAX_AXES
    if not known:
        wanted = f"00 00 {UBYTE:02x} and 1 to {MAX_AXES} axes (unsigned bytes)"
        raise InputError(f"{path} is not an idx file of bytes", expected=wanted, got=magic.hex(" ") or "nothing", do=AGAIN)
    axes = magic[3]
    header = stream.read(4 * axes)
    if len(header) != 4 * axes:
        raise InputError(f"the idx file {path} ends in its header", expected=f"{4 * axes} bytes of sizes", got=len(header), do=AGAIN)
    shape = tuple(int.from_bytes(header[4 * i : 4 * i + 4], "big") for i in range(axes))
    # Python integers: a damaged header may claim more than 64 bits. Reading one byte more finds trailing bytes.
    size = 1
    for length in shape:
        size *= length
    # The body is read whole rather than as the header orders, since that may ask for petabytes.
    body = stream.read()
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
