"""Sparse matrices of scipy as rows of a table, made dense only a few at a time."""

from __future__ import annotations

from typing import Any

import numpy as np

from senpath.errors import InputError
from senpath.inputs.limits import MEMORY_BYTES
from senpath.inputs.modalities.columns import Rows
from senpath.inputs.modalities.hashing import buckets_of

WIDEST = 4096
"""Columns up to which each is one of the table's. Of a wider matrix the columns are hashed to so many numbers."""


class SparseRows:
    """Rows of a sparse matrix; as `Rows`, but that `rows[:3]` are made dense when they are encoded.

    A matrix of up to `WIDEST` columns is the same table as the dense one: its columns are x0, x1, … A wider one is brought to `WIDEST`
    numbers, each the sum of the columns that a hash puts there, with a sign (Weinberger et al. 2009): a table of its own.

    Args:
        matrix: (n, columns) in compressed rows.
        hashed: columns before hashing; None for a matrix that was not.
    """

    named = False

    def __init__(self, matrix: Any, hashed: int | None = None) -> None:
        self._matrix, self._hashed = matrix, hashed
        self._by_column: Any = None

    @property
    def columns(self) -> list[str]:
        """Names of the columns."""
        width, of = self._matrix.shape[1], "" if self._hashed is None else f" of {self._hashed} hashed"
        return [f"x{place}{of}" for place in range(width)]

    def column(self, name: str) -> np.ndarray:
        """The values of a column, one for each row."""
        if self._by_column is None:
            self._by_column = self._matrix.tocsc()
        held, place = self._by_column, int(name.partition(" ")[0][1:])
        inside = slice(held.indptr[place], held.indptr[place + 1])
        values = np.zeros(len(self))
        values[held.indices[inside]] = held.data[inside]
        return values

    def to_numpy(self) -> np.ndarray:
        """All values, dense."""
        dense: np.ndarray = self._matrix.toarray()
        return dense

    def dense(self) -> Rows:
        """The same rows, dense."""
        return Rows(dict(zip(self.columns, self.to_numpy().T, strict=True)), named=False)

    def __len__(self) -> int:
        return int(self._matrix.shape[0])

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, int | np.integer):
            return self._matrix[[index]].toarray()[0] if self._hashed is None else SparseRows(self._matrix[[index]], self._hashed)
        return SparseRows(self._matrix[index], self._hashed)


def is_sparse(data: Any) -> bool:
    """Whether this is a sparse matrix or array of scipy."""
    return hasattr(data, "tocsr") and hasattr(data, "nnz")


def sparse_rows(data: Any) -> SparseRows:
    """A sparse matrix as rows.

    Raises:
        InputError: if it does not have two axes, holds no numbers, or takes too much memory when it is encoded.
    """
    if data.ndim != 2 or not data.shape[1]:
        raise InputError("sparse matrix", expected="shape (rows, columns)", got=f"shape {data.shape}")
    if data.dtype.kind not in "fiub":
        raise InputError("sparse matrix", expected="numbers", got=f"dtype {data.dtype}")
    count, width = data.shape
    size = 4 * count * min(width, WIDEST)
    if size > MEMORY_BYTES:
        most = MEMORY_BYTES // (4 * min(width, WIDEST))
        do = f"Ask about at most {most:,} rows at once, or bring the columns to fewer features"
        raise InputError("sparse matrix", expected=f"at most {MEMORY_BYTES / 2**30:g} GiB encoded", got=f"{size / 2**30:.1f} GiB", do=do)
    rows = data.tocsr().astype(np.float64)  # which copies
    rows.sum_duplicates()
    if width <= WIDEST:
        return SparseRows(rows)
    from scipy.sparse import csr_matrix

    places, signs = buckets_of([b"%d" % place for place in range(width)], WIDEST)
    return SparseRows(rows @ csr_matrix((signs, (np.arange(width), places)), shape=(width, WIDEST)), width)
