"""Files: written whole or not at all, and never over something else."""

from __future__ import annotations

import getpass
import os
import re
import shutil
import tempfile
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex
from typing import IO

from senpath.buckets import local_path
from senpath.confined import open_plain, plain_files, require_own_folders
from senpath.errors import InputError, StoreError, printable

TEMPORARY = ".tmp"
AUTHOR = 100
"""Characters of an author's name in the log, at most."""
SCRATCH = "temporary"
"""Folder of a network for files that are being written; what is found there was left by a writer that died."""
BLOCK = 65_536
LITTER = re.compile(r"\.DS_Store|\._.*|@eaDir|#recycle|lost\+found|Thumbs\.db|desktop\.ini|\.nfs.*|\.fuse_hidden.*|\.snapshot|\.Trash.*")
_DELETED_LATER: set[Path] = set()


def timestamp() -> str:
    """The time now, UTC, as ISO 8601 to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def author() -> dict[str, str]:
    """Who commits, as the log has it: what SENPATH_AUTHOR says, else the name of the account; nothing where neither says anything.

    It is one line of text, whatever bytes stand in the environment.
    """
    name = os.environ.get("SENPATH_AUTHOR")
    if name is None:
        try:
            name = getpass.getuser()
        except (ImportError, KeyError, OSError):  # an account without a name, as containers have
            name = ""
    name = " ".join(printable(name).split())[:AUTHOR]
    return {"author": name} if name else {}


def write_atomic(path: Path, content: bytes, scratch: Path | None = None) -> None:
    """Replace `path` by a file with this content, on disk before it takes the name.

    Args:
        scratch: an existing folder of the same file system to write it in; by default it is written beside `path`.
    """
    temporary = (scratch or path.parent) / (path.name + TEMPORARY)
    with open_plain(temporary, new=True) as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)


def append_at(path: Path, offset: int, content: bytes, scratch: Path) -> None:
    """Write `content` at `offset`, on disk when this returns. What is before `offset` stays as it is; what a crash left after it goes.

    Args:
        scratch: a folder of the same file system for a copy of what is before `offset`, where the file is not to be written: it has
            other names, for folders are copied by hard links, and such a copy is not to change along; or the user may not, for
            another one made it, or a tool that protects files.
    """
    if _is_kept(path):
        scratch.mkdir(exist_ok=True)
        temporary = scratch / (path.name + TEMPORARY)
        with open_plain(path) as old, open_plain(temporary, new=True) as file:
            shutil.copyfileobj(old, file)
            _write_at(file, offset, content)
        os.replace(temporary, path)
        return
    with open_plain(path, write=True) if os.path.lexists(path) else open_plain(path, new=True) as file:
        _write_at(file, offset, content)


def _write_at(file: IO[bytes], offset: int, content: bytes) -> None:
    file.truncate(max(offset, 0))
    file.seek(offset)
    file.write(content)
    file.flush()
    os.fsync(file.fileno())


def _is_kept(path: Path) -> bool:
    """Whether a file stays as it is, and a copy takes its place."""
    try:
        return os.lstat(path).st_nlink > 1 or not os.access(path, os.W_OK)
    except FileNotFoundError:
        return False


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


def sweep(scratch: Path) -> None:
    """Empty the folder of half-written files, or make it. Only for the holder of the write lock."""
    require_own_folders((scratch,))
    scratch.mkdir(exist_ok=True)
    for path in plain_files(scratch):
        remove_file(path)


def remove_file(path: Path) -> None:
    """Remove a file of no use, if it can be; one that is still open elsewhere may stay."""
    with suppress(OSError):
        path.unlink()


def is_litter(name: str) -> bool:
    """Whether systems put files or folders of this name everywhere by themselves."""
    return LITTER.fullmatch(name) is not None


def cut(path: Path, length: int) -> None:
    """Make a file this short again; to one that is not written in place nothing was appended."""
    if _is_kept(path):
        return
    with open_plain(path, write=True) as file:
        file.truncate(length)


def last_line(path: Path) -> tuple[bytes, int]:
    """The last line that was written whole, without its break, and where it ends; what a crash cut off behind it does not count.

    Reads from the end, so that the cost does not grow with the file.
    """
    if not os.path.lexists(path):
        return b"", 0
    with open_plain(path) as file:
        start = file.seek(0, os.SEEK_END)
        tail = b""
        while start and tail.count(b"\n") < 2:
            size = min(BLOCK, start)
            start = file.seek(start - size)
            tail = file.read(size) + tail
    end = tail.rfind(b"\n")
    return tail[:end].rpartition(b"\n")[2] if end >= 0 else b"", start + end + 1


@contextmanager
def explained(what: str, do: str = "") -> Iterator[None]:
    """Turn the operating system's refusals into errors of the store; `do` is what to do where something may have changed."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        do = do or "Nothing was changed; free space or check the permissions"
        raise StoreError(what, expected="to be possible", got=reason, do=do) from error


