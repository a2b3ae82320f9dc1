"""Everything of docs/results/moe.md.

    python -m benchmarks.moe [EXPERIMENT ...] [--jobs 1] [--folder runs/moe]

Experiments: low, brief, held, unrelated, ablations, random, senses, speed, page; all of them by default, and families, languages, new and
grow, which take hours, if they are named. A run that was stopped goes on with the jobs that are not done. Texts are encoded once, into the
folder. Needs SENPATH_DATA and the extra [text].
"""

from argparse import Namespace
from functools import partial
from typing import Any

from benchmarks.harness import Benchmark, Part, Section
from benchmarks.moe import families, grow, languages, later, measure, page, senses, tasks
from benchmarks.moe.plan import ABLATED, LONGER, MAIN, SEEDS, SETUPS, Setup

MINILM = SETUPS["minilm"]


def _encode(encoder: str, arguments: Namespace) -> None:
    tasks.encode(arguments.folder, encoder)


def _part(measured: Any, rows: tuple[str, ...] = MAIN, *, setup: Setup = MINILM, seeds: int = SEEDS, longer: Any = None) -> Part:
    """The jobs of an experiment, the first seed of every row first."""
    about = {"experiment": repr((setup, longer) if longer else setup)}
    axes: dict[str, Any] = {"seed": range(seeds), "row": rows}
    if measured is measure.low:
        measured, axes = partial(measured, longer=longer or {}), {"share": setup.shares, **axes}
    return Part(partial(measured, setup), axes, about, prepare=partial(_encode, setup.encoder))


PARTS = {
    "low": _part(measure.low, longer=LONGER),
    "brief": _part(measure.low),
    "held": _part(measure.seen),
    "unrelated": _part(measure.unrelated, MAIN[1:]),
    "ablations": _part(partial(measure.seen, shots=(10,)), ABLATED, seeds=SEEDS - 1),
    "random": _part(measure.low, setup=SETUPS["random"]),
    "senses": Part(senses.learn, {"seed": range(SEEDS), "task": (*senses.PICTURES, *senses.SOUNDS), "row": senses.ROWS}),
    "families": Part(
        families.learn,
        {"families": families.FAMILIES, "width": families.WIDTHS, "seed": range(5), "row": [*families.ROWS]},
        asked=True,
    ),
    "languages": Part(
        languages.learn,
        {"seed": range(5), "families": languages.FAMILIES, "width": languages.WIDTHS, "row": languages.ROWS},
        asked=True,
    ),
    "new": Part(later.learn, lambda arguments: later.cells(), asked=True),
    "grow": Part(grow.learn, grow.CELLS, asked=True),
    "speed": Part(measure.forward, workers=1, prepare=partial(_encode, MINILM.encoder)),
}
SECTIONS = {
    **{name: partial(page.low, MINILM) for name in ("low", "brief")},
    "held": page.held,
    "unrelated": Section(page.unrelated, ["held", "unrelated"]),
    "ablations": Section(page.ablations, ["held", "ablations"]),
    "random": partial(page.low, SETUPS["random"]),
    "senses": senses.page,
    "families": families.page,
    "languages": families.page,
    "new": later.page,
    "grow": grow.page,
    "speed": page.speed,
}
BENCHMARK = Benchmark("moe", __doc__, PARTS, SECTIONS, jobs=1)

if __name__ == "__main__":
    BENCHMARK.main()
