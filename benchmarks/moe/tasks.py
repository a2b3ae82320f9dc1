"""The tasks, read once by the encoder of tokens and kept: the blocks that are learned begin behind it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
from sklearn.model_selection import train_test_split

import senpath as sp
from senpath import data
from senpath.store.files import write_atomic
from senpath.types import DataType, Examples

MOST, TESTED = 1_000, 500
"""Training and test texts of a task that are encoded at most, classes in their shares."""
NAMES = ("sst2", "cr", "trec", "clinc150", "banking77", "cola", "agnews")
DESCRIPTIONS = {
    "sst2": "Is the opinion of this sentence from a film review positive or negative?",
    "cr": "Is the opinion of this sentence from a customer's review of a product positive or negative?",
    "trec": "What kind of thing does this question ask for: a person, a place, a number, a description?",
    "clinc150": "What does the user of a voice assistant want done: banking, travel, cooking, home, work?",
    "banking77": "What does the customer of an online bank want to know or to have done?",
    "cola": "Is this sentence of English grammatically acceptable?",
    "agnews": "Which section of the newspaper does this news article belong to?",
}


@dataclass(frozen=True)
class Task:
    """A task's encoded texts.

    Args:
        train: drawn from its training texts.
        test: to measure on.
        whole: training texts that the task has in all.
    """

    train: Examples
    test: Examples
    whole: int


def encode(folder: Path, encoder: str, names: tuple[str, ...] = NAMES) -> None:
    """Encode what is not there yet."""
    for name in names:
        file = folder / f"{encoder}-{name}.npz"
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            _encode(name, encoder, file)
            print(f"{encoder}: {name} encoded", flush=True)


@cache
def load(folder: Path, encoder: str, name: str) -> Task:
    """A task that was encoded."""
    with np.load(folder / f"{encoder}-{name}.npz", allow_pickle=False) as kept:
        about = json.loads(str(kept["about"]))
        data_type = DataType(about["modality"], tuple(about["shape"]), about["options"])
        parts = [
            Examples(
                data_type,
                torch.from_numpy(kept[f"{part}_x"].astype(np.float32)),
                torch.from_numpy(kept[f"{part}_y"]),
                tuple(about["classes"]),
            )
            for part in ("train", "test")
        ]
    return Task(parts[0], parts[1], about["whole"])


def some(examples: Examples, count: int, seed: int) -> Examples:
    """So many of them, classes in their shares and one of each at least."""
    if count >= len(examples):
        return examples
    random, targets = np.random.default_rng(seed), examples.targets.numpy()
    order = random.permutation(len(targets))
    _, first = np.unique(targets[order], return_index=True)
    chosen = [*order[first]]
    rest = np.setdiff1d(order, chosen)
    if count > len(chosen):
        chosen += [*random.choice(rest, count - len(chosen), replace=False)]
    return examples.subset(torch.from_numpy(np.sort(chosen)))


def shots(examples: Examples, count: int, seed: int) -> Examples:
    """So many of each class, or all that there are."""
    random, targets = np.random.default_rng(seed), examples.targets.numpy()
    chosen = [random.permutation(np.flatnonzero(targets == label))[:count] for label in np.unique(targets)]
    return examples.subset(torch.from_numpy(np.sort(np.concatenate(chosen))))


def _encode(name: str, encoder: str, file: Path) -> None:
    net = sp.Network(encoders={"text": encoder})
    x, y = _there(*data.load(name))
    most = max(MOST, 20 * len(set(y)) if name in ("banking77", "agnews") else 0)  # from which shots are drawn
    train, test = _part(x, y, most), _part(*_there(*data.load(name, "test")), TESTED)
    encoded = [net.encode_examples(*part) for part in (train, test)]
    assert encoded[0].classes == encoded[1].classes, name
    about = {**asdict(encoded[0].data_type), "classes": encoded[0].classes, "whole": len(x)}
    parts = {}
    for part, examples in zip(("train", "test"), encoded, strict=True):
        # Half precision: a fifth of a per cent of what later blocks read.
        parts[f"{part}_x"], parts[f"{part}_y"] = examples.inputs.numpy().astype(np.float16), examples.targets.numpy()
    part_file = file.with_suffix(".part.npz")
    np.savez(part_file, about=np.array(json.dumps(about)), **parts)
    write_atomic(file, part_file.read_bytes())
    part_file.unlink()


def _there(x: list[str], y: np.ndarray) -> tuple[list[str], np.ndarray]:
    """Without empty texts, of which there are a few."""
    kept = [place for place, text in enumerate(x) if text.strip()]
    return [x[place] for place in kept], y[kept]


def _part(x: list[str], y: np.ndarray, most: int) -> tuple[list[str], np.ndarray]:
    if len(y) <= most:
        return x, y
    chosen, _ = train_test_split(np.arange(len(y)), train_size=most, random_state=0, stratify=y)
    return [x[place] for place in chosen], y[chosen]
