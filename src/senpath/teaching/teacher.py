"""The process that learns, and the thread that sees to it: one at a time over all workers of a server.

A job runs in a process of its own, forked from one that has everything imported. It opens the network's folder, learns and commits; whoever
answers goes on meanwhile and notices the new version. To cancel a job is to end its process: a commit is there as a whole or not at all,
and what the network then holds decides what is said of the job.
"""

from __future__ import annotations

import json
import logging
import math
import multiprocessing
import os
import shutil
import signal
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import forkserver
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from senpath.confined import is_plain, open_plain, read_plain, require_own_folders
from senpath.errors import InputError, SenpathError, SenpathWarning
from senpath.inputs.limits import files_within
from senpath.inputs.sources import read
from senpath.inputs.sources.dataset import SKIP_HINT
from senpath.inputs.sources.zipped import unpack
from senpath.methods import known_methods, make_method
from senpath.methods.registry import REVISIONS, find_method, make_revision
from senpath.network import Network
from senpath.parallel import end_with_parent
from senpath.settings import Settings
from senpath.snapshot.examples import fingerprint
from senpath.store import Place
from senpath.teaching.drafts import Read
from senpath.teaching.jobs import DATA, REQUEST, Jobs
from senpath.types import Examples

log = logging.getLogger("senpath.serving")
LEADING, TEACHING = "teacher.lock", "teaching.lock"
"""Held by the worker whose jobs run, and by the process that runs one."""
MARK = "mark.json"
"""What a job's process writes before it learns: the version it starts from, and what its commit will be known by."""
UNPACKED = "unpacked"
PRELOADED = ("torch._dynamo", "sklearn.linear_model", "sklearn.model_selection")
"""What jobs' processes find imported, for learning would import it by itself, which takes seconds."""
POLL_SECONDS = 0.1
"""Between looks at a job that runs, and between two things that are told of its progress; a waiting queue is looked at half as often."""
LOOK_SECONDS = 1.0
"""Between tries to become the one process that teaches, and after one that failed."""
LONGEST_SECONDS = 86_400.0
"""That a job may take."""
NICE = 5
"""How much less of a processor that others want too a job gets, see nice(2)."""


@dataclass(frozen=True)
class Ways:
    """What the process that learns is told by whoever started it; sent there by pickle, so both are functions of modules.

    Attributes:
        read: reads inputs.
        describe: an error as JSON, in whose texts the folder that it is given is called by its name alone.
        options: with which the network is opened.
        imports: modules that its process finds imported, those of the two functions among them.
    """

    read: Read
    describe: Callable[[Exception, Path | None], dict[str, Any]]
    options: Mapping[str, Any]
    imports: tuple[str, ...] = ()


