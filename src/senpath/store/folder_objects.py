"""Objects as files of a folder. Writers take turns by a lock, and a rename is what commits."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from time import time

import numpy as np

from senpath.confined import LARGEST_FILE, open_plain, plain_files, read_plain, require_own_folders
from senpath.store.columns import rows_of
from senpath.store.files import SCRATCH, TEMPORARY, append_at, cut, is_litter, last_line, sweep, sync_folder, write_atomic
from senpath.store.lock import LOCK, write_lock
from senpath.store.objects import Bundle, ChangedError, Listed, Objects, Segment

ROOT, VERSIONS = "network.json", "versions"
"""The one object that is replaced; the folder of those that were in its place before."""
FOLDERS = ("components", "dispatcher", "pages", SCRATCH, VERSIONS)
SUFFIXES = (".safetensors", ".skops")
"""Endings of files of weights."""
LARGEST_DESCRIPTION = 2**20
"""Bytes of the file that has a component's kind and configuration, at most."""
TAIL = 100
"""Bytes at a manifest's end that tell it from any other, for they have its checksum."""


class FolderObjects(Objects):
    """The files of a folder, which anybody may have made.

    Args:
        path: the folder.
    """

    takes_turns = True
    grace = 0.0

    def __init__(self, path: Path) -> None:
        self.path, self.where = path, str(path)
        self._scratch = path / SCRATCH
        self._made: list[Path] = []
        self._lengths: dict[Path, int] = {}

    def read(self, name: str, tag: str = "") -> tuple[bytes, str] | None:
        require_own_folders(tuple(self.path / part for part in FOLDERS))
        try:
            content = read_plain(self.path / name)
        except NotADirectoryError as error:  # a file has the folder's name, or that of one above it
            raise FileNotFoundError(2, os.strerror(2), str(self.path / name)) from error
        return None if tag and _tag(content) == tag else (content, _tag(content))

    def write_new(self, name: str, content: bytes) -> None:
        path = self.path / name
        path.parent.mkdir(exist_ok=True)
        self._scratch.mkdir(exist_ok=True)
        if os.path.lexists(path):
            raise FileExistsError(17, os.strerror(17), str(path))
        write_atomic(path, content, self._scratch)
        sync_folder(path.parent)

    def replace(self, name: str, content: bytes, tag: str) -> str:
        path = self.path / name
        if self._end(path) != tag:
            raise ChangedError(f"{path} is another one by now")
        write_atomic(path, content, self._scratch)
        sync_folder(path.parent)
        return _tag(content)

    def listing(self, prefix: str = "") -> list[Listed]:
        folder, _, start = prefix.rpartition("/")
        listed = []
        for path in plain_files(self.path / folder):
            with suppress(FileNotFoundError):
                state = path.lstat()
                if path.name.startswith(start):
                    listed.append(Listed(f"{folder}/{path.name}" if folder else path.name, state.st_size, state.st_mtime))
        return listed

    def delete(self, name: str) -> None:
        (self.path / name).unlink(missing_ok=True)

    def create(self) -> None:
        folders = tuple(self.path / part for part in FOLDERS)
        require_own_folders(folders)
        for folder in folders:
            folder.mkdir(parents=True, exist_ok=True)

    def require_writable(self) -> None:
        for path in (self.path, *(self.path / part for part in FOLDERS)):
            if path.is_dir() and not os.access(path, os.W_OK | os.X_OK):
                raise PermissionError(errno.EACCES, f"a folder that this user may not write to, {path.name}", str(path))

    def locked(self, seconds: float) -> AbstractContextManager[None]:
        require_own_folders(tuple(self.path / part for part in FOLDERS))
        return write_lock(self.path, seconds)

    def begin(self) -> None:
        self._made, self._lengths = [], {}
        sweep(self._scratch)

    def write_parts(self, components: Sequence[Bundle], files: Mapping[str, bytes]) -> None:
        parts: dict[Path, bytes] = {}
        for bundle in components:
            base = self.path / "components" / bundle.name
            parts |= {base.with_suffix(bundle.suffix): bundle.payload, base.with_suffix(".json"): bundle.description}
        parts |= {self.path / name: content for name, content in files.items()}
        # Some may be there: earlier versions need them.
        self._made += [path for path in parts if not os.path.lexists(path)]
        for folder in {path.parent for path in parts}:
            folder.mkdir(exist_ok=True)  # a folder of an earlier format has fewer
        for path, content in parts.items():
            write_atomic(path, content, self._scratch)
        for folder in sorted({path.parent for path in parts}):
            sync_folder(folder)

    def append(self, name: str, first: int, width: int, rows: bytes, before: Sequence[Segment]) -> tuple[Segment, ...]:
        path, offset = self.path / name, first * width * 4
        self._lengths[path] = offset
        path.parent.mkdir(exist_ok=True)  # tools that keep no empty folders leave an empty network without
        append_at(path, offset, rows, self._scratch)
        sync_folder(path.parent)
        return ()

    def keep_root(self, name: str, content: bytes) -> None:
        path = self.path / name
        path.parent.mkdir(exist_ok=True)
        path.unlink(missing_ok=True)
        try:
            os.link(self.path / ROOT, path)  # so nothing is copied
        except OSError:  # not every file system has links
            write_atomic(path, read_plain(self.path / ROOT), self._scratch)
        self._made.append(path)
        sync_folder(path.parent)

    def now(self) -> float:
        return time()

    def retire(self, name: str) -> None:
        self.delete(name)

    def undo(self) -> None:
        for path in self._made:
            path.unlink(missing_ok=True)
        sweep(self._scratch)
        for path, length in self._lengths.items():
            cut(path, length)

    def component(self, name: str) -> tuple[bytes, Path]:
        described = self.path / "components" / f"{name}.json"
        content = read_plain(described, LARGEST_DESCRIPTION)
        # Whichever is there: a kind that is not installed can be copied and checked all the same.
        payloads = [path for path in map(described.with_suffix, SUFFIXES) if os.path.lexists(path)]
        return content, payloads[0] if payloads else described.with_suffix(SUFFIXES[0])

    def forget(self, name: str) -> bool:
        return False  # there is no copy

    def component_size(self, name: str) -> int:
        return sum(listed.size for listed in self.listing(f"components/{name}."))

    def blob(self, name: str, sha256: str, most: int = LARGEST_FILE) -> bytes:
        return read_plain(self.path / name, most)

    def prefetch(self, components: Iterable[str], files: Iterable[tuple[str, str, int]]) -> None:
        pass  # it is here

    def blob_name(self, name: str, sha256: str) -> str:
        return name

    def columns(self, name: str, rows: int, width: int, segments: Sequence[Segment]) -> np.ndarray:
        if segments:
            raise OSError(22, "columns in segments, as object storage has them; `senpath copy` makes a folder of such a network")
        with open_plain(self.path / name) as file:
            return rows_of(file, rows, width)

    def holds(self, name: str) -> bool:
        return os.path.lexists(self.path / name)

    def add_line(self, journal: str, line: bytes, number: int | None = None) -> None:
        path = self.path / f"{journal}.jsonl"
        last, whole = last_line(path)
        if number is not None and _number(last) >= number:
            return
        try:
            append_at(path, whole, line + b"\n", self._scratch)  # what a crash cut off goes
        except BaseException:  # Ctrl-C too leaves nothing behind
            with suppress(OSError):
                cut(path, whole)
            raise
        if number is None:
            sync_folder(path.parent)

    def lines(self, journal: str) -> list[bytes]:
        try:
            # What a crash left after the last line break is no line.
            return read_plain(self.path / f"{journal}.jsonl").split(b"\n")[:-1]
        except FileNotFoundError:
            return []

    def remove_line(self, journal: str, place: int) -> None:
        path = self.path / f"{journal}.jsonl"
        lines = read_plain(path).split(b"\n")[:-1]
        del lines[place]
        write_atomic(path, b"".join(line + b"\n" for line in lines), self._scratch)
        sync_folder(path.parent)

    def line_name(self, journal: str, place: int) -> str:
        return f"{self.path / journal}.jsonl: line {place + 1}"

    def foreign(self) -> Iterator[str]:
        if self.path.exists() and not self.path.is_dir():
            raise NotADirectoryError(20, "a file", str(self.path))
        # A crash while the folder was being made may have left its parts, and nothing of value.
        names = [child.name for child in self.path.iterdir()] if self.path.exists() else []
        yield from sorted(name for name in names if name not in PARTS and not is_litter(name))
        if not all(is_litter(file.name) for file in plain_files(self.path / "components")):
            yield "components"

    def _end(self, path: Path) -> str:
        try:
            with open_plain(path) as file:
                file.seek(-min(TAIL, file.seek(0, os.SEEK_END)), os.SEEK_END)
                return _tag(file.read())
        except FileNotFoundError:
            return ""


def _number(line: bytes) -> int:
    """The version that a line of a journal is of; -1 if it says none."""
    with suppress(ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return int(json.loads(line)["version"])
    return -1


def _tag(content: bytes) -> str:
    return content[-TAIL:].decode("latin-1")


PARTS = frozenset({*FOLDERS, LOCK, "log.jsonl", "evaluations.jsonl", ROOT + TEMPORARY})
