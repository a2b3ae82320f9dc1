"""How the reproduction of a published experiment is shown."""

from __future__ import annotations

import time
from pathlib import Path

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from senpath.cli.show import say, table, watched_table
from senpath.evaluation.metrics import FORMULAS
from senpath.reports.markdown import spread
from senpath.reproduce.sen import Results, RunProgress, Setup, reproduce_sen
from senpath.reproduce.sen.published import METHODS, SHOTS, TABLE_2, TASKS, TITLES
from senpath.reproduce.sen.tables import metric_rows

WIDE = 115
"""Columns that a terminal needs to show published figures beside ours."""


def run_sen(out: Path, work: Path, seeds: int, epochs: int | None, jobs: int | None) -> None:
    """Run or go on with the experiment; see `senpath reproduce sen`."""
    start = time.perf_counter()
    say(f"results are kept in {work}; stop with Ctrl-C and run the same command again to go on")
    last: list[RunProgress] = []
    try:
        with watched_table(2) as live:

            def look(progress: RunProgress) -> None:
                last[:] = [progress]
                live.update(_picture(progress, start, live.console.width >= WIDE))

            page = reproduce_sen(out, work, Setup(seeds, epochs), jobs=jobs, look=look)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"interrupted; what is done is in {work}, run the same command again to go on") from None
    say()
    _tell_metrics(Results(last[0].records))
    say(f"wrote {page} in {(time.perf_counter() - start) / 60:.1f} minutes")


def _tell_metrics(results: Results) -> None:
    table("the four image tasks in turn, task given, %", ["method", *FORMULAS], metric_rows(results, "default"))
    for name, (formula, words) in FORMULAS.items():
        say(f"{name} = {formula}: {words}")


def _picture(progress: RunProgress, start: float, both: bool) -> RenderableType:
    """How far it is, and Table 2 as far as it is known; `both`: published figures beside ours."""
    minutes = (time.perf_counter() - start) / 60
    head = Text(f"{progress.step}: {progress.done} of {progress.jobs} jobs, {minutes:.1f} minutes", style="bold")
    results = Results(progress.records)
    grid = Table(title="Table 2, default recipe: test accuracy in %", title_justify="left", header_style="bold")
    for name in ("shots", "method", *(title.split()[1] for title in TITLES.values())):
        grid.add_column(name, no_wrap=True)
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
