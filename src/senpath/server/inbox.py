"""The inbox: inputs that fit nothing, or two tasks alike, kept for a person to say what they are."""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections.abc import Iterator, Sequence
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Depends, Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from senpath.errors import SenpathError
from senpath.inference.prediction import Prediction
from senpath.isolation import isolation
from senpath.learning.grouping import group_inputs
from senpath.server.auth import needs
from senpath.server.batcher import Reply
from senpath.server.bodies import Given, Label, PlainResponse
from senpath.server.database import Database, row_or_none
from senpath.server.drafts import Drafts, content_of, modality_of
from senpath.server.errors import EVERYWHERE, Refusal, declared
from senpath.server.inputs import as_json, read_input
from senpath.server.settings import ServerSettings
from senpath.server.tasks import submit
from senpath.snapshot.examples import check_name
from senpath.snapshot.view import View

log = logging.getLogger("senpath.server")
CLOSE = 0.5
"""Two tasks are close if the second one's probability is at least this share of the first one's."""
SHOWN = 8
"""Inputs of a group that are named."""
DAYS = 30
NOTHING, TWO = "fits nothing", "two tasks are close"
Number = Annotated[int, Path(ge=1, le=2**53)]


class Inbox:
    """The inputs that are kept, in the database: no more than so many and so many bytes; the oldest go.

    Args:
        db: the database.
        settings: say whether anything is kept, and how much.
    """

    def __init__(self, db: Database, settings: ServerSettings) -> None:
        self._db, self._settings, self.on = db, settings, settings.inbox and not settings.read_only

    def count(self) -> int:
        """How many inputs are kept."""
        with self._db.open() as db:
            return int(db.execute("SELECT count(*) FROM inbox").fetchone()[0])

    def offer(self, sent: Sequence[Any], reply: Reply) -> None:
        """Keep those of a request's inputs that fit nothing, or two tasks alike. Takes a moment: for a thread. Raises nothing.

        Args:
            sent: the inputs in JSON, or of uploaded files (name, content); None where an input cannot be kept.
            reply: what they were answered.
        """
        if not self.on:
            return
        try:
            rows = [row for place, why, nearest in _doubtful(reply) if (row := self._row(sent[place], why, nearest)) is not None]
            if rows:
                self._keep(rows)
        except SenpathError as error:
            log.warning("the inbox cannot keep inputs: %s", error)

    def _row(self, sent: Any, why: str, nearest: list[dict[str, Any]]) -> tuple[Any, ...] | None:
        try:
            value = as_json(*sent) if isinstance(sent, tuple) else sent
            modality = modality_of(value, "input", self._settings)
        except SenpathError:  # broken, a table, or of several modalities
            return None
        text = json.dumps(value)
        return time.time(), modality, why, json.dumps(nearest), text, len(text), hashlib.sha256(text.encode()).hexdigest()

    def _keep(self, rows: list[tuple[Any, ...]]) -> None:
        with self._db.open(write=True) as db:
            columns = "kept, modality, why, nearest, input, bytes, digest"
            db.executemany(f"INSERT INTO inbox ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING", rows)
            sizes = "SELECT id, sum(bytes) OVER newest AS size, count(*) OVER newest AS n FROM inbox WINDOW newest AS (ORDER BY id DESC)"
            most = [self._settings.inbox_bytes, self._settings.inbox_inputs]
            db.execute(f"DELETE FROM inbox WHERE id IN (SELECT id FROM ({sizes}) WHERE size > ? OR n > ?)", most)
            db.execute("DELETE FROM inbox WHERE kept < ?", [time.time() - DAYS * 86_400])

    def get(self, number: int) -> Any:
        """One input in JSON.

        Raises:
            Refusal: 404 if it is not kept.
        """
        with self._db.open() as db:
            row = row_or_none(db, "SELECT input FROM inbox WHERE id = ?", number)
        if row is None:
            raise _gone(f"input {number} of the inbox")
        return json.loads(row["input"])

    def remove(self, number: int | None = None) -> None:
        """Delete one input, or all.

        Raises:
            Refusal: 404 if it is not kept.
        """
        with self._db.open(write=True) as db:
            gone = db.execute("DELETE FROM inbox WHERE id = ? OR ? IS NULL", [number, number]).rowcount
        with self._db.open() as db:
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # else what was deleted stays in the log for a while
        if not gone and number is not None:
            raise _gone(f"input {number} of the inbox")

    def summary(self, view: View) -> dict[str, Any]:
        """What is kept, in groups, the largest first; inputs that came since are grouped first."""
        with self._db.open() as db:
            rows = [dict(row) for row in db.execute("SELECT * FROM inbox ORDER BY id")]
        for modality in {row["modality"] for row in rows if row["grouped"] is None}:
            self._group(view, [row for row in rows if row["modality"] == modality])
        groups: dict[int, list[dict[str, Any]]] = {}
        for row in rows:
            groups.setdefault(row["grouped"], []).append(row)
        shown = [_shown(number, members) for number, members in groups.items()]
        limit = {"inputs": self._settings.inbox_inputs, "bytes": self._settings.inbox_bytes}
        size = sum(row["bytes"] for row in rows)
        return {"on": self.on, "count": len(rows), "bytes": size, "limit": limit, "groups": sorted(shown, key=lambda group: -group["size"])}

    def _group(self, view: View, rows: list[dict[str, Any]]) -> None:
        """Group the inputs of a modality anew; a group is called by the number of its first input."""
        for part in _of_one_type(rows, self._settings):
            with isolation():
                labels = group_inputs(view, [read_input(json.loads(row["input"]), "input", self._settings) for row in part])
            first: dict[int, int] = {}
            for row, label in zip(part, labels.tolist(), strict=True):
                row["grouped"] = first.setdefault(label, row["id"])
        with self._db.open(write=True) as db:
            db.executemany("UPDATE inbox SET grouped = ? WHERE id = ?", [(row["grouped"], row["id"]) for row in rows])

    def to_draft(self, group: int, draft: str, label: Any, drafts: Drafts) -> None:
        """Move the inputs of a group, as they were grouped last, to a draft.

        Raises:
            Refusal: 404 if there is no such group; otherwise as for `Drafts.add`.
        """
        with self._db.open() as db:
            rows = db.execute("SELECT id, input FROM inbox WHERE grouped = ? ORDER BY id", [group]).fetchall()
        if not rows:
            raise _gone(f"group {group} of the inbox")
        drafts.add(draft, [(json.loads(row["input"]), label) for row in rows])
        with self._db.open(write=True) as db:
            db.executemany("DELETE FROM inbox WHERE id = ?", [(row["id"],) for row in rows])


