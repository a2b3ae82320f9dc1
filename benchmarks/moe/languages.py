"""Families of texts: topics of AG News in several languages, see `families`.

A language is a stand-in: English whose words are put for each other, by a permutation of the commonest words of the training texts, so that
the same word means something else in each. A family is a language with three tasks of many texts and one of five a class; every task names
the topics anew. A network reads which words a text has.
"""

import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import nn

import senpath as sp
from benchmarks.harness import Record
from benchmarks.moe.families import AWARE, GATE, RICH, SHOTS, learned
from senpath.data import load
from senpath.inputs.encoders import Encoder
from senpath.types import DataType

WORDS, TOPICS, TESTED = 2_000, 4, 1_000
"""Words that are read; classes; texts that every task is tested on."""
FAMILIES, WIDTHS, EXAMPLES = (1, 2, 4, 8), (16,), 1_000
ROWS = ("dense", GATE, AWARE, "alone")
WORD = re.compile(r"[a-z]+")


class Words(Encoder):
    """Texts to (2,000,): the logarithm of how often each of the commonest words stands in it."""

    def __init__(self) -> None:
        super().__init__("words", "text", nn.Identity(), preparation=" ".join(vocabulary()))
        self._places = {word: place for place, word in enumerate(vocabulary())}

    def input_type(self, items: Any) -> DataType:
        """Texts, whatever they are."""
        return DataType("text", (WORDS,))

    def run(self, items: Any, inputs: DataType) -> torch.Tensor:
        """Count."""
        counts = torch.zeros(len(items), WORDS)
        for row, text in enumerate(items):
            for word in WORD.findall(text.lower()):
                if word in self._places:
                    counts[row, self._places[word]] += 1
        return counts.log1p()


def learn(families: int, width: int, seed: int, row: str, *, examples: int = EXAMPLES) -> Iterator[Record]:
    """All tasks of so many languages, each on the same test texts."""
    tasks = {f"{family}-{place}": task_of(family, place, seed, examples) for family in range(families) for place in range(RICH + 1)}
    yield learned(tasks, network, row, width=width, random_state=seed) | {"examples": examples}


def network() -> sp.Network:
    """A network that reads words, in memory."""
    return sp.Network(encoders={"text": Words()})


def task_of(family: int, place: int, seed: int, examples: int) -> tuple[Any, Any]:
    """The training and the test part of a task."""
    random = np.random.default_rng([seed, family, place + 1])
    names = random.permutation(TOPICS)
    x, y = _texts("train")
    drawn = random.permutation(len(y))
    drawn = drawn[:examples] if place < RICH else np.concatenate([drawn[y[drawn] == topic][:SHOTS] for topic in range(TOPICS)])
    tested = np.random.default_rng(seed).permutation(len(_texts("test")[1]))[:TESTED]
    parts = [(x[drawn], y[drawn]), tuple(part[tested] for part in _texts("test"))]
    train, test = [([_said(text, seed, family) for text in texts], names[topics]) for texts, topics in parts]
    return train, test


def _said(text: str, seed: int, family: int) -> str:
    """A text in the family's language."""
    words = _language(seed, family)
    return WORD.sub(lambda word: words.get(word[0], word[0]), text.lower())


@cache
def _language(seed: int, family: int) -> dict[str, str]:
    """The word that stands for each."""
    order = np.random.default_rng([seed, family]).permutation(WORDS)
    return {word: vocabulary()[place] for word, place in zip(vocabulary(), order, strict=True)}


@cache
def vocabulary() -> tuple[str, ...]:
    """The commonest words of the training texts."""
    counts = Counter(word for text in _texts("train")[0] for word in WORD.findall(text.lower()))
    return tuple(sorted(word for word, _ in counts.most_common(WORDS)))


@cache
def _texts(split: str) -> tuple[np.ndarray, np.ndarray]:
    x, y = load("agnews", split)
    return np.array(x, dtype=object), np.unique(np.asarray(y), return_inverse=True)[1]
