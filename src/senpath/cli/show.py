"""What the commands print with: one console, bars, tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

# What people call their tasks and files may look like markup.
console = Console(markup=False, emoji=False)
errors = Console(stderr=True, markup=False, emoji=False)


class Bars:
    """Draws one bar per stage of long work; an object to pass as `progress`.

    Args:
        progress: rich's display, started.
        name: what the work is about, shown before the stage.
    """

    def __init__(self, progress: Progress, name: str) -> None:
        self._progress, self._name = progress, name
        self._stages: dict[str, TaskID] = {}

    def __call__(self, stage: str, done: int, total: int) -> None:
        if stage not in self._stages:
            for other in self._stages.values():
                self._progress.update(other, visible=False)
            self._stages[stage] = self._progress.add_task(f"{self._name}: {stage}", total=total)
        self._progress.update(self._stages[stage], completed=done, total=total)


@contextmanager
def bars(name: str) -> Iterator[Bars]:
    """A bar while work goes on; it is gone afterwards."""
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        yield Bars(progress, name)


def table(title: str | None, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a table; columns that hold numbers are aligned to the right."""
    grid = Table(title=title, title_justify="left", title_style="bold", header_style="bold")
    for index, name in enumerate(columns):
        numeric = bool(rows) and all(_is_number(str(row[index])) for row in rows)
        grid.add_column(name, justify="right" if numeric else "left", overflow="fold", no_wrap=numeric)
    for row in rows:
        grid.add_row(*(str(value) for value in row))
    console.print(grid)


def percent(share: float, digits: int = 1) -> str:
    """A share in 0 … 1 as a percentage."""
    return f"{100 * share:.{digits}f} %"


def _is_number(text: str) -> bool:
    stripped = text.replace(",", "").replace("%", "").replace("s", "").replace("–", "0").strip()
    try:
        float(stripped or "0")
    except ValueError:
        return False
    return True
