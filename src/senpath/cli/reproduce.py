"""`senpath reproduce`: published experiments, run again."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from senpath.cli.show import console, table
from senpath.evaluation.metrics import FORMULAS
from senpath.reports.markdown import spread
from senpath.reproduce.sen import Results, RunProgress, Setup, reproduce_sen
from senpath.reproduce.sen.published import METHODS, SHOTS, TABLE_2, TASKS, TITLES
from senpath.reproduce.sen.tables import metric_rows

app = typer.Typer(no_args_is_help=True, help="Repeat published experiments, and print the published figures beside the new ones.")
WIDE = 115
"""Columns that a terminal needs to show published figures beside ours."""


@app.callback()
def group() -> None:
    """Repeat published experiments, and print the published figures beside the new ones."""


@app.command()
def sen(
    out: Annotated[Path, typer.Option(help="Folder for the page sen.md and its figures.")] = Path("docs/results"),
    work: Annotated[Path, typer.Option(help="Folder that keeps what is done; a stopped run goes on from there.")] = Path("runs/sen"),
    seeds: Annotated[int, typer.Option(min=1, max=100, help="Number of seeds.")] = 5,
    epochs: Annotated[int | None, typer.Option(min=1, help="Passes over the data; by default a rule from the number of examples.")] = None,
    jobs: Annotated[
        int | None, typer.Option(min=1, max=256, help="Processes at once, of one thread each; by default one per core.")
    ] = None,
) -> None:
    """The tables and figures of Ling, Wang and Wang, "Sparse and Expandable Network for Google's Pathways", section 4."""
    start = time.perf_counter()
    console.print(f"results are kept in {work}; stop with Ctrl-C and run the same command again to go on", highlight=False)
    last: list[RunProgress] = []
    try:
        with Live(console=console, refresh_per_second=2) as live:

            def look(progress: RunProgress) -> None:
                last[:] = [progress]
                live.update(_picture(progress, start))

            page = reproduce_sen(out, work, Setup(seeds, epochs), jobs=jobs, look=look)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"interrupted; what is done is in {work}, run the same command again to go on") from None
    console.print()
    _tell_metrics(Results(last[0].records))
    console.print(f"wrote {page} in {(time.perf_counter() - start) / 60:.1f} minutes", highlight=False)


def _tell_metrics(results: Results) -> None:
    table("the four image tasks in turn, task given, %", ["method", *FORMULAS], metric_rows(results, "default"))
    for name, (formula, words) in FORMULAS.items():
        console.print(f"{name} = {formula}: {words}", highlight=False)


def _picture(progress: RunProgress, start: float) -> RenderableType:
    """How far it is, and Table 2 as far as it is known."""
    minutes = (time.perf_counter() - start) / 60
    head = Text(f"{progress.step}: {progress.done} of {progress.jobs} jobs, {minutes:.1f} minutes", style="bold")
    results = Results(progress.records)
    grid = Table(title="Table 2, default recipe: test accuracy in %", title_justify="left", header_style="bold")
    for name in ("shots", "method", *(title.split()[1] for title in TITLES.values())):
        grid.add_column(name, no_wrap=True)
    both = console.width >= WIDE
    for shots in SHOTS:
        for method in METHODS:
            cells = [_cell(results, method, shots, task, both) for task in TASKS]
            grid.add_row(
                shots,
                method.replace("Multi-task", "Multi"),
                *cells,
                end_section=method == METHODS[-1],
                style="bold" if method == "SEN" else None,
            )
    return Group(head, grid)


def _cell(results: Results, method: str, shots: str, task: str, both: bool) -> str:
    ours = results.cell(method, "default", shots, task)
    said = TABLE_2.get((method, shots, task), "").split(" ")[0] if both else ""
    return (spread(ours).replace(" ", "") if ours else "·") + (f" ({said})" if said else "")
