"""Tasks on top of pretrained senses: few shots, full training sets, borrowing, out of scope, and all tasks in one network.

    python -m benchmarks.senses [PART ...] [--seeds 5] [--workers 2] [--folder runs/senses] [--only WORD]

Parts: few, full, borrowing, scope, together, page; all of them by default, for docs/results/senses.md. A run that was stopped goes on with
what has no record; scope takes the settings of the logistic regressions from few and full. Needs SENPATH_DATA and the extras [image]
and [text]. Encoding the sets takes longest, and is done once.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from benchmarks.senses import borrowing, page, scope, sets, shots, together
from senpath.reproduce.jobs import Job, claimed, run_jobs

ENCODED = [*sets.TEXTS, sets.OUTSIDE, *sets.IMAGES, sets.SOUND]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART", choices=(*PARTS, "page", []))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--folder", type=Path, default=Path("runs/senses"))
    parser.add_argument("--only", metavar="WORD", default="", help="only the jobs with this in their names")
    arguments = parser.parse_args()
    wanted = arguments.parts or (*PARTS, "page")
    if set(wanted) & set(PARTS):
        sets.prepare(ENCODED)
    for part, jobs in PARTS.items():
        if part in wanted:
            folder = arguments.folder / part
            asked = [job for job in jobs(arguments.seeds, arguments.folder) if arguments.only in job.name]
            with claimed(folder, {"part": part}):
                run_jobs(asked, folder, arguments.workers, look=_say(part))
    if "page" in wanted:
        page.write({part: (jobs(arguments.seeds, arguments.folder), arguments.folder / part) for part, jobs in PARTS.items()})


PARTS: dict[str, Callable[[int, Path], list[Job]]] = {
    "few": lambda seeds, _: shots.few_jobs(seeds),
    "full": lambda seeds, _: shots.full_jobs(),
    "borrowing": lambda seeds, _: borrowing.jobs(seeds),
    "scope": lambda seeds, folder: scope.jobs(seeds, folder / "few", folder / "full"),
    "together": lambda seeds, _: together.jobs(seeds),
}


def _say(part: str) -> Callable[[int, int], None]:
    told = [-1]

    def look(done: int, jobs: int) -> None:
        if told[0] != done:
            told[0] = done
            print(f"{part}: {done} of {jobs}", flush=True)

    return look


if __name__ == "__main__":
    main()
