"""Networks changed at random, with hashes that fit, opened and used: nothing may come of it but answers and senpath's own errors.

    python -m benchmarks.fuzz_folders [--minutes 20] [--mutants N] [--first 0] [--processes 2] [--one NUMBER] [--table FILE]
                                      [--page PAGE]

Needs Linux, but no data: the networks are those of tests/compat, of every method. Each mutant is made by its number alone, so `--one` makes
it again. It ends with exit code 1 if with any of them
- another exception than senpath's own is raised, or the process dies;
- a file outside the network's folder is read or changed, or anything is run or connected to;
- memory grows by more than 1 GiB and ten times the folder, or using it takes more than 10 s of the processor's time, or 60 s by the clock;
- an error, a page of the report or the command line shows characters that control a terminal, or HTML that was not escaped.
"""

from __future__ import annotations

import argparse
import os

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = "1"

import faulthandler
import json
import multiprocessing
import sys
import tempfile
import time
from collections import Counter
from multiprocessing.connection import Connection
from pathlib import Path

from benchmarks.fuzz_folders.seeds import Seed, make_seeds
from benchmarks.fuzz_folders.trial import Outcome, Trials

HANGS = 60.0
"""Seconds by the clock after which a process is ended that makes or uses a mutant; many more than of its own time, for others run too."""
LOOKED_AT = 10.0
"""Seconds after which a process notes where it stands."""
MEMORY = Path("/dev/shm")
"""Where folders cost no disk."""
CONTEXT = multiprocessing.get_context("fork")


class Worker:
    """A process that tries one mutant after another; another takes its place when it dies.

    Args:
        seeds: the networks.
        place: a folder of its own.
    """

    def __init__(self, seeds: list[Seed], place: Path) -> None:
        self._seeds, self._place = seeds, place
        self._number, self._since, self._made = -1, 0.0, False
        self._start()

    def _start(self) -> None:
        self._place.mkdir(parents=True, exist_ok=True)
        self._ours, theirs = CONTEXT.Pipe()
        self._stood = self._place.with_suffix(".stood")
        self._process = CONTEXT.Process(target=_work, args=(theirs, self._seeds, self._place, self._stood), daemon=True)
        self._process.start()
        theirs.close()

    def give(self, number: int) -> None:
        """Try this mutant next."""
        self._number, self._since, self._made = number, time.perf_counter(), False
        self._ours.send(number)

    def answer(self) -> Outcome | None:
        """What became of it; None while it is being tried."""
        problem = None
        try:
            if self._ours.poll(0.005):
                outcome = self._ours.recv()
                if outcome is not None:
                    return outcome
                self._since, self._made = time.perf_counter(), True
        except (EOFError, ConnectionError):
            self._process.join()
            problem = f"the process died: {self._process.exitcode}"
        if problem is None and time.perf_counter() - self._since > HANGS:
            act = "used" if self._made else "made"
            problem = f"still {act} after {HANGS:g} s; after {LOOKED_AT:g} s its process stood at\n{self._stood.read_text()}"
        if problem is None:
            return None
        self.stop()
        self._start()
        return Outcome(self._number, "", problem, refused=False, seconds=HANGS, processor=0, megabytes=0)

    def stop(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.join()


def _work(line: Connection, seeds: list[Seed], place: Path, stood: Path) -> None:
    trials = Trials(seeds, place)
    with stood.open("a") as note:
        while True:
            number = line.recv()
            note.truncate(0)
            faulthandler.dump_traceback_later(LOOKED_AT, file=note)
            outcome = trials.run(number, made=lambda: line.send(None))
            faulthandler.cancel_dump_traceback_later()
            line.send(outcome)


def fuzz(folder: Path, *, minutes: float, most: int, first: int, processes: int) -> list[Outcome]:
    """Try mutants until the time is over or there were so many."""
    seeds = make_seeds(folder)
    workers = [Worker(seeds, folder / f"worker-{place}") for place in range(processes)]
    outcomes: list[Outcome] = []
    end, number = time.monotonic() + 60 * minutes, first
    idle, busy = list(workers), list[Worker]()
    while busy or (number < first + most and time.monotonic() < end):
        while idle and number < first + most and time.monotonic() < end:
            idle[-1].give(number)
            busy.append(idle.pop())
            number += 1
        for worker in list(busy):
            outcome = worker.answer()
            if outcome is not None:
                outcomes.append(outcome)
                busy.remove(worker)
                idle.append(worker)
                if outcome.problem is not None:
                    print(f"{outcome.seed} {outcome.what}: {outcome.problem}", flush=True)
    for worker in workers:
        worker.stop()
    return outcomes


def summary(outcomes: list[Outcome], seconds: float) -> str:
    """Figures of a run, as a table."""
    longest, slowest, largest = (max(outcomes, key=lambda one: getattr(one, name)) for name in ("seconds", "processor", "megabytes"))
    ways = Counter(word for one in outcomes for word in one.what.partition("(")[2].rstrip(")").split(", ") if word)
    rows = {
        "mutants": f"{len(outcomes):,} in {seconds / 60:.1f} minutes",
        "refused with an error of senpath": f"{sum(one.refused for one in outcomes):,}",
        "problems": f"{sum(one.problem is not None for one in outcomes):,}",
        "most of the processor's time": f"{slowest.processor:.1f} s (number {slowest.seed})",
        "longest by the clock": f"{longest.seconds:.1f} s (number {longest.seed})",
        "most memory over base": f"{largest.megabytes:.0f} MB (number {largest.seed})",
        "uses": ", ".join(f"{name} {count:,}" for name, count in ways.most_common()),
    }
    return "\n".join(["| what | how much |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows.items())])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--mutants", type=int, default=10**9)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--one", type=int)
    parser.add_argument("--table", type=Path)
    parser.add_argument("--page", type=Path, help="results page with marks for the table")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="fuzz-", dir=MEMORY if MEMORY.is_dir() else None, ignore_cleanup_errors=True) as name:
        folder = Path(name)
        if given.one is not None:
            print(json.dumps(vars(Trials(make_seeds(folder), folder / "place").run(given.one)), indent=1))
            return 0
        start = time.monotonic()
        outcomes = fuzz(folder, minutes=given.minutes, most=given.mutants, first=given.first, processes=given.processes)
        table = summary(outcomes, time.monotonic() - start)
    print(table)
    if given.page is not None:
        from benchmarks.harness import write_section  # which loads what draws figures

        write_section(given.page, "mutants", table)
    if given.table is not None:
        given.table.write_text(table + "\n")
    return int(any(one.problem is not None for one in outcomes))


if __name__ == "__main__":
    sys.exit(main())
