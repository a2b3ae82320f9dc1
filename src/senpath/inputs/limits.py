"""How much of an input is read: whoever made a file may have made it to fill memory, and a small one may unfold to any size.

What is beyond a limit is refused with an error that names it. docs/concepts/data-types.md has them in a table.
"""

from __future__ import annotations

import stat
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from senpath.errors import InputError

TABLE_FILE_BYTES = 2**29
"""Of a table in text: .csv, .tsv, .jsonl, .json, .txt. In memory it takes up to ten times as many."""
TABLE_VALUES = 2**26
"""Values of a table in text."""
TABLE_COLUMNS = 2**17
"""Columns of a table: the folder of a network names each."""
MEMORY_BYTES = 2**32
"""What an array or a table of a compressed file takes in memory at most."""
UNFOLDED_BYTES = 2**30
"""What it may take in any case; beyond, at most `UNFOLDED_TIMES` as many as the file has."""
UNFOLDED_TIMES = 16
TEXT_BYTES = 2**24
"""Of one text: some five thousand pages."""
LINE_BYTES = 2 * TEXT_BYTES
"""Of a line: the longest text, and what stands beside it."""
PICTURE_PIXELS = 2**24
"""Of a picture that is read as it is; a larger one is averaged down by a whole factor first."""
FRAME_PIXELS = 2**23
"""Of a frame of a clip: 3840 × 2160 fit."""
CLIP_FRAMES = 2**13
"""Of a clip, each of which is decoded."""
CLIP_PIXELS = 2**32
"""Of all frames of a clip together: a minute of 1920 × 1080, four of 960 × 540."""
CLIP_SECONDS = 600.0
"""Of a clip."""
CLIP_BYTES = 2**30
"""Of a clip's file."""


def require_memory(what: str, size: int, file: Path) -> None:
    """Refuse what would take too much memory for the file that it comes from.

    Args:
        what: what errors call it.
        size: bytes that it takes in memory.
    """
    most = min(MEMORY_BYTES, max(UNFOLDED_BYTES, UNFOLDED_TIMES * file.stat().st_size))
    if size > most:
        do = "" if most == MEMORY_BYTES else "A file that is not compressed may hold more"
        raise InputError(what, expected=f"at most {most / 2**30:.3g} GiB in memory", got=f"{size / 2**30:,.1f} GiB", do=do)


def require_few_columns(what: str, columns: int) -> None:
    """Refuse a table of more than `TABLE_COLUMNS`."""
    if columns > TABLE_COLUMNS:
        do = "Bring the columns to fewer features, or to pictures"
        raise InputError(what, expected=f"at most {TABLE_COLUMNS:,} columns", got=f"{columns:,}", do=do)


def require_plain_file(path: Path, what: str) -> None:
    """Refuse what is no file: reading a pipe may wait for ever, and a device may never end. What is not there its reader refuses."""
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):
        return
    if not stat.S_ISREG(mode):
        raise InputError(what, expected="a file", got="a folder" if stat.S_ISDIR(mode) else "a pipe or a device")


_FOLDER: ContextVar[Path | None] = ContextVar("folder whose files tables may name", default=None)


@contextmanager
def files_within(folder: Path) -> Iterator[None]:
    """Within, tables and texts name files of this folder alone, for whoever sent them is not whose machine it is."""
    token = _FOLDER.set(folder.resolve())
    try:
        yield
    finally:
        _FOLDER.reset(token)


def may_name(file: Path) -> bool:
    """Whether a table or a text may name this file; see `files_within`."""
    folder = _FOLDER.get()
    return folder is None or file.resolve().is_relative_to(folder)
