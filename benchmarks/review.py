"""Backward transfer: LOWER from few examples, UPPER from all, then LOWER reviewed with its few examples.

    python -m benchmarks.review [--seeds 5]

Writes docs/results/review.md. Two pairs of sets: the letters, and Chars74K's part of them alone, where both cases have the same writers.
Validation is accuracy on training examples that were not drawn. Needs SENPATH_DATA.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

import senpath as sp
from benchmarks.common import RESULTS, write_section
from senpath import data

SETS = {"letters": ("lower", "upper"), "Chars74K": ("chars74k-lower", "chars74k-upper")}
SHOTS = (5, 10, 20)
MOST_VALIDATION = 1_500


@dataclass(frozen=True)
class Row:
    """One review: accuracies in % before and after on validation and test data, whether it was committed, and its seconds."""

    letters: str
    shots: int
    before: tuple[float, float]
    after: tuple[float, float]
    changed: bool
    seconds: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5)
    seeds = parser.parse_args().seeds
    rows = []
    for letters in SETS:
        for shots in SHOTS:
            for seed in range(seeds):
                rows.append(_review(letters, shots, seed))
                print(seed, rows[-1], flush=True)
    write_section(RESULTS / "review.md", "review", _table(rows, seeds))


def _review(letters: str, shots: int, seed: int) -> Row:
    lower, upper = SETS[letters]
    x, y = data.load(lower, "train")
    y = np.asarray(y)
    chosen = data.few_shot(x, y, shots, seed)
    rest = np.setdiff1d(np.arange(len(y)), chosen)[:MOST_VALIDATION]
    tests = [(x[rest], y[rest]), data.load(lower, "test")]
    net = sp.Network()
    net.learn("lower", x[chosen], y[chosen], random_state=seed)
    net.learn("upper", *data.load(upper, "train"), random_state=seed)
    before = _accuracies(net, tests)
    start = time.perf_counter()
    found = net.review("lower", x[chosen], y[chosen])
    return Row(letters, shots, before, _accuracies(net, tests), found.changed, time.perf_counter() - start)


def _accuracies(net: sp.Network, tests: Sequence[tuple[np.ndarray, object]]) -> tuple[float, float]:
    validation, test = (100 * float((net.predict(x, task="lower").label == np.asarray(y)).mean()) for x, y in tests)
    return validation, test


def _table(rows: Sequence[Row], seeds: int) -> str:
    lines = [
        "| letters | shots | validation before | gain | test before | test after | gain | 95 % interval | committed | seconds |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for letters in SETS:
        for shots in SHOTS:
            mine = [row for row in rows if (row.letters, row.shots) == (letters, shots)]
            gains = np.array([[after - before for before, after in zip(row.before, row.after, strict=True)] for row in mine])
            before, after = (np.array([getattr(row, name) for row in mine]).mean(0) for name in ("before", "after"))
            seconds = np.median([row.seconds for row in mine])
            committed = f"{sum(row.changed for row in mine)} of {len(mine)}"
            cells = [letters, shots, f"{before[0]:.1f}", f"{gains[:, 0].mean():+.1f}", f"{before[1]:.1f}", f"{after[1]:.1f}"]
            cells += [f"{gains[:, 1].mean():+.1f}", _interval(gains[:, 1]), committed, f"{seconds:.0f}"]
            lines.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join([f"Mean over {seeds} seeds; a seed decides the draw of the examples, first weights and distortions.", "", *lines])


def _interval(gains: np.ndarray) -> str:
    """Of the mean, by Student's t."""
    if len(gains) < 2:
        return "–"
    from scipy.stats import t

    half = float(t.ppf(0.975, len(gains) - 1) * gains.std(ddof=1) / len(gains) ** 0.5)
    return f"±{half:.1f}"


if __name__ == "__main__":
    main()
