"""The one way into folders that somebody else may have made: plain files, never through a link, and no larger than is read.

A hash does not say who wrote a file. So nothing in a folder is opened, cut, replaced or listed but by these functions: what is a link, a
pipe, a socket or a device is refused before it is opened, and the parts of a network are folders of its own. Limits are in docs/format.md.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

LARGEST_FILE = 2**32
"""Bytes of one file that are read, at most."""
BLOCK = 2**20
"""Bytes that are read at once of a file whose content need not be kept."""
ONLY_PLAIN = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)


def open_plain(path: Path, *, write: bool = False, new: bool = False, most: int = LARGEST_FILE) -> BinaryIO:
    """Open a plain file.

    Args:
        write: to read and write what is there; else to read alone.
        new: make it, to be written; what has the name is removed first, and is not written through if it is a link.
        most: bytes that it may have.

    Raises:
        OSError: if it is missing, something else than a plain file, or larger; the reason is in words.
    """
    if new:
        path.unlink(missing_ok=True)
        return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | ONLY_PLAIN, 0o666), "w+b")
    _require_plain(os.lstat(path), path, most)  # opening alone may hang, or do something to a device
    handle = os.open(path, (os.O_RDWR if write else os.O_RDONLY) | ONLY_PLAIN)
    try:
        _require_plain(os.fstat(handle), path, most)
        return os.fdopen(handle, "r+b" if write else "rb")
    except BaseException:  # Ctrl-C too leaves nothing behind
        os.close(handle)
        raise


def read_plain(path: Path, most: int = LARGEST_FILE) -> bytes:
    """Content of a plain file; see `open_plain`."""
    with open_plain(path, most=most) as file:
        return file.read()


def blocks(path: Path, most: int = LARGEST_FILE) -> Iterator[bytes]:
    """Content of a plain file in parts, for what does not have to be in memory as a whole."""
    with open_plain(path, most=most) as file:
        while block := file.read(BLOCK):
            yield block


def is_plain(path: Path) -> bool:
    """Whether there is a plain file of this name, and no link to one."""
    try:
        return stat.S_ISREG(os.lstat(path).st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False


def plain_files(folder: Path) -> list[Path]:
    """The plain files in a folder, by name; none if there is no such folder, or it is a link. Anything else in it is not ours."""
    if not is_own_folder(folder):
        return []
    with os.scandir(folder) as entries:
        return sorted(Path(entry.path) for entry in entries if entry.is_file(follow_symlinks=False))


def is_own_folder(path: Path) -> bool:
    """Whether there is a folder of this name, and no link to one."""
    try:
        return stat.S_ISDIR(os.lstat(path).st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False


def require_own_folders(paths: Iterable[Path]) -> None:
    """Refuse parts of a folder that are something else than folders; those that are absent may be made.

    Raises:
        OSError: naming the first.
    """
    _require(paths, stat.S_ISDIR, errno.ENOTDIR, "folder")


def require_own_files(paths: Iterable[Path]) -> None:
    """Refuse files that are something else than plain ones; those that are absent, or go meanwhile, may be made.

    Raises:
        OSError: naming the first.
    """
    _require(paths, stat.S_ISREG, errno.EINVAL, "plain file")


def _require(paths: Iterable[Path], is_kind: Callable[[int], bool], number: int, kind: str) -> None:
    for path in paths:
        try:
            mode = os.lstat(path).st_mode
        except (FileNotFoundError, NotADirectoryError):
            continue
        if not is_kind(mode):
            raise OSError(number, f"{path.name} is {kind_of(mode)}, not a {kind}", str(path))


def require_lock(path: Path) -> None:
    """Refuse a lock's file that leads elsewhere, for taking the lock may cut it. Where the system locks no files it says who holds it.

    Raises:
        OSError: if it is there and is no plain file, or one that has content under another name too.
    """
    try:
        state = os.lstat(path)
    except FileNotFoundError:
        return
    if not stat.S_ISREG(state.st_mode) or (state.st_size and state.st_nlink > 1):
        raise OSError(errno.EINVAL, f"{path.name} is no file of its own", str(path))


def kind_of(mode: int) -> str:
    """What a file is, in words."""
    kinds = {stat.S_IFLNK: "a symbolic link", stat.S_IFDIR: "a folder", stat.S_IFREG: "a file", stat.S_IFIFO: "a named pipe"}
    return kinds.get(stat.S_IFMT(mode), "a device or socket")


def _require_plain(status: os.stat_result, path: Path, most: int) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, f"{kind_of(status.st_mode)}, which is not followed or opened here", str(path))
    if status.st_size > most:
        raise OSError(errno.EFBIG, f"{status.st_size:,} bytes, more than the {most:,} that are read", str(path))
