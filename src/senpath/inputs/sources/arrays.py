"""Arrays in files: .npz with inputs and labels, in parts or not, and the idx files of MNIST with their labels beside."""

from __future__ import annotations

import gzip
import lzma
import re
import tokenize
import zipfile
import zlib
from collections.abc import Iterable
from math import prod
from pathlib import Path
from typing import IO

import numpy as np

from senpath.errors import InputError
from senpath.inputs.limits import require_memory, require_plain_file
from senpath.inputs.sources.parts import WantedPart, choose, split_name

Labelled = tuple[np.ndarray, np.ndarray]
UNREADABLE = (
    *(OSError, ValueError, TypeError, KeyError, EOFError, RuntimeError, MemoryError, OverflowError),
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, tokenize.TokenError, SyntaxError),
)
"""What reading a damaged .npz file may end in: headers of arrays are Python, which numpy takes apart."""
INPUTS, LABELS = ("x", "inputs", "images", "image", "data", "features"), ("y", "labels", "label", "targets", "target")
"""What arrays of inputs and of labels are called, the most certain first."""
NPY_HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
UBYTE = 0x08
MAX_AXES = 4
DEFLATED_TIMES = 1100
"""A byte of a gzipped file unfolds to no more."""
AGAIN = "Fetch the file again"
IDX = re.compile(r"(?P<part>.*?)[-_.]?(?P<held>images|labels)[-_.]idx\d[-_.]ubyte(?P<packed>\.gz)?", re.IGNORECASE)
"""The name of an idx file."""


def read_labelled_arrays(path: Path, part: WantedPart) -> tuple[np.ndarray, np.ndarray, str]:
    """The inputs and labels of a .npz file, and what is to be said of the choice.

    They are called x and y, `images` and `labels`, or alike; of parts `x_train`, `test_labels` or alike.

    Raises:
        InputError: if there are none, or the file cannot be read.
    """
    what, pairs, names = f"arrays {path}", {}, array_names(path)
    for name, (xs, ys) in _roles(names).items():
        if xs and ys:
            pairs[name] = (xs[0], ys[0])
    if not pairs:
        raise InputError(what, expected="a .npz with x and y, no objects", got=_listed(names))
    (x, y), said = choose(pairs, part, what)
    inputs, labels = read_arrays(path, x, y)
    said = said or (f"arrays {x!r} and {y!r}" if (x, y) != ("x", "y") else "")
    return inputs, labels[:, 0] if labels.ndim == 2 and labels.shape[1] == 1 else labels, said


def read_input_array(path: Path) -> np.ndarray:
    """The inputs to predict in a .npz file; its labels are ignored.

    Raises:
        InputError: if there are none, those of several parts, or the file cannot be read.
    """
    names = array_names(path)
    inputs = [each[0] for each, _ in _roles(names).values() if each]
    if "x" in names or len(inputs) == 1:
        return read_arrays(path, "x" if "x" in names else inputs[0])[0]
    do = "Save those to predict by themselves, as x" if inputs else ""
    raise InputError(f"arrays {path}", expected="a .npz with x, no objects", got=_listed(names), do=do)


def _roles(names: Iterable[str]) -> dict[str, tuple[list[str], list[str]]]:
    """The arrays of inputs and of labels of each part, the most certain first."""
    roles: dict[str, tuple[list[str], list[str]]] = {}
    for known, place in ((INPUTS, 0), (LABELS, 1)):
        for word in known:
            for name in names:
                part, words = split_name(name)
                if words == (word,):
                    roles.setdefault(part, ([], []))[place].append(name)
    return roles


def _listed(names: Iterable[str]) -> str:
    return f"the arrays {', '.join(map(repr, names))}" if names else "no arrays"


def array_names(path: Path) -> list[str]:
    """The names of a .npz file's arrays, in its order.

    Raises:
        InputError: if it cannot be read.
    """
    require_plain_file(path, f"arrays {path}")
    try:
        with zipfile.ZipFile(path) as archive:
            return [name.removesuffix(".npy") for name in archive.namelist() if name.endswith(".npy")]
    except (OSError, ValueError, NotImplementedError, zipfile.BadZipFile) as error:
        raise InputError(f"arrays {path}", expected="a .npz file, a zip of arrays", got=f"{type(error).__name__}: {error}") from error


def read_arrays(path: Path, *names: str) -> list[np.ndarray]:
    """Read arrays of a .npz file by their names.

    Raises:
        InputError: if one is absent, cannot be read, holds pickled objects, or takes too much memory.
    """
    what = f"arrays {path}"
    require_plain_file(path, what)
    try:
        # Opened here: given a damaged file by name, numpy leaves it open.
        with path.open("rb") as file, zipfile.ZipFile(file) as archive, np.load(file, allow_pickle=False) as arrays:
            for name in names:
                _require_size(archive, name, what, path)
            return [arrays[name] for name in names]
    except InputError:
        raise
    except UNREADABLE as error:
        expected = f"a .npz with {' and '.join(names)}, no objects"
        raise InputError(what, expected=expected, got=f"{type(error).__name__}: {error}") from error


