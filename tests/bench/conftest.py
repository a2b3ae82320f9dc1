"""The five tasks on tiny data in the official file formats, as those of the reproduction."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from data_files import write_idx


def _patterns(seed: int, count: int) -> np.ndarray:
    """One coarse pattern for each class, uint8 (count, 28, 28)."""
    blocks = np.random.default_rng(seed).random((count, 7, 7)) < 0.35
    return (255 * blocks.repeat(4, axis=1).repeat(4, axis=2)).astype(np.uint8)


def _examples(patterns: np.ndarray, each: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    labels = np.arange(len(patterns)).repeat(each)
    noise = np.random.default_rng(seed).normal(0, 40, (len(labels), 28, 28))
    return (patterns[labels] + noise).clip(0, 255).astype(np.uint8), labels


@pytest.fixture(scope="session")
def tiny_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with three tasks of ten noisy patterns each, in the places of mnist and fashion, and unknown ones."""
    root = tmp_path_factory.mktemp("data")
    for place, folder in enumerate(("fashion", "mnist")):
        for seed, (part, each) in enumerate((("train", 12), ("t10k", 6))):
            x, y = _examples(_patterns(place, 10), each, seed)
            write_idx(root / f"{folder}/{part}-images-idx3-ubyte.gz", x)
            write_idx(root / f"{folder}/{part}-labels-idx1-ubyte.gz", y)
    return root