def _gone(what: str) -> Refusal:
    return Refusal(404, "not_found", what, expected="one that is kept", got="another number")


def _doubtful(reply: Reply) -> Iterator[tuple[int, str, list[dict[str, Any]]]]:
    """The places of inputs to keep, why, and the tasks that come nearest."""
    for part in reply.parts:
        prediction = part.prediction
        if not isinstance(prediction, Prediction):
            continue
        for row, place in zip(part.rows, part.places, strict=True):
            names, score = prediction.candidates[row], float(prediction.ood_score[row])
            if np.isnan(score):  # the task was given
                continue
            nearest = [{"task": name, "ood_score": score if np.isfinite(score) else None} for name in names[:1]]
            if prediction.task[row] is None:
                yield place, NOTHING, nearest
            elif len(names) > 1 and _probability(prediction, row, names[1]) >= CLOSE * _probability(prediction, row, names[0]):
                yield place, TWO, [*nearest, {"task": names[1], "ood_score": None}]


def _probability(prediction: Prediction, row: int, task: str) -> float:
    part = prediction.probabilities.parts[task]
    return float(part.probabilities[np.searchsorted(part.rows, row)])


def _of_one_type(rows: list[dict[str, Any]], limits: ServerSettings) -> list[list[dict[str, Any]]]:
    """Rows of tables apart by their columns; all others are of one type."""
    parts: dict[Any, list[dict[str, Any]]] = {}
    for row in rows:
        item = read_input(json.loads(row["input"]), "input", limits) if row["modality"] == "table" else None
        parts.setdefault(None if item is None else frozenset(item) if isinstance(item, dict) else len(item), []).append(row)
    return [*parts.values()]