def _require_size(archive: zipfile.ZipFile, name: str, what: str, path: Path) -> None:
    """Check the size that an array's header claims before memory is allocated for it."""
    with archive.open(f"{name}.npy") as member:
        version = np.lib.format.read_magic(member)
        shape, _, dtype = NPY_HEADERS[version](member)
    numbers = prod(shape)
    # Encoded, a number takes four bytes at least.
    require_memory(f"{what}, {name}", max(numbers * max(dtype.itemsize, 4), archive.getinfo(f"{name}.npy").file_size), path)


def is_idx(path: Path) -> bool:
    """Whether this is the name of an idx file."""
    return IDX.fullmatch(path.name) is not None


def idx_parts(folder: Path) -> dict[str, tuple[Path, Path]]:
    """The files of images and of labels in a folder, by part.

    Raises:
        InputError: if two are of one part.
    """
    parts: dict[str, tuple[Path, Path]] = {}
    for file in sorted(folder.iterdir()):
        name = IDX.fullmatch(file.name)
        if name is None or name["held"].lower() != "images":
            continue
        part, _ = split_name(name["part"])
        if part in parts:
            got = f"{parts[part][0].name} and {file.name}"
            raise InputError(f"folder {folder}", expected="one data set", got=got, do=f"Name its file of images, such as {file}")
        parts[part] = file, labels_beside(file)
    return parts


def labels_beside(images: Path) -> Path:
    """The idx file of the labels of an idx file of images; the more likely name, if there is none."""
    name = IDX.fullmatch(images.name)
    start = images.name[: name.start("held")] if name is not None else ""
    own = re.sub("images", "labels", images.name[len(start) :], count=1, flags=re.IGNORECASE)
    plain = re.sub(r"idx\d", "idx1", own, flags=re.IGNORECASE).removesuffix(".gz")
    names = [start + plain + ending for ending in ((".gz", "") if images.suffix == ".gz" else ("", ".gz"))]
    return next((images.with_name(each) for each in names if images.with_name(each).is_file()), images.with_name(names[0]))


def read_idx_pair(images: Path, labels: Path) -> Labelled:
    """A file of images, uint8 (n, h, w), and one of labels, int64 (n,).

    Raises:
        InputError: if a file is missing or damaged, or they do not go together.
    """
    x, y = read_idx(images), read_idx(labels)
    if x.ndim != 3 or y.ndim != 1 or len(x) != len(y):
        what = f"{images.name} and {labels.name} do not go together"
        raise InputError(what, expected="(n, h, w) and (n,)", got=f"{x.shape} and {y.shape}")
    return x, y.astype(np.int64)


def read_idx(path: Path | str) -> np.ndarray:
    """Read an idx file of unsigned bytes, gzipped or not (LeCun 1998, "The MNIST database", file format).

    Strict: the magic number, the size of every axis and the exact number of bytes must agree, so a truncated file or a
    flipped bit of the header is found.

    Returns: uint8, of the shape that the header names (1 to 4 axes, none of them empty).
    Raises: InputError if the file is missing, damaged, of another kind, or takes too much memory.
    """
    path = Path(path)
    require_plain_file(path, f"the idx file {path}")
    try:
        with path.open("rb") as file:
            packed = file.read(2) == b"\x1f\x8b"
            file.seek(0)
            if not packed:
                return _read_idx(path, file)
            with gzip.GzipFile(fileobj=file) as unpacked:
                return _read_idx(path, unpacked)
    except FileNotFoundError:
        raise InputError(f"the idx file {path}", expected="a file", got="nothing of that name") from None
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"the idx file {path} cannot be read", expected="a whole file, gzipped or plain", got=error, do=AGAIN) from error


def _read_idx(path: Path, file: IO[bytes] | gzip.GzipFile) -> np.ndarray:
    magic = file.read(4)
    axes = magic[3] if len(magic) == 4 and magic[:3] == bytes([0, 0, UBYTE]) else 0
    if not 1 <= axes <= MAX_AXES:
        expected = f"00 00 {UBYTE:02x} and 1 to {MAX_AXES} axes (unsigned bytes)"
        raise InputError(f"{path} is not an idx file of bytes", expected=expected, got=magic.hex(" ") or "nothing", do=AGAIN)
    sizes = file.read(4 * axes)
    if len(sizes) != 4 * axes:
        raise InputError(f"the idx file {path} ends in its header", expected=f"{4 * axes} bytes of sizes", got=len(sizes), do=AGAIN)
    shape = tuple(int.from_bytes(sizes[place : place + 4], "big") for place in range(0, 4 * axes, 4))
    size = prod(shape)
    if size > DEFLATED_TIMES * path.stat().st_size:  # so much is in no file
        body = b""
    else:
        require_memory(f"the idx file {path}", 4 * size, path)  # encoded, a number takes four bytes
        body = file.read(size + 1)
    if size == 0 or len(body) != size:
        what = f"the idx file {path} does not hold what its header says"
        raise InputError(what, expected=f"{size} bytes for {shape}", got=len(body), do=AGAIN)
    return np.frombuffer(body, np.uint8).reshape(shape).copy()
