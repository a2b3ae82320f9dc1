"""Drafts: examples that come one by one, until there are enough to learn a task from them."""

from __future__ import annotations

import base64
import json
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict
from io import BytesIO
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request, Response
from PIL import Image
from pydantic import BaseModel, ConfigDict
from starlette.concurrency import run_in_threadpool

from senpath.errors import InputError, printable
from senpath.inputs.modalities import split_by_modality
from senpath.learning.preview import Preview, preview
from senpath.server.auth import needs
from senpath.server.bodies import Examples, Label, PlainResponse, body_of, media_type, one_input, read_form, read_json
from senpath.server.database import Database, as_time, new_id, row_or_none
from senpath.server.errors import EVERYWHERE, Refusal, declared, too_large
from senpath.server.inputs import as_json
from senpath.server.settings import ServerSettings
from senpath.snapshot.examples import check_name

DRAFTS, EXAMPLES, BYTES = 100, 10_000, 2**28
"""Drafts of a server, examples of a draft, and bytes of all examples, at most; a draft that nobody touches goes with old jobs."""
SHOWN_TEXT = 1_000
"""Characters of a text that a draft shows."""

Number = Annotated[int, Path(ge=1, le=2**53)]
Given = tuple[Any, Any]
"""One input in JSON, and its label."""


class Drafts:
    """The drafts in the database.

    Args:
        limits: of inputs.
    """

    def __init__(self, db: Database, limits: ServerSettings) -> None:
        self._db, self._limits = db, limits

    def make(self, task: str) -> str:
        """Begin a draft for a task, or for more examples of it; returns its id.

        Raises:
            Refusal: 429 if there are too many.
        """
        draft, now = new_id(), time.time()
        with self._db.open(write=True) as db:
            if db.execute("SELECT count(*) FROM drafts").fetchone()[0] >= DRAFTS:
                raise Refusal(429, "too_many", "drafts", expected=f"at most {DRAFTS}", got="one more", do="Learn or delete some", retry=60)
            db.execute("INSERT INTO drafts (id, task, made, changed) VALUES (?, ?, ?, ?)", [draft, task, now, now])
        return draft

    def of_task(self, task: str) -> str | None:
        """The newest draft for this task."""
        with self._db.open() as db:
            row = row_or_none(db, "SELECT id FROM drafts WHERE task = ? ORDER BY made DESC LIMIT 1", task)
        return None if row is None else str(row["id"])

    def add(self, draft: str, examples: Iterable[Given]) -> list[int]:
        """Add examples, all or none; returns their numbers, which stay theirs.

        Raises:
            Refusal: 404 if there is no such draft; 413 if it or all drafts together would hold too much.
            InputError: if one cannot be read.
        """
        rows = [
            (json.dumps(label), modality_of(value, f"example {place}", self._limits), json.dumps(value))
            for place, (value, label) in enumerate(examples)
        ]
        with self._db.open(write=True) as db:
            have = self._require(db, draft)
            size, of_all = sum(len(row[2]) for row in rows), db.execute("SELECT total(length(input)) FROM examples").fetchone()[0]
            count = db.execute("SELECT count(*) FROM examples WHERE draft = ?", [draft]).fetchone()[0]
            if count + len(rows) > EXAMPLES:
                raise too_large("examples of a draft", expected=f"at most {EXAMPLES:,}", got=f"{count + len(rows):,}")
            if of_all + size > BYTES:
                raise too_large("examples of all drafts", expected=f"at most {BYTES:,} bytes", got=f"{int(of_all) + size:,}")
            numbers = [*range(have["last"] + 1, have["last"] + 1 + len(rows))]
            db.executemany("INSERT INTO examples VALUES (?, ?, ?, ?, ?)", [(draft, n, *row) for n, row in zip(numbers, rows, strict=True)])
            db.execute("UPDATE drafts SET changed = ?, last = ? WHERE id = ?", [time.time(), have["last"] + len(rows), draft])
        return numbers

    def get(self, draft: str) -> dict[str, Any]:
        """A draft as answers have it."""
        with self._db.open() as db:
            have = self._require(db, draft)
            rows = db.execute("SELECT n, label, modality, input FROM examples WHERE draft = ? ORDER BY n", [draft]).fetchall()
        examples = [{"n": row["n"], "label": json.loads(row["label"]), "modality": row["modality"], **_words(row)} for row in rows]
        counts = Counter(row["label"] for row in rows)
        classes = [{"label": json.loads(label), "examples": count} for label, count in counts.items()]
        plain = {"id": draft, "task": have["task"], "made": as_time(have["made"]), "changed": as_time(have["changed"])}
        return {**plain, "examples": examples, "classes": classes}

    def all(self) -> list[dict[str, Any]]:
        """All drafts, the newest first, without their examples."""
        count = "(SELECT count(*) FROM examples WHERE draft = drafts.id) AS examples"
        with self._db.open() as db:
            rows = db.execute(f"SELECT id, task, made, changed, {count} FROM drafts ORDER BY made DESC").fetchall()
        return [{**dict(row), "made": as_time(row["made"]), "changed": as_time(row["changed"])} for row in rows]

    def example(self, draft: str, n: int) -> Any:
        """One example's input in JSON, as it came.

        Raises:
            Refusal: 404 if there is none.
        """
        with self._db.open() as db:
            row = row_or_none(db, "SELECT input FROM examples WHERE draft = ? AND n = ?", draft, n)
        if row is None:
            raise _unknown(f"example {n} of draft {draft!r}")
        return json.loads(row["input"])

    def examples(self, draft: str) -> list[Given]:
        """All examples of a draft: the inputs in JSON, and the labels."""
        with self._db.open() as db:
            self._require(db, draft)
            rows = db.execute("SELECT input, label FROM examples WHERE draft = ? ORDER BY n", [draft]).fetchall()
        return [(json.loads(row["input"]), json.loads(row["label"])) for row in rows]

    def remove(self, draft: str, n: int | None = None) -> None:
        """Delete a draft, or one example of it.

        Raises:
            Refusal: 404 if there is none.
        """
        with self._db.open(write=True) as db:
            if n is None:
                gone = db.execute("DELETE FROM drafts WHERE id = ?", [draft]).rowcount
            else:
                gone = db.execute("DELETE FROM examples WHERE draft = ? AND n = ?", [draft, n]).rowcount
                db.execute("UPDATE drafts SET changed = ? WHERE id = ?", [time.time(), draft])
        if not gone:
            raise _unknown(f"draft {draft!r}" if n is None else f"example {n} of draft {draft!r}")

    @staticmethod
    def _require(db: Any, draft: str) -> dict[str, Any]:
        have = row_or_none(db, "SELECT * FROM drafts WHERE id = ?", draft)
        if have is None:
            raise _unknown(f"draft {draft!r}")
        return have


