"""Reading zip and tar files in place, with errors that name the file."""

from __future__ import annotations

import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from senpath.errors import InputError


@contextmanager
def _named(path: Path, kind: str) -> Iterator[None]:
    try:
        yield
    except (zipfile.BadZipFile, tarfile.TarError, lzma.LZMAError, zlib.error, EOFError, OSError) as error:
        raise InputError(f"{path} cannot be read", expected=f"a whole {kind} file", got=error, do="Fetch the file again") from error


def zip_entries(path: Path, suffixes: tuple[str, ...]) -> Iterator[tuple[str, bytes]]:
    """(name, content) of each entry that ends in one of `suffixes`, in the order of the names. Raises InputError if damaged."""
    with _named(path, "zip"), zipfile.ZipFile(path) as archive:
        for name in sorted(archive.namelist()):
            if name.lower().endswith(suffixes):
                yield name, archive.read(name)


def zip_names(path: Path) -> list[str]:
    """Names of the entries, sorted. Raises InputError if damaged."""
    with _named(path, "zip"), zipfile.ZipFile(path) as archive:
        return sorted(archive.namelist())


def tar_entries(path: Path, prefix: str = "") -> Iterator[tuple[str, bytes]]:
    """(name, content) of each file below `prefix`, in the archive's own order. Raises InputError if damaged."""
    with _named(path, "tar"), tarfile.open(path, "r|*") as archive:
        for member in archive:
            name = member.name.removeprefix("./")
            stream = archive.extractfile(member) if member.isfile() and name.startswith(prefix) else None
            if stream is not None:
                yield name, stream.read()
