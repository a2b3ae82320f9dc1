"""Parts of a benchmark, and running their jobs: a run that was stopped goes on with the jobs that have no records."""

import inspect
import json
import sys
from argparse import Namespace
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from senpath.experiments import jobs as processes
from senpath.experiments.jobs import Job, Tell
from senpath.experiments.records import Record, Records

Cell = Mapping[str, Any]


@dataclass(frozen=True)
class Part:
    """Jobs that are run together and whose records are kept together: what is measured, once for each cell.

    Args:
        measure: called with a cell and with those arguments of the command that it has parameters for; yields records, which get the
            values of the cell.
        axes: values of each parameter; every combination is a cell, the last parameter running fastest. A string names the argument of
            the command that has the values, where a number n stands for 0 … n - 1. Or a function of the arguments that gives the cells.
        about: settings that a run which goes on must share with the one that was stopped, besides the arguments that `measure` is given.
        workers: processes at once, where the command has no say: 0 runs the jobs in the command's own process.
        prepare: what comes before the jobs.
        late: tells the cells that have to wait for the others.
        run: runs the part in a way of its own, given the arguments and the folder.
        asked: whether it is run only if it is named.
    """

    measure: Callable[..., Iterable[Record]]
    axes: Mapping[str, Iterable[Any] | str] | Callable[[Namespace], Iterable[Cell]] = field(default_factory=dict)
    about: Record = field(default_factory=dict)
    workers: int | None = None
    prepare: Callable[[Namespace], object] | None = None
    late: Callable[[Cell], bool] | None = None
    run: Callable[[Namespace, Path], None] | None = None
    asked: bool = False

    def cells(self, arguments: Namespace) -> list[Cell]:
        """What is measured."""
        if not isinstance(self.axes, Mapping):
            return [*self.axes(arguments)]
        values = [vars(arguments)[axis] if isinstance(axis, str) else axis for axis in self.axes.values()]
        ranges = [range(value) if isinstance(value, int) else value for value in values]
        return [dict(zip(self.axes, cell, strict=True)) for cell in product(*ranges)]

    def jobs(self, arguments: Namespace, *, late: bool | None = None) -> list[Job]:
        """All jobs, or those that wait for others, or those that do not."""
        given = self.given(arguments)
        cells = [cell for cell in self.cells(arguments) if late is None or (self.late is not None and self.late(cell)) is late]
        return [Job(name_of(cell), partial(_run, self.measure, cell, given)) for cell in cells]

    def given(self, arguments: Namespace) -> Record:
        """The arguments of the command that `measure` has parameters for."""
        taken = {name for cell in self.cells(arguments) for name in cell}
        wanted = {one.name for one in inspect.signature(self.measure).parameters.values() if one.default is one.empty} - taken
        return {name: value for name, value in vars(arguments).items() if name in wanted}

    def settings(self, arguments: Namespace) -> Record:
        """What a run that goes on shares with the one that was stopped."""
        return self.about | {name: value for name, value in self.given(arguments).items() if name not in ("folder", "jobs")}


def name_of(cell: Cell) -> str:
    """A name for the job of a cell, and its file."""
    words = ["-".join(map(str, value)) if isinstance(value, tuple) else "all" if value is None else str(value) for value in cell.values()]
    return "-".join(words).lower().replace(", ", "-").replace(" ", "-") or "all"


def read_part(folder: Path, cells: Iterable[Cell]) -> Records:
    """What the finished jobs of these cells measured, in their order."""
    return Records(processes.read_records([Job(name_of(cell), run=print) for cell in cells], folder))


def run(jobs: Sequence[Job], folder: Path, workers: int, name: str) -> None:
    """Run the jobs that are not done, in so many processes of one thread each; with 0 workers here, with all of torch's threads."""
    if workers:
        processes.run_jobs(jobs, folder, workers, look=_progress(name))
        return
    for place, job in enumerate(jobs, 1):
        if not _file(folder, job).exists():
            print(f"{name}: {job.name}, {place} of {len(jobs)}", flush=True)
            part = _file(folder, job).with_suffix(".part")
            with part.open("w", encoding="utf-8") as file:
                job.run(lambda record, file=file: print(json.dumps(record), file=file, flush=True))  # type: ignore[misc]
            part.replace(_file(folder, job))


@contextmanager
def hold(folder: Path, settings: Record, jobs: Sequence[Job], *, anew: bool) -> Iterator[None]:
    """Hold the folder of a run, so that no other process runs in it.

    Args:
        folder: of the records.
        settings: a run that goes on has the same.
        jobs: that are asked for.
        anew: jobs that are all done are forgotten and run again, and so is a whole run with other settings; else those are refused.
    """
    if anew and folder.exists():
        with suppress(Timeout), FileLock(folder / ".lock").acquire(timeout=0):
            written = folder / "settings.json"
            other = written.exists() and json.loads(written.read_text()) != json.loads(json.dumps(settings))
            files = [_file(folder, job) for job in jobs]
            if other or all(file.exists() for file in files):
                for file in (written, *folder.glob("*.jsonl")) if other else files:
                    file.unlink()
    with processes.claimed(folder, settings):
        yield


def _run(measure: Callable[..., Iterable[Record]], cell: Cell, given: Record, tell: Tell) -> None:
    for record in measure(**cell, **given):
        tell({**cell, **record})


def _progress(name: str) -> Callable[[int, int], None]:
    """Says how many jobs are done, whenever that changes; on a terminal in one line."""
    last = [-1]

    def look(done: int, total: int) -> None:
        if done != last[0]:
            last[0] = done
            print(f"\r{name}: {done} of {total}", end="" if sys.stdout.isatty() and done < total else "\n", flush=True)

    return look


def _file(folder: Path, job: Job) -> Path:
    return folder / f"{job.name}.jsonl"
