"""What a commit writes, and the error when another was faster."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from senpath.components import Component
from senpath.errors import ConflictError


@dataclass(frozen=True)
class Change:
    """What a commit writes besides the manifest.

    Args:
        components: new components.
        columns: per file of columns, the row where they begin and float32 rows (rows, width) that are appended.
        files: content of new files in `dispatcher/`, by name: covariances and metrics.
    """

    components: tuple[Component, ...]
    columns: dict[str, tuple[int, np.ndarray]]
    files: dict[str, bytes]


class OvertakenError(ConflictError):
    """Another writer made a version first."""
