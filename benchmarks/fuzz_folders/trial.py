"""One mutant: made, then opened and used in every way, while everything that is touched is watched."""

from __future__ import annotations

import contextlib
import copy
import hashlib
import io
import os
import random
import resource
import shutil
import sys
import tempfile
import time
import unicodedata
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import senpath as sp
from benchmarks.fuzz_folders.folders import Folder
from benchmarks.fuzz_folders.mutants import ESCAPES, change_archive, change_kinds, mutate
from benchmarks.fuzz_folders.seeds import Seed
from benchmarks.harness.memory import clear_peak, peak
from senpath.cli.main import main
from senpath.errors import SenpathError
from senpath.testing import ConstantMethod, tiny_task

ADDRESSES = 3 * 2**30
"""Bytes of addresses more than at first: what asks for more fails before the machine does."""
TURNED = "\u202a\u202b\u202d\u202e\u2066\u2067"
"""Characters that change the direction in which others are read."""
SECONDS = 10.0
"""Of the processor's time that using a mutant may take: by the clock it takes longer where others run too."""
TIMES = 10
"""What a folder takes in memory, at most, where its own size makes that more than the limit."""
READ, NEVER = ("open", "os.listdir", "os.scandir"), ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "socket.connect")
WRITTEN = (
    "os.remove",
    "os.rename",
    "os.mkdir",
    "os.rmdir",
    "os.truncate",
    "os.chmod",
    "os.chown",
    "os.link",
    "os.symlink",
)
SYSTEM = tuple(
    str(Path(place).resolve())
    for place in (sys.prefix, sys.base_prefix, Path(sp.__file__).parents[2], "/proc", "/sys", "/usr", "/etc", "/dev/null", "/dev/urandom")
)
"""Where libraries read their own files."""


@dataclass(frozen=True)
class Outcome:
    """What became of a mutant.

    Args:
        seed: that it was drawn with.
        what: which network was changed, and how.
        problem: what must not happen and did; None if nothing.
        refused: whether any use of it was refused with an error of senpath.
        seconds, processor, megabytes: that using it took; by the clock, of this process's time, and over what it held before.
    """

    seed: int
    what: str
    problem: str | None
    refused: bool
    seconds: float
    processor: float
    megabytes: float


class Watch:
    """Notes what is opened, listed or changed outside a folder, and what would run something."""

    def __init__(self) -> None:
        self._inside, self._on, self.touched = "", False, set[str]()
        sys.addaudithook(self._look)

    @contextlib.contextmanager
    def over(self, folder: Path) -> Iterator[None]:
        """Watch while this is open; what lies in the folder may be touched."""
        self._inside, self.touched, self._on = str(folder.resolve()) + os.sep, set(), True
        try:
            yield
        finally:
            self._on = False

    def _look(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self._on:
            return
        if event in NEVER:
            self.touched.add(f"{event} {arguments[:2]!r}"[:200])
        elif event in READ and isinstance(arguments[0], str | bytes):
            self._note(event, os.path.realpath(os.fsdecode(arguments[0])), SYSTEM)
        elif event in WRITTEN and isinstance(arguments[0], str | bytes):
            at = next((place for place in arguments[1:] if event != "os.mkdir" and isinstance(place, int) and place >= 0), None)
            base = os.getcwd() if at is None else os.readlink(f"/proc/self/fd/{at}")
            parent, name = os.path.split(os.path.join(base, os.fsdecode(arguments[0])))
            self._note(event, os.path.join(os.path.realpath(parent), name), ())

    def _note(self, event: str, path: str, allowed: tuple[str, ...]) -> None:
        library = path.startswith(SYSTEM) and path.endswith("__pycache__")  # where numba keeps what it compiles
        if not (path + os.sep).startswith(self._inside) and not path.startswith(allowed or ("\0",)) and not library:
            self.touched.add(f"{event} {path}"[:300])


class Trials:
    """Makes and tries mutants in this process.

    Args:
        seeds: the networks.
        place: an empty folder for them.
    """

    def __init__(self, seeds: list[Seed], place: Path) -> None:
        self._seeds, self._place, self._watch = seeds, place, Watch()
        self._whole = {seed.name: Folder.read(seed.folder) for seed in seeds}
        self._packed = {seed.name: Folder.unpack(seed.exported) for seed in seeds if seed.exported is not None}
        sys.dont_write_bytecode = True
        tempfile.tempdir = str(place / "box" / "tmp")
        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + ADDRESSES, resource.RLIM_INFINITY))
        resource.setrlimit(resource.RLIMIT_FSIZE, (2**41, resource.RLIM_INFINITY))

    def run(self, number: int, made: Callable[[], object] = lambda: None) -> Outcome:
        """Make the mutant of this number and use it.

        Args:
            made: called between the two.
        """
        draw = random.Random(number)
        seed = draw.choice([one for one in self._seeds if one.exported is not None] if draw.random() < 0.85 else self._seeds)
        box, guard = self._place / "box", self._place / "guard"
        for folder in (box, guard):
            shutil.rmtree(folder, ignore_errors=True)
        for folder in (box / "tmp", guard / "keep"):
            folder.mkdir(parents=True)
        (guard / "secret").write_text("nobody else's")
        (guard / "keep" / "mine").write_text("nobody else's")
        what, kinds = f"{seed.name}: ", draw.random() < 0.2
        packed = seed.exported is not None and not kinds and draw.random() < 0.3
        mutant = copy.deepcopy((self._packed if packed else self._whole)[seed.name])
        what += mutate(draw, mutant) if not kinds or draw.random() < 0.3 else ""
        try:
            if packed:
                mutant.archive(box / "task.sentask")
                if draw.random() < 0.3:
                    what += "+archive"
                    (box / "task.sentask").write_bytes(change_archive(draw, (box / "task.sentask").read_bytes()))
            else:
                mutant.write(box / "net")
                if kinds:
                    change_kinds(draw, box / "net", guard)
                    what += "+kind of file"
        except Exception as error:
            return Outcome(number, f"{what}: not made: {error!r}"[:300], None, refused=True, seconds=0, processor=0, megabytes=0)
        made()
        return self._use(draw, number, what + (", packed" if packed else ""), seed, guard)

    def _use(self, draw: random.Random, number: int, what: str, seed: Seed, guard: Path) -> Outcome:
        box, before = self._place / "box", _content(guard)
        size = sum(path.lstat().st_blocks * 512 for path in box.rglob("*"))
        held, start, used, user = clear_peak(), time.perf_counter(), time.process_time(), _User(draw, seed, box)
        with self._watch.over(box), warnings.catch_warnings(action="ignore"):
            user.use()
        seconds, processor, megabytes = time.perf_counter() - start, time.process_time() - used, (peak() - held) / 2**20
        problem = user.problem
        if _content(guard) != before:
            problem = "something outside was changed"
        elif self._watch.touched:
            problem = f"touched outside: {sorted(self._watch.touched)[:3]}"
        elif megabytes > max(1024, TIMES * size / 2**20):
            problem = f"{megabytes:.0f} MB"
        elif processor > SECONDS:
            problem = f"{processor:.1f} s"
        return Outcome(number, f"{what} ({', '.join(user.done)})", problem, user.refused, seconds, processor, megabytes)


