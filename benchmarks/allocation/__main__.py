"""Everything of docs/results/allocation.md.

    python -m benchmarks.allocation [EXPERIMENT ...] [--jobs 1] [--folder runs/allocation]
    python -m benchmarks.allocation full [--row gumbel] [--seed 0] [--device cuda] [--steps 5 --time]

Experiments: toy, omniglot, clusters, speed, page; all of them by default. `full` is the paper's configuration, one row and seed, which
takes days on a CPU. A run that was stopped goes on: with the rows and seeds that are done; `full` with its last checkpoint. With --time
it prints how long a step takes, and no more. Needs SENPATH_DATA.
"""

from __future__ import annotations

import argparse
import sys
from functools import partial
from pathlib import Path

from benchmarks.allocation import full, page, speed
from benchmarks.allocation.plan import PLAN, SIZED, TITLES
from benchmarks.allocation.rows import jobs_of
from senpath.reproduce.jobs import claimed, run_jobs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = ["toy", "omniglot", "clusters", "speed", "page"]
    parser.add_argument("experiments", nargs="*", metavar="EXPERIMENT", choices=[*names, "full", []])
    parser.add_argument("--jobs", type=int, default=1, help="processes at once, of one thread each")
    parser.add_argument("--folder", type=Path, default=Path("runs/allocation"))
    parser.add_argument("--device", default="cpu", help="of full and speed")
    parser.add_argument("--row", choices=[*TITLES], default="gumbel", help="of full; 'same' after 'gumbel'")
    parser.add_argument("--seed", type=int, default=0, help="of full")
    parser.add_argument("--steps", type=int, default=3, help="of full, with --time")
    parser.add_argument("--time", action="store_true", help="of full: print how long a step takes")
    arguments = parser.parse_args()
    for name in arguments.experiments or names:
        folder = arguments.folder / name
        if name == "speed":
            speed.run(arguments.folder / "speed.json", arguments.device)
        elif name == "page":
            page.write(arguments.folder)
        elif name == "full" and arguments.time:
            full.measure(folder, arguments.row, arguments.seed, arguments.device, arguments.steps)
        elif name == "full":
            full.run(folder, arguments.row, arguments.seed, arguments.device)
        else:
            _run(name, folder, arguments.jobs)


def _run(name: str, folder: Path, workers: int) -> None:
    """The rows of an experiment; the one that is as large as what another came to use, after it."""
    with claimed(folder, PLAN[name].about):
        for rows in [[row for row in PLAN[name].rows if row not in SIZED], [*SIZED]]:
            jobs = jobs_of(name, folder, rows)
            if jobs:
                run_jobs(jobs, folder, workers, look=partial(_look, f"{name}, {', '.join(rows)}"))


def _look(name: str, done: int, total: int) -> None:
    if sys.stdout.isatty() or done == total:
        print(f"\r{name}: {done} of {total} rows and seeds", end="\n" if done == total else "", flush=True)


if __name__ == "__main__":
    main()
