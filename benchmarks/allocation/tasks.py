"""The tasks of each experiment, as encoded examples."""

from collections.abc import Iterator

import numpy as np
import torch
from torch.nn import functional

from senpath import data
from senpath.training import TaskSplit
from senpath.types import DataType, Examples

NAMES = """
    Gujarati Sylheti Arcadian Tibetan Old_Church_Slavonic_(Cyrillic) Angelic Malay_(Jawi_-_Arabic) Sanskrit Cyrillic
    Anglo-Saxon_Futhorc Syriac_(Estrangelo) Ge_ez Japanese_(katakana) Keble Manipuri Alphabet_of_the_Magi Gurmukhi Korean
    Early_Aramaic Atemayar_Qelisayer
"""
ALPHABETS = tuple(NAMES.split())
"""Of Maziarz et al. (2019), as Omniglot's folders spell them."""
FITTED, HELD, DRAWINGS = 10, 4, 20
"""Drawings of a character to learn from and to validate on, of all that there are; the rest is for the test."""
Task = tuple[str, TaskSplit, Examples]
"""Name, examples to learn from and to validate on, test examples."""


def toy(count: int, seed: int) -> Iterator[Task]:
    """MNIST, its copy, MNIST turned by 90°, its copy; so many images of each class in all tasks, a fifth of them to validate on."""
    x, y, x_test, y_test = _drawn("mnist", count, seed)
    for name, turns in (("MNIST", 0), ("MNIST again", 0), ("turned", 1), ("turned again", 1)):
        yield name, *_split(np.rot90(x, turns, (1, 2)), y, np.rot90(x_test, turns, (1, 2)), y_test)


def clusters(count: int, seed: int) -> Iterator[Task]:
    """MNIST without each of its classes in turn, and Fashion-MNIST likewise; so many images."""
    for name, title in (("mnist", "MNIST"), ("fashion", "Fashion")):
        x, y, x_test, y_test = _drawn(name, count, seed)
        for left in range(10):
            keep, keep_test = y != left, y_test != left
            yield f"{title} without {left}", *_split(x[keep], y[keep], x_test[keep_test], y_test[keep_test])


def omniglot(side: int, seed: int) -> Iterator[Task]:
    """The 20 alphabets, a task each: inverted, brought to side × side; which drawings are for what, the seed decides."""
    sets = [data.load("omniglot", split) for split in ("background", "evaluation")]
    x, labels = (np.concatenate([found[part] for found in sets]) for part in range(2))
    alphabets = np.array([label.split("/")[0] for label in labels])
    missing = [name for name in ALPHABETS if name not in alphabets]
    if missing:
        raise ValueError(f"Omniglot has no {', '.join(missing)}")
    for name in ALPHABETS:
        mine = np.flatnonzero(alphabets == name)
        classes, y = np.unique(labels[mine], return_inverse=True)
        use = _use(y, seed)
        examples = _examples(x[mine], y, tuple(classes.tolist()), side)
        fitted, held, test = (torch.from_numpy(np.flatnonzero(use == which)) for which in range(3))
        yield name, TaskSplit(examples, fitted, held), examples.subset(test)


def _use(y: np.ndarray, seed: int) -> np.ndarray:
    """For each drawing 0, 1 or 2: to learn from, to validate on, to test. Each drawing of a character is of another person."""
    random, use = np.random.default_rng(seed), np.full(len(y), 2)
    for label in range(y.max() + 1):
        places = random.permutation(np.flatnonzero(y == label))
        if len(places) != DRAWINGS:
            raise ValueError(f"a character has {len(places)} drawings, not {DRAWINGS}")
        use[places[:FITTED]], use[places[FITTED : FITTED + HELD]] = 0, 1
    return use


def _drawn(name: str, count: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """So many training images at random, and 2,000 test images."""
    x, y = data.load(name)
    chosen = np.random.default_rng(seed).permutation(len(y))[:count]
    x_test, y_test = data.load(name, "test")
    return x[chosen], y[chosen], x_test[:2000], y_test[:2000]


def _split(x: np.ndarray, y: np.ndarray, x_test: np.ndarray, y_test: np.ndarray) -> tuple[TaskSplit, Examples]:
    """The last fifth to validate on; they are in random order."""
    classes = np.unique(y)
    examples = _examples(x, np.searchsorted(classes, y), tuple(classes.tolist()), None)
    test = _examples(x_test, np.searchsorted(classes, y_test), examples.classes, None)
    held = len(y) // 5
    places = torch.arange(len(y))
    return TaskSplit(examples, places[:-held], places[-held:]), test


def _examples(x: np.ndarray, y: np.ndarray, classes: tuple[int | str, ...], side: int | None) -> Examples:
    """Strokes are light on dark, 1 on 0."""
    inputs = torch.from_numpy(np.ascontiguousarray(x)).float().div(255)[:, None]
    if side is not None and inputs.shape[2:] != (side, side):
        inputs = functional.interpolate(inputs, (side, side), mode="bilinear", antialias=True, align_corners=False)
    return Examples(DataType("image", tuple(inputs.shape[1:])), inputs, torch.from_numpy(np.asarray(y, dtype=np.int64)), classes)
