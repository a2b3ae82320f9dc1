"""UPPER after LOWER at 0, 5, 10 and all shots, with every way of borrowing."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

import senpath as sp
from benchmarks.common import RESULTS, per_seed, write_section
from senpath.data import few_shot, load
from senpath.learning import propose
from senpath.reports.markdown import markdown_table, spread
from senpath.snapshot import View, encode_examples, try_out
from senpath.types import Examples

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
    "links for all, copied hidden layer (default)": {},
    "the default behind the guard": {"guard": True},
}
ZERO = {"class links": {"links": "similar"}, "links for all classes": {"links": "all"}}
Figures = dict[tuple[str, str], tuple[float, float]]


def run(seeds: int) -> None:
    found = per_seed(seeds, _one_seed, "transfer")
    rows = []
    for shots, way in found[0]:
        validation = [figures[shots, way][0] for figures in found]
        test = [figures[shots, way][1] for figures in found]
        rows.append([shots, way, spread(validation) if not np.isnan(validation).any() else "–", spread(test)])
    text = markdown_table(["shots", "UPPER after LOWER", "validation %", "test %"], rows)
    write_section(RESULTS / "foundation.md", "transfer", text)


def _one_seed(seed: int) -> Figures:
    lower, upper = load("lower"), load("upper")
    net = sp.Network(random_state=seed)
    net.learn("lower", *lower, random_state=seed)
    test = encode_examples(net.view, *load("upper", "test"))
    lower_test = encode_examples(net.view, *load("lower", "test"))
    figures: Figures = {("all", "LOWER itself, Single"): (np.nan, _accuracy(net.view.logits("lower", lower_test.inputs), lower_test))}
    everything = encode_examples(net.view, *upper)
    for shots in (0, 5, 10):
        drawn = few_shot(*upper, shots or 5, seed)
        rest = everything.subset(torch.from_numpy(np.setdiff1d(np.arange(len(upper[1])), drawn)))
        sample = everything.subset(torch.from_numpy(drawn))
        for way, settings in (ZERO if shots == 0 else WAYS).items():
            if shots == 0:
                figures["0", f"{way}, set from 5 labels a class"] = _try(net.view, sample, rest, test, {**settings, "epochs": 0}, seed)
                figures["0", f"{way}, set from all labels"] = _try(net.view, everything, None, test, {**settings, "epochs": 0}, seed)
            else:
                figures[str(shots), way] = _try(net.view, sample, rest, test, settings, seed)
    for way in ("Single", "links for all, copied hidden layer (default)"):
        figures["all", way] = _try(net.view, everything, None, test, WAYS[way], seed)
    return figures


def _try(view: View, sample: Examples, rest: Examples | None, test: Examples, settings: dict[str, Any], seed: int) -> tuple[float, float]:
    proposal = propose(view, sp.Sen(**settings, random_state=seed), "upper", sample)
    validation = _accuracy(try_out(view, proposal, rest.inputs), rest) if rest is not None else float("nan")
    return validation, _accuracy(try_out(view, proposal, test.inputs), test)


def _accuracy(logits: torch.Tensor, examples: Examples) -> float:
    return 100 * float((logits.argmax(1) == examples.targets).float().mean())