def teach(folder: str, network: str, ways: Ways, pipe: Connection) -> None:
    """The life of a job's process.

    Args:
        folder: of the job; its request is in `request.json`.
        network: folder of the network.
        ways: see there.
        pipe: takes JSON: {"progress": …} as it goes on, and at last {"result": …} or {"error": …}.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the server's to handle
    threading.Thread(target=end_with_parent, daemon=True).start()
    if hasattr(os, "nice"):
        os.nice(NICE)  # answering goes first

    def tell(**message: Any) -> None:
        with suppress(OSError):
            pipe.send_bytes(json.dumps(message).encode())

    job = Path(folder)
    with FileLock(job.parent / TEACHING), files_within(job):
        try:
            tell(result=_work(job, network, ways, _Telling(tell)))
        except SenpathError as error:
            tell(error=_shown(error, job, network, ways))
        except MemoryError:
            short = SenpathError("learning", expected="enough memory", got="too little", do="Send fewer examples")
            tell(error=_shown(short, job, network, ways))
        except Exception as error:  # whatever ends a job is told as the job's end
            log.exception("job %s failed", job.name)
            tell(error=_shown(error, job, network, ways))


def _shown(error: Exception, job: Path, network: str, ways: Ways) -> dict[str, Any]:
    """The error as answers have it, with names of files as they were sent."""
    detail = ways.describe(error, job)
    for name in ("message", "what", "expected", "got", "do"):
        if detail[name] is not None:
            text = detail[name].replace(f"{job.name}{os.sep}{UNPACKED}{os.sep}", "").replace(f"{job.name}{os.sep}", "")
            detail[name] = text.replace(network, Path(network).name)
    return detail


class _Telling:
    """Progress, told no oftener than somebody looks."""

    def __init__(self, tell: Callable[..., None]) -> None:
        self._tell, self._next, self._stage = tell, 0.0, ""

    def __call__(self, stage: str, done: int, total: int, /, **figures: float) -> None:
        now = time.monotonic()
        if stage != self._stage or now >= self._next or done == total:
            self._stage, self._next = stage, now + POLL_SECONDS
            self._tell(
                progress={
                    "stage": stage,
                    "done": done,
                    "total": total,
                    **{name: value for name, value in figures.items() if math.isfinite(value)},
                }
            )


def _work(folder: Path, path: str, ways: Ways, progress: _Telling) -> dict[str, Any]:
    """Do what a job asks for, and say what came of it."""
    request = _request(folder)
    start, what, task = time.perf_counter(), request["what"], request["task"]
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always", SenpathWarning)
        progress("read", 0, 1)
        x, y = _data(folder, request, ways)
        progress("read", 1, 1)
        net = Network(path, **ways.options)
        before, examples = net.version, None
        if what == "learn":
            method = make_method(request["method"], request["settings"])
            examples = net.encode_examples(x, y, kind=request["kind"], progress=progress)
            _mark(folder, before, fingerprint(examples))
            learned = net.learn(task, examples, concept=request["concept"], method=method, progress=progress)
            said: dict[str, Any] = {"changed": True, "reason": None, "read_as": learned.read_as or None}
        else:
            revision = make_revision(what, request["settings"])
            _mark(folder, before, None)
            revised = net.revise(task, revision, x, y, progress=progress)
            said = {"changed": revised.changed, "reason": revised.reason}
    texts = [str(warning.message) for warning in warned if issubclass(warning.category, SenpathWarning)]
    measured = outcome_of(net, task) | (_own(net, task, examples) if examples is not None else {})
    seconds = round(time.perf_counter() - start, 3)
    return {"version": net.version, "before": before, **said, **measured, "seconds": seconds, "warning": " ".join(texts) or None}


def _request(folder: Path) -> dict[str, Any]:
    """What a job asks for.

    Raises:
        InputError: if a server would not have taken it in: whoever made the network's folder may have made the state beside it.
    """
    require_own_folders((folder,))
    request: dict[str, Any] = json.loads(read_plain(folder / REQUEST))
    data, what = request["data"], request["what"]
    method: Any = request.get("method")
    named = data is None or (data == Path(data).name and is_plain(folder / data))
    known = method in known_methods() if what == "learn" else what in REVISIONS  # a place in a package would be imported
    if not named or not known:
        raise InputError("job", expected="one that this server has taken in", got="another")
    require_open(find_method(method) if what == "learn" else REVISIONS[what], request["settings"])
    return request


def require_open(kind: Any, settings: Mapping[str, Any]) -> None:
    """Refuse settings that are of this machine. Of a method that does not describe its settings, any could be, but for the seed.

    Raises:
        InputError: for the first.
    """
    described: type = getattr(kind, "settings_class", object)
    closed = {*settings} & described.of_machine() if issubclass(described, Settings) else {*settings} - {"random_state"}
    for name in sorted(closed):
        raise InputError(f"setting {name!r}", expected="none that is for the operator of the server alone", got=repr(settings[name]))


def _mark(folder: Path, version: int, data: str | None) -> None:
    with open_plain(folder / MARK, new=True) as file:
        file.write(json.dumps({"version": version, "data": data}).encode())


def _data(folder: Path, request: Mapping[str, Any], ways: Ways) -> tuple[Any, Any]:
    """The inputs and labels that a job was given; (None, None) where it was given none."""
    if request["data"] is None:
        return None, None
    file = folder / request["data"]
    if request["data"] == DATA:
        pairs = [*_examples(file, ways)]
        return [x for x, _ in pairs], [y for _, y in pairs]
    if file.suffix == ".zip":
        shutil.rmtree(folder / UNPACKED, ignore_errors=True)  # what a run that was stopped has left
        file = unpack(file, folder / UNPACKED)
    try:
        data = read(file, request["label"], modality=request["modality"], kind=request["kind"])
    except InputError as error:
        error.rename(f". {SKIP_HINT}", "")  # who asks a server has no such option
        raise
    return data.x, data.y


def _examples(file: Path, ways: Ways) -> Iterator[tuple[Any, Any]]:
    with file.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines):
            example = json.loads(line)
            yield ways.read(example["input"], f"example {number}"), example["label"]


def outcome_of(net: Network, task: str) -> dict[str, Any]:
    """What answers say of a task that a job brought or changed."""
    info = net.tasks[task]
    links = [
        {"from": source, "label": transfer.source, "to": transfer.target, "share": round(transfer.share, 4)}
        for source, transfer in info.transfers
    ]
    guard = info.provenance.record.get("guard")
    accuracy = None if not isinstance(guard, dict) else guard["with_transfer" if guard["kept"] else "alone"]
    return {"classes": [*info.classes_], "examples": info.examples, "weights": info.weights, "links": links, "accuracy": accuracy}


def _own(net: Network, task: str, examples: Examples) -> dict[str, Any]:
    """How the task answers what it was learned from."""
    part = examples.subset(examples.targets.new_tensor(range(0, len(examples), 1 + len(examples) // 1_000)).long())
    outputs, kind = net.view.logits(task, part.inputs).cpu(), part.task_kind
    skill = kind.skill(outputs, part.targets)
    return {"own": {kind.score_name: round(kind.score(outputs, part.targets), 4)}, "skill": None if skill is None else round(skill, 4)}


class Teacher:
    """Runs the jobs of a server, one at a time, in whichever of its workers holds the lock.

    Args:
        jobs: the queue.
        folder: of the server's state.
        network: folder of the network.
        ways: see there.
        eager: whether the processes that learn get their imports ready before anybody teaches.
    """

    def __init__(self, jobs: Jobs, folder: Path, network: Place, ways: Ways, *, eager: bool = False) -> None:
        self._jobs, self._folder, self._network, self._ways, self._eager = jobs, folder, network, ways, eager
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="teacher", daemon=True)
        forks = "forkserver" in multiprocessing.get_all_start_methods()
        self._context: Any = multiprocessing.get_context("forkserver" if forks else "spawn")
        if forks:
            self._context.set_forkserver_preload([*ways.imports, *PRELOADED])

    def start(self) -> None:
        """Begin to run jobs."""
        self._thread.start()

    def close(self) -> None:
        """Stop; a job that runs is ended and goes back into the queue, unless its commit is made."""
        self._closing.set()
        self._jobs.woken.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        lock = FileLock(self._folder / LEADING, thread_local=False)
        while not self._closing.is_set():
            try:
                with lock.acquire(timeout=0):
                    self._lead()
            except Timeout:
                self._closing.wait(LOOK_SECONDS)
            except Exception:  # such as a full disk; the next try may do better
                log.exception("the teacher could not go on")
                self._closing.wait(LOOK_SECONDS)

    def _lead(self) -> None:
        with FileLock(self._jobs.folder / TEACHING):  # until a process whose server was killed is gone
            for orphan in self._jobs.running():
                self._settle(orphan, "failed", self._ended("the server ended while it ran"))
        warm = False
        while not self._closing.is_set():
            self._jobs.woken.clear()
            job = self._jobs.next()
            if not warm and (self._eager or job is not None or self._jobs.expected()):
                warm = True
                if self._context.get_start_method() == "forkserver":
                    forkserver.ensure_running()  # it imports while the first examples are drawn
            if job is None:
                self._jobs.tidy()
                self._jobs.woken.wait(2 * POLL_SECONDS)
            else:
                self._teach(job)

    def _teach(self, job: dict[str, Any]) -> None:
        """Run a job to its end."""
        receiver, sender = self._context.Pipe(duplex=False)
        arguments = (str(self._jobs.place(job["id"])), str(self._network), self._ways, sender)
        process = self._context.Process(target=teach, args=arguments, daemon=True)
        try:
            with sender:
                process.start()
            self._watch(job, receiver, process)
        finally:
            if process.pid is not None:
                process.kill()
                process.join()
            process.close()
            receiver.close()

    def _watch(self, job: dict[str, Any], receiver: Connection, process: Any) -> None:
        until = time.monotonic() + LONGEST_SECONDS
        while True:
            ready = wait([receiver, process.sentinel], POLL_SECONDS)
            message = _received(receiver) if receiver in ready or receiver.poll() else None
            if message is not None:
                if "progress" in message:
                    self._jobs.progress(job["id"], message["progress"])
                    continue
                outcome = {"result": message.get("result"), "error": message.get("error")}
                self._jobs.end(job, "done" if outcome["error"] is None else "failed", **outcome)
                return
            if ready:
                process.join()
                self._settle(job, "failed", self._ended(f"its process ended with code {process.exitcode}"))
                return
            cancelled = self._jobs.is_cancelled(job["id"])
            late = time.monotonic() > until
            if cancelled or late or self._closing.is_set():
                process.kill()
                process.join()
                state = "cancelled" if cancelled else "failed" if late else "queued"
                self._settle(job, state, self._ended(f"more than {LONGEST_SECONDS / 3600:g} hours") if state == "failed" else None)
                return

    def _settle(self, job: dict[str, Any], otherwise: str, error: dict[str, Any] | None) -> None:
        """What became of a job whose process did not say: it is done if the network has its commit."""
        version, before = self._committed(job)
        if version is None:
            self._jobs.end(job, otherwise, error=error)
            return
        net = Network(self._network, **self._ways.options)
        said = {"version": version, "before": before, "changed": True, "reason": None}
        self._jobs.end(job, "done", result={**said, **outcome_of(net, job["task"]), "seconds": None, "warning": None})

    def _ended(self, how: str) -> dict[str, Any]:
        do = "Nothing of it was committed: send it again, with fewer examples if memory was short"
        return self._ways.describe(SenpathError("job", expected="to end by itself", got=how, do=do), None)

    def _committed(self, job: dict[str, Any]) -> tuple[int | None, int]:
        """The version that has a job's commit, None if there is none; and the version before it."""
        try:
            mark = json.loads(read_plain(self._jobs.place(job["id"]) / MARK))
        except (OSError, ValueError):
            return None, 0
        before, info = mark["version"], Network(self._network, **self._ways.options).tasks.get(job["task"])
        if info is None or info.version <= before:
            return None, before
        if job["what"] == "learn":
            mine = info.provenance.data == mark["data"]
        else:
            mine = any(change.version >= before for change in info.provenance.revisions_by(job["what"]))
        return (info.version if mine else None), before


def _received(receiver: Connection) -> dict[str, Any] | None:
    try:
        message: dict[str, Any] = json.loads(receiver.recv_bytes())
        return message
    except (EOFError, OSError, ValueError):
        return None
