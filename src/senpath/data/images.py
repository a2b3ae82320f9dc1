"""Pictures and their labels in the files of data sets: idx, zip, tar and npz."""

from __future__ import annotations

import io
from pathlib import Path, PurePosixPath

import numpy as np
from PIL import Image

from senpath.data.archives import tar_entries, zip_entries
from senpath.errors import InputError
from senpath.inputs.sources.arrays import AGAIN, read_arrays
from senpath.inputs.sources.arrays import read_idx_pair as labelled_idx

Labelled = tuple[np.ndarray, np.ndarray]
PICTURES = (".png", ".jpg", ".jpeg")


def read_idx_pair(images: Path, labels: Path, classes: str = "", keep: str = "", *, transposed: bool = False) -> Labelled:
    """Read a file of images and one of labels: uint8 (n, h, w), and int64 or str (n,).

    Args:
        classes: the characters that labels stand for; without, labels stay numbers.
        keep: the characters to keep, if not all.
        transposed: whether images lie on their side, as EMNIST's do; they are returned upright.

    Raises: InputError if a file is damaged, or they do not go together.
    """
    x, y = labelled_idx(images, labels)
    if not classes:
        return x, y
    if int(y.max()) >= len(classes):
        raise InputError(f"a label of {labels.name} is out of range", expected=f"0 to {len(classes) - 1}", got=int(y.max()), do=AGAIN)
    characters = np.array(list(classes))[y]
    if keep:
        kept = np.isin(characters, list(keep))
        x, characters = x[kept], characters[kept]
    return np.ascontiguousarray(x.transpose(0, 2, 1)) if transposed else x, characters


def decode(content: bytes, mode: str, name: str) -> np.ndarray:
    """A picture as uint8: (h, w) for mode "L", (h, w, 3) for mode "RGB". Raises InputError if it is damaged."""
    try:
        with Image.open(io.BytesIO(content)) as picture:
            return np.asarray(picture.convert(mode), dtype=np.uint8)
    except (OSError, SyntaxError, ValueError) as error:
        raise InputError(f"the picture {name} cannot be read", expected="a png or jpeg file", got=error) from error


def read_folders(path: Path, split: str) -> Labelled:
    """Read colour pictures of an archive laid out as [.../]<split>/<label>/<name>: uint8 (n, h, w, 3).

    Labels are int64 if each is a number, else str.
    """
    entries = zip_entries(path, PICTURES) if path.suffix == ".zip" else tar_entries(path)
    named = ((PurePosixPath(name).parts, name, content) for name, content in entries if name.lower().endswith(PICTURES))
    chosen = [(parts[-2], decode(content, "RGB", name)) for parts, name, content in named if len(parts) >= 3 and parts[-3] == split]
    return _stack(chosen, path, split)


def read_omniglot(path: Path) -> Labelled:
    """Read the drawings of an Omniglot zip (Lake 2015): uint8 (n, 105, 105), ink 255 on 0; labels "Alphabet/character07"."""
    named = ((PurePosixPath(name).parts, name, content) for name, content in zip_entries(path, PICTURES))
    drawings = [("/".join(parts[-3:-1]), 255 - decode(content, "L", name)) for parts, name, content in named if len(parts) >= 3]
    return _stack(drawings, path, "<alphabet>")


def _stack(labelled: list[tuple[str, np.ndarray]], path: Path, split: str) -> Labelled:
    if not labelled:
        raise InputError(f"pictures of the split {split!r} in {path}", expected=f"entries like {split}/<label>/<name>.jpg", got="none")
    shapes = {picture.shape for _, picture in labelled}
    if len(shapes) > 1:
        raise InputError(f"the pictures of {path} differ in size", expected="one shape", got=sorted(shapes))
    labels = [label for label, _ in labelled]
    return np.stack([picture for _, picture in labelled]), np.array(labels, np.int64 if all(map(str.isdecimal, labels)) else None)


def read_npz(path: Path, split: str) -> Labelled:
    """Read the arrays `<split>_images` and `<split>_labels` of an npz file."""
    x, y = read_arrays(path, f"{split}_images", f"{split}_labels")
    if x.dtype != np.uint8 or len(x) != len(y) or y.ndim != 1:
        raise InputError(f"arrays {path}", expected="uint8 images (n, ...), labels (n,)", got=f"{x.dtype} {x.shape}, {y.shape}")
    return x, y.astype(np.int64)
