"""`senpath experiment`: ways to learn a stream of tasks, compared."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from senpath.cli.emit import Result
from senpath.cli.show import note, say, table
from senpath.progress import console_of

if TYPE_CHECKING:
    from rich.console import RenderableType

    from senpath.experiments import ExperimentResults


def experiment(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A TOML file, see docs/howto/experiment.md.")],
    folder: Annotated[
        Path | None, typer.Option(help="Keeps what each run found; a stopped experiment goes on from there. By default runs/NAME.")
    ] = None,
    page: Annotated[Path | None, typer.Option(help="Folder for the page, NAME.md and NAME.html; by default the same folder.")] = None,
    seeds: Annotated[int | None, typer.Option(min=1, help="How many seeds, in place of the file's.")] = None,
    jobs: Annotated[
        int | None, typer.Option(min=1, max=256, help="Processes at once, of one thread each; by default one per core.")
    ] = None,
    ray: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Work on Ray: 'local', or a cluster whose machines find the folder.")
    ] = None,
) -> Result:
    """Compare methods and baselines on a stream of tasks, with the task given and with the task found."""
    from senpath.experiments.jobs import workers
    from senpath.experiments.plan import read_plan
    from senpath.experiments.run import run_plan

    plan = read_plan(file, **({} if seeds is None else {"seeds": seeds}))
    work = folder or Path("runs") / plan.name
    note(f"results are kept in {work}; stop with Ctrl-C and run the same command again to go on")
    try:
        with _watched() as look:
            results = run_plan(plan, work.resolve(), jobs=jobs or workers(), ray=ray, look=look)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"interrupted; what is done is in {work}, run the same command again to go on") from None
    written = results.save(page or work)
    return Result(results.records, lambda: _show(results, written))


def _show(results: ExperimentResults, page: Path) -> None:
    from senpath.evaluation.metrics import FORMULAS
    from senpath.experiments.page import MEASURED, SHOWN
    from senpath.experiments.results import FIGURES

    for figure in SHOWN:
        columns, lines = results.lines_of(figure)
        table(f"{FIGURES[figure]}, %", columns, lines)
        say()
    for name in MEASURED:
        formula, words = FORMULAS[name]
        say(f"{name} = {formula}: {words}")
    say(f"wrote {page} and {page.with_suffix('.html').name}")


@contextmanager
def _watched() -> Iterator[Callable[[ExperimentResults], None]]:
    """Shows the experiment while it runs: a table on a terminal, a line for each run elsewhere."""
    start = time.perf_counter()
    if not sys.stderr.isatty():
        last = [-1]

        def tell(results: ExperimentResults) -> None:
            if results.done != last[0]:
                last[0] = results.done
                note(f"{results.name}: {results.done} of {results.runs} runs, {(time.perf_counter() - start) / 60:.1f} minutes")

        yield tell
        return
    from rich.live import Live

    with Live(console=console_of(sys.stderr), refresh_per_second=2, transient=True) as live:
        yield lambda results: live.update(_picture(results, start))


def _picture(results: ExperimentResults, start: float) -> RenderableType:
    """How far it is, and the figures so far."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    minutes = (time.perf_counter() - start) / 60
    head = Text(f"{results.name}: {results.done} of {results.runs} runs, {minutes:.1f} minutes", style="bold")
    grid = Table(title="mean accuracy of the tasks so far, %", title_justify="left", header_style="bold")
    for column in ("method", "shots", "seeds", "tasks", "given", "found"):
        grid.add_column(column, justify="left" if column == "method" else "right", no_wrap=True)
    for row in results.rows():
        scores = row.records.where(kind="score")
        learned = min(len(mine.distinct("after")) for mine in scores.by("seed").values())
        words = [f"{row.so_far(figure):.1f}" for figure in ("given", "found")]
        grid.add_row(row.title, str(row.shots), str(len(scores.distinct("seed"))), f"{learned} of {len(results.tasks)}", *words)
    return Group(head, grid)
