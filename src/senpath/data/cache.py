"""Arrays that are slow to make, kept on disk. A cache that cannot be read or written is done without."""

from __future__ import annotations

import contextlib
import os
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np

from senpath.data.paths import EMBEDDED, download_folder

Arrays = dict[str, np.ndarray]


def cached(key: str, make: Callable[[], Arrays]) -> Arrays:
    """The arrays filed under `key`, made and filed if they are not there."""
    file = download_folder() / EMBEDDED / f"{key}.npz"
    # Whatever is wrong with the file, making the arrays again is right.
    damage = contextlib.suppress(OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile, zlib.error)
    # Opened here: given a damaged file by name, numpy leaves it open.
    with damage, file.open("rb") as stream, np.load(stream, allow_pickle=False) as held:
        return {name: held[name] for name in held.files}
    arrays = make()
    # A home that is full or read-only costs time, not the demo.
    with contextlib.suppress(OSError):
        _write(file, arrays)
    return arrays


def _write(file: Path, arrays: Arrays) -> None:
    """Under a temporary name, then renamed: a reader sees the whole file or none."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=file.parent, prefix=f".{file.stem}-", suffix=".part", delete=False) as stream:
        try:
            np.savez_compressed(stream, allow_pickle=False, **arrays)
            stream.close()
            os.replace(stream.name, file)
        finally:
            Path(stream.name).unlink(missing_ok=True)
