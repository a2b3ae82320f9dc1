"""Immutable objects on this machine: fetched once, shared by the processes of a user, bounded."""

from __future__ import annotations

import atexit
import errno
import logging
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from itertools import count
from pathlib import Path
from threading import Lock
from time import time

from senpath.cache import cache_folder
from senpath.confined import is_own_folder, open_plain, plain_files, read_plain
from senpath.errors import InputError

VARIABLE = "SENPATH_OBJECT_CACHE_BYTES"
BYTES = 8 * 2**30
"""Bytes of the files that are kept, at most, unless `SENPATH_OBJECT_CACHE_BYTES` says otherwise."""
IN_USE = 60.0
"""Seconds that a file stays after it was used last, however full the cache is: whoever asked for it has to open it."""
NAME = re.compile(r"[0-9a-f]{64}(\.json|\.safetensors|\.skops)?")
"""A hash, of a component with the ending of one of its two files: nothing that leads out of the folder."""
_NUMBERS = count()

log = logging.getLogger("senpath")


class LocalCache:
    """Files by name, of which each holds what its name says for ever.

    They are published by a rename, so a file is whole or not there. When they are too many, those used longest ago go: a file that is
    mapped stays readable on systems that let it.

    Args:
        folder: made when it is first needed, for this user alone. One that others own or may write to is not used, but one of this
            process in its place, which goes with it.
        most: bytes to keep, at most.
    """

    def __init__(self, folder: Path, most: int) -> None:
        self.folder, self._most = folder, most
        self._written = most  # unknown: the first file that is added has the others counted
        self._touched: dict[str, float] = {}
        self._lock = Lock()

    @classmethod
    def of_user(cls) -> LocalCache:
        """The user's own.

        Raises:
            InputError: if `SENPATH_OBJECT_CACHE_BYTES` is no number of bytes.
        """
        given = os.environ.get(VARIABLE, "")
        if given and not given.isdecimal():
            raise InputError(VARIABLE, expected="a number of bytes", got=repr(given))
        return cls(cache_folder() / "objects", int(given) if given else BYTES)

    def place(self) -> Path:
        """The folder that is used; it is there."""
        fault = _made_private(self.folder)
        return _instead_of(self.folder, fault, os.getpid()) if fault else self.folder

    def get(self, name: str) -> Path | None:
        """The file of this name, if it is here."""
        path = self._path(name)
        now = time()
        if now - self._touched.get(name, 0.0) > IN_USE / 2:
            try:
                os.utime(path)  # used now
            except OSError:
                self._touched.pop(name, None)
                return None
            self._touched[name] = now
            return path
        return path if path.exists() else None

    def read(self, name: str) -> bytes | None:
        """Content of the file of this name, if it is here."""
        path = self.get(name)
        try:
            return read_plain(path) if path is not None else None
        except OSError:
            return None

    def offer(self, files: Mapping[str, bytes]) -> None:
        """Keep files if they can be kept: whoever offers them can do without."""
        with suppress(OSError):
            self.put(files)

    def put(self, files: Mapping[str, bytes]) -> None:
        """Keep files, in this order: what has been made known by the last one is there.

        Raises:
            OSError: if they cannot be kept, naming the folder.
        """
        try:
            self._put(files)
        except OSError as error:
            if error.errno == errno.EINVAL:  # of the name
                raise
            reason = f"the cache {self.folder} cannot keep it ({error.strerror or error}): free space, or set XDG_CACHE_HOME"
            raise OSError(error.errno or errno.EIO, reason) from error

    def _put(self, files: Mapping[str, bytes]) -> None:
        for name, content in files.items():
            path = self._path(name)
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            temporary = path.with_name(f".{path.name}.{os.getpid()}-{next(_NUMBERS)}")
            try:
                with open_plain(temporary, new=True) as file:
                    file.write(content)
                os.replace(temporary, path)
            except BaseException:
                with suppress(OSError):
                    temporary.unlink()
                raise
        self._bound(sum(map(len, files.values())))

    def drop(self, name: str) -> bool:
        """Forget a file that is not what its name says; returns whether there was one."""
        try:
            self._path(name).unlink()
        except OSError:
            return False
        return True

    def _path(self, name: str) -> Path:
        if not NAME.fullmatch(name):
            raise OSError(errno.EINVAL, "no name that an object has", name[:100])
        return self.place() / name[:2] / name

    def _bound(self, added: int) -> None:
        """Remove what was used longest ago once a tenth of the bound has been added, so that the files are seldom counted."""
        with self._lock:
            self._written += added
            if self._written < self._most / 10:
                return
            self._written = 0
        files, place = [], self.place()
        for folder in place.iterdir() if is_own_folder(place) else ():
            for path in plain_files(folder):
                with suppress(OSError):
                    state = path.lstat()
                    files.append((state.st_mtime, state.st_size, path))
        held, limit = sum(size for _, size, _ in files), time() - IN_USE
        for used, size, path in sorted(files):
            if held <= self._most * 0.9 or used > limit:
                return
            with suppress(OSError):  # another process removed it, or the system does not let files go that are mapped
                path.unlink()
            held -= size


def _made_private(folder: Path) -> str:
    """Make a folder, and those above it that are missing, for this user alone; what keeps it from being used, or ""."""
    try:
        if not os.path.lexists(folder):
            for path in reversed([path for path in (folder, *folder.parents) if not path.exists()]):
                path.mkdir(mode=0o700, exist_ok=True)
        state = folder.lstat()
    except OSError as error:
        return error.strerror or str(error)
    if not stat.S_ISDIR(state.st_mode):
        return "it is no folder"
    if not hasattr(os, "getuid"):  # where folders have lists of who may do what, they take those of the user's own
        return ""
    if state.st_uid != os.getuid():
        return "another user owns it"
    return "others may write to it" if state.st_mode & (stat.S_IWGRP | stat.S_IWOTH) else ""


@cache
def _instead_of(folder: Path, fault: str, process: int) -> Path:
    """The folder that a process uses in place of another, which is said once."""
    log.warning("%s does not keep what is fetched: %s. Remove it, or set XDG_CACHE_HOME to a folder of your own", folder, fault)
    place = Path(tempfile.mkdtemp(prefix="senpath-objects-"))
    atexit.register(_removed, place, process)
    return place


def _removed(place: Path, process: int) -> None:
    if os.getpid() == process:
        shutil.rmtree(place, ignore_errors=True)
