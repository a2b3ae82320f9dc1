"""A command as a process: it ends when it is told to, or when who started it is killed, and says how long it had of the processor."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from benchmarks.figures.declared import ROOT

GRACE = 30.0
"""Seconds that a command has to end in after it was interrupted."""


@contextmanager
def started(words: Sequence[str], log: Path, environment: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command in the repository's root, its output behind what the log has; it has ended afterwards."""
    with log.open("ab") as out:
        child = subprocess.Popen(
            words,
            cwd=ROOT,
            env=os.environ | environment,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=_prepare if sys.platform == "linux" else None,
        )
        try:
            yield child
        finally:
            _stop(child)


def processor_minutes(child: subprocess.Popen[bytes]) -> float:
    """What a command that runs has had so far, with all that it started; 0 where the system does not tell."""
    ticks = 0
    for file in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it has just ended
            fields = file.read_text().rpartition(")")[2].split()  # from the third on; the name before may have spaces
            if int(fields[3]) == child.pid:
                ticks += sum(map(int, fields[11:15]))  # its own, and those of children that it has waited for
    return ticks / os.sysconf("SC_CLK_TCK") / 60


def busy_ticks() -> tuple[int, int]:
    """Of all cores since the system began, at work and idle."""
    user, nice, system, idle, waiting, *others = map(int, Path("/proc/stat").read_text().split("\n")[0].split()[1:9])
    return user + nice + system + sum(others), idle + waiting


def _stop(child: subprocess.Popen[bytes]) -> None:
    """End a command and what it started, as Ctrl-C does; what is left after a while is killed."""
    if child.poll() is None:
        os.killpg(child.pid, signal.SIGINT)
        try:
            child.wait(GRACE)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()


def _prepare() -> None:
    """In the new process: let it be interrupted, which is switched off for what runs in the background, and have the system kill it with
    the one that started it, so that the next run finds nothing at work."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
