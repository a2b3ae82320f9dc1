"""The inbox over HTTP: what is offered to it, what is in it, and naming its groups."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from senpath.errors import SenpathError, TaskExistsError
from senpath.inference.prediction import Prediction
from senpath.server.auth import needs
from senpath.server.bodies import Given, Label, PlainResponse
from senpath.server.drafts import content_of
from senpath.server.errors import EVERYWHERE, declared
from senpath.server.inputs import as_json
from senpath.server.tasks import submit
from senpath.serving.batcher import Reply
from senpath.snapshot.examples import check_name
from senpath.teaching import Inbox, doubt_of

log = logging.getLogger("senpath.server")
Number = Annotated[int, Path(ge=1, le=2**53)]


def offer(inbox: Inbox, sent: Sequence[Any], reply: Reply) -> None:
    """Offer a request's inputs to the inbox. Takes a moment: for a thread. Raises nothing.

    Args:
        sent: the inputs in JSON, or of uploaded files (name, content).
        reply: what they were answered.
    """
    try:
        inbox.keep(_doubtful(sent, reply))
    except SenpathError as error:
        log.warning("the inbox cannot keep inputs: %s", error)


def _doubtful(sent: Sequence[Any], reply: Reply) -> Iterator[tuple[Any, Any]]:
    """The inputs, in JSON, that are to be kept, and why."""
    for part in reply.parts:
        if isinstance(part.prediction, Prediction):
            for row, place in zip(part.rows, part.places, strict=True):
                doubt, value = doubt_of(part.prediction, row), sent[place]
                if doubt is None:
                    continue
                try:
                    yield (as_json(*value) if isinstance(value, tuple) else value), doubt
                except SenpathError:  # a table's row, which came among others
                    continue


router = APIRouter(
    prefix="/inbox", tags=["inbox"], responses=EVERYWHERE, dependencies=[Depends(needs("teach"))], default_response_class=PlainResponse
)


@router.get("")
async def get_inbox(request: Request) -> dict[str, Any]:
    """What is kept, grouped by likeness."""
    server = request.app.state.server
    return await run_in_threadpool(server.state.inbox.summary, server.live.current)


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
    view, drafts, inbox = server.live.current, server.state.drafts, server.state.inbox
    check_name("task", body.name)
    task = view.task_name(body.name if body.into is None else body.into)
    if body.into is not None:
        view.pathway(task)
    elif task in view.tasks:
        do = 'To give it these, write "into": its name'
        raise TaskExistsError(f"task {task!r}", expected="a new name", got="one that the network has learned", do=do)
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
