"""Fetching data sets from their official sources: checked before they are there, nothing half-written."""

from __future__ import annotations

import hashlib
import http.client
import os
import shutil
import tempfile
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from senpath.data.downloads import COMES_WITH, DOWNLOADS, File
from senpath.data.registry import SOURCES
from senpath.errors import DownloadError, InputError

Progress = Callable[[str, int, int], None]
CHUNK = 1 << 18
TIMEOUT = 30.0
PART = ".part"
STALE = 24 * 3600.0


def download(names: Iterable[str], root: Path, *, progress: Progress | None = None) -> None:
    """Fetches data sets below `root`. Files that are there and right stay as they are.

    A file is written under a temporary name, checked, and renamed: it is there whole or not at all. An interrupted download
    starts that file anew. The spoken digits have no published checksum; their archive is checked by its content.

    Args:
        names: "mnist", "fashion", "emnist" (also under "lower", "upper"), "speech", "omniglot".
        root: the data folder, made if need be.
        progress: called with (file, bytes done, bytes in all or 0 if unknown).

    Raises: InputError for a name that is unknown or cannot be downloaded; DownloadError if a file cannot be fetched, checked or written.
    """
    files: dict[str, File] = {}
    for name in [names] if isinstance(names, str) else list(names):
        files |= {file.path: file for file in _files(name)}
    for file in files.values():
        fetch(file, Path(root), progress)


def fetch(file: File, root: Path, progress: Progress | None = None) -> None:
    """Fetches one file below `root`, unless it is there and right. Raises DownloadError."""
    if _complete(file, root):
        return
    target = root / file.path
    with _temporary(target) as (part, stream):
        digest = _receive(file, stream, progress)
        _settle(stream)
        _judge(file, part, digest)
        if file.members:
            _unpack(file, part, root)
        else:
            os.replace(part, target)


def _files(name: str) -> tuple[File, ...]:
    key = COMES_WITH.get(name, name)
    if key not in DOWNLOADS:
        known = ", ".join([*DOWNLOADS, *COMES_WITH])
        what = f"the data set {name!r} has no official download here" if name in SOURCES else f"there is no data set {name!r}"
        raise InputError(what, expected=f"one of {known}")
    return DOWNLOADS[key]


def _complete(file: File, root: Path) -> bool:
    paths = [root / name for name in file.kept]
    if not all(path.is_file() for path in paths):
        return False
    if file.members:
        return True  # Their archive was checked before they were put there.
    try:
        _judge(file, paths[0], _md5(paths[0]))
    except DownloadError:
        return False
    return True


def _md5(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def _judge(file: File, path: Path, digest: str) -> None:
    if file.md5 is not None and digest != file.md5:
        do = "Run the download again; if it stays so, the publisher changed the file."
        raise DownloadError(f"{file.url} is not the file that was expected", expected=f"md5 {file.md5}", got=digest, do=do)
    if file.check is not None:
        file.check(path)


@contextmanager
def _temporary(target: Path) -> Iterator[tuple[Path, IO[bytes]]]:
    """A new file beside `target`, gone at the end unless it was renamed. Disk errors become DownloadError."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        for old in target.parent.glob(f".*{PART}"):  # What a killed download left.
            if time.time() - old.stat().st_mtime > STALE:
                old.unlink(missing_ok=True)
        with tempfile.NamedTemporaryFile(dir=target.parent, prefix=f".{target.name}-", suffix=PART, delete=False) as stream:
            try:
                # A temporary file is its owner's alone, data is for whoever may read the folder.
                os.chmod(stream.name, 0o644)
                yield Path(stream.name), stream
            finally:
                Path(stream.name).unlink(missing_ok=True)
    except OSError as error:
        raise DownloadError(f"{target} cannot be written", got=error, do="Free space, or choose another folder.") from error


def _settle(stream: IO[bytes]) -> None:
    # Renamed before it reached the disk, a file could be there empty after a power cut.
    stream.flush()
    os.fsync(stream.fileno())
    stream.close()


def _receive(file: File, stream: IO[bytes], progress: Progress | None) -> str:
    digest, done = hashlib.md5(usedforsecurity=False), 0
    for block, total in _blocks(file.url):
        stream.write(block)
        digest.update(block)
        done += len(block)
        if progress:
            progress(file.path, done, total)
    return digest.hexdigest()


def _blocks(url: str) -> Iterator[tuple[bytes, int]]:
    """(block, size of the whole or 0) of what lies at `url`. Raises DownloadError if it cannot be had whole."""
    retry = "Check the network and run the download again."
    try:
        request = urllib.request.Request(url, headers={"User-Agent": "senpath"})
        opener = urllib.request.build_opener()  # urlopen would keep the proxies that were set at its first call
        with opener.open(request, timeout=TIMEOUT) as response:
            total, done = int(response.headers.get("Content-Length") or 0), 0
            while block := response.read(CHUNK):
                done += len(block)
                yield block, total
    except urllib.error.HTTPError as error:
        raise DownloadError(f"{url} cannot be fetched", got=f"HTTP {error.code} {error.reason}", do=retry) from error
    except (OSError, http.client.HTTPException) as error:
        raise DownloadError(f"{url} cannot be fetched", got=getattr(error, "reason", error), do=retry) from error
    if total and done != total:
        raise DownloadError(f"{url} broke off", expected=f"{total} bytes", got=done, do=retry)


def _unpack(file: File, archive: Path, root: Path) -> None:
    """Takes the wanted entries out of a zip, each whole or not at all."""
    try:
        with zipfile.ZipFile(archive) as source:
            for member, path in file.members.items():
                with _temporary(root / path) as (part, stream), source.open(member) as entry:
                    shutil.copyfileobj(entry, stream)
                    _settle(stream)
                    os.replace(part, root / path)
    except (zipfile.BadZipFile, KeyError) as error:
        raise DownloadError(f"{file.url} has other content", expected=f"a zip with {', '.join(file.members)}", got=error) from error
