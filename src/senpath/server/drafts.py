"""Drafts: examples that come one by one, until there are enough to learn a task from them."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request, Response
from pydantic import Field
from starlette.concurrency import run_in_threadpool

from senpath.errors import InputError, printable
from senpath.server.auth import Served, needs
from senpath.server.bodies import Json, body_of, json_body, media_type, read_contents
from senpath.server.errors import EVERYWHERE, declared
from senpath.serving.inputs import as_json, content_of
from senpath.serving.requests import Examples, Label, Strict, read_body
from senpath.snapshot.examples import check_name

Number = Annotated[int, Path(ge=1, le=2**53)]


class NewDraft(Strict):
    """What a draft is for."""

    task: str


class MoreExamples(Strict):
    """Examples for a draft; with uploaded files their label."""

    examples: Examples = Field(default=[])
    label: Label | None = None


router = APIRouter(
    prefix="/drafts", tags=["drafts"], responses=EVERYWHERE, dependencies=[Depends(needs("teach"))], default_response_class=Json
)


def content(value: Any) -> Response:
    """An input as it came."""
    body, media = content_of(value)
    return Response(body, media_type=media)


@router.get("")
def list_drafts(server: Served) -> dict[str, list[dict[str, Any]]]:
    """All drafts, the newest first."""
    return {"drafts": server.state.drafts.all()}


@router.post("", status_code=201)
def make_draft(body: NewDraft, server: Served) -> dict[str, Any]:
    """Begin a draft for a new task, or for more examples of one that there is."""
    check_name("task", body.task)
    drafts = server.state.drafts
    return drafts.get(drafts.make(server.live.current.task_name(body.task)))


@router.get("/{draft}", responses=declared(404))
def get_draft(draft: str, server: Served) -> dict[str, Any]:
    """A draft with its examples; pictures and sounds by their number alone."""
    return server.state.drafts.get(draft)


@router.delete("/{draft}", status_code=204, responses=declared(404))
def delete_draft(draft: str, server: Served) -> None:
    """Delete a draft with all its examples."""
    server.state.drafts.remove(draft)


@router.post("/{draft}/examples", responses=declared(404, 415), openapi_extra=body_of(MoreExamples))
async def add_examples(draft: str, request: Request, server: Served) -> dict[str, Any]:
    """Add examples: in JSON, or files of one label."""
    if media_type(request) != "multipart/form-data":
        body = await run_in_threadpool(read_body, MoreExamples, await json_body(request) or b"{}")
        given = [(example.input, example.label) for example in body.examples]
    else:
        files, body = await read_contents(request, MoreExamples, server.settings.inputs)
        if body.label is None:
            raise InputError("options", expected='"label", what the files are examples of', got="none")
        given = [(as_json(name, content, printable(name)[:200] or "file"), body.label) for name, content in files]
    if not given:
        raise InputError("examples", expected="at least one", got="none")
    return {"added": await run_in_threadpool(server.state.drafts.add, draft, given)}


@router.get("/{draft}/examples/{n}", responses=declared(404), response_class=Response)
def get_example(draft: str, n: Number, server: Served) -> Response:
    """One example's input as it came."""
    return content(server.state.drafts.example(draft, n))


@router.delete("/{draft}/examples/{n}", status_code=204, responses=declared(404))
def delete_example(draft: str, n: Number, server: Served) -> None:
    """Delete one example; the others keep their numbers."""
    server.state.drafts.remove(draft, n)


@router.post("/{draft}/check", responses=declared(404))
def check_draft(draft: str, server: Served) -> dict[str, Any]:
    """How well the task might go, by leave-one-out, and what is missing; takes a moment, and learns nothing."""
    return server.state.check_draft(draft, server.live.current)
