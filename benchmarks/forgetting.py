"""Graceful forgetting: how many units of its own a new task needs, and what the earlier task loses, when its hidden layer may move.

    python -m benchmarks.forgetting [--seeds 3] [--shots 20]

Writes docs/results/forgetting.md and its figure. The earlier task is learned from all its examples. Needs SENPATH_DATA.
"""

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import numpy as np
import torch

import senpath as sp
from benchmarks.harness import Benchmark, Part, Record, Records, figure, markdown_table, mean
from senpath import data
from senpath.learning import propose
from senpath.snapshot import encode_examples, try_out
from senpath.types import Examples

PAIRS = (("lower", "upper"), ("mnist", "lower"))
UNITS = (0, 4, 16, 64, 128)
WAYS: dict[str, dict[str, Any]] = {
    "frozen": {},
    "may change": {"remember": 1.0},
    "held harder": {"remember": 10.0},
    "not held": {"remember": 0.0},
}
MOST = 10_000


@cache
def _set(name: str, split: str) -> tuple[np.ndarray, np.ndarray]:
    x, y = data.load(name, split)
    return x[:MOST], np.asarray(y)[:MOST]


def _measure(pair: tuple[str, str], seed: int, shots: int) -> Iterator[Record]:
    """Test accuracies in % of the new task and of the earlier one, before and after."""
    net, (old, new) = sp.Network(image_shape=(1, 28, 28)), pair
    net.learn(old, *_set(old, "train"), random_state=seed)
    x, y = _set(new, "train")
    chosen = data.few_shot(x, y, shots, seed)
    examples = encode_examples(net.view, x[chosen], y[chosen])
    old_test = encode_examples(net.view, *_set(old, "test"))
    new_test = encode_examples(net.view, *_set(new, "test"), like=examples)
    before = _score(lambda inputs: net.view.logits(old, inputs), old_test)
    for way, settings in WAYS.items():
        for units in UNITS:
            if way == "frozen" and not units:
                continue  # links alone are the zero-shot answer; without units of its own a frozen task has only these
            given = {**settings, "may_change": [old]} if settings else {}
            proposal = propose(net.view, sp.Sen(hidden=units, random_state=seed, **given), new, examples)
            after = _score(lambda inputs, made=proposal: try_out(net.view, made, inputs, 1), old_test) if settings else before
            accuracy = _score(lambda inputs, made=proposal: try_out(net.view, made, inputs, 0), new_test)
            yield {"shots": shots, "way": way, "units": units, "new": accuracy, "lost": before - after}


def _score(answer: Callable[[torch.Tensor], torch.Tensor], test: Examples) -> float:
    return 100 * test.task_kind.score(answer(test.inputs), test.targets)


def _tables(records: Records) -> str:
    heads = [text for way in WAYS for text in ([f"{way}: new %"] if way == "frozen" else [f"{way}: new %", "earlier loses, points"])]
    seeds, shots = len(records.distinct("seed")), records[0]["shots"]
    parts = [f"Means over {seeds} seeds, test data; the new task from {shots} examples a class."]
    for (old, new), mine in records.by("pair").items():
        rows = [[units, *_cells(mine.where(units=units))] for units in UNITS]
        parts.append(f"\n**{new.upper()} after {old.upper()}**\n\n{markdown_table(['its own units', *heads], rows)}")
    return "\n".join(parts)


def _cells(records: Records) -> list[str]:
    cells = []
    for way in WAYS:
        mine = records.where(way=way)
        cells += [mean(mine.values("new"))] if way == "frozen" else [mean(mine.values("new")), mean(mine.values("lost"))]
    return cells


def _draw(records: Records) -> None:
    with figure("forgetting.png", (9, 6.4), 2, len(PAIRS), sharex=True) as (_, panels):
        places, shots = range(len(UNITS)), records[0]["shots"]
        for (old, new), (above, below) in zip(PAIRS, panels.T, strict=True):
            for way, mine in records.where(pair=[old, new]).by("way").items():
                for panel, name in ((above, "new"), (below, "lost")):
                    groups = [mine.where(units=units) for units in UNITS]
                    panel.plot(places, [group.mean(name) if group else np.nan for group in groups], marker="o", label=way)
            above.set(title=f"{new.upper()}, {shots} shots, after {old.upper()}", ylabel="new task, accuracy in %")
            below.set(ylabel="earlier task loses, points", xlabel="units of the new task's own")
            below.set_xticks(list(places), list(map(str, UNITS)))
            for panel in (above, below):
                panel.grid(alpha=0.3)
        panels[0, 0].legend(frameon=False)


PART = Part(_measure, {"pair": PAIRS, "seed": "seeds"})
SECTIONS = {"forgetting": _tables, "figure": _draw}
OPTIONS = {"--shots": {"type": int, "default": 20}}
BENCHMARK = Benchmark("forgetting", __doc__, {"forgetting": PART}, SECTIONS, seeds=3, anew=True, options=OPTIONS)

if __name__ == "__main__":
    BENCHMARK.main()
