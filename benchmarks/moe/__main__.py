"""Everything of docs/results/moe.md.

    python -m benchmarks.moe [EXPERIMENT ...] [--jobs 1] [--folder runs/moe]

Experiments: low, brief, held, unrelated, ablations, random, speed, page; all of them by default. A run that was stopped goes on with the
jobs that are not done. Texts are encoded once, into the folder. Needs SENPATH_DATA and the extra [text].
"""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path

from benchmarks.moe import page, speed, tasks
from benchmarks.moe.plan import LONGER, jobs_of
from benchmarks.moe.setup import SETUPS
from senpath.reproduce.jobs import claimed, run_jobs

EXPERIMENTS = ("low", "brief", "held", "unrelated", "ablations", "random")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = [*EXPERIMENTS, "speed", "page"]
    parser.add_argument("experiments", nargs="*", metavar="EXPERIMENT", choices=[*names, []])
    parser.add_argument("--jobs", type=int, default=1, help="processes at once, of one thread each")
    parser.add_argument("--folder", type=Path, default=Path("runs/moe"))
    arguments = parser.parse_args()
    for name in arguments.experiments or names:
        if name == "page":
            page.write(arguments.folder)
            continue
        setup = SETUPS["random" if name == "random" else "minilm"]
        tasks.encode(arguments.folder / "encoded", setup.encoder)
        if name == "speed":
            speed.run(page.PAGE, arguments.folder)
            continue
        folder = arguments.folder / name
        with claimed(folder, {"experiment": repr((setup, LONGER) if name == "low" else setup)}):
            run_jobs(jobs_of(name, arguments.folder), folder, arguments.jobs, look=partial(_look, name))


def _look(name: str, done: int, total: int, told: dict[str, int] = {}) -> None:  # noqa: B006
    if told.get(name) != done:
        told[name] = done
        print(f"{name}: {done} of {total} rows and seeds", flush=True)


if __name__ == "__main__":
    main()
