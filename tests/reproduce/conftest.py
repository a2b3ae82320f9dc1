"""Five tiny tasks in the official file formats, and the experiment run on them once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from data_files import wav_bytes, write_idx, write_zip

from senpath.reproduce.sen import RunProgress, Setup, reproduce_sen

SETUP = Setup(seeds=1, epochs=4)


def prototypes(seed: int, count: int) -> np.ndarray:
    """One coarse pattern per class, uint8 (count, 28, 28)."""
    blocks = np.random.default_rng(seed).random((count, 7, 7)) < 0.35
    return (255 * blocks.repeat(4, axis=1).repeat(4, axis=2)).astype(np.uint8)


def examples(patterns: np.ndarray, each: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Noisy copies of the patterns, and which pattern each is of."""
    labels = np.arange(len(patterns)).repeat(each)
    noise = np.random.default_rng(seed).normal(0, 40, (len(labels), 28, 28))
    return (patterns[labels] + noise).clip(0, 255).astype(np.uint8), labels


def write_images(root: Path) -> None:
    """Fashion, MNIST, and EMNIST ByClass, in which a capital looks like its small letter."""
    for place, folder in enumerate(("fashion", "mnist")):
        patterns = prototypes(place, 10)
        for seed, (part, each) in enumerate((("train", 20), ("t10k", 4))):
            x, y = examples(patterns, each, seed)
            write_idx(root / f"{folder}/{part}-images-idx3-ubyte.gz", x)
            write_idx(root / f"{folder}/{part}-labels-idx1-ubyte.gz", y)
    letters = prototypes(7, 26)
    patterns = np.concatenate([prototypes(8, 10), letters, letters])  # digits, capitals, small letters
    for seed, (part, each) in enumerate((("train", 20), ("test", 4))):
        x, y = examples(patterns, each, 10 + seed)
        write_idx(root / f"emnist/emnist-byclass-{part}-images-idx3-ubyte.gz", x.transpose(0, 2, 1))
        write_idx(root / f"emnist/emnist-byclass-{part}-labels-idx1-ubyte.gz", y)


def write_sounds(root: Path) -> None:
    """A tone for each digit, by two voices; index 0 to 4 is the official test split."""
    time, random = np.arange(1600) / 8000, np.random.default_rng(3)
    entries = {}
    for voice, loud in (("anna", 3000), ("bert", 9000)):
        for digit in range(10):
            for index in (0, *range(5, 11)):
                wave = loud * np.sin(2 * np.pi * (200 + 300 * digit) * time) + random.normal(0, 200, len(time))
                entries[f"recordings/{digit}_{voice}_{index}.wav"] = wav_bytes(wave)
    write_zip(root / "fsdd/free-spoken-digit-dataset.zip", entries)


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with all five tasks."""
    root = tmp_path_factory.mktemp("data")
    write_images(root)
    write_sounds(root)
    return root


@pytest.fixture
def on_tiny(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The tiny data is what SENPATH_DATA names."""
    monkeypatch.setenv("SENPATH_DATA", str(tiny))
    return tiny


@dataclass(frozen=True)
class Run:
    """One run of the experiment: its page, where its jobs wrote to, and what was seen on the way."""

    page: Path
    work: Path
    seen: list[RunProgress]


@pytest.fixture(scope="session")
def whole(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The whole experiment on the tiny data, by two processes."""
    folder, seen = tmp_path_factory.mktemp("whole"), []
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SENPATH_DATA", str(tiny))
        page = reproduce_sen(folder / "results", folder / "work", SETUP, jobs=2, look=seen.append)
    return Run(page, folder / "work", seen)
