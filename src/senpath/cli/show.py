"""What the commands print: results on standard output, everything else on standard error; boxes and colours on terminals alone."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from math import isnan
from typing import TYPE_CHECKING, Any, TextIO

import typer

from senpath.errors import SenpathError, printable
from senpath.progress import console_of

if TYPE_CHECKING:
    from rich.live import Live

STYLES: dict[str, dict[str, Any]] = {"bold": {"bold": True}, "red": {"fg": "red"}, "yellow": {"fg": "yellow"}}


def open_streams() -> None:
    """Let standard streams that whoever started this process has closed lead nowhere, as shells' `>&-` and some services do.

    Their numbers are taken as well: a file of the network's that got one would be written into.
    """
    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(number)
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115 - open as long as the process


def accept_any_text() -> None:
    """Let standard output write what its encoding lacks (→ and – in cp1252, a task's name in ASCII) as \\u2192, in place of an error."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def say(text: str = "", style: str | None = None) -> None:
    """Print a line of the result.

    Raises:
        SenpathError: if the output cannot be written (a full disk). A reader that has gone, as `head` goes, stops no command halfway.
    """
    write(sys.stdout, _styled(sys.stdout, printable(text), style) + "\n")


def note(text: str, style: str | None = None) -> None:
    """Print a line that is no result: what was read, left out, or goes wrong."""
    with suppress(SenpathError):  # of a command whose result is written, which is not to fail for this
        write(sys.stderr, _styled(sys.stderr, printable(text), style) + "\n")


def write(stream: TextIO, text: str) -> None:
    """Write to a standard stream; errors as for `say`."""
    try:
        stream.write(text)
        stream.flush()
    except BrokenPipeError:
        _let_go(stream)
    except OSError as error:
        _let_go(stream)
        do = "What the command did so far stands; `senpath tasks NET` shows what the network has"
        raise SenpathError("output", expected="to be written", got=error.strerror or str(error), do=do) from error


def _let_go(stream: TextIO) -> None:
    """What is still in the stream's buffer goes nowhere, or it would be an error when the process ends."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def _styled(stream: TextIO, text: str, style: str | None) -> str:
    plain = style is None or not stream.isatty() or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return text if plain or style is None else typer.style(text, **STYLES[style])


@contextmanager
def working(what: str) -> Iterator[None]:
    """A sign of life on a terminal's standard error, where nobody can say how long it takes."""
    if not sys.stderr.isatty():
        yield
        return
    with console_of(sys.stderr).status(printable(what)):
        yield


def heading(text: str) -> None:
    """Print the heading of a part of a long result."""
    say(f"\n── {text} {'─' * max(0, 76 - len(text))}")


@contextmanager
def watched_table(refresh_per_second: int) -> Iterator[Live]:
    """A table on standard error that changes while something runs, and ends with a newline where that is no terminal too."""
    from rich.live import Live

    console = console_of(sys.stderr)
    with Live(console=console, refresh_per_second=refresh_per_second) as live:
        yield live
    if live.renderable and not console.is_terminal:  # rich writes it once then, and no more
        console.line()


def table(title: str | None, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a table; columns that hold numbers are aligned to the right.

    On a terminal it has lines and fits the width. Elsewhere each row is one line, its cells at least two blanks apart.
    """
    cells = [[printable(str(value)) for value in row] for row in rows]
    numeric = [bool(cells) and all(_is_number(row[index]) for row in cells) for index in range(len(columns))]
    if not sys.stdout.isatty():
        _plain_table(title, [printable(name.replace("\n", " ")) for name in columns], cells, numeric)
        return
    from rich.table import Table

    grid = Table(title=None if title is None else printable(title), title_justify="left", title_style="bold", header_style="bold")
    for name, right in zip(columns, numeric, strict=True):
        grid.add_column(printable(name), justify="right" if right else "left", overflow="fold", no_wrap=right)
    for row in cells:
        grid.add_row(*row)
    console = console_of(sys.stdout)
    with console.capture() as drawn:
        console.print(grid)
    write(sys.stdout, drawn.get())


def _plain_table(title: str | None, columns: list[str], rows: list[list[str]], numeric: list[bool]) -> None:
    lines = [[text.replace("\n", "\\n") for text in row] for row in [columns, *rows]]
    widths = [max(len(row[index]) for row in lines) for index in range(len(columns))]
    aligned = (
        "  ".join(f"{text:>{width}}" if right else f"{text:<{width}}" for text, width, right in zip(row, widths, numeric, strict=True))
        for row in lines
    )
    write(sys.stdout, "".join(f"{line.rstrip()}\n" for line in ([printable(title)] if title else []) + [*aligned]))


def percent(share: float, digits: int = 1) -> str:
    """A share in 0 … 1 as a percentage; a dash for what is not defined."""
    return "–" if isnan(share) else f"{100 * share:.{digits}f} %"


NAMED = 10
"""Labels that a line names, at most."""


def commit_in_words(entry: dict[str, Any]) -> str:
    """What a commit did, by its entry in the log; "–" if it only made the network."""
    if "rollback" in entry:
        return f"rollback to version {entry['rollback']}"
    if entry.get("compacted"):
        return "columns of removed tasks freed"
    renamed = entry.get("renamed")
    if isinstance(renamed, dict):
        return f"renamed {renamed.get('from')} to {renamed.get('to')}"
    if words := next((f"{word} {entry[word]}" for word in ("limit", "described") if entry.get(word)), ""):
        return words
    grown = entry.get("revision")
    new = grown.get("classes") if isinstance(grown, dict) and entry.get("method") == "extend" else None
    if isinstance(new, list) and new:
        return f"{', '.join(map(str, entry.get('tasks') or ()))}, new classes {named(new)}"
    gone = [f"removed {name}" for name in entry.get("removed") or ()]
    return ", ".join([*map(str, entry.get("tasks") or ()), *gone]) or "–"


def named(labels: Sequence[object]) -> str:
    """The first of the labels, as they would be given in Python."""
    return ", ".join(map(repr, labels[:NAMED])) + (f", … ({len(labels):,} in all)" if len(labels) > NAMED else "")


def _is_number(text: str) -> bool:
    stripped = text.replace(",", "").replace("%", "").replace("s", "").replace("–", "0").strip()
    try:
        float(stripped or "0")
    except ValueError:
        return False
    return True
