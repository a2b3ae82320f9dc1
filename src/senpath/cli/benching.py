"""How a benchmark is shown while it runs."""

from __future__ import annotations

import time
from pathlib import Path

from rich.console import Group
from rich.table import Table
from rich.text import Text

from senpath.bench import BenchPlan, BenchProgress, bench_routing
from senpath.bench.rows import ROWS
from senpath.bench.tables import cells_of, figure_of, rows_of, short_rows, shots_word, title_of
from senpath.cli.show import say, table, watched_table
from senpath.errors import InputError
from senpath.experiments.records import Records

EDGES = 4
"""Characters that a column takes beside its text."""


def run_routing(
    streams: list[str], shots: list[str], seeds: int, rows: list[str], again: list[str], most: int, out: Path, work: Path, jobs: int
) -> None:
    """Run or go on with the benchmark; see `senpath bench routing`."""
    chosen = tuple(map(_shots, shots)) or BenchPlan().shots
    plan = BenchPlan(tuple(streams) or BenchPlan().streams, chosen, seeds, tuple(rows) or tuple(again) or tuple(ROWS), tuple(again), most)
    start = time.perf_counter()
    say(f"results are kept in {work}; stop with Ctrl-C and run the same command again to go on")
    cells = {(cell.stream, cell.shots) for cell, _ in plan.cells(work)}
    last: list[tuple[Records, list[Table]]] = []

    def asked(records: Records) -> Records:
        return records.where(lambda record: (record["stream"], record["shots"]) in cells)

    try:
        with watched_table(2) as live:

            def look(progress: BenchProgress) -> None:
                if not last or last[0][0] is not progress.records:
                    last[:] = [(progress.records, grids(asked(progress.records), live.console.width))]
                minutes = (time.perf_counter() - start) / 60
                head = f"{progress.step}: {progress.done} of {progress.jobs} jobs, {minutes:.1f} minutes"
                live.update(Group(Text(head, style="bold"), *last[0][1]))

            page = bench_routing(out, work, plan, jobs=jobs, look=look)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"interrupted; what is done is in {work}, run the same command again to go on") from None
    say()
    table("right label, %", *short_rows(asked(last[0][0]), "right label"))
    say(f"wrote {page} and {page.with_suffix('.html')} in {(time.perf_counter() - start) / 60:.1f} minutes")


def _shots(word: str) -> int | None:
    if word == "all":
        return None
    if not word.isdigit() or not int(word):
        raise InputError("--shots", expected="5, 20 or all", got=repr(word))
    return int(word)


def grids(records: Records, width: int) -> list[Table]:
    """Right task and right label as far as they are known: as many cells side by side as a line of so many characters holds."""
    titles = {name: title_of(records, name) for name in rows_of(records)}
    heads = {cell: f"{cell[0]} {shots_word(cell[1])}" for cell in cells_of(records)}
    first, wide = (EDGES + max(map(len, texts), default=0) for texts in (titles.values(), ["100.0 / 100.0", *heads.values()]))
    fit = max(1, (width - first) // wide)
    made = []
    for start in range(0, max(1, len(heads)), fit):
        some = [*heads][start : start + fit]
        grid = Table(title="" if start else "right task / right label, %", title_justify="left", header_style="bold")
        grid.add_column("row", no_wrap=True)
        for cell in some:
            grid.add_column(heads[cell], justify="right", no_wrap=True)
        for name, title in titles.items():
            values = [_pair(records.where(stream=stream, shots=shots, row=name)) for stream, shots in some]
            grid.add_row(title, *values, style="bold" if name == "senpath" else None)
        made.append(grid)
    return made


def _pair(records: Records) -> str:
    means = [figure_of(records, name) for name in ("right task", "right label")]
    return " / ".join(f"{sum(values) / len(values):.1f}" for values in means) if all(means) else "·"
