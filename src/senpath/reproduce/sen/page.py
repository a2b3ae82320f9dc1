"""The page docs/results/sen.md."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined

from senpath import data
from senpath.errors import InputError
from senpath.reports.markdown import markdown_table, spread
from senpath.reproduce.sen import tables
from senpath.reproduce.sen.published import TASKS, TITLES
from senpath.reproduce.sen.records import Found
from senpath.reproduce.sen.setup import FEW, RECIPES, Setup, set_name

AIMS = {"fashion": 88.0, "mnist": 97.5, "lower": 84.0, "upper": 90.0, "speech": 95.0}
"""Accuracy in % to reach from all samples."""
LEAST = -0.5
"""Points that SEN may be below Single at the same shots and recipe."""


def write_page(found: Found, path: Path, setup: Setup, strength: float) -> Path:
    """Write the page, whose pictures lie in the folder `sen` beside it.

    Args:
        found: what the jobs found.
        path: where to.
        setup: what was run.
        strength: EWC's λ that was chosen.

    Raises:
        InputError: if it cannot be written.
    """
    pages = Environment(loader=PackageLoader("senpath.reproduce.sen", ""), undefined=StrictUndefined, keep_trailing_newline=True)
    text = pages.get_template("page.md.jinja").render(
        command=_command(setup),
        data=markdown_table(["task", "training examples", "data"], [_data_row(found, task) for task in TASKS]),
        epochs="a step count that follows from the number of examples"
        if setup.epochs is None
        else f"{setup.epochs} pass{'' if setup.epochs == 1 else 'es'} over the examples",
        fewer="\n".join(tables.fewer(found)),
        found=found,
        seeds="seed 0" if setup.seeds == 1 else f"seeds 0 to {setup.seeds - 1}",
        fallen=tables.fallen(found),
        short=_short(found),
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


def _data_row(found: Found, task: str) -> list[str]:
    examples = found("cost", method="SEN", recipe="default", task=task)[0]["examples"]
    return [TITLES[task], f"{examples:,}", data.describe(set_name(task))]


def _short(found: Found) -> str:
    rows = []
    for task, aim in AIMS.items():
        ours = found.cell("SEN", "default", "all", task)
        rows.append(
            [f"{TITLES[task]}, all samples, SEN, default recipe", f"≥ {aim:g}", spread(ours), _reached(float(np.mean(ours)) >= aim)]
        )
        if task in tables.BELOW_20_000:
            rows.append([f"{TITLES[task]}, all samples, SEN, paper recipe", "–", spread(found.cell("SEN", "paper", "all", task)), "–"])
    worst, where = tables.shortfall(found)
    what = "SEN less Single, mean over the seeds, in the worst cell of both recipes"
    rows.append([what, f"≥ {LEAST:g}", where, _reached(worst >= LEAST)])
    for recipe in RECIPES:
        for shots in map(str, FEW):
            what = f"UPPER at {shots} shots, {recipe} recipe: SEN less the best other strategy"
            rows.append([what, "–", tables.lead(found, recipe, shots), "–"])
    return markdown_table(["what", "this project's aim", "ours", "reached"], rows)


def _reached(yes: bool) -> str:
    return "yes" if yes else "**no**"
