"""Backward transfer: LOWER from few examples, UPPER from all, then LOWER reviewed with its few examples.

    python -m benchmarks.review [--seeds 5]

Writes docs/results/review.md. Two pairs of sets: the letters, and Chars74K's part of them alone, where both cases have the same writers.
Validation is accuracy on training examples that were not drawn. Needs SENPATH_DATA.
"""

import time
from collections.abc import Iterator

import numpy as np

import senpath as sp
from benchmarks.harness import Benchmark, Part, Record, Records, half_interval, markdown_table, mean, percent
from senpath import data

SETS = {"letters": ("lower", "upper"), "Chars74K": ("chars74k-lower", "chars74k-upper")}
SHOTS = (5, 10, 20)
MOST_VALIDATION = 1_500


def _review(letters: str, shots: int, seed: int) -> Iterator[Record]:
    """One review: accuracies in % before and after on validation and test data, whether it was committed, and its seconds."""
    lower, upper = SETS[letters]
    x, y = data.load(lower, "train")
    y = np.asarray(y)
    chosen = data.few_shot(x, y, shots, seed)
    rest = np.setdiff1d(np.arange(len(y)), chosen)[:MOST_VALIDATION]
    tests = {"validation": (x[rest], y[rest]), "test": data.load(lower, "test")}
    net = sp.Network()

    def accuracies() -> dict[str, float]:
        return {part: percent(net.predict(inputs, task="lower").label == np.asarray(labels)) for part, (inputs, labels) in tests.items()}

    net.learn("lower", x[chosen], y[chosen], random_state=seed)
    net.learn("upper", *data.load(upper, "train"), random_state=seed)
    before, start = accuracies(), time.perf_counter()
    changed = net.review("lower", x[chosen], y[chosen]).changed
    seconds = time.perf_counter() - start
    yield {"before": before, "after": accuracies(), "changed": changed, "seconds": seconds}


def _gains(records: Records, part: str) -> list[float]:
    return [record["after"][part] - record["before"][part] for record in records]


def _table(records: Records) -> str:
    columns = ["letters", "shots", "validation before", "gain", "test before", "test after", "gain", "95 % interval"]
    rows = [
        [
            letters,
            shots,
            mean([one["before"]["validation"] for one in mine]),
            mean(_gains(mine, "validation"), sign=True),
            mean([one["before"]["test"] for one in mine]),
            mean([one["after"]["test"] for one in mine]),
            mean(_gains(mine, "test"), sign=True),
            f"±{half_interval(_gains(mine, 'test')):.1f}" if len(mine) > 1 else "–",
            f"{sum(one['changed'] for one in mine)} of {len(mine)}",
            f"{np.median(mine.values('seconds')):.0f}",
        ]
        for (letters, shots), mine in records.by("letters", "shots").items()
    ]
    seeds = len(records.distinct("seed"))
    head = f"Mean over {seeds} seeds; a seed decides the draw of the examples, first weights and distortions."
    return f"{head}\n\n{markdown_table([*columns, 'committed', 'seconds'], rows)}"


PART = Part(_review, {"letters": SETS, "shots": SHOTS, "seed": "seeds"})
BENCHMARK = Benchmark("review", __doc__, {"review": PART}, {"review": _table}, seeds=5, anew=True)

if __name__ == "__main__":
    BENCHMARK.main()
