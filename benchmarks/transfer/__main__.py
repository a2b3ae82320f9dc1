"""Forced transfer between every two of ten image tasks, the measures that could have warned, and the default after nine tasks.

    python -m benchmarks.transfer [SECTION ...] [--seeds 0 1 2] [--shots 5 20] [--targets TASK ...] [--folder runs/transfer]

Sections: pairs, links, measures, few, sequence, verdicts, page; all of them by default, for docs/results/transfer.md. A run that was
stopped goes on with what has no record. Needs SENPATH_DATA.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmarks.transfer import page
from benchmarks.transfer.study import Study
from benchmarks.transfer.tasks import TASKS

MEASURED = ("pairs", "links", "measures", "few", "sequence", "verdicts")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sections", nargs="*", metavar="SECTION", choices=(*MEASURED, "page", []))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--shots", type=int, nargs="+", default=[5, 20])
    parser.add_argument("--targets", nargs="+", default=list(TASKS), choices=TASKS, metavar="TASK")
    parser.add_argument("--folder", type=Path, default=Path("runs/transfer"))
    arguments = parser.parse_args()
    wanted = arguments.sections or (*MEASURED, "page")
    for seed in arguments.seeds:
        study = Study(arguments.folder, seed, arguments.targets)
        for section in MEASURED:
            if section in wanted:
                for shots in arguments.shots:
                    getattr(study, section)(shots)
    if "page" in wanted:
        page.write(arguments.folder)


if __name__ == "__main__":
    main()
