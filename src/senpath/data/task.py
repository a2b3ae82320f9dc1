"""What a task is made of: examples to learn from, examples to judge by, and a plain word on where they come from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from senpath.types import Audio

Items = np.ndarray | list[Audio] | list[str]
Labelled = tuple[Items, np.ndarray]


@dataclass(frozen=True)
class Task:
    """One task of a stream.

    Args:
        train: (x, y). x: uint8 (n, h, w) or (n, h, w, 3) for images, list of `Audio` for sounds, list of str for text;
            y: shape (n,), int or str.
        test: the same, disjoint from `train`.
        origin: one line that says what the data is and whether it is real or rendered.
    """

    train: Labelled
    test: Labelled
    origin: str
