"""Files that users name to be written: never over something else, and whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from senpath.errors import InputError
from senpath.store.files import sync_folder


def as_path(what: str, path: str | Path) -> Path:
    """A path that a user named.

    Raises:
        InputError: if it is none.
    """
    if not isinstance(path, str | Path):
        raise InputError(what, expected="a str or Path", got=repr(path))
    return Path(path)


def require_free(path: Path, overwrite: bool, what: str, is_one: Callable[[Path], bool]) -> None:
    """Refuse to write over a file that is there.

    Args:
        overwrite: allow it if the file is `what` will be written, as `is_one` tells.

    Raises:
        InputError: if the file may not be replaced.
    """
    if not path.exists():
        return
    if not overwrite:
        raise InputError(f"file {path}", expected="a new name", got="one that is there", do="Choose another, or give overwrite=True")
    if not path.is_file() or not is_one(path):
        got = "something else" if path.is_file() else "a folder"
        raise InputError(f"file {path}", expected=f"{what}, to be replaced", got=got, do="Choose another name")


@contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """A file to write, under another name until it is whole, so that no half file has this one."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with open(temporary, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
        sync_folder(path.parent)
    finally:
        temporary.unlink(missing_ok=True)
