"""What the commands print with: one console, bars, tables."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from math import isnan
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from senpath.errors import SenpathError, printable


class Output(Console):
    """A console that says what it can: a reader that has gone, as `head` goes, stops no command halfway."""

    def on_broken_pipe(self) -> None:
        self.quiet = True
        self._let_go()

    def print(self, *values: Any, **options: Any) -> None:
        """Print, see rich.

        Raises:
            SenpathError: if the output cannot be written (a full disk).
        """
        try:
            super().print(*(printable(value) if isinstance(value, str) else value for value in values), **options)
        except OSError as error:
            self._let_go()
            do = "What the command did so far stands; `senpath tasks NET` shows what the network has"
            raise SenpathError("output", expected="to be written", got=error.strerror or str(error), do=do) from error

    def _let_go(self) -> None:
        """What is still in the stream's buffer goes nowhere, or it would be an error when the process ends."""
        with suppress(OSError, ValueError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self.file.fileno())
            os.close(nowhere)


def accept_any_text() -> None:
    """Let standard output write what its encoding lacks (→ and – in cp1252, a task's name in ASCII) as \\u2192, in place of an error."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


# What people call their tasks and files may look like markup.
console = Output(markup=False, emoji=False)
errors = Output(stderr=True, markup=False, emoji=False)


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
            self._stages[stage] = self._progress.add_task(printable(f"{self._name}: {stage}"), total=total)
        self._progress.update(self._stages[stage], completed=done, total=total)


@contextmanager
def bars(name: str) -> Iterator[Bars]:
    """A bar while work goes on; it is gone afterwards."""
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        yield Bars(progress, name)


def table(title: str | None, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a table; columns that hold numbers are aligned to the right."""
    grid = Table(title=None if title is None else printable(title), title_justify="left", title_style="bold", header_style="bold")
    for index, name in enumerate(columns):
        numeric = bool(rows) and all(_is_number(str(row[index])) for row in rows)
        grid.add_column(printable(name), justify="right" if numeric else "left", overflow="fold", no_wrap=numeric)
    for row in rows:
        grid.add_row(*(printable(str(value)) for value in row))
    console.print(grid)


def percent(share: float, digits: int = 1) -> str:
    """A share in 0 … 1 as a percentage; a dash for what is not defined."""
    return "–" if isnan(share) else f"{100 * share:.{digits}f} %"


def _is_number(text: str) -> bool:
    stripped = text.replace(",", "").replace("%", "").replace("s", "").replace("–", "0").strip()
    try:
        float(stripped or "0")
    except ValueError:
        return False
    return True
