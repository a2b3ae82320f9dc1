"""Everything of docs/results/allocation.md.

    python -m benchmarks.allocation [EXPERIMENT ...] [--jobs 1] [--folder runs/allocation]
    python -m benchmarks.allocation full|night [--row gumbel] [--seed 0] [--device cuda] [--steps 5 --time]

Experiments: toy, omniglot, clusters, speed, page; all of them by default. `full` is the paper's configuration, one row and seed, which
takes days on a CPU, and `night` the same with the seven components at 28 pixels, which takes a night. A run that was stopped goes on: with
the rows and seeds that are done; these two with their last checkpoint. With --time they print how long a step takes, and no more. Needs
SENPATH_DATA.
"""

from argparse import Namespace
from functools import partial
from pathlib import Path

from benchmarks.allocation import full, page, speed
from benchmarks.allocation.rows import PLAN, SIZED, TITLES, learn
from benchmarks.harness import Benchmark, Part


def _long(name: str, arguments: Namespace, folder: Path) -> None:
    if arguments.time:
        full.measure(name, folder, arguments.row, arguments.seed, arguments.device, arguments.steps)
    else:
        full.run(name, folder, arguments.row, arguments.seed, arguments.device)


def _part(name: str) -> Part:
    plan = PLAN[name]
    about = {"tasks": f"{plan.tasks.func.__name__} {plan.tasks.args}", "settings": repr(plan.settings)}  # rows and seeds may be added
    axes = {"seed": range(plan.seeds), "row": plan.rows}
    whole = name in ("full", "night")
    return Part(
        partial(learn, name), axes, about, late=lambda cell: cell["row"] in SIZED, run=partial(_long, name) if whole else None, asked=whole
    )


PARTS = {name: _part(name) for name in PLAN} | {"speed": Part(speed.compare, workers=1)}
SECTIONS = {
    "toy": page.toy,
    **{name: partial(page.compared, PLAN[name]) for name in ("omniglot", "night", "full")},
    "clusters": page.clusters,
    "speed": speed.table,
}
OPTIONS = {
    "--device": {"default": "cpu", "help": "of full, night and speed"},
    "--row": {"choices": [*TITLES], "default": "gumbel", "help": "of full and night; 'same' after 'gumbel'"},
    "--seed": {"type": int, "default": 0, "help": "of full and night"},
    "--steps": {"type": int, "default": 3, "help": "of both, with --time"},
    "--time": {"action": "store_true", "help": "of both: print how long a step takes"},
}
BENCHMARK = Benchmark("allocation", __doc__, PARTS, SECTIONS, jobs=1, options=OPTIONS)

if __name__ == "__main__":
    BENCHMARK.main()
