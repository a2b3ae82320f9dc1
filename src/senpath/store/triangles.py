"""Files of covariances: the upper triangles of symmetric matrices, plain numbers."""

from __future__ import annotations

import numpy as np

from senpath.errors import StoreError
from senpath.store.manifest import RESTORE


def read_triangle(content: bytes, width: int, dtype: str, where: str) -> np.ndarray:
    """The numbers of a packed triangle (width · (width + 1) / 2,).

    Raises:
        StoreError: if they are of another number, or not finite.
    """
    numbers, kind = width * (width + 1) // 2, np.dtype(dtype)
    packed = np.frombuffer(content, dtype=kind) if len(content) == kind.itemsize * numbers else None
    if packed is None or not np.isfinite(packed).all():
        got = f"{len(content)} bytes of other content"
        raise StoreError(where, expected=f"the {numbers} finite numbers of a {width}-wide triangle", got=got, do=RESTORE)
    return packed
