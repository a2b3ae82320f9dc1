"""Data sets as networks read them. What takes long to read or to encode is kept in the run's folder."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from senpath.data import few_shot, load
from senpath.errors import InputError
from senpath.evaluation import Split
from senpath.experiments.encoded import read_examples, write_examples
from senpath.experiments.transforms import name_of_group, only_classes, permuted, rotated
from senpath.network import Network
from senpath.routing.dispatcher import read_features
from senpath.snapshot import encode_examples
from senpath.types import DataType, Examples

SIDE = 28
HELD_DRAWINGS = 5
"""Of the twenty drawings of a character so many are measured on."""
ENCODERS = {"photograph": ("image", "efficientnet-lite0"), "text": ("text", "minilm"), "sound": ("audio", "sound-statistics")}
"""The modality and the encoder of each sense but "image", grey pictures of 28 × 28."""
OMNIGLOT = "omniglot/"
NOISE = 1_000
READ, READ_OF_CLASS, ASKED = 4_000, 40, 1_000
"""Of a set behind an encoder at most so many examples are encoded to learn from, or so many times its classes if that is more; and so many
to measure on. They are drawn once."""


@dataclass(frozen=True)
class BenchSet:
    """A set and what its inputs are read as.

    Args:
        name: of the set, see `senpath.data.load`; "omniglot/" and an alphabet for one of those.
        sense: "image", "photograph", "text" or "sound": inputs of one sense are of one type of data.
        split: what is asked, of a set of unknown inputs.
        classes: those that the task has; empty for all.
        permute: seed of another order of the pixels; 0 leaves them.
        turn: degrees by which pictures are turned.
    """

    name: str
    sense: str
    split: str = "test"
    classes: tuple[Any, ...] = ()
    permute: int = 0
    turn: float = 0.0

    @property
    def task(self) -> str:
        """Name of the task that is made of it."""
        parts = [name_of_group(self.classes)] if self.classes else []
        parts += [f"order {self.permute}"] if self.permute else []
        return " ".join([self.name, *parts, *([f"{self.turn:g}°"] if self.turn else [])])

    def changed(self, examples: Examples) -> Examples:
        """Pictures as the task has them."""
        examples = permuted(examples, self.permute)
        return rotated(examples, self.turn) if self.turn else examples


def read_split(source: BenchSet, folder: Path) -> Split:
    """A task's encoded examples, to learn from and to measure on; those that come out of it are still to be `changed`."""
    read: Callable[[], dict[str, Examples]] = lambda: _encode_task(source)  # noqa: E731 - one line either way
    parts = _kept(folder, source, read) if source.sense in ENCODERS or source.name.startswith(OMNIGLOT) else _in_memory(source.name)
    if source.classes:
        parts = {name: only_classes(examples, source.classes) for name, examples in parts.items()}
    return Split(parts["train"], parts["test"])


def read_unknown(source: BenchSet, folder: Path, most: int) -> torch.Tensor:
    """Encoded inputs that belong to no task, at most so many, drawn once and for all."""
    parts = _kept(folder, source, lambda: _encode_unknown(source, NOISE), "unknown-")
    return at_most(parts["asked"], most).inputs


def at_most(examples: Examples, most: int, seed: int = 0) -> Examples:
    """So many of the examples, drawn by the seed; all if there are no more."""
    if len(examples) <= most:
        return examples
    drawn = np.random.default_rng(seed).permutation(len(examples))[:most]
    return examples.subset(torch.from_numpy(np.sort(drawn)))


def few(examples: Examples, shots: int | None, seed: int) -> Examples:
    """So many examples of each class, drawn by the seed; of a class that has fewer, all. None: all of every class."""
    if shots is None:
        return examples
    labels = examples.targets.numpy()
    groups = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    drawn = [members[few_shot(members, labels[members], min(shots, len(members)), seed)] for members in groups]
    return examples.subset(torch.from_numpy(np.concatenate(drawn)))


def read_map(data_type: DataType, seed: int) -> Callable[[torch.Tensor], torch.Tensor]:
    """The dispatcher's features of a type, as a network with this seed has them."""
    component = Network(random_state=seed).view.feature_map(data_type)
    return lambda inputs: torch.cat([read_features(component, part) for part in inputs.split(1_000)])


