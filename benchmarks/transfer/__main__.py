"""Forced transfer between every two of ten image tasks, the measures that could have warned, and the default in a sequence.

    python -m benchmarks.transfer [--seeds 3] [--shots 5 20] [--verdicts 1] [--folder runs/transfer]

Sections of docs/results/transfer.md. A run that was stopped goes on with what has no record. Needs SENPATH_DATA.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmarks.transfer.study import Study


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--shots", type=int, nargs="+", default=[5, 20])
    parser.add_argument("--verdicts", type=int, default=1, help="seeds for which the guard is asked at the fewest shots")
    parser.add_argument("--folder", type=Path, default=Path("runs/transfer"))
    arguments = parser.parse_args()
    studies = [Study(arguments.folder, seed) for seed in range(arguments.seeds)]
    fewest, *more = sorted(arguments.shots)
    for study in studies:
        study.pairs(fewest)
    for number, study in enumerate(studies):
        for shots in more:
            study.pairs(shots)
        if number < arguments.verdicts:
            study.verdicts(fewest)
        study.sequence((fewest, *more))


if __name__ == "__main__":
    main()
