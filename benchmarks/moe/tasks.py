"""The tasks, read once by the encoder of tokens and kept: the blocks that are learned begin behind it."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
from sklearn.model_selection import train_test_split

import senpath as sp
from senpath import data
from senpath.experiments.encoded import read_examples, write_examples
from senpath.types import Examples

MOST, TESTED = 1_000, 500
"""Training and test texts of a task that are encoded at most, classes in their shares."""
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
    """A task's encoded texts: some of its training texts, test texts, and how many training texts it has in all."""

    train: Examples
    test: Examples
    whole: int


def encode(folder: Path, encoder: str) -> None:
    """Encode what is not there yet."""
    for name in DESCRIPTIONS:
        file = _file(folder, encoder, name)
        if not file.exists():
            net = sp.Network(encoders={"text": encoder})
            x, y = _texts(name, "train")
            most = max(MOST, 20 * len(set(y)) if name in ("banking77", "agnews") else 0)  # from which shots are drawn
            train, test = _draw(x, y, most), _draw(*_texts(name, "test"), TESTED)
            parts = {"train": net.encode_examples(*train), "test": net.encode_examples(*test)}
            write_examples(file, parts, numbers=np.float16, whole=len(x))  # loses a fifth of a per cent of what later blocks read
            print(f"{encoder}: {name} encoded", flush=True)


@cache
def load(folder: Path, encoder: str, name: str) -> Task:
    """A task that was encoded."""
    parts, about = read_examples(_file(folder, encoder, name))
    return Task(parts["train"], parts["test"], about["whole"])


def some_of_each(folder: Path, encoder: str, counts: Mapping[str, int], seed: int) -> dict[str, Examples]:
    """So many training examples of each task."""
    return {name: some(load(folder, encoder, name).train, count, seed) for name, count in counts.items()}


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


def few_of(examples: Examples, count: int, seed: int) -> Examples:
    """So many of each class, or all that there are."""
    random, targets = np.random.default_rng(seed), examples.targets.numpy()
    chosen = [random.permutation(np.flatnonzero(targets == label))[:count] for label in np.unique(targets)]
    return examples.subset(torch.from_numpy(np.sort(np.concatenate(chosen))))


def _file(folder: Path, encoder: str, name: str) -> Path:
    return folder / "encoded" / f"{encoder}-{name}.npz"


def _texts(name: str, split: str) -> tuple[list[str], np.ndarray]:
    """Without empty texts, of which there are a few."""
    x, y = data.load(name, split)
    kept = [place for place, text in enumerate(x) if text.strip()]
    return [x[place] for place in kept], y[kept]


def _draw(x: list[str], y: np.ndarray, most: int) -> tuple[list[str], np.ndarray]:
    if len(y) <= most:
        return x, y
    chosen, _ = train_test_split(np.arange(len(y)), train_size=most, random_state=0, stratify=y)
    return [x[place] for place in chosen], y[chosen]
