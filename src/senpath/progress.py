"""How long work tells what it has done: steps, losses and validation figures. Bars, callbacks and functions follow it."""

from __future__ import annotations

import inspect
import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from html import escape
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol, TextIO, TypeVar, cast

from senpath.errors import InputError, printable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID

log = logging.getLogger("senpath")
"""What the library says: at INFO when a long call begins and ends, at DEBUG each stage. Warnings are Python's, of `SenpathWarning`."""
PATIENCE = 0.5
"""Seconds that work takes before there is a bar."""
PAUSE = 0.1
"""Seconds between two drawings in a notebook."""
SWITCH = "SENPATH_BARS"
"""The variable of the environment that turns bars off where nobody asked for them: 0."""

_shown = threading.Lock()
"""Held while there are bars, for two at once would be drawn over one another."""


R = TypeVar("R")


class Progress(Protocol):
    """Called with a stage's name, the steps done and the steps in all; the last call of a stage has done == total.

    Figures go with it where they are known: `loss` while weights are trained, `accuracy` on examples that were held out, see
    `senpath.tasks.TaskKind.score`. A function is told those that it names, as in `loss=None`, or all if it takes `**figures`.
    """

    def __call__(self, stage: str, done: int, total: int, /, **figures: float) -> None: ...


class Callback:
    """Follows long calls from their begin to their end: a class of your own overrides what it needs.

    What it raises ends the call; the network stays as it was, unless it is `end` that raises, when all is done. Of several callbacks each
    is told the end, whatever another one raises.

    Example:
        >>> class Tell(sp.Callback):
        ...     def end(self, outcome, error):
        ...         print(outcome.task, outcome.version)
        >>> learned = net.learn("odd", *tiny_task("odd"), epochs=1, progress=Tell())
        odd 4
    """

    def begin(self, call: str, about: Mapping[str, Any]) -> None:
        """A call begins.

        Args:
            call: its name, such as "learn".
            about: what is known of it, such as the "task" and the "settings".
        """

    def __call__(self, stage: str, done: int, total: int, /, **figures: float) -> None:
        """See `Progress`."""

    def end(self, outcome: Any, error: BaseException | None) -> None:
        """The call has ended.

        Args:
            outcome: what it returns; None where it failed.
            error: what ended it; None where it succeeded.
        """


Plain = Callable[[str, int, int], object]
Follower = Progress | Callback | Plain | Iterable[Progress | Callback | Plain] | bool | None
"""Who follows a long call: a function, a callback, several of them; True for bars; False for nobody; None for bars where somebody sees
them: in a notebook, and on a terminal's standard error."""


def silent(stage: str, done: int, total: int, /, **figures: float) -> None:
    """Tells nobody."""


class Told:
    """Passes on what is told to all who follow; itself a `Progress`."""

    def __init__(self, followers: Iterable[Progress]) -> None:
        self._followers, self._stage = [*followers], ""

    def __call__(self, stage: str, done: int, total: int, /, **figures: float) -> None:
        if stage != self._stage:
            self._stage = stage
            log.debug("stage %r, %d steps", stage, total)
        for follower in self._followers:
            follower(stage, done, total, **figures)


def follow(progress: Follower, call: str, about: Mapping[str, Any], work: Callable[[Progress], R]) -> R:
    """Do long work and let others follow it.

    Args:
        progress: who follows.
        call: the work's name.
        about: what is known of it.
        work: gets whom to tell.

    Raises:
        InputError: if `progress` is nothing of this.
    """
    if progress is silent or isinstance(progress, Told):  # it is followed already
        return work(progress)
    given = _given(progress)
    callbacks = [one for one in given if isinstance(one, Callback)]
    start, name = time.perf_counter(), " ".join(str(part) for part in (call, about.get("task")) if part is not None)
    outcome, error = None, None
    with ExitStack() as stack:
        if progress is True or (progress is None and has_viewer()):
            given = [stack.enter_context(bars(name))]
        log.info("%s begins", name)
        begun: list[Callback] = []
        try:
            for callback in callbacks:
                begun.append(callback)
                callback.begin(call, about)
            outcome = work(Told(map(_with_figures, given)))
        except BaseException as raised:
            error = raised
            raise
        finally:
            said = "done" if error is None else f"ended by {type(error).__name__}"
            log.info("%s %s after %.2f s", name, said, time.perf_counter() - start)
            with ExitStack() as ends:  # all of them, whatever one raises
                for callback in reversed(begun):
                    ends.callback(callback.end, outcome, error)
    return outcome


def _given(progress: Follower) -> list[Any]:
    """Those who were named."""
    if progress is None or isinstance(progress, bool):
        return []
    given = [progress] if callable(progress) else [*progress] if isinstance(progress, Iterable) else [progress]
    for one in given:
        if not callable(one):
            expected = "a function of stage, done and total, a Callback, several of them, True, False or None"
            raise InputError("progress", expected=expected, got=type(one).__name__)
    return given


