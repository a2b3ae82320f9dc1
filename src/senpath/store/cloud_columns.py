"""Columns in segments: merging small ones as they are written, and one array of them all for readers."""

from __future__ import annotations

import os
import tempfile
import weakref
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Lock
from typing import IO

import numpy as np

from senpath.store.columns import is_small, rows_in, rows_of
from senpath.store.objects import Segment

SMALL, LARGE = 2**16, 2**25
"""Bytes below which a segment is always merged with the next, and from which on never again."""
FACTOR = 4
"""A segment of fewer than so many times the bytes that follow it becomes one with them. So there are few, each several times as large as
the next, and a row is written a handful of times whatever their number (O'Neil et al. 1996, "The log-structured merge-tree")."""


def merged(before: Sequence[Segment], rows: bytes, width: int, read: Callable[[Segment], bytes]) -> tuple[list[Segment], bytes]:
    """The segments that stay as they are, and the content of a last one with these rows and those of the others."""
    kept = list(before)
    while kept:
        size = kept[-1].rows * width * 4
        if size >= LARGE or (size >= SMALL and size >= FACTOR * len(rows)):
            break
        rows = read(kept.pop()) + rows
    return kept, rows


class Assembled:
    """The rows of types, of each in one file that no other process sees; rows that come are added behind those that are there.

    Args:
        place: makes and gives the folder where the files are.
    """

    def __init__(self, place: Callable[[], Path]) -> None:
        self._place = place
        self._files: dict[str, tuple[tuple[Segment, ...], IO[bytes]]] = {}
        self._process, self._lock = os.getpid(), Lock()
        weakref.finalize(self, _close, self._files)

    def rows(self, name: str, width: int, segments: Sequence[Segment], read: Callable[[Segment], bytes]) -> np.ndarray:
        """All rows of these segments, float32 (rows, width), mapped.

        Args:
            name: of the columns.
            read: the content of a segment; one after another, so that there is never more than one in memory.
        """
        wanted = tuple(segments)
        total = sum(segment.rows for segment in wanted)
        if is_small(total, width):  # no file is kept open for them
            return rows_in(b"".join(map(read, wanted)), total, width)
        with self._lock:
            there, file = self._files.get(name, ((), None))
            if file is None or self._process != os.getpid() or there != wanted[: len(there)]:
                if file is not None:
                    file.close()  # what is mapped of it stays
                there, file, self._process = (), tempfile.TemporaryFile(dir=self._place()), os.getpid()  # noqa: SIM115
                self._files[name] = there, file
            file.seek(4 * width * sum(segment.rows for segment in there))  # behind what was written whole
            file.truncate()
            for segment in wanted[len(there) :]:
                file.write(read(segment))
            file.flush()
            self._files[name] = wanted, file
            return rows_of(file, total, width)


def _close(files: dict[str, tuple[tuple[Segment, ...], IO[bytes]]]) -> None:
    for _, file in files.values():
        file.close()