def _unknown(what: str) -> Refusal:
    return Refusal(404, "not_found", what, expected="one that there is", got="another name or number")


def modality_of(value: Any, what: str, limits: ServerSettings) -> str:
    """The modality of an input in JSON, which is read once for that."""
    return split_by_modality([one_input(value, what, limits)])[0].modality


def _words(row: Any) -> dict[str, Any]:
    """What a draft shows of an example that is no picture or sound."""
    value = json.loads(row["input"]) if row["modality"] in ("text", "table") else None
    if isinstance(value, dict) and len(value) == 1 and next(iter(value)) in ("text", "row", "array"):
        value = next(iter(value.values()))
    text = value[:SHOWN_TEXT] if isinstance(value, str) else None
    return {"text": text, "row": value if isinstance(value, dict | list) else None}


def content_of(value: Any) -> Response:
    """An input in JSON as the response that it came as: a picture, a sound, a text, or JSON."""
    if isinstance(value, dict) and len(value) == 1:
        form, given = next(iter(value.items()))
        if form in ("image", "audio") and isinstance(given, str):
            content = base64.b64decode(given)
            return Response(content, media_type=_media_type(form, content))
        value = given if form == "text" else value
    if isinstance(value, str):
        return Response(value.encode(), media_type="text/plain; charset=utf-8")
    return Response(json.dumps(value), media_type="application/json")


