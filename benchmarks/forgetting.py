"""Graceful forgetting: how many units of its own a new task needs, and what the earlier task loses, when its hidden layer may move.

    python -m benchmarks.forgetting [--seeds 3] [--shots 20]

Writes docs/results/forgetting.md and its figure. The earlier task is learned from all its examples. Needs SENPATH_DATA.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

import senpath as sp
from benchmarks.common import DOCS, RESULTS, write_section
from senpath import data
from senpath.learning import propose
from senpath.snapshot import encode_examples, try_out
from senpath.types import Examples

PAIRS = (("lower", "upper"), ("mnist", "lower"))
UNITS = (0, 4, 16, 64, 128)
WAYS: dict[str, dict[str, object]] = {
    "frozen": {},
    "may change": {"remember": 1.0},
    "held harder": {"remember": 10.0},
    "not held": {"remember": 0.0},
}
MOST = 10_000


@dataclass(frozen=True)
class Row:
    """Test accuracies in % of the new task and of the earlier one, before and after."""

    pair: tuple[str, str]
    way: str
    units: int
    new: float
    before: float
    after: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--shots", type=int, default=20)
    arguments = parser.parse_args()
    rows: list[Row] = []
    for pair in PAIRS:
        for seed in range(arguments.seeds):
            rows += _measure(pair, seed, arguments.shots)
            print(pair, seed, flush=True)
    write_section(RESULTS / "forgetting.md", "forgetting", _tables(rows, arguments.seeds, arguments.shots))
    _draw(rows, arguments.shots)


@cache
def _set(name: str, split: str) -> tuple[np.ndarray, np.ndarray]:
    x, y = data.load(name, split)
    return x[:MOST], np.asarray(y)[:MOST]


def _measure(pair: tuple[str, str], seed: int, shots: int) -> list[Row]:
    old, new = pair
    net = sp.Network(image_shape=(1, 28, 28))
    net.learn(old, *_set(old, "train"), random_state=seed)
    x, y = _set(new, "train")
    chosen = data.few_shot(x, y, shots, seed)
    examples = encode_examples(net.view, x[chosen], y[chosen])
    tests = [encode_examples(net.view, *_set(name, "test")) for name in (new, old)]
    tests[0] = encode_examples(net.view, *_set(new, "test"), like=examples)
    before = _score(lambda inputs: net.view.logits(old, inputs), tests[1])
    rows = []
    for way, settings in WAYS.items():
        for units in UNITS:
            if way == "frozen" and not units:
                continue  # links alone are the zero-shot answer; without units of its own a frozen task has only these
            given = {**settings, "may_change": [old]} if settings else {}
            proposal = propose(net.view, sp.Sen(hidden=units, random_state=seed, **given), new, examples)

            def answer(inputs: object, place: int, made: sp.Proposal = proposal) -> object:
                return try_out(net.view, made, inputs, place)  # type: ignore[arg-type]

            after = _score(lambda inputs: answer(inputs, 1), tests[1]) if settings else before
            rows.append(Row(pair, way, units, _score(lambda inputs: answer(inputs, 0), tests[0]), before, after))
    return rows


def _score(answer: Callable[..., object], test: Examples) -> float:
    return 100 * test.task_kind.score(answer(test.inputs), test.targets)  # type: ignore[arg-type]


def _tables(rows: Sequence[Row], seeds: int, shots: int) -> str:
    parts = [f"Means over {seeds} seeds, test data; the new task from {shots} examples a class."]
    for pair in PAIRS:
        lines = [f"\n**{pair[1].upper()} after {pair[0].upper()}**\n", "| its own units | " + " | ".join(_heads()) + " |"]
        lines.append("|---" * (1 + len(_heads())) + "|")
        for units in UNITS:
            lines.append(f"| {units} | " + " | ".join(_cells([row for row in rows if row.pair == pair and row.units == units])) + " |")
        parts.append("\n".join(lines))
    return "\n".join(parts)


def _heads() -> list[str]:
    return [text for way in WAYS for text in ([f"{way}: new %"] if way == "frozen" else [f"{way}: new %", "earlier loses, points"])]


def _cells(rows: Sequence[Row]) -> list[str]:
    cells = []
    for way in WAYS:
        mine = [row for row in rows if row.way == way]
        cells.append(f"{np.mean([row.new for row in mine]):.1f}" if mine else "–")
        if way != "frozen":
            cells.append(f"{np.mean([row.before - row.after for row in mine]):.1f}")
    return cells


def _draw(rows: Sequence[Row], shots: int) -> None:
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(2, len(PAIRS), figsize=(9, 6.4), sharex=True, squeeze=False, layout="constrained")
    places = range(len(UNITS))
    for column, pair in enumerate(PAIRS):
        for way in WAYS:
            mine = [[row for row in rows if (row.pair, row.way, row.units) == (pair, way, units)] for units in UNITS]
            new = [np.mean([row.new for row in group]) if group else np.nan for group in mine]
            lost = [np.mean([row.before - row.after for row in group]) if group else np.nan for group in mine]
            axes[0, column].plot(places, new, marker="o", label=way)
            axes[1, column].plot(places, lost, marker="o", label=way)
        axes[0, column].set_title(f"{pair[1].upper()}, {shots} shots, after {pair[0].upper()}")
        axes[0, column].set_ylabel("new task, accuracy in %")
        axes[1, column].set_ylabel("earlier task loses, points")
        axes[1, column].set_xticks(list(places), list(map(str, UNITS)))
        axes[1, column].set_xlabel("units of the new task's own")
        for axis in axes[:, column]:
            axis.grid(alpha=0.3)
    axes[0, 0].legend(frameon=False)
    figure.savefig(DOCS / "figures" / "forgetting.png", dpi=120)


if __name__ == "__main__":
    main()