def _shown(number: int, members: list[dict[str, Any]]) -> dict[str, Any]:
    """A group as answers have it."""
    nearest = {task["task"]: task for row in members for task in json.loads(row["nearest"])}
    whys = [row["why"] for row in members]
    plain = {"id": number, "size": len(members), "modality": members[0]["modality"], "examples": [row["id"] for row in members[:SHOWN]]}
    return {**plain, "nearest": [*nearest.values()][:SHOWN], "why": max(set(whys), key=whys.count)}


router = APIRouter(
    prefix="/inbox", tags=["inbox"], responses=EVERYWHERE, dependencies=[Depends(needs("teach"))], default_response_class=PlainResponse
)


@router.get("")
async def get_inbox(request: Request) -> dict[str, Any]:
    """What is kept, grouped by likeness."""
    server = request.app.state.server
    return await run_in_threadpool(server.state.inbox.summary, server.live.current.view)


@router.delete("", status_code=204)
async def empty_inbox(request: Request) -> None:
    """Delete all that is kept."""
    await run_in_threadpool(request.app.state.server.state.inbox.remove)


class Naming(BaseModel):
    """What the inputs of a group are.

    `name` is the task's where `into` is null, and `label` the class's, which is `name` if it is left out. With `into` the group goes to
    that task: as a new class, or as more examples of one that it has.
    """

    model_config = ConfigDict(extra="forbid")
    name: str = Field(min_length=1)
    label: Label | None = None
    into: str | None = None


JOB: dict[int | str, dict[str, Any]] = {202: {"description": "A job"}}


@router.post("/groups/{group}", status_code=201, responses=JOB | declared(404, 409))
async def name_group(group: Number, body: Naming, request: Request, response: Response) -> dict[str, Any]:
    """Name a group: it goes into a draft for a new task, to which more groups may come; or, with `into`, a job gives it to that task."""
    server = request.app.state.server
    view, drafts, inbox = server.live.current.view, server.state.drafts, server.state.inbox
    check_name("task", body.name)
    task = view.task_name(body.name if body.into is None else body.into)
    if body.into is not None:
        view.pathway(task)
    elif task in view.tasks:
        do = 'To give it these, write "into": its name'
        raise Refusal(409, "task_exists", f"task {task!r}", expected="a new name", got="one that the network has learned", do=do)
    label = body.name if body.label is None else body.label

    def name() -> dict[str, Any]:
        draft = drafts.of_task(task) if body.into is None else None
        made = draft is None
        draft = draft or drafts.make(task)
        try:
            inbox.to_draft(group, draft, label, drafts)
            if body.into is None:
                return {"draft": drafts.get(draft)}
            given, jobs = Given(draft=draft), server.state.jobs
            with jobs.preparing() as folder:
                return {"job": submit(server, "extend", task, given, folder, None, request.state.request_id)}
        except SenpathError:
            if made and not drafts.get(draft)["examples"]:
                drafts.remove(draft)
            raise

    told = await run_in_threadpool(name)
    if "job" in told:
        response.status_code, response.headers["Location"] = 202, f"/jobs/{told['job']['id']}"
    return told


@router.get("/{number}", responses=declared(404), response_class=Response)
async def get_input(number: Number, request: Request) -> Response:
    """One input as it came."""
    return content_of(await run_in_threadpool(request.app.state.server.state.inbox.get, number))


@router.delete("/{number}", status_code=204, responses=declared(404))
async def delete_input(number: Number, request: Request) -> None:
    """Delete one input."""
    await run_in_threadpool(request.app.state.server.state.inbox.remove, number)
