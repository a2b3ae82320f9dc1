"""Jobs: long work that waits in a queue, with its progress, and what came of it."""

from __future__ import annotations

import json
import re
import shutil
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic_core import to_json

from senpath.errors import ConflictError, FullError, MissingError, StoreError
from senpath.teaching.database import Database, as_time, changed, new_id, row_or_none

QUEUED, KEPT, DAYS = 20, 1_000, 30
"""Jobs that may wait, jobs that are kept after their end, and how long."""
TIDY_SECONDS = 600.0
"""Between two clearings, and how old a folder of no job has to be to go."""
DATA, REQUEST = "examples.jsonl", "request.json"
ENDED = ("done", "failed", "cancelled")
ID = re.compile("[0-9a-f]{16}")
NAMED = "length(id) = 16 AND id NOT GLOB '*[^0-9a-f]*'"
"""Jobs whose name is that of a folder here, and leads nowhere else; others a server has not taken in."""


class Jobs:
    """The queue and the record of jobs, in the database; what a job was sent lies in a folder of its name until it ends.

    Attributes:
        folder: of those folders.
        woken: set in this process when there may be something to do.
    """

    def __init__(self, db: Database, folder: Path) -> None:
        self._db, self.folder = db, folder
        self.woken = threading.Event()
        self._tidied = 0.0
        folder.mkdir(mode=0o700, exist_ok=True)

    def place(self, job: str) -> Path:
        """The folder of a job.

        Raises:
            StoreError: if no job has such a name.
        """
        if not isinstance(job, str) or not ID.fullmatch(job):
            raise StoreError("the server's state", expected="names of jobs", got=repr(job)[:100])
        return self.folder / job

    @contextmanager
    def preparing(self) -> Iterator[Path]:
        """A folder for what a new job is sent; gone again where an error leaves it."""
        folder = self.folder / new_id()
        folder.mkdir(mode=0o700)
        try:
            yield folder
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise

    def submit(self, folder: Path, request: Mapping[str, Any]) -> dict[str, Any]:
        """Put a job into the queue.

        Args:
            folder: from `preparing`.
            request: "what" to do, the "task", and everything else that it needs.

        Raises:
            FullError: if too many wait.
            ConflictError: if the task is being learned already.
        """
        (folder / REQUEST).write_text(json.dumps(request), "utf-8")
        what, task, now = request["what"], request["task"], time.time()
        with self._db.open(write=True) as db:
            if what == "learn":
                _require_unclaimed(db, task)
            _require_room(db)
            db.execute(
                "INSERT INTO jobs (id, what, task, state, request, submitted, changed) VALUES (?, ?, ?, 'queued', ?, ?, ?)",
                [folder.name, what, task, json.dumps(request), now, changed(db)],
            )
        self.woken.set()
        return self.get(folder.name)

    def require_room(self) -> None:
        """Refuse a job before anything is done for it.

        Raises:
            FullError: if too many wait.
        """
        with self._db.open() as db:
            _require_room(db)

    def rename(self, task: str, new: str) -> None:
        """Let jobs that wait do to a task by its new name what they were to do by the old one."""
        with self._db.open(write=True) as db:
            waiting = db.execute("SELECT * FROM jobs WHERE state = 'queued' AND what != 'learn' AND task = ?", [task]).fetchall()
            for row in waiting:
                request = json.dumps({**json.loads(row["request"]), "task": new})
                (self.place(row["id"]) / REQUEST).write_text(request, "utf-8")
                db.execute("UPDATE jobs SET task = ?, request = ?, changed = ? WHERE id = ?", [new, request, changed(db), row["id"]])

    def require_unclaimed(self, task: str) -> None:
        """Refuse a name that a job is about to give.

        Raises:
            ConflictError: if one is learning, or waits to learn, a task of this name.
        """
        with self._db.open() as db:
            _require_unclaimed(db, task)

    def get(self, job: str) -> dict[str, Any]:
        """A job as answers have it.

        Raises:
            MissingError: if there is none of this name.
        """
        with self._db.open() as db:
            row = row_or_none(db, "SELECT * FROM jobs WHERE id = ?", job)
        if row is None:
            raise MissingError(f"job {job!r}", expected="one that is kept", got="another name")
        return _shown(row)

    def all(self) -> list[dict[str, Any]]:
        """All that are kept, the newest first."""
        with self._db.open() as db:
            return [_shown(row) for row in db.execute("SELECT * FROM jobs ORDER BY submitted DESC, id")]

    def done_by(self, key: str) -> list[dict[str, Any]]:
        """Jobs that were sent with the key of this name, and changed the network."""
        with self._db.open() as db:
            rows = db.execute("SELECT * FROM jobs WHERE state = 'done' AND json_extract(request, '$.key') = ?", [key]).fetchall()
        return [job for job in map(_shown, rows) if job["result"]["changed"]]

    def since(self, number: int) -> tuple[int, list[dict[str, Any]]]:
        """The number of the last change, and the jobs that changed after this one."""
        with self._db.open() as db:
            rows = db.execute("SELECT * FROM jobs WHERE changed > ? ORDER BY changed", [number]).fetchall()
            last = db.execute("SELECT n FROM counter").fetchone()[0]
        return int(last), [_shown(row) for row in rows]

    def counts(self) -> dict[str, int]:
        """How many jobs are in each state."""
        with self._db.open() as db:
            return {row["state"]: row["n"] for row in db.execute("SELECT state, count(*) AS n FROM jobs GROUP BY state")}

    def cancel(self, job: str) -> dict[str, Any]:
        """Take a job out of the queue, or have its process ended.

        Raises:
            MissingError: if there is none of this name.
            ConflictError: if it has ended.
        """
        state, folder = self.get(job)["state"], self.place(job)
        with self._db.open(write=True) as db:
            number = changed(db)
            queued = db.execute(
                "UPDATE jobs SET state = 'cancelled', ended = ?, changed = ? WHERE id = ? AND state = 'queued'", [time.time(), number, job]
            ).rowcount
            running = db.execute("UPDATE jobs SET cancel = 1, changed = ? WHERE id = ? AND state = 'running'", [number, job]).rowcount
        if not queued and not running:
            raise ConflictError(f"job {job!r}", expected="one that waits or runs", got=f"one that is {state}")
        if queued:
            shutil.rmtree(folder, ignore_errors=True)
        return self.get(job)

    def next(self) -> dict[str, Any] | None:
        """The job that has waited longest, which runs from now on."""
        with self._db.open() as db:
            first = row_or_none(db, f"SELECT * FROM jobs WHERE state = 'queued' AND {NAMED} ORDER BY submitted LIMIT 1")
        if first is None:
            return None
        with self._db.open(write=True) as db:
            taken = db.execute(
                "UPDATE jobs SET state = 'running', started = ?, changed = ? WHERE id = ? AND state = 'queued'",
                [time.time(), changed(db), first["id"]],
            ).rowcount
        return first if taken else None

    def expected(self) -> bool:
        """Whether somebody collects examples."""
        with self._db.open() as db:
            return bool(db.execute("SELECT EXISTS (SELECT 1 FROM drafts)").fetchone()[0])

    def running(self) -> list[dict[str, Any]]:
        """Jobs that are said to run."""
        with self._db.open() as db:
            return [dict(row) for row in db.execute(f"SELECT * FROM jobs WHERE state = 'running' AND {NAMED}")]

    def is_cancelled(self, job: str) -> bool:
        """Whether somebody wants the job to end."""
        with self._db.open() as db:
            return bool(db.execute("SELECT cancel FROM jobs WHERE id = ?", [job]).fetchone()[0])

    def progress(self, job: str, progress: Mapping[str, Any]) -> None:
        """Note how far a job is."""
        with self._db.open(write=True) as db:
            db.execute("UPDATE jobs SET progress = ?, changed = ? WHERE id = ?", [json.dumps(progress), changed(db), job])

    def end(
        self, job: Mapping[str, Any], state: str, *, result: Mapping[str, Any] | None = None, error: Mapping[str, Any] | None = None
    ) -> None:
        """Note what came of a job; "queued" puts it back.

        What it was sent goes, and once it was learned from its draft, if that has not grown since it was read.
        """
        request, folder = json.loads(job["request"]), self.place(job["id"])
        if error is not None:
            error = {**error, "request_id": request.get("request_id", "")}
        told = [None if part is None else to_json(part, inf_nan_mode="null").decode() for part in (result, error)]
        with self._db.open(write=True) as db:
            ended = None if state == "queued" else time.time()
            db.execute(
                "UPDATE jobs SET state = ?, result = ?, error = ?, ended = ?, progress = NULL, changed = ? WHERE id = ?",
                [state, *told, ended, changed(db), job["id"]],
            )
            if state == "done" and request["what"] in ("learn", "extend") and result is not None and result["changed"]:
                db.execute("DELETE FROM drafts WHERE id = ? AND changed < ?", [request.get("draft"), request.get("read", 0)])
        if state != "queued":
            shutil.rmtree(folder, ignore_errors=True)

    def tidy(self) -> None:
        """Forget old jobs, and folders of none; from time to time."""
        if time.monotonic() < self._tidied:
            return
        self._tidied = time.monotonic() + TIDY_SECONDS
        with self._db.open(write=True) as db:
            old, kept = time.time() - DAYS * 86_400, "SELECT id FROM jobs WHERE ended IS NOT NULL ORDER BY ended DESC LIMIT -1 OFFSET ?"
            db.execute(f"DELETE FROM jobs WHERE ended < ? OR id IN ({kept})", [old, KEPT])
            db.execute("DELETE FROM drafts WHERE changed < ?", [old])
            used = {row["id"] for row in db.execute("SELECT id FROM jobs WHERE ended IS NULL")}
        for folder in self.folder.iterdir():
            if folder.is_dir() and folder.name not in used and time.time() - folder.stat().st_mtime > TIDY_SECONDS:
                shutil.rmtree(folder, ignore_errors=True)


def _require_unclaimed(db: Any, task: str) -> None:
    learned = db.execute("SELECT task FROM jobs WHERE state IN ('queued', 'running') AND what = 'learn'")
    if task in [row["task"] for row in learned]:
        raise ConflictError(f"task {task!r}", expected="a new name", got="one that is being learned", do="Wait for its job")


def _require_room(db: Any) -> None:
    if db.execute("SELECT count(*) FROM jobs WHERE state = 'queued'").fetchone()[0] >= QUEUED:
        raise FullError("jobs", expected=f"at most {QUEUED} that wait", got="one more", do="Wait for some")


def _shown(row: Any) -> dict[str, Any]:
    """A job as answers have it."""
    plain = {name: row[name] for name in ("id", "what", "task", "state")}
    times = {name: as_time(row[name]) for name in ("submitted", "started", "ended")}
    parts = {name: None if row[name] is None else json.loads(row[name]) for name in ("progress", "result", "error")}
    return {**plain, "progress": parts["progress"], **times, "result": parts["result"], "error": parts["error"]}
