"""Writing files so that a crash at any instant leaves the old content or the new, never a mixture."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from senpath.errors import StoreError

TEMPORARY = ".tmp"


def write_atomic(path: Path, content: bytes) -> None:
    """Replace `path` by a file with this content, on disk before it takes the name."""
    temporary = path.with_name(path.name + TEMPORARY)
    with open(temporary, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)


def append_at(path: Path, offset: int, content: bytes) -> None:
    """Write `content` at `offset`, on disk when this returns. What is before `offset` stays as it is; what a crash left after it goes."""
    path.touch(exist_ok=True)
    with open(path, "r+b") as file:
        file.truncate(max(offset, 0))
        file.seek(offset)
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def sync_folder(path: Path) -> None:
    """Put the names in a folder on disk; file systems that cannot do so are taken as they are."""
    try:
        handle = os.open(path, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(handle)
    except OSError:
        pass
    finally:
        os.close(handle)


def sweep(folder: Path) -> None:
    """Remove what writers that died left half-written. Only for the holder of the write lock."""
    for path in folder.rglob("*" + TEMPORARY):
        path.unlink(missing_ok=True)


@contextmanager
def explained(what: str) -> Iterator[None]:
    """Turn the operating system's refusals into errors of the store."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise StoreError(
            what, expected="to be possible", got=reason, do="Nothing was changed; free space or check the permissions"
        ) from error
