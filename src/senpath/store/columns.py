"""Rows of columns as arrays. What is written to one, and nothing does so, stays in this process; torch wants such as may be written to."""

from __future__ import annotations

from typing import IO

import numpy as np

READ = 2**16
"""Bytes up to which rows are read. More are mapped, and a map keeps a file open: a process may have some hundreds, a network more types."""


def is_small(rows: int, width: int) -> bool:
    """Whether so many rows of so many float32 numbers are read."""
    return 0 <= 4 * rows * width <= READ


def rows_of(file: IO[bytes], rows: int, width: int) -> np.ndarray:
    """The first so many rows of a file, float32 (rows, width).

    Raises:
        ValueError: if the file has fewer.
    """
    if not is_small(rows, width):
        return np.memmap(file, dtype="<f4", mode="c", shape=(rows, width))
    file.seek(0)
    return rows_in(file.read(4 * rows * width), rows, width)


def rows_in(content: bytes, rows: int, width: int) -> np.ndarray:
    """These rows, float32 (rows, width); errors as for `rows_of`."""
    return np.frombuffer(bytearray(content), dtype="<f4").reshape(rows, width)
