"""Processes forked from one that has senpath loaded, so that each death costs little; they tell what they do, one JSON object a line."""

import json
import os
import signal
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO

OUTSIDE = {signal.SIGINT, signal.SIGTERM}


class Failure(Exception):
    """The network, or a process acting on it, did what it must not do."""


class Channel:
    """The actor's side: telling the main process, and hearing from it."""

    def __init__(self, telling: int, hearing: TextIO) -> None:
        self._telling, self._hearing = telling, hearing

    def tell(self, **facts: Any) -> None:
        """Say something that stays said even if this process is killed now. Ends this process if nobody listens any more."""
        try:
            os.write(self._telling, json.dumps(facts).encode() + b"\n")
        except BrokenPipeError:
            os._exit(1)

    def hear(self) -> Any:
        """Wait for what the main process says. Ends this process if it is gone."""
        line = self._hearing.readline()
        if not line:
            os._exit(1)
        return json.loads(line)


Job = Callable[[Channel], None]


class Actor:
    """A forked process, leader of a process group of its own, with a name for messages and a job."""

    def __init__(self, name: str, job: Job) -> None:
        self.name = name
        self.status: int | None = None
        self._rest = b""
        self._reading, telling = os.pipe()
        hearing, self._saying = os.pipe()
        signal.pthread_sigmask(signal.SIG_BLOCK, OUTSIDE)  # Ctrl-C between the fork and the next line would lose the process
        try:
            self.process = os.fork()
            if self.process == 0:
                _live(job, telling, hearing)
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, OUTSIDE)
        os.close(telling)
        os.close(hearing)
        os.set_blocking(self._reading, False)

    def told(self) -> list[dict[str, Any]]:
        """What it has told since the last time."""
        with suppress(BlockingIOError):
            while part := os.read(self._reading, 65536):
                self._rest += part
        *lines, self._rest = self._rest.split(b"\n")
        return [json.loads(line) for line in lines]

    def say(self, words: Any) -> None:
        """Tell it something."""
        content = json.dumps(words).encode() + b"\n"
        while content:
            content = content[os.write(self._saying, content) :]

    def ended(self) -> bool:
        """Whether it has ended; `status` is then its exit code, or minus the signal."""
        if self.status is None:
            process, status = os.waitpid(self.process, os.WNOHANG)
            if process:
                self.status = os.waitstatus_to_exitcode(status)
        return self.status is not None

    def kill(self) -> None:
        """End it by SIGKILL, if it has not ended, and wait until it has. Processes that it started live on."""
        if self.status is None:
            os.kill(self.process, signal.SIGKILL)
            _, status = os.waitpid(self.process, 0)
            self.status = os.waitstatus_to_exitcode(status)

    def outlived(self, seconds: float) -> bool:
        """Whether processes that it started are still at work this long after its end."""
        end = time.monotonic() + seconds
        while left := _group(self.process):
            if time.monotonic() > end:
                return bool(left)
            time.sleep(0.02)
        return False

    def close(self) -> None:
        """End it and all that it started."""
        self.kill()
        for process in _group(self.process):
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        if self._reading >= 0:
            os.close(self._reading)
            os.close(self._saying)
            self._reading = self._saying = -1


def holds_lock(process: int) -> bool:
    """Whether a process holds a lock of a file; False where the system does not tell."""
    try:
        lines = Path("/proc/locks").read_text().splitlines()
    except OSError:
        return False
    return any(line.split()[1] == "FLOCK" and line.split()[4] == str(process) for line in lines)


def _live(job: Job, telling: int, hearing: int) -> None:
    """Be the forked process, to its end."""
    code = 1
    try:
        os.setsid()  # Ctrl-C in the terminal is the main process's affair
        for handle in map(int, os.listdir("/proc/self/fd")):
            if handle > 2 and handle not in (telling, hearing):
                with suppress(OSError):  # the one that listed the others
                    os.close(handle)
        for number in OUTSIDE:
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, OUTSIDE)
        channel = Channel(telling, os.fdopen(hearing, encoding="utf-8"))
        try:
            job(channel)
            code = 0
        except Failure as failure:
            channel.tell(failed=str(failure))
        except BaseException:
            channel.tell(failed=traceback.format_exc())
    finally:
        os._exit(code)


def _group(leader: int) -> list[int]:
    """The processes of a group that have not ended."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, group = path.read_text().rpartition(")")[2].split()[:3]
        except (OSError, ValueError):  # ended meanwhile
            continue
        if int(group) == leader and state not in "ZX":
            found.append(int(path.parent.name))
    return found
