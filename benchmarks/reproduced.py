"""The table "published, ours, command" of docs/results/reproduced.md, made of the experiments in benchmarks/experiments.

    python -m benchmarks.reproduced [--folder runs] [--seeds N] [--only NAME …]

Runs the experiments that are not done (`senpath experiment` goes on with the same folders), and writes the page's sections. Needs
SENPATH_DATA, and for features `senpath[image]`.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.harness import markdown_table, write_section
from benchmarks.harness.tables import RESULTS
from senpath.experiments import ExperimentResults
from senpath.experiments.plan import read_plan
from senpath.experiments.results import TableRow
from senpath.experiments.run import run_plan
from senpath.reports.markdown import share_interval

HERE = Path(__file__).parent / "experiments"
NAMES = ("split-mnist-given", "split-mnist", "split-cifar10-features", "split-signdigits-features")
FALLS_SHORT = 2.0
"""Points below a published figure from which on a row counts as not reproduced."""


@dataclass(frozen=True)
class Published:
    """A figure of somebody else's.

    Args:
        percent: mean accuracy after the last task.
        where: it was found, and how it came about.
    """

    percent: float
    where: str


AVALANCHE = "[ContinualAI/continual-learning-baselines](https://github.com/ContinualAI/continual-learning-baselines)"
PUBLISHED = {
    ("split-mnist-given", "si", "given"): Published(
        97, f"{AVALANCHE}, Avalanche's and the paper's (Zenke et al. 2017): two hidden layers of 256, 10 epochs, batches of 64, Adam 1e-3"
    ),
    ("split-mnist", "lwf", "found"): Published(
        23, f"{AVALANCHE}, Avalanche's and van de Ven and Tolias's (2019): a hidden layer of 256, 10 epochs, batches of 128, SGD 1e-3"
    ),
    ("split-mnist", "er, 1000 kept, batches of 10", "found"): Published(
        92, f"{AVALANCHE}, Avalanche's online replay: 1,000 examples kept in balance, one pass, batches of 10, SGD 0.1"
    ),
}
"""By experiment, label and figure. What is not here was looked for and not found where it could be checked."""
MEASURED = {
    "split-mnist-given": ("given",),
    "split-mnist": ("found",),
    "split-cifar10-features": ("found",),
    "split-signdigits-features": ("found",),
}


def accuracy(row: TableRow, figure: str, tasks: tuple[str, ...]) -> list[float]:
    """Mean over the tasks after the last one, in %, by seed."""
    return [float(np.mean(values)) for values in zip(*(row.final(figure, task) for task in tasks), strict=False)]


def table(done: dict[str, ExperimentResults]) -> str:
    """Rows that fall short first, then those that are reproduced, then those for which nothing published was found."""
    rows = []
    for name, results in done.items():
        for row in results.rows():
            for figure in MEASURED[name]:
                ours = accuracy(row, figure, results.tasks)
                said = PUBLISHED.get((name, row.title, figure))
                apart = float(np.mean(ours)) - said.percent if said else 0.0
                state = (
                    ""
                    if said is None
                    else "**falls short**"
                    if apart < -FALLS_SHORT
                    else "reproduced"
                    if abs(apart) <= FALLS_SHORT
                    else "above"
                )
                words = f"{said.percent:g}" if said else "not found"
                difference = f"{apart:+.1f}" if said else "–"
                order = (said is None, apart if said else 0.0)
                cells = [
                    row.title,
                    name,
                    f"task {figure}",
                    words,
                    share_interval(ours),
                    difference,
                    state,
                    f"`senpath experiment benchmarks/experiments/{name}.toml`",
                ]
                rows.append((order, cells))
    columns = ["method", "experiment", "figure", "published, %", "ours, %", "difference", "", "command"]
    return markdown_table(columns, [cells for _, cells in sorted(rows, key=lambda each: each[0])])


def sources() -> str:
    """Where the published figures are from."""
    return "\n".join(
        f"- {label}, {name}, task {figure}: {said.percent:g} %. {said.where}." for (name, label, figure), said in PUBLISHED.items()
    )


def about(results: ExperimentResults) -> str:
    """One experiment in full."""
    seeds = f"Seeds {', '.join(map(str, results.seeds))}" if len(results.seeds) > 1 else f"Seed {results.seeds[0]}"
    parts = [f"{results.about.strip()} {seeds}. Data: {results.stream}."]
    parts += [f"Task {figure}, %:\n\n{results.table(figure)}" for figure in ("given", "found")]
    return "\n\n".join([*parts, "What learning took:\n\n" + results.costs()])


def main() -> None:
    """Run what is not done, and write the sections."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=Path("runs"))
    parser.add_argument("--seeds", type=int, help="in place of the files'")
    parser.add_argument("--only", nargs="+", choices=NAMES, default=NAMES)
    arguments = parser.parse_args()
    done = {}
    for name in arguments.only:
        plan = read_plan(HERE / f"{name}.toml", **({} if arguments.seeds is None else {"seeds": arguments.seeds}))
        done[name] = run_plan(plan, (arguments.folder / name).resolve(), look=lambda so_far: print(so_far, flush=True))
        write_section(RESULTS / "reproduced.md", name, about(done[name]))
    if {*NAMES} <= {*done}:
        write_section(RESULTS / "reproduced.md", "reproduced", table(done))
        write_section(RESULTS / "reproduced.md", "published", sources())


if __name__ == "__main__":
    main()
