"""Running commands within a budget of minutes, so that a run that was stopped or killed goes on."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from itertools import chain, product
from pathlib import Path

from filelock import FileLock, Timeout

from benchmarks.figures import history
from benchmarks.figures.child import busy_ticks, processor_minutes, started
from benchmarks.figures.declared import Figure
from benchmarks.figures.marks import Mark, mark_pages, read_marks, write_marks
from benchmarks.figures.state import Run, Standing, lacking, run_file, standing
from senpath.errors import InputError

BUSY = 0.25
"""Cores that others keep busy, from which on a machine is not quiet."""
LOOK = 5.0
"""Seconds between looks at a command that runs, and for which is looked whether a machine is quiet."""


def run_figures(
    figures: list[Figure],
    records: Path,
    *,
    every: list[Figure],
    minutes: float | None = None,
    again: bool = False,
    keep: bool = False,
    busy: bool = False,
) -> bool:
    """Make the figures that are not current, those that take least first.

    Args:
        figures: to be made.
        records: folder for records, logs, and what has begun.
        every: all figures that are declared.
        minutes: by the clock, after which the command at work is interrupted; what cannot go on later is begun only if it will fit.
        again: also those that are current.
        keep: goes on with a run whose code has changed since; its mark is the commit that it began with.
        busy: also those that need a quiet machine, whatever else it does.

    Returns:
        Whether all that were begun came to their end.

    Raises:
        InputError: if another process makes figures there.
    """
    end = time.monotonic() + 60 * minutes if minutes is not None else None
    records.mkdir(parents=True, exist_ok=True)
    lock = FileLock(records / ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise InputError(f"folder {records}", expected="no other process", got="one that makes figures", do="Wait for it") from None
    try:
        marks = read_marks()
        mark_pages(every, marks)  # a run may have been killed in between
        waiting = [standing(figure, marks, records) for figure in figures]
        waiting = sorted((one for one in waiting if again or not one.current), key=lambda one: one.left)
        good = True
        for one in waiting:
            if reason := _not_now(one, records, end, busy):
                print(f"{one.figure.name}: left out, {reason}", flush=True)
            else:
                good = _make(one, records, every, end, keep) and good
        return good
    finally:
        lock.release()


def _not_now(one: Standing, records: Path, end: float | None, busy: bool) -> str | None:
    """Why a figure is not made now."""
    figure = one.figure
    if one.run is not None and one.run.ended and one.goes_on:
        return _waits(figure, records)
    if lacks := lacking(figure, records):
        return f"it lacks {' and '.join(lacks)}"
    if dirty := history.uncommitted(figure.paths):
        return f"commit first what it depends on: {', '.join(dirty[:3])}{' …' if len(dirty) > 3 else ''}"
    left = float("inf") if end is None else (end - time.monotonic()) / 60
    if left <= 0 or (not figure.resumable and left < one.minutes):
        return f"it takes some {max(1, round(one.minutes))} minutes"
    if figure.quiet and not busy and (cores := _busy_cores()) > BUSY:
        return f"it needs a quiet machine, others keep {cores:.1f} cores busy (--busy makes it all the same)"
    return None


def _waits(figure: Figure, records: Path) -> str:
    return f"its output waits in {_log(figure, records)}; when it is in the page, `python -m benchmarks.figures mark {figure.name}`"


def _busy_cores() -> float:
    """How many cores work just now. A load average would still count the figure before."""
    if sys.platform != "linux":
        return os.getloadavg()[0]
    before = busy_ticks()
    time.sleep(LOOK)
    busy, idle = (now - then for now, then in zip(busy_ticks(), before, strict=True))
    return (os.cpu_count() or 1) * busy / (busy + idle)


def _make(one: Standing, records: Path, every: list[Figure], end: float | None, keep: bool) -> bool:
    """Run a figure's command to its end, and mark it; gives whether the command came to a good end or may go on later."""
    figure, file = one.figure, run_file(one.figure, records)
    run = one.run
    if run is None or not (figure.resumable and (one.goes_on or keep)):
        shutil.rmtree(records / figure.name, ignore_errors=True)
        _log(figure, records).unlink(missing_ok=True)
        run = Run(history.code_commit(), figure.command)
        run.write(file)
    print(f"{figure.name}: {'goes on' if run.minutes else 'begins'}, some {max(1, round(one.left))} minutes; {figure.command}", flush=True)
    run, code = _follow(figure, run, records, end if figure.resumable else None)  # what fits may take longer than it was thought to
    if code is None:
        print(f"{figure.name}: stopped after {run.minutes:.0f} minutes in all; goes on next time", flush=True)
        return True
    if code:
        print(f"{figure.name}: failed with exit code {code}, see {_log(figure, records)}", flush=True)
        return False
    if figure.by_hand:
        replace(run, ended=True).write(file)
        print(f"{figure.name}: {_waits(figure, records)}", flush=True)
        return True
    mark_figure(figure, run, every)
    file.unlink()
    print(f"{figure.name}: done in {run.minutes:.1f} minutes, {run.processor:.1f} of the processor", flush=True)
    return True


def mark_figure(figure: Figure, run: Run, every: list[Figure], *, exact: bool = True) -> None:
    """Say on the page on which code the run was made."""
    mark = Mark(run.commit, datetime.now(UTC).date().isoformat(), exact, run.minutes or None, run.processor or None)
    marks = read_marks() | {figure.name: mark}
    write_marks(marks)
    mark_pages(every, marks)


def _follow(figure: Figure, run: Run, records: Path, end: float | None) -> tuple[Run, int | None]:
    """Run the commands until they end or time is over, writing down how long it took; gives the exit code, None if one was stopped."""
    code: int | None = 0
    for words in commands_of(figure, records):
        if code == 0:
            run, code = _follow_one(words, figure, run, records, end)
    return run, code


def _follow_one(words: list[str], figure: Figure, run: Run, records: Path, end: float | None) -> tuple[Run, int | None]:
    start, used, stopped = time.monotonic(), 0.0, False
    with started(words, _log(figure, records), figure.environment) as child:
        while child.poll() is None and not stopped:
            used = processor_minutes(child)
            run.longer((time.monotonic() - start) / 60, used).write(run_file(figure, records))
            with suppress(subprocess.TimeoutExpired):
                child.wait(LOOK if end is None else max(0.0, min(LOOK, end - time.monotonic())))
            stopped = child.poll() is None and end is not None and time.monotonic() >= end
    run = run.longer((time.monotonic() - start) / 60, used)
    run.write(run_file(figure, records))
    return run, None if stopped else child.returncode


def commands_of(figure: Figure, records: Path) -> list[list[str]]:
    """What is run, one after the other: by this interpreter, with a folder of its own for the records."""
    start = {"python": [sys.executable], "senpath": [sys.executable, "-m", "senpath"]}
    words = start.get(figure.words[0], figure.words[:1]) + figure.words[1:] + figure.options.format(records=records).split()
    if figure.folder:
        words += [figure.folder, str(records / figure.name)]
    axes = [[(name, value) for value in values] for name, *values in map(shlex.split, figure.over)]
    return [[*words, *chain.from_iterable(pairs)] for pairs in product(*axes)]


def _log(figure: Figure, records: Path) -> Path:
    return records / f"{figure.name}.log"
