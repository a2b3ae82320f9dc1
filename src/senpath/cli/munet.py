"""What the command line shows of a search for a path: a table while it runs, and what came of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from senpath import Munet, Network
from senpath.cli.show import percent, say, watched_table
from senpath.methods import ChildSummary, SearchObserver, SearchStatus
from senpath.methods.munet import Child, MunetRecord, TrainedChild
from senpath.parallel import FailedJob
from senpath.progress import Progress, bars

SHOWN = 8
"""Finished generations in the table, at most: a taller one than the terminal would hide what is under way."""


@contextmanager
def watched(method: object, name: str) -> Iterator[Progress]:
    """While a task is learned: the table of a search, bars for any other method."""
    if not isinstance(method, Munet):
        with bars(name) as progress:
            yield progress
        return
    with watched_table(4) as live:

        def show(status: SearchStatus) -> None:
            live.update(_picture(status))

        def warn(sentence: str) -> None:
            live.console.print(Text(sentence, style="yellow"))

        method.observer = SearchObserver(show, warn)
        yield _quiet


def _quiet(stage: str, done: int, total: int, /, **figures: float) -> None:
    """The table tells how far the search is; what follows is short."""


def _picture(status: SearchStatus) -> RenderableType:
    number = len(status.history) + bool(status.children)
    head = Text(f"{status.task}: generation {number} of {status.generations}", style="bold")
    if status.best is not None:
        head.append(f", best score so far {status.best.score:.3f}, quality {percent(status.best.quality)}")
    grid = Table(header_style="bold")
    for column in ("generation", "child", "of", "trains", "quality", "score", "parameters", ""):
        grid.add_column(column, justify="left" if column in ("of", "trains", "") else "right", no_wrap=True)
    for place, generation in list(enumerate(status.history))[-SHOWN:]:
        grid.add_row(*_finished(place + 1, generation), style="dim")
    for child, result in status.children:
        grid.add_row(*_under_way(number, child, result))
    return Group(head, grid)


def _finished(number: int, generation: Sequence[ChildSummary]) -> tuple[str, ...]:
    """A generation in one line: its best child."""
    trained = [child for child in generation if child.score is not None]
    failed = f"{len(generation) - len(trained)} failed" if len(trained) < len(generation) else ""
    if not trained:
        return (str(number), "", "", "", "", "", "", failed)
    best = max(trained, key=lambda child: child.score or 0.0)
    words = ", ".join(filter(None, ["kept" if best.kept else "not kept", f"best of {len(generation)}", failed]))
    return (str(number), str(best.number), _name(best.parent_task), "", *_figures(best.quality, best.score, best.accounted), words)


def _under_way(number: int, child: Child, result: TrainedChild | FailedJob | None) -> tuple[str, ...]:
    trained = [layer.name for layer in child.path.layers if layer.trained]
    names = ", ".join(trained[:4]) + (f" and {len(trained) - 4} more" if len(trained) > 4 else "")
    first = (str(number), str(child.path.number), _name(child.parent_task), names)
    if isinstance(result, FailedJob):
        return (*first, "", "", "", f"failed: {result.reason}")
    if result is None:
        return (*first, "", "", "", "…")
    return (*first, percent(result.quality), "", "", "trained")


def _figures(quality: float | None, score: float | None, accounted: float | None) -> tuple[str, str, str]:
    return percent(quality or 0.0), f"{score or 0.0:.3f}", f"{accounted or 0.0:,.0f}"


def _name(task: str | None) -> str:
    return "the root" if task is None else task


def show_path(net: Network, task: str) -> None:
    """What the path of a task that `munet` learned is made of."""
    record = MunetRecord.of(net.view.pathway(task))
    if record is None:
        return
    origins = [layer.origin for layer in record.layers]
    shared = {origin: origins.count(origin) for origin in dict.fromkeys(origins) if origin != task}
    words = ", ".join(f"{count} of {_name(origin)}" for origin, count in shared.items()) or "none"
    say(f"path: child {record.child:.0f}, with {origins.count(task)} layers trained and shared: {words}")
    accounted = record.accounted or 0.0
    size = f"{accounted:,.0f} parameters, {percent(accounted / record.root_weights)} of the root's"
    say(f"accounts for {size}; quality {percent(record.quality or 0.0)} on the examples held out")
