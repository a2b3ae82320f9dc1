"""Everything of docs/results/munet.md.

    python -m benchmarks.munet [EXPERIMENT ...] [--jobs 2] [--folder runs/munet]

Experiments: toy, chars, photographs, cifar, stream, speed, page; all of them by default. A run that was stopped goes on: with the networks
that it has made, and within a task with the generations that it has finished. Needs SENPATH_DATA.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

from benchmarks.munet import page, speed
from benchmarks.munet.plan import PLAN, jobs_of
from senpath.reproduce.jobs import claimed, run_jobs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = [*PLAN, "speed", "page"]
    parser.add_argument("experiments", nargs="*", metavar="EXPERIMENT", choices=[*names, []])
    parser.add_argument("--jobs", type=int, default=2, help="processes at once, of one thread each")
    parser.add_argument("--folder", type=Path, default=Path("runs/munet"))
    arguments = parser.parse_args()
    for name in arguments.experiments or names:
        if name == "speed":
            speed.run(arguments.folder / "speed.json")
        elif name == "page":
            page.write(arguments.folder)
        else:
            folder = arguments.folder / name
            with claimed(folder, {"experiment": repr(replace(PLAN[name], seeds=0))}):  # further seeds may be added
                run_jobs(jobs_of(name, folder), folder, arguments.jobs, look=partial(_look, name))


def _look(name: str, done: int, total: int) -> None:
    if sys.stdout.isatty() or done == total:
        print(f"\r{name}: {done} of {total} rows and seeds", end="\n" if done == total else "", flush=True)


if __name__ == "__main__":
    main()