def _with_figures(follower: Any) -> Progress:
    """A follower that is told those figures that it asks for."""
    try:
        parameters = [*inspect.signature(follower).parameters.values()]
    except (TypeError, ValueError):  # some that are written in C do not say
        parameters = []
    if any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in parameters):
        return cast(Progress, follower)
    more = [parameter for place, parameter in enumerate(parameters) if place > 2 or parameter.kind is inspect.Parameter.KEYWORD_ONLY]
    asked = {parameter.name for parameter in more if parameter.kind is not inspect.Parameter.VAR_POSITIONAL}
    return lambda stage, done, total, /, **figures: follower(
        stage, done, total, **{name: value for name, value in figures.items() if name in asked}
    )


def has_viewer() -> bool:
    """Whether somebody sees bars: in a notebook or on a terminal, in the main thread of a process that no other one started."""
    parent = getattr(sys.modules.get("multiprocessing.process"), "parent_process", lambda: None)()
    mine = threading.current_thread() is threading.main_thread() and parent is None
    return mine and os.environ.get(SWITCH) != "0" and not _shown.locked() and (in_notebook() or _is_terminal(sys.stderr))


def in_notebook() -> bool:
    """Whether this runs in the kernel of a notebook."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return getattr(shell, "kernel", None) is not None


def _is_terminal(stream: object) -> bool:
    return bool(getattr(stream, "isatty", bool)())  # a program that stands in for a terminal need not have it


def console_of(stream: TextIO) -> Console:
    """rich's view of a standard stream. Loaded when it is needed, and made anew, for streams may be replaced."""
    from rich.console import Console

    # What people call their tasks and files may look like markup.
    return Console(file=stream, markup=False, emoji=False, highlight=False, force_jupyter=False)


@contextmanager
def bars(name: str, patience: float = PATIENCE) -> Iterator[Any]:
    """A bar for each stage while work goes on, an object to pass as `progress`; it is gone afterwards.

    Args:
        name: what the work is about, shown before the stage.
        patience: seconds that pass before there is one.
    """
    mine = _shown.acquire(blocking=False)
    drawn = (_Page(name, patience) if in_notebook() else _Terminal(name, patience)) if mine else _Nothing()
    try:
        yield drawn
    finally:
        if mine:
            _shown.release()
        drawn.close()


class _Nothing:
    def __call__(self, stage: str, done: int, total: int, /, **figures: float) -> None:
        pass

    def close(self) -> None:
        pass


class _Terminal:
    """Bars on standard error, if that is a terminal."""

    def __init__(self, name: str, patience: float) -> None:
        self._name, self._from = name, time.monotonic() + patience
        self._progress: RichProgress | None = None
        self._stages: dict[str, TaskID] = {}
        self._draws = _is_terminal(sys.stderr)

    def __call__(self, stage: str, done: int, total: int, /, **figures: float) -> None:
        if not self._draws or (self._progress is None and time.monotonic() < self._from):
            return
        self._progress = self._progress or _rich_bars()
        if stage not in self._stages:
            for other in self._stages.values():
                self._progress.update(other, visible=False)
            self._stages[stage] = self._progress.add_task("", total=total)
        said = printable(f"{self._name}: {stage}{_words(figures)}")
        self._progress.update(self._stages[stage], completed=done, total=total, description=said)

    def close(self) -> None:
        if self._progress is not None:
            self._progress.stop()


def _rich_bars() -> RichProgress:
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as RichProgress

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    progress = RichProgress(*columns, console=console_of(sys.stderr), transient=True)
    progress.start()
    return progress


class _Page:
    """A bar in the output of a notebook's cell. It needs no widgets, which many notebooks lack."""

    def __init__(self, name: str, patience: float) -> None:
        self._name, self._from, self._stage = name, time.monotonic() + patience, ""
        self._handle: Any = None

    def __call__(self, stage: str, done: int, total: int, /, **figures: float) -> None:
        now = time.monotonic()
        if now < self._from and (self._handle is None or stage == self._stage):
            return
        self._from, self._stage = now + PAUSE, stage
        said = escape(printable(f"{self._name}: {stage}{_words(figures)}, {done:,} of {total:,}"))
        self._draw(f'<progress value="{done}" max="{max(1, total)}"></progress> {said}')

    def _draw(self, html: str) -> None:
        ipython: Any = import_module("IPython.display")  # there is one, or this would not be drawn
        if self._handle is None:
            self._handle = ipython.display(ipython.HTML(html), display_id=True)
        else:
            self._handle.update(ipython.HTML(html))

    def close(self) -> None:
        if self._handle is not None:
            self._draw("")


def _words(figures: Mapping[str, float]) -> str:
    return "".join(f" · {name} {value:.3g}" for name, value in figures.items())