def _media_type(form: str, content: bytes) -> str:
    if form == "audio":
        return {b"fLaC": "audio/flac", b"OggS": "audio/ogg"}.get(content[:4], "audio/wav")
    with Image.open(BytesIO(content)) as picture:  # it was read when it came
        return Image.MIME.get(picture.format or "", "application/octet-stream")


class NewDraft(BaseModel):
    """What a draft is for."""

    model_config = ConfigDict(extra="forbid", strict=True)
    task: str


class MoreExamples(BaseModel):
    """Examples for a draft; with uploaded files their label."""

    model_config = ConfigDict(extra="forbid", strict=True)
    examples: Examples = []
    label: Label | None = None


router = APIRouter(
    prefix="/drafts", tags=["drafts"], responses=EVERYWHERE, dependencies=[Depends(needs("teach"))], default_response_class=PlainResponse
)


@router.get("")
async def list_drafts(request: Request) -> dict[str, list[dict[str, Any]]]:
    """All drafts, the newest first."""
    return {"drafts": await run_in_threadpool(request.app.state.server.state.drafts.all)}


@router.post("", status_code=201)
async def make_draft(body: NewDraft, request: Request) -> dict[str, Any]:
    """Begin a draft for a new task, or for more examples of one that there is."""
    server = request.app.state.server
    check_name("task", body.task)
    task, drafts = server.live.current.view.task_name(body.task), server.state.drafts
    return await run_in_threadpool(lambda: drafts.get(drafts.make(task)))


@router.get("/{draft}", responses=declared(404))
async def get_draft(draft: str, request: Request) -> dict[str, Any]:
    """A draft with its examples; pictures and sounds by their number alone."""
    return await run_in_threadpool(request.app.state.server.state.drafts.get, draft)


@router.delete("/{draft}", status_code=204, responses=declared(404))
async def delete_draft(draft: str, request: Request) -> None:
    """Delete a draft with all its examples."""
    await run_in_threadpool(request.app.state.server.state.drafts.remove, draft)


@router.post("/{draft}/examples", responses=declared(404, 415), openapi_extra=body_of(MoreExamples))
async def add_examples(draft: str, request: Request) -> dict[str, Any]:
    """Add examples: in JSON, or files of one label."""
    server = request.app.state.server
    if media_type(request) != "multipart/form-data":
        body = await read_json(request, MoreExamples)
        given = [(example.input, example.label) for example in body.examples]
    else:
        form, files, body = await read_form(request, MoreExamples, server.settings.inputs)
        try:
            if body.label is None:
                raise InputError("options", expected='"label", what the files are examples of', got="none")
            given = [(as_json(file.filename or "", await file.read(), _named(file.filename)), body.label) for file in files]
        finally:
            await form.close()
    if not given:
        raise InputError("examples", expected="at least one", got="none")
    drafts: Drafts = server.state.drafts
    return {"added": await run_in_threadpool(drafts.add, draft, given)}


@router.get("/{draft}/examples/{n}", responses=declared(404), response_class=Response)
async def get_example(draft: str, n: Number, request: Request) -> Response:
    """One example's input as it came."""
    return content_of(await run_in_threadpool(request.app.state.server.state.drafts.example, draft, n))


@router.delete("/{draft}/examples/{n}", status_code=204, responses=declared(404))
async def delete_example(draft: str, n: Number, request: Request) -> None:
    """Delete one example; the others keep their numbers."""
    await run_in_threadpool(request.app.state.server.state.drafts.remove, draft, n)


@router.post("/{draft}/check", responses=declared(404))
async def check_draft(draft: str, request: Request) -> dict[str, Any]:
    """How well the task might go, by leave-one-out, and what is missing; takes a moment, and learns nothing."""
    server = request.app.state.server

    def check() -> dict[str, Any]:
        pairs = server.state.drafts.examples(draft)
        if not pairs:
            return asdict(Preview(0, reason="there are no examples"))
        x = [one_input(value, f"example {place}", server.settings) for place, (value, _) in enumerate(pairs)]
        told = asdict(preview(server.live.current.view, x, [label for _, label in pairs]))
        return {**told, "per_class": {str(label): share for label, share in told["per_class"].items()}}

    return await run_in_threadpool(check)


def _named(filename: str | None) -> str:
    return printable(filename or "file")[:200]
