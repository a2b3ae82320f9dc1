"""Hundreds of distinct small tasks made of the real data that comes with scikit-learn."""

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine

TABLES = {"iris": load_iris, "wine": load_wine, "cancer": load_breast_cancer}
KINDS = ("digits", *TABLES)
FIXED_ROWS = 3
"""Inputs that a task is asked again and again."""


@dataclass(frozen=True)
class SmallTask:
    """Labelled inputs, and settings with which they are learned in a fraction of a second."""

    name: str
    x: np.ndarray
    y: np.ndarray
    settings: dict[str, Any]


@cache
def whole(kind: str) -> tuple[np.ndarray, np.ndarray]:
    """All of one data set: digits as uint8 (1797, 8, 8), tables as float64 (n, columns); labels as they come."""
    if kind == "digits":
        bunch = load_digits()
        return (bunch.images * 15.9).astype(np.uint8), bunch.target
    bunch = TABLES[kind]()
    return bunch.data, bunch.target_names[bunch.target].astype(str)


def draw_task(random: np.random.Generator, suffix: str) -> SmallTask:
    """A task of random classes of a random data set, few examples of each, seen through a transform of its own."""
    kind = str(random.choice(KINDS))
    x, y = whole(kind)
    labels = np.unique(y)
    classes = random.choice(labels, int(random.integers(2, min(len(labels), 5), endpoint=True)), replace=False)
    shots = int(random.integers(3, 15, endpoint=True))
    rows = np.concatenate([random.choice(np.flatnonzero(y == label), shots, replace=False) for label in classes])
    seen = _turn(x[rows], random) if kind == "digits" else _mix(x[rows], random)
    return SmallTask(f"{kind}-{suffix}", seen, y[rows], _draw_settings(random))


def fixed_inputs(name: str) -> np.ndarray:
    """Inputs for a task that are the same each time."""
    x, _ = whole(name.split("-")[0])
    return x[:: len(x) // FIXED_ROWS][:FIXED_ROWS]


def mixed_inputs(random: np.random.Generator, size: int) -> list[np.ndarray]:
    """Single inputs as they are, of the images and of one random table, for a batch holds tables of one width only."""
    kinds = random.choice(["digits", str(random.choice(list(TABLES)))], size)
    return [x[random.integers(len(x))] for x, _ in (whole(str(kind)) for kind in kinds)]


def _turn(images: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Turned by quarters, mirrored, inverted, or with the pixels in another order."""
    images = np.rot90(images, int(random.integers(4)), axes=(1, 2))
    if random.random() < 0.5:
        images = images[:, :, ::-1]
    if random.random() < 0.3:
        images = 255 - images
    if random.random() < 0.4:
        order = random.permutation(images[0].size)
        images = images.reshape(len(images), -1)[:, order].reshape(images.shape)
    return np.ascontiguousarray(images)


def _mix(table: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """The columns in another order, each multiplied by a number of its own."""
    return table[:, random.permutation(table.shape[1])] * random.uniform(0.5, 2, table.shape[1])


def _draw_settings(random: np.random.Generator) -> dict[str, Any]:
    seed = int(random.integers(2**31))
    if random.random() < 0.05:  # a scikit-learn model has another kind of file
        return {"model": "svm", "links": "none", "random_state": seed}
    return {
        "epochs": int(random.integers(1, 3)),
        "hidden": int(random.choice([4, 8, 16])),
        "links": str(random.choice(["all", "similar", "none"])),
        "threshold": 0.4,  # so that tasks this small find something to borrow
        "random_state": seed,
    }
