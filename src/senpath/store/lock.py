"""The right to write to a network's folder."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, SoftFileLock, Timeout

from senpath.confined import require_lock
from senpath.errors import ConflictError
from senpath.store.files import explained

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

LOCK = ".lock"
POLL_SECONDS = 0.05
LEFT = f". This file system locks no files, so a writer that was killed may have left {LOCK} behind: delete it if nobody writes"


@contextmanager
def write_lock(folder: Path, seconds: float) -> Iterator[None]:
    """Hold the write lock of a network, one holder at a time of all processes and threads.

    It is the file `.lock` and, where the system locks folders, the folder too: a file that somebody deletes while it is held would let a
    second writer in.

    Raises:
        ConflictError: if another process holds it for longer than `seconds`.
    """
    until = time.monotonic() + seconds
    lock, denied = FileLock(folder / LOCK), None
    with explained(f"locking the network {folder}"):
        require_lock(folder / LOCK)
        try:
            lock.acquire(timeout=seconds)
        except Timeout as error:  # inside, for it is an OSError too
            raise _held(folder, seconds, LEFT if isinstance(lock, SoftFileLock) else "") from error
        except PermissionError as error:  # of a file that another user made, as with sudo: the folder's lock will do, where there is one
            denied = error
    try:
        with _locked_folder(folder, until, seconds, denied):
            yield
    finally:
        lock.release()


@contextmanager
def _locked_folder(folder: Path, until: float, seconds: float, denied: OSError | None) -> Iterator[None]:
    with explained(f"locking the network {folder}"):
        handle = _opened(folder)
    try:
        with explained(f"locking the network {folder}"):
            if handle is None and denied is not None:
                raise denied
            while handle is not None and not _taken(handle, denied):
                if time.monotonic() >= until:
                    raise _held(folder, seconds)
                time.sleep(POLL_SECONDS)
        yield
    finally:
        if handle is not None:
            with suppress(OSError):
                fcntl.flock(handle, fcntl.LOCK_UN)  # said, for a child that was forked meanwhile has the handle too
            os.close(handle)


def _opened(folder: Path) -> int | None:
    try:
        return os.open(folder, os.O_RDONLY) if fcntl is not None else None
    except PermissionError:  # a folder that may be written and not listed
        return None


def _taken(handle: int, denied: OSError | None) -> bool:
    """Whether the folder is locked now, or cannot be on this file system; then `denied` is raised, if there is no other lock."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        if denied is not None:
            raise denied from None
    return True


def _held(folder: Path, seconds: float, more: str = "") -> ConflictError:
    return ConflictError(
        f"writing to {folder}",
        expected=f"the write lock within {seconds:g} s",
        got="another process that holds it",
        do=f"Wait for the other writer to finish and try again; nothing was changed{more}",
    )
