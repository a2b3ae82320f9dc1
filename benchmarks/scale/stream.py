"""Streams of a thousand tasks made of real data: characters of Omniglot, and MNIST under permutations of its pixels."""

from collections.abc import Iterator
from functools import cache

import numpy as np
import torch
from torch.nn import functional

from benchmarks.sequence import Part, Task
from senpath.data import load

SIDE = 28
CLASSES, SHOTS = 5, 5
QUARTERS = 4
"""A character turned by a quarter is another character: 6,492 of the 1,623, as is usual with Omniglot (Vinyals et al. 2016)."""


@cache
def characters() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """All of Omniglot at 28 × 28: images (uint8, n × 28 × 28), alphabet and character (str) of each."""
    parts = [load("omniglot", split) for split in ("train", "test")]
    images = np.concatenate([_small(x) for x, _ in parts])
    labels = np.concatenate([np.asarray(y, dtype=str) for _, y in parts])
    return images, np.array([label.split("/")[0] for label in labels]), labels


def five_characters(tasks: int, seed: int = 0) -> Iterator[Task]:
    """Tasks of five random characters, five drawings each to learn from and the other fifteen to measure on; no character comes twice.

    The first 324 tasks are characters as they were drawn, those after them are turned by one, two, three quarters.
    """
    images, _, labels = characters()
    names = np.unique(labels)
    members = {name: np.flatnonzero(labels == name) for name in names}
    random = np.random.default_rng(seed)
    for number in range(tasks):
        turns, place = divmod(number, len(names) // CLASSES)
        if turns >= QUARTERS:
            raise ValueError(f"Omniglot gives {QUARTERS * (len(names) // CLASSES)} tasks, {tasks} were asked for")
        if place == 0:
            order = random.permutation(len(names))
        rows = [random.permutation(members[names[index]]) for index in order[CLASSES * place : CLASSES * (place + 1)]]
        yield Task(
            f"five-{number:04d}", _part(images, [row[:SHOTS] for row in rows], turns), _part(images, [row[SHOTS:] for row in rows], turns)
        )


def any_characters(first: int, tasks: int, seed: int = 0) -> Iterator[Task]:
    """Tasks of five random characters in one of four positions, all twenty drawings of each; a character may come in many tasks.

    Args:
        first: the number of the first task; each is the same whatever comes before it.
    """
    images, _, labels = characters()
    names = np.unique(labels)
    members = {name: np.flatnonzero(labels == name) for name in names}
    for number in range(first, first + tasks):
        random = np.random.default_rng([seed, number])
        rows = [members[names[index]] for index in random.choice(len(names), CLASSES, replace=False)]
        part = _part(images, rows, int(random.integers(QUARTERS)))
        yield Task(f"any-{number:05d}", part, part)


def alphabets(seed: int = 0, held: int = 5) -> Iterator[Task]:
    """Omniglot's fifty alphabets, each a task of its characters; of twenty drawings of each, `held` are to measure on."""
    images, alphabet, labels = characters()
    random = np.random.default_rng(seed)
    for name in np.unique(alphabet):
        rows = [random.permutation(np.flatnonzero(labels == label)) for label in np.unique(labels[alphabet == name])]
        yield Task(name, _part(images, [row[held:] for row in rows], 0), _part(images, [row[:held] for row in rows], 0))


def permuted(tasks: int, seed: int = 0) -> Iterator[Task]:
    """MNIST, all of it, under `tasks` permutations of its pixels (Kirkpatrick et al. 2017); the first is MNIST as it is."""
    train, test = load("mnist", "train"), load("mnist", "test")
    random = np.random.default_rng(seed)
    for number in range(tasks):
        order = np.arange(SIDE * SIDE) if number == 0 else random.permutation(SIDE * SIDE)
        yield Task(f"permuted-{number:04d}", _permute(train, order), _permute(test, order))


def _permute(part: Part, order: np.ndarray) -> Part:
    images, labels = part
    return images.reshape(len(images), -1)[:, order].reshape(-1, SIDE, SIDE), labels


def _part(images: np.ndarray, rows: list[np.ndarray], turns: int) -> Part:
    chosen = np.rot90(images[np.concatenate(rows)], turns, axes=(1, 2))
    return np.ascontiguousarray(chosen), np.repeat(np.arange(len(rows)), [len(row) for row in rows])


def _small(images: np.ndarray) -> np.ndarray:
    pixels = torch.from_numpy(np.asarray(images)).float()[:, None]
    small = functional.interpolate(pixels, (SIDE, SIDE), mode="bilinear", antialias=True)[:, 0]
    return small.round().clamp(0, 255).to(torch.uint8).numpy()
