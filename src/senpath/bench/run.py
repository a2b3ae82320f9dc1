"""The whole benchmark: pathways, then a job for every row and cell, then the page."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from hashlib import sha256
from pathlib import Path

import numpy as np
import torch

from senpath.bench.measure import learn_cell, measure
from senpath.bench.page import write_page
from senpath.bench.protocol import BenchCell
from senpath.bench.rows import ROWS, find_row, row_slug
from senpath.bench.streams import MAIN, STREAMS, RoutingStream, find_stream
from senpath.errors import InputError
from senpath.experiments.jobs import Job, claimed, read_records, run_jobs
from senpath.experiments.records import Records
from senpath.store.files import write_atomic


@dataclass(frozen=True)
class BenchPlan:
    """What is to be measured.

    Args:
        streams: names.
        shots: examples of a class to learn from, None for all; what a stream does not have is left out.
        seeds: how many.
        rows: names or places, see `senpath.bench.rows.find_row`.
        again: rows whose results are measured again, though they are there.
        most: test inputs of a task, at most.
    """

    streams: tuple[str, ...] = MAIN
    shots: tuple[int | None, ...] = (5, 20, None)
    seeds: int = 3
    rows: tuple[str, ...] = tuple(ROWS)
    again: tuple[str, ...] = ()
    most: int = 1_000

    def cells(self, folder: Path) -> list[tuple[BenchCell, RoutingStream]]:
        """Cells, those of few examples first."""
        streams = {name: find_stream(name) for name in self.streams}
        order = sorted({*self.shots}, key=lambda shots: float("inf") if shots is None else shots)
        return [
            (BenchCell(name, shots, seed, folder), stream)
            for shots in order
            for name, stream in streams.items()
            if shots in stream.shots
            for seed in range(self.seeds)
        ]


@dataclass(frozen=True)
class BenchProgress:
    """How far the benchmark is.

    Args:
        step: what it is at.
        done: jobs done.
        jobs: jobs in all.
        records: what was measured so far, also by earlier runs in this folder.
    """

    step: str
    done: int
    jobs: int
    records: Records


def bench_routing(out: Path, work: Path, plan: BenchPlan, *, jobs: int = 1, look: Callable[[BenchProgress], None]) -> Path:
    """Measure rows, and write `routing.md` and `routing.html` with their figures.

    Args:
        out: folder of the page.
        work: folder that keeps encoded sets, learned pathways and what each job found; a run that was stopped goes on from there.
        plan: what is measured. The page shows all that the folder has, what earlier runs measured too.
        jobs: processes at once.
        look: told about once a second how far it is.

    Returns:
        The page, in Markdown.

    Raises:
        InputError: if data is missing, a row is none or answers in another form, or the folder belongs to another run or is in use.
        MissingExtraError: if an encoder or the package for figures is not installed.
        SenpathError: if a process died.
    """
    kinds = {name: find_row(name) for name in (*plan.rows, *plan.again)}
    _require_different(kinds)
    if out.exists() and not out.is_dir():
        raise InputError(f"folder {out}", expected="a folder", got="a file", do="Choose another with --out")
    records = work / "records"
    versions = {"torch": torch.__version__, "numpy": np.__version__}  # a row may be measured again with a later senpath
    with claimed(records, {"benchmark": "routing", "inputs of a task": plan.most, "versions": versions}):
        cells = plan.cells(work)
        run = partial(_run, folder=records, workers=jobs, look=look)
        names = tuple(dict.fromkeys((*plan.rows, *plan.again)))
        for name in plan.again:
            _forget([_job(cell, name, stream, plan.most) for cell, stream in cells], records)
        for name in names:
            _forget_earlier(name, records)
        if any(getattr(kinds[name], "pathways", False) for name in names):
            run("learning", [Job(f"learned-{cell.name}", partial(learn_cell, cell, stream, plan.most)) for cell, stream in cells])
        run("measuring", [_job(cell, name, stream, plan.most) for cell, stream in cells for name in names])
        measured = all_records(records)
    return write_page(measured, out, plan.most)


def all_records(folder: Path) -> Records:
    """What every finished job of a folder has measured."""
    return Records(
        read_records([Job(file.stem, run=print) for file in sorted(folder.glob("*.jsonl")) if ".part." not in file.name], folder)
    )


def _job(cell: BenchCell, name: str, stream: RoutingStream, most: int) -> Job:
    return Job(f"{row_slug(name)}-{cell.name}", partial(measure, cell, name, stream, most))


def _forget(jobs: Sequence[Job], folder: Path) -> None:
    for job in jobs:
        (folder / f"{job.name}.jsonl").unlink(missing_ok=True)


def _require_different(names: Iterable[str]) -> None:
    """Whether results of different rows are kept under different names."""
    slugs: dict[str, str] = {}
    for name in names:
        if slugs.setdefault(row_slug(name), name) != name:
            got = f"{slugs[row_slug(name)]} and {name}, whose results would be one"
            raise InputError("rows", expected="files or classes of different names", got=got, do="Rename one")


def _forget_earlier(name: str, folder: Path) -> None:
    """Forget what a row's file measured before it was changed, or another file of its name."""
    file, slug = Path(name.rpartition(":")[0]), row_slug(name)
    if file.suffix != ".py":
        return
    note, now = folder / f"{slug}.sha256", sha256(file.read_bytes()).hexdigest()
    if not note.exists() or note.read_text(encoding="utf-8") != now:
        own = re.compile(rf"{re.escape(slug)}-({'|'.join(map(re.escape, STREAMS))})-(all|[0-9]+)-[0-9]+\.jsonl")
        for kept in folder.glob(f"{slug}-*.jsonl"):
            if own.fullmatch(kept.name):
                kept.unlink()
        write_atomic(note, now.encode())


def _run(step: str, jobs: list[Job], *, folder: Path, workers: int, look: Callable[[BenchProgress], None]) -> None:
    @lru_cache(maxsize=1)
    def found(done: int) -> Records:  # read when a job has ended: one takes minutes, and there are hundreds of files
        return all_records(folder)

    def poll(done: int, total: int) -> None:
        look(BenchProgress(step, done, total, found(done)))

    run_jobs(jobs, folder, workers, look=poll)
