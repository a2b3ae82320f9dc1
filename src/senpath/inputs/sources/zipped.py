"""Unpacking a zip file that somebody else made: into one folder, plain files alone, and no more than fits."""

from __future__ import annotations

import lzma
import os
import re
import stat
import unicodedata
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from senpath.errors import CONTROLS, InputError
from senpath.inputs.limits import UNFOLDED_BYTES, UNFOLDED_TIMES

ENTRIES = 100_000
"""Files in a zip file, at most."""
BLOCK = 2**20
LONGEST_PART = 200
"""Bytes of the name of a file or folder, at most."""
DEEPEST = 32
"""Folders within one another, at most."""
LEFT_OUT = re.compile(r"(^|[/\\])(__MACOSX([/\\]|$)|\.(?!\.))")
"""What systems add for themselves, and hidden files."""


def unpack(archive: Path, folder: Path) -> Path:
    """Unpack a zip file of labelled data.

    Args:
        folder: a new one, made here.

    Returns:
        What `senpath.read` takes: the folder; a folder in it, where that alone holds everything; or the only file, if it is one.

    Raises:
        InputError: if it is damaged or encrypted, has a name that leads out of the folder or is there twice, a link, or too much.
    """
    try:
        with zipfile.ZipFile(archive) as packed:
            entries = [entry for entry in packed.infolist() if not entry.is_dir() and not LEFT_OUT.search(entry.filename)]
            if len(entries) > ENTRIES:
                raise InputError("zip file", expected=f"at most {ENTRIES:,} files", got=f"{len(entries):,}")
            names = [*map(_plain_name, entries)]
            folders = len({parent for name in names for parent in name.parents})
            if folders > ENTRIES:
                raise InputError("zip file", expected=f"at most {ENTRIES:,} folders", got=f"{folders:,}")
            left = max(UNFOLDED_BYTES, UNFOLDED_TIMES * archive.stat().st_size)
            folder.mkdir()
            for entry, name in zip(entries, names, strict=True):
                left -= _write(packed, entry, folder / name, left)
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, RuntimeError, NotImplementedError, UnicodeError) as error:
        raise InputError("zip file", expected="a whole one that is not encrypted", got=str(error)) from error
    return _content(folder)


def _plain_name(entry: zipfile.ZipInfo) -> PurePosixPath:
    """The entry's name, if it is one below the folder on every system."""
    name, mode = entry.filename.replace("\\", "/"), entry.external_attr >> 16
    long = len(name) > (DEEPEST + 1) * (LONGEST_PART + 1)
    path = PurePosixPath("" if long else unicodedata.normalize("NFC", name))
    leads_out = path.is_absolute() or ".." in path.parts or ":" in name or CONTROLS.search(name)
    if long or leads_out or len(path.parts) > DEEPEST + 1 or any(len(part.encode()) > LONGEST_PART for part in path.parts):
        raise InputError("zip file", expected=f"names of files below one folder, at most {DEEPEST} deep", got=repr(name[:100]))
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        raise InputError(f"zip file, {name!r}", expected="a plain file", got="a link or a device")
    return path


def _write(packed: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path, most: int) -> int:
    """Unpack one entry, whatever size it says it has; returns how many bytes it took."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
    except (FileExistsError, NotADirectoryError) as error:
        raise InputError("zip file", expected="names that differ", got=f"{entry.filename!r} twice") from error
    written = 0
    with os.fdopen(handle, "wb") as file, packed.open(entry) as content:
        while block := content.read(BLOCK):
            written += len(block)
            if written > most:
                raise InputError("zip file", expected="what unfolds to a size that fits in memory", got="more")
            file.write(block)
    return written


def _content(folder: Path) -> Path:
    """What holds everything: zip files are often made of one folder, not of what is in it."""
    inside = list(folder.iterdir())
    if not inside:
        raise InputError("zip file", expected="a folder for each class, or a table", got="no files")
    if len(inside) == 1 and inside[0].is_file():
        return inside[0]
    if len(inside) == 1 and any(child.is_dir() for child in inside[0].iterdir()):
        return _content(inside[0])
    return folder
