"""Tasks on top of pretrained senses: few shots, full training sets, borrowing, out of scope, and all tasks in one network.

    python -m benchmarks.senses [PART ...] [--seeds 5] [--workers 2] [--folder runs/senses] [--only WORD]

Parts: few, full, borrowing, scope, together, page; all of them by default, for docs/results/senses.md. A run that was stopped goes on with
what has no record; scope takes the settings of the logistic regressions from few and full. Needs SENPATH_DATA and the extras [image]
and [text]. Encoding the sets takes longest, and is done once.
"""

from argparse import Namespace

from benchmarks.harness import Benchmark, Part, Record, Section
from benchmarks.senses import measure, page, sets
from benchmarks.senses.measure import FEW, FULL, PAIRS, SENSES, SHOTS


def _scope(arguments: Namespace) -> list[Record]:
    return [{"shots": None, "seed": 0}, *({"shots": shots, "seed": seed} for shots in SHOTS for seed in range(arguments.seeds))]


def _together(arguments: Namespace) -> list[Record]:
    """All examples with one seed, a few with every one."""
    few = [{"sense": sense, "shots": SHOTS[-1], "seed": seed} for seed in range(arguments.seeds) for sense in SENSES]
    return [*few, *({"sense": sense, "shots": None, "seed": 0} for sense in SENSES)]


MEASURED = {
    "few": (measure.alone, {"shots": SHOTS, "task": FEW, "seed": "seeds"}),
    "full": (measure.alone, {"shots": [None], "task": FULL, "seed": [0]}),
    "borrowing": (measure.borrow, lambda arguments: [{"sources": sources, "target": target} for sources, target in PAIRS]),
    "scope": (measure.ask_outside, _scope),
    "together": (measure.learn_all, _together),
}
PARTS = {
    name: Part(measured, axes, {"part": name}, prepare=lambda arguments: sets.prepare()) for name, (measured, axes) in MEASURED.items()
}
SECTIONS = {
    "few": page.few,
    "full": page.full,
    "borrowing": page.borrowing,
    "scope": page.scope_tables,
    "together": page.together,
    "figure": Section(page.draw, ["few", "borrowing"]),
}
BENCHMARK = Benchmark("senses", __doc__, PARTS, SECTIONS, seeds=5, jobs=2)

if __name__ == "__main__":
    BENCHMARK.main()
