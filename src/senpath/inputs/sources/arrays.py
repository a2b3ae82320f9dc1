"""Arrays in .npz files."""

from __future__ import annotations

import zipfile
import zlib
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from senpath.errors import InputError

LARGEST = 2**32
"""Bytes of one array in memory; compressed, one of nothing else than zeros is small."""
HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


def read_arrays(path: Path, *, labels: bool = True) -> tuple[Any, Any]:
    """The arrays x and, if asked for, y of a .npz file.

    Raises:
        InputError: if they are not there, cannot be read, or take too much memory.
    """
    expected = "a .npz with x and y, no objects" if labels else "a .npz with x, no objects"
    try:
        # Opened here: given a damaged file by name, numpy leaves it open.
        with path.open("rb") as file, zipfile.ZipFile(file) as archive, np.load(file, allow_pickle=False) as arrays:
            for name in ("x", "y") if labels else ("x",):
                _require_size(archive, f"{name}.npy", path)
            return arrays["x"], arrays["y"] if labels else None
    except (OSError, ValueError, TypeError, KeyError, EOFError, RuntimeError, MemoryError, zipfile.BadZipFile, zlib.error) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"arrays {path}", expected=expected, got=f"{type(error).__name__}: {error}") from error


def _require_size(archive: zipfile.ZipFile, name: str, path: Path) -> None:
    """Look at what an array's header claims before room is made for it."""
    with archive.open(name) as member:
        version = np.lib.format.read_magic(member)
        shape, _, dtype = HEADERS[version](member)
    size = prod(shape) * dtype.itemsize
    if max(size, archive.getinfo(name).file_size) > LARGEST:
        raise InputError(f"arrays {path}", expected=f"at most {LARGEST // 2**30} GiB of {name[0]}", got=f"{size / 2**30:,.1f} GiB")
