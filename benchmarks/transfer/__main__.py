"""Forced transfer between every two of ten image tasks, the measures that could have warned, and the default after nine tasks.

    python -m benchmarks.transfer [SECTION ...] [--seeds 0 1 2] [--shots 5 20] [--targets TASK ...] [--folder runs/transfer]

Sections: pairs, links, measures, few, sequence, verdicts, page; all of them by default, for docs/results/transfer.md. A run that was
stopped goes on with what has no record. Needs SENPATH_DATA.
"""

from functools import partial

from benchmarks.harness import Benchmark, Part, Section
from benchmarks.transfer import page
from benchmarks.transfer.study import KINDS, measure
from benchmarks.transfer.tasks import TASKS

PAIRS = ["pairs", "measures", "sequence"]
OPTIONS = {
    "--seeds": {"type": int, "nargs": "+", "default": [0, 1, 2]},
    "--shots": {"type": int, "nargs": "+", "default": [5, 20]},
    "--targets": {"nargs": "+", "default": [*TASKS], "choices": TASKS, "metavar": "TASK"},
}
AXES = {"seed": "seeds", "shots": "shots", "target": "targets"}
PARTS = {kind: Part(partial(measure, kind), AXES, workers=0) for kind in KINDS}  # one process, which keeps the sources
SECTIONS = {
    "gains": Section(page.gains, PAIRS),
    "measures": Section(page.measures, PAIRS),
    "rules": Section(page.rule_tables, PAIRS),
    "body": Section(page.body, [*PAIRS, "links"]),
    "few": Section(page.few, [*PAIRS, "few"]),
    "guard": Section(page.guard, PAIRS, ["verdicts"]),
    "sequence": Section(page.sequence, PAIRS, ["verdicts"]),
    "figure": Section(page.draw, PAIRS),
}
BENCHMARK = Benchmark("transfer", __doc__, PARTS, SECTIONS, options=OPTIONS)

if __name__ == "__main__":
    BENCHMARK.main()
