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


def run_routing(
    streams: list[str], shots: list[str], seeds: int, rows: list[str], again: list[str], most: int, out: Path, work: Path, jobs: int
) -> None:
    """Run or go on with the benchmark; see `senpath bench routing`."""
    chosen = tuple(map(_shots, shots)) or BenchPlan().shots
    plan = BenchPlan(tuple(streams) or BenchPlan().streams, chosen, seeds, tuple(rows) or tuple(again) or tuple(ROWS), tuple(again), most)
    start = time.perf_counter()
    say(f"results are kept in {work}; stop with Ctrl-C and run the same command again to go on")
    last: list[tuple[Records, Table]] = []
    try:
        with watched_table(2) as live:

            def look(progress: BenchProgress) -> None:
                if not last or last[0][0] is not progress.records:
                    last[:] = [(progress.records, _grid(progress.records))]
                minutes = (time.perf_counter() - start) / 60
                head = f"{progress.step}: {progress.done} of {progress.jobs} jobs, {minutes:.1f} minutes"
                live.update(Group(Text(head, style="bold"), last[0][1]))

            page = bench_routing(out, work, plan, jobs=jobs, look=look)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"interrupted; what is done is in {work}, run the same command again to go on") from None
    say()
    table("right label, %", *short_rows(last[0][0], "right label"))
    say(f"wrote {page} and {page.with_suffix('.html')} in {(time.perf_counter() - start) / 60:.1f} minutes")


def _shots(word: str) -> int | None:
    if word == "all":
        return None
    if not word.isdigit() or not int(word):
        raise InputError("--shots", expected="5, 20 or all", got=repr(word))
    return int(word)


def _grid(records: Records) -> Table:
    """Right task and right label as far as they are known."""
    grid = Table(title="right task / right label, %", title_justify="left", header_style="bold")
    cells = cells_of(records)
    grid.add_column("row", no_wrap=True)
    for stream, shots in cells:
        grid.add_column(f"{stream} {shots_word(shots)}", justify="right")
    for name in rows_of(records):
        values = [_pair(records.where(stream=stream, shots=shots, row=name)) for stream, shots in cells]
        grid.add_row(title_of(records, name), *values, style="bold" if name == "senpath" else None)
    return grid


def _pair(records: Records) -> str:
    means = [figure_of(records, name) for name in ("right task", "right label")]
    return " / ".join(f"{sum(values) / len(values):.1f}" for values in means) if all(means) else "·"