def alphabets() -> tuple[str, ...]:
    """Names of Omniglot's fifty alphabets."""
    return tuple(sorted({label.split("/")[0] for label in _characters()[1]}))


def _kept(folder: Path, source: BenchSet, encode: Callable[[], dict[str, Examples]], prefix: str = "") -> dict[str, Examples]:
    """Encoded parts of a set, from their file if there is one."""
    file = folder / "encoded" / f"{prefix}{source.name.replace('/', '-')}-{source.sense}.npz"
    if not file.exists():
        write_examples(file, encode())
    return read_examples(file)[0]


@lru_cache(maxsize=2)  # a thousand tasks may be made of one set
def _in_memory(name: str) -> dict[str, Examples]:
    """Grey pictures, encoded."""
    return _encode_task(BenchSet(name, "image"))


@cache
def _view(sense: str) -> Any:
    """A network that reads inputs of a sense."""
    if sense == "image":
        return Network(image_shape=(1, SIDE, SIDE)).view
    modality, encoder = ENCODERS[sense]
    return Network(encoders={modality: encoder}).view


def _encode_task(source: BenchSet) -> dict[str, Examples]:
    view, (train, test) = _view(source.sense), (_raw(source.name, split) for split in ("train", "test"))
    if source.sense in ENCODERS:
        train, test = _drawn(*train, max(READ, READ_OF_CLASS * len(np.unique(train[1])))), _drawn(*test, ASKED)
    learned = encode_examples(view, *train)
    return {"train": learned, "test": encode_examples(view, *test, like=learned)}


def _encode_unknown(source: BenchSet, most: int) -> dict[str, Examples]:
    x, _ = _raw(source.name, source.split)
    items, labels = _drawn(x, np.arange(len(x)) % 2, most)  # of one class it would be no task
    return {"asked": encode_examples(_view(source.sense), items, labels)}


def _drawn(x: Any, y: Any, most: int) -> tuple[Any, Any]:
    """At most so many of these items, drawn once and for all; texts by their length, so that an encoder pads them little."""
    order = np.sort(np.random.default_rng(0).permutation(len(x))[:most])
    if isinstance(x, np.ndarray):
        return x[order], y[order]
    if isinstance(x[0], str):
        order = order[np.argsort([len(x[place]) for place in order], kind="stable")]
    return [x[place] for place in order], y[order]


def _raw(name: str, split: str) -> tuple[Any, Any]:
    """Inputs and labels of a set, of an alphabet, or made up."""
    if name.startswith(OMNIGLOT):
        return _alphabet(name.removeprefix(OMNIGLOT), split)
    if name == "noise":
        return np.random.default_rng(1).integers(0, 256, (NOISE, SIDE, SIDE), dtype=np.uint8), None
    if name == "semeion turned":
        return np.rot90(np.asarray(load("semeion", split)[0]), axes=(1, 2)).copy(), None
    return load(name, split)


@cache
def _characters() -> tuple[np.ndarray, np.ndarray]:
    """All of Omniglot at 28 × 28: uint8 (n, 28, 28), and the character of each, "Alphabet/character07"."""
    parts = [load("omniglot", split) for split in ("train", "test")]
    pixels = [torch.from_numpy(np.asarray(x)).float()[:, None] for x, _ in parts]
    small = [functional.interpolate(images, (SIDE, SIDE), mode="bilinear", antialias=True)[:, 0] for images in pixels]
    return torch.cat(small).round().clamp(0, 255).to(torch.uint8).numpy(), np.concatenate([np.asarray(y, dtype=str) for _, y in parts])


def _alphabet(name: str, split: str) -> tuple[np.ndarray, np.ndarray]:
    images, labels = _characters()
    mine = np.flatnonzero(np.char.startswith(labels, f"{name}/"))
    if not len(mine):
        raise InputError(f"alphabet {name!r}", expected="one of Omniglot's", got="another name")
    random = np.random.default_rng(zlib.crc32(name.encode()))
    rows = [random.permutation(mine[labels[mine] == label]) for label in np.unique(labels[mine])]
    chosen = np.concatenate([row[HELD_DRAWINGS:] if split == "train" else row[:HELD_DRAWINGS] for row in rows])
    return images[chosen], labels[chosen]
