"""Running many independent jobs on a few processes, so that a stopped run goes on where it was.

A job writes what it finds, line by line, to `<name>.part.<process>.jsonl`; when it is done the file becomes `<name>.jsonl`. A job whose
file is there is not run again. Each worker computes with one thread, so the results do not depend on how many there are, nor where.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from senpath.errors import InputError, SenpathError
from senpath.parallel import Backend, InProcess, Processes, WorkerDiedError, WorkerPool, cores
from senpath.store.files import scratch_folder, write_atomic

Record = dict[str, Any]
Tell = Callable[[Record], None]


@dataclass(frozen=True)
class Job:
    """One piece of work.

    Args:
        name: of its file; unique.
        run: called with a function that it tells its records to. Both it and its arguments are sent to another process.
    """

    name: str
    run: Callable[[Tell], None]


@contextmanager
def claimed(folder: Path, settings: Record) -> Iterator[None]:
    """Hold the folder of a run, new or with the same settings and data; no other process runs in it meanwhile.

    Raises:
        InputError: if it belongs to another run, or a process is at work in it.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / ".lock")
        lock.acquire(timeout=0)
    except Timeout as error:  # inside, for it is an OSError too
        do = "Wait for it, or choose another folder"
        raise InputError(f"work folder {folder}", expected="no other process", got="one that is at work in it", do=do) from error
    except OSError as error:
        raise InputError(f"work folder {folder}", expected="a folder that can be written", got=error.strerror or str(error)) from error
    try:
        _check_settings(folder, json.dumps(settings, indent=1, sort_keys=True))
        yield
    finally:
        lock.release()


def _check_settings(folder: Path, text: str) -> None:
    """Write down what the run is about, or compare with what is there."""
    file = folder / "settings.json"
    if not file.exists():
        write_atomic(file, text.encode())
    elif file.read_text(encoding="utf-8") != text:
        do = "Choose another folder, or delete it"
        raise InputError(f"work folder {folder}", expected="results of the same settings, data and version", got="those of others", do=do)


def run_jobs(jobs: Sequence[Job], folder: Path, workers: int, *, look: Callable[[int, int], None], backend: Backend | None = None) -> None:
    """Run what is not done yet.

    Args:
        folder: where results are kept; see `claimed`. Workers on other machines have to find it at the same place.
        workers: at once.
        look: called about once a second with the number of jobs done and in all, to show how things are; by a backend that works in this
            process, after each job.
        backend: where workers live; None is processes of this machine.

    Raises:
        SenpathError: as the first failing job raised it, or if a process died; what was done stays.
    """
    waiting = [job for job in jobs if not _file(folder, job).exists()]
    for job in jobs:
        for part in _parts(folder, job):
            part.unlink(missing_ok=True)
    done = before = len(jobs) - len(waiting)
    look(done, len(jobs))
    if not waiting:
        return

    def finished(place: int, result: object) -> None:
        nonlocal done
        done += 1
        look(done, len(jobs))

    with scratch_folder() as scratch:
        try:
            prepare = partial(_begin, None if isinstance(backend, InProcess) else scratch, folder)
            with WorkerPool(prepare, min(workers, len(waiting)), backend=backend or Processes()) as pool:
                pool.run(waiting, finished, retry=False, tick=lambda: look(done, len(jobs)))
        except WorkerDiedError as error:
            do = "Run the same command again; it goes on from the jobs that are done"
            if done == before and "exit code" in error.how:  # as of the copy of a script, which may start no processes of its own
                do = f'A script puts what it runs below `if __name__ == "__main__":`, for each process reads it. Else: {do}'
            raise SenpathError("experiment", expected="workers that live", got=f"a {error.how}", do=do) from error


def workers() -> int:
    """Processes at once by default: one per core that this process may use."""
    return cores()


def read_records(jobs: Iterable[Job], folder: Path, *, unfinished: bool = False) -> list[Record]:
    """What the jobs have found, in the order of the jobs; with `unfinished` also what those still at work have found so far.

    Raises:
        InputError: if a file is no list of records, or cut off.
    """
    records = []
    for job in jobs:
        done = _file(folder, job)
        for file in [done] if done.exists() else _parts(folder, job)[-1:] if unfinished else []:
            with suppress(FileNotFoundError):  # done between looking and reading: the next look finds it
                lines = file.read_bytes().split(b"\n")
                records += _parsed(file, lines[:-1] if file != done or not lines[-1] else lines)  # the last of a part is being written
    return records


def _parsed(file: Path, lines: Sequence[bytes]) -> list[Record]:
    try:
        return [json.loads(line) for line in lines]
    except ValueError as error:
        raise InputError(f"records {file}", expected="lines of JSON", got=str(error), do="Delete the file; its job is run again") from error


def _begin(scratch: Path | None, folder: Path) -> Callable[[Job], None]:
    """In each worker, at first."""
    if scratch is not None:
        tempfile.tempdir = str(scratch)  # a process that is stopped cleans nothing up; the parent does
    return partial(_work, folder)


def _work(folder: Path, job: Job) -> None:
    part = folder / f"{job.name}.part.{os.getpid()}.jsonl"  # a name of its own: a killed run's process may still be at the same job
    with part.open("w", encoding="utf-8") as file:

        def tell(record: Record) -> None:
            file.write(json.dumps(record) + "\n")
            file.flush()

        job.run(tell)
        os.fsync(file.fileno())
    part.replace(_file(folder, job))


def _file(folder: Path, job: Job) -> Path:
    return folder / f"{job.name}.jsonl"


def _parts(folder: Path, job: Job) -> list[Path]:
    """What processes that are at this job, or died at it, have written."""
    return sorted(folder.glob(f"{job.name}.part.*.jsonl"))
