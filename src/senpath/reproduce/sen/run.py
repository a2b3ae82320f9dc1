"""The whole reproduction: jobs, then the page and its figures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined

from senpath import data
from senpath.errors import InputError
from senpath.experiments.jobs import Job, Record, claimed, read_records, run_jobs, workers
from senpath.reports.markdown import markdown_table, spread
from senpath.reproduce.sen import tables
from senpath.reproduce.sen.experiment import choosing_jobs, main_jobs
from senpath.reproduce.sen.figures import draw_figures
from senpath.reproduce.sen.published import TASKS, TITLES
from senpath.reproduce.sen.setup import FEW, RECIPES, Setup, data_digests, require_all, set_name, versions
from senpath.reproduce.sen.tables import Results

AIMS = {"fashion": 88.0, "mnist": 97.5, "lower": 84.0, "upper": 90.0, "speech": 95.0}
"""Accuracy in % to reach from all samples."""
LEAST = -0.5
"""Points that SEN may be below Single at the same shots and recipe."""


@dataclass(frozen=True)
class RunProgress:
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


def reproduce_sen(out: Path, work: Path, setup: Setup, *, jobs: int | None = None, look: Callable[[RunProgress], None]) -> Path:
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
        results = Results(read_records([*choosing, *rest], work))
    draw_figures(results, out / "sen")
    return _write_page(results, out / "sen.md", setup, strength)


def _run(step: str, jobs: list[Job], before: list[Job], work: Path, count: int, look: Callable[[RunProgress], None]) -> None:
    def poll(done: int, total: int) -> None:
        look(RunProgress(step, done, total, read_records([*before, *jobs], work, unfinished=True)))

    run_jobs(jobs, work, count, look=poll)


def _write_page(results: Results, path: Path, setup: Setup, strength: float) -> Path:
    """Write the page, whose pictures lie in the folder `sen` beside it, with the λ of EWC that was chosen."""
    pages = Environment(loader=PackageLoader("senpath.reproduce.sen", ""), undefined=StrictUndefined, keep_trailing_newline=True)
    text = pages.get_template("page.md.jinja").render(
        command=_command(setup),
        data=markdown_table(["task", "training examples", "data"], [_data_row(results, task) for task in TASKS]),
        epochs="a step count that follows from the number of examples"
        if setup.epochs is None
        else f"{setup.epochs} pass{'' if setup.epochs == 1 else 'es'} over the examples",
        fewer="\n".join(tables.fewer(results)),
        results=results,
        seeds="seed 0" if setup.seeds == 1 else f"seeds 0 to {setup.seeds - 1}",
        fallen=tables.fallen(results),
        short=_short(results),
        stand_in=not set_name("lower").startswith("emnist"),
        strength=strength,
        tables=tables,
    )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"page {path}", expected="a place that can be written", got=error.strerror or str(error)) from error
    return path


def _command(setup: Setup) -> str:
    seeds = f" --seeds {setup.seeds}" if setup.seeds != Setup().seeds else ""
    return f"senpath reproduce sen{seeds}" + (f" --epochs {setup.epochs}" if setup.epochs is not None else "")


def _data_row(results: Results, task: str) -> list[str]:
    examples = results("cost", method="SEN", recipe="default", task=task)[0]["examples"]
    return [TITLES[task], f"{examples:,}", data.describe(set_name(task))]


def _short(results: Results) -> str:
    rows = []
    for task, aim in AIMS.items():
        ours = results.cell("SEN", "default", "all", task)
        what = f"{TITLES[task]}, all samples, SEN"
        rows.append([f"{what}, default recipe", f"≥ {aim:g}", spread(ours), _reached(float(np.mean(ours)) >= aim)])
        if task in tables.BELOW_20_000:
            rows.append([f"{what}, paper recipe", "–", spread(results.cell("SEN", "paper", "all", task)), "–"])
    worst, where = tables.shortfall(results)
    what = "SEN less Single, mean over the seeds, in the worst cell of both recipes"
    rows.append([what, f"≥ {LEAST:g}", where, _reached(worst >= LEAST)])
    for recipe in RECIPES:
        for shots in map(str, FEW):
            what = f"UPPER at {shots} shots, {recipe} recipe: SEN less the best other strategy"
            rows.append([what, "–", tables.lead(results, recipe, shots), "–"])
    return markdown_table(["what", "this project's aim", "ours", "reached"], rows)


def _reached(yes: bool) -> str:
    return "yes" if yes else "**no**"
