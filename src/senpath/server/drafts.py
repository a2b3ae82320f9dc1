"""Drafts: examples that come one by one, until there are enough to learn a task from them."""

from __future__ import annotations

import base64
import json
from dataclasses import asdict
from io import BytesIO
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request, Response
from PIL import Image
from pydantic import BaseModel, ConfigDict
from starlette.concurrency import run_in_threadpool

from senpath.errors import InputError, printable
from senpath.inputs.modalities.clips import HEAD, container_of
from senpath.learning.preview import Preview, preview
from senpath.server.auth import needs
from senpath.server.bodies import Examples, Label, PlainResponse, body_of, media_type, one_input, read_form, read_json
from senpath.server.errors import EVERYWHERE, declared
from senpath.server.inputs import as_json
from senpath.snapshot.examples import check_name
from senpath.teaching import Drafts

Number = Annotated[int, Path(ge=1, le=2**53)]


def content_of(value: Any) -> Response:
    """An input in JSON as the response that it came as: a picture, a sound, a clip, a text, or JSON."""
    if isinstance(value, dict) and len(value) == 1:
        form, given = next(iter(value.items()))
        if form in ("image", "audio", "video") and isinstance(given, str):
            content = base64.b64decode(given)
            return Response(content, media_type=_media_type(form, content))
        value = given if form == "text" else value
    if isinstance(value, str):
        return Response(value.encode(), media_type="text/plain; charset=utf-8")
    return Response(json.dumps(value), media_type="application/json")


def _media_type(form: str, content: bytes) -> str:
    if form == "audio":
        return {b"fLaC": "audio/flac", b"OggS": "audio/ogg"}.get(content[:4], "audio/wav")
    container = container_of(content[:HEAD]) if form == "video" else None
    if container is not None:
        return {"mp4": "video/mp4", "matroska": "video/webm"}.get(container, "video/x-msvideo")
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
    task, drafts = server.live.current.task_name(body.task), server.state.drafts
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
        told = asdict(preview(server.live.current, x, [label for _, label in pairs]))
        return {**told, "per_class": {str(label): share for label, share in told["per_class"].items()}}

    return await run_in_threadpool(check)


def _named(filename: str | None) -> str:
    return printable(filename or "file")[:200]