class _User:
    """Does with a network what people do."""

    def __init__(self, draw: random.Random, seed: Seed, box: Path) -> None:
        self._draw, self._seed, self._box = draw, seed, box
        self.problem: str | None = None
        self.refused, self.done = False, list[str]()

    def use(self) -> None:
        path = self._box / "net"
        if not path.is_dir() or path.is_symlink():
            net = self._attempt("new", lambda: sp.Network(path, encoders=self._seed.encoders))
            info = self._attempt("import", lambda: net.import_task(self._box / "task.sentask", self._draw.choice([None, "mine"])))
            if info is None:
                return
        else:
            net = self._attempt("open", lambda: sp.Network(path, encoders=self._seed.encoders))
            if self._draw.random() < 0.1:
                self._attempt("cli", lambda: self._command(path))
        if net is None:
            return
        ways: Mapping[str, Callable[[], Any]] = {
            "verify": net.verify,
            "predict": lambda: [net.predict(x) for x in self._seed.inputs.values()],
            "task": lambda: [net.predict(x, task=task) for task in list(net.tasks)[:2] for x in self._seed.inputs.values()],
            "explain": lambda: [net.explain(x[0]) for x in self._seed.inputs.values()],
            "report": lambda: self._report(net),
            "look": lambda: (net.tasks, net.weights, net.log, net.versions, repr(net), sp.recorded_evaluations(net)),
            "export": lambda: net.export(self._draw.choice([*net.tasks]) if net.tasks else "", self._box / "out.sentask"),
            "save": lambda: net.save_pretrained(self._box / "saved"),
            "learn": lambda: net.learn("one more", *tiny_task("low"), method=ConstantMethod()),
            "remove": lambda: net.remove(self._draw.choice([*net.tasks]) if net.tasks else ""),
            "rollback": lambda: net.rollback(self._draw.choice(net.versions or (0,))),
            "gc": lambda: net.gc(versions=self._draw.choice([1, 2])),
        }
        for name in self._draw.sample(sorted(ways), self._draw.choice([1, 1, 2])):
            self._attempt(name, ways[name])

    def _attempt(self, name: str, act: Callable[[], Any]) -> Any:
        """What a way of using it answers; None if it was refused, or failed as nothing may."""
        self.done.append(name)
        try:
            return act()
        except SenpathError as error:
            self.refused = True
            if not _is_harmless(str(error)):
                self.problem = f"{name}: an error with control characters: {str(error)[:300]!r}"
        except BaseException as error:
            place = error.__traceback__
            while place is not None and place.tb_next is not None:
                place = place.tb_next
            where = f"{Path(place.tb_frame.f_code.co_filename).name}:{place.tb_lineno}" if place is not None else ""
            self.problem = f"{name}: {type(error).__name__} at {where}: {str(error)[:200]!r}"
            if os.environ.get("FUZZ_DEBUG"):
                raise
        return None

    def _report(self, net: sp.Network) -> None:
        page = self._box / "page.html"
        sp.report(net, page)
        if ESCAPES[-20:] in page.read_text() or not _is_harmless(page.read_text()):
            self.problem = "report: a page with what was not escaped"

    def _command(self, path: Path) -> None:
        """What the command line prints of it."""
        shown, code = io.StringIO(), 0
        with contextlib.redirect_stdout(shown), contextlib.redirect_stderr(shown):
            try:
                main([self._draw.choice(["tasks", "verify"]), str(path)])
            except SystemExit as error:
                code = int(error.code or 0)
        if not _is_harmless(shown.getvalue()) or code == 70:
            self.problem = f"cli: {shown.getvalue()[-300:]!r}"


def _is_harmless(text: str) -> bool:
    """Whether no character of it changes a terminal's state or the order in which it is read."""
    return not any((unicodedata.category(letter) == "Cc" and letter not in "\n\t") or letter in TURNED for letter in text)


def _content(folder: Path) -> dict[str, str]:
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "" for path in sorted(folder.rglob("*"))}