def temporary_folder(owner: object | None = None) -> Path:
    """A new folder for files that nobody named; it goes with its owner, if it has one."""
    with explained("making a temporary folder", "Let TMPDIR name a folder that can be written, with some space"):
        folder = Path(tempfile.mkdtemp(prefix="senpath-"))
    if owner is not None:
        go_with(owner, folder)
    return folder


def go_with(owner: object, folder: Path) -> None:
    """Delete a folder when its owner goes, in this process alone: a forked child has copies of owners, and the folder is not its own."""
    _DELETED_LATER.add(folder)
    weakref.finalize(owner, _delete, folder, os.getpid())


def is_temporary(folder: object) -> bool:
    """Whether a folder goes with its owner."""
    return folder in _DELETED_LATER


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """A temporary folder that goes in the end. A child that is forked meanwhile leaves it alone, unlike a `TemporaryDirectory`."""
    folder, process = temporary_folder(), os.getpid()
    try:
        yield folder
    finally:
        _delete(folder, process)


def _delete(folder: Path, process: int) -> None:
    _DELETED_LATER.discard(folder)
    if os.getpid() == process:
        shutil.rmtree(folder, ignore_errors=True)


def as_path(what: str, path: str | Path) -> Path:
    """A path that a user named; "~" is the user's home, as for the shell, and a file:// address is the path that it names.

    Raises:
        InputError: if it is none, or an address, of which a Path would be made that lies below the working directory.
    """
    if not isinstance(path, str | Path) or path == "" or "\0" in str(path):
        raise InputError(what, expected="a str or Path", got=repr(path))
    local = local_path(what, path)
    try:
        return local.expanduser() if local.parts[:1] == ("~",) else local
    except RuntimeError as error:  # an account without a home, as containers have
        raise InputError(what, expected="a path without ~ where there is no home folder", got=repr(str(path))) from error


def as_lasting_path(what: str, path: str | Path) -> Path:
    """A path that a user named, absolute, so that it still leads there from another working directory.

    Raises:
        InputError: if it is none, or relative to a working directory that is gone.
    """
    try:
        return as_path(what, path).absolute()
    except FileNotFoundError as error:
        raise InputError(what, expected="an absolute path", got=f"{str(path)!r} in a working directory that is gone") from error


def require_free(path: Path, overwrite: bool, what: str, is_one: Callable[[Path], bool]) -> None:
    """Refuse to write over a file that is there.

    Args:
        overwrite: allow it if the file is `what` will be written, as `is_one` tells.

    Raises:
        InputError: if the file may not be replaced.
    """
    with explained(f"writing {path}", "Choose another name"):  # such as one that is too long
        there = path.exists()
    if not there:
        return
    if not overwrite:
        raise InputError(f"file {path}", expected="a new name", got="one that is there", do="Choose another, or give overwrite=True")
    if not path.is_file() or not is_one(path):
        got = "something else" if path.is_file() else "a folder"
        raise InputError(f"file {path}", expected=f"{what}, to be replaced", got=got, do="Choose another name")


@contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """A file to write, under another name until it is whole, so that no half file has this one."""
    temporary = path.with_name(f".senpath-{token_hex(8)}{TEMPORARY}")  # of this call alone: others may write the same file
    try:
        with open_plain(temporary, new=True) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
        sync_folder(path.parent)
    finally:
        temporary.unlink(missing_ok=True)
