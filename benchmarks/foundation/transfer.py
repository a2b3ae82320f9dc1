"""UPPER after LOWER at 0, 5, 10 and all shots, with every way of borrowing."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

import senpath as sp
from benchmarks.harness import Record, Records, markdown_table, spread
from senpath.data import few_shot, load
from senpath.learning import propose
from senpath.snapshot import encode_examples, try_out
from senpath.types import Examples

DEFAULT = "links for all, copied hidden layer (default)"
WAYS: dict[str, dict[str, Any]] = {
    "Single, no augmentation": {"links": "none", "augment": 0},
    "class links alone, no augmentation": {"links": "similar", "start": "random", "augment": 0},
    "class links, copied hidden layer, no augmentation": {"links": "similar", "start": "copy", "augment": 0},
    "links for all classes, no augmentation": {"links": "all", "start": "random", "augment": 0},
    "links for all, copied hidden layer, no augmentation": {"links": "all", "start": "copy", "augment": 0},
    "Single": {"links": "none"},
    "class links alone": {"links": "similar", "start": "random"},
    "class links, copied hidden layer": {"links": "similar", "start": "copy"},
    "links for all classes": {"links": "all", "start": "random"},
    DEFAULT: {},
    "the default behind the guard": {"guard": True},
}
ZERO = {"class links": {"links": "similar"}, "links for all classes": {"links": "all"}}


def measure(seed: int) -> Iterator[Record]:
    lower, upper = load("lower"), load("upper")
    net = sp.Network(random_state=seed)
    net.learn("lower", *lower, random_state=seed)
    test = encode_examples(net.view, *load("upper", "test"))
    lower_test = encode_examples(net.view, *load("lower", "test"))
    everything = encode_examples(net.view, *upper)

    def try_way(shots: str, way: str, sample: Examples, rest: Examples | None, settings: dict[str, Any]) -> Record:
        proposal = propose(net.view, sp.Sen(**settings, random_state=seed), "upper", sample)
        parts = {"validation": rest, "test": test}
        scores = {name: _accuracy(try_out(net.view, proposal, part.inputs), part) for name, part in parts.items() if part is not None}
        return {"shots": shots, "way": way, **scores}

    score = _accuracy(net.view.logits("lower", lower_test.inputs), lower_test)
    yield {"shots": "all", "way": "LOWER itself, Single", "test": score}
    for shots in (0, 5, 10):
        drawn = few_shot(*upper, shots or 5, seed)
        rest = everything.subset(torch.from_numpy(np.setdiff1d(np.arange(len(upper[1])), drawn)))
        sample = everything.subset(torch.from_numpy(drawn))
        for way, settings in (ZERO if shots == 0 else WAYS).items():
            if shots == 0:
                yield try_way("0", f"{way}, set from 5 labels a class", sample, rest, {**settings, "epochs": 0})
                yield try_way("0", f"{way}, set from all labels", everything, None, {**settings, "epochs": 0})
            else:
                yield try_way(str(shots), way, sample, rest, settings)
    for way in ("Single", DEFAULT):
        yield try_way("all", way, everything, None, WAYS[way])


def table(records: Records) -> str:
    rows = []
    for (shots, way), mine in records.by("shots", "way").items():
        validation = mine.values("validation")
        rows.append([shots, way, spread(validation) if validation else "–", spread(mine.values("test"))])
    return markdown_table(["shots", "UPPER after LOWER", "validation %", "test %"], rows)


def _accuracy(logits: torch.Tensor, examples: Examples) -> float:
    return 100 * float((logits.argmax(1) == examples.targets).float().mean())
