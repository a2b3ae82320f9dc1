"""The whole reproduction: jobs, then the page and its figures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from senpath.errors import InputError
from senpath.reproduce.jobs import Job, Record, claimed, read_records, run_jobs
from senpath.reproduce.sen.experiment import choosing_jobs, main_jobs
from senpath.reproduce.sen.figures import draw_figures
from senpath.reproduce.sen.page import write_page
from senpath.reproduce.sen.records import Found
from senpath.reproduce.sen.setup import Setup, data_digests, require_all, versions, workers


@dataclass(frozen=True)
class Progress:
    """How far the reproduction is.

    Args:
        step: what it is at.
        done: jobs done.
        jobs: jobs in all.
        records: what was found so far.
    """

    step: str
    done: int
    jobs: int
    records: list[Record]


def reproduce_sen(out: Path, work: Path, setup: Setup, *, jobs: int | None = None, look: Callable[[Progress], None]) -> Path:
    """Run the experiment of Ling et al., section 4, and write `sen.md` with its figures.

    Args:
        out: folder of the page.
        work: folder that keeps what each job found; a run that was stopped goes on from there.
        jobs: processes at once; None is one per core.
        look: told about once a second how far it is.

    Returns:
        The page.

    Raises:
        MissingExtraError: if a package for sounds or figures is not installed.
        InputError: if data is missing, or the folder belongs to another run, or one is at work in it.
        SenpathError: if a process died.
    """
    require_all()
    if out.exists() and not out.is_dir():
        raise InputError(f"folder {out}", expected="a folder", got="a file", do="Choose another with --out")
    with claimed(work, {"experiment": "sen", "setup": asdict(setup), "data": data_digests(), "versions": versions()}):
        count = jobs or workers()
        choosing = choosing_jobs(setup)
        _run("EWC's strength, on validation data", choosing, [], work, count, look)
        tried = {record["value"]: record["accuracy"] for record in read_records(choosing, work)}
        strength = max(tried, key=lambda value: tried[value])
        rest = main_jobs(setup, strength)
        _run("all strategies", rest, choosing, work, count, look)
        found = Found(read_records([*choosing, *rest], work))
    draw_figures(found, out / "sen")
    return write_page(found, out / "sen.md", setup, strength)


def _run(step: str, jobs: list[Job], before: list[Job], work: Path, count: int, look: Callable[[Progress], None]) -> None:
    def poll(done: int, total: int) -> None:
        look(Progress(step, done, total, read_records([*before, *jobs], work, unfinished=True)))

    run_jobs(jobs, work, count, look=poll)
