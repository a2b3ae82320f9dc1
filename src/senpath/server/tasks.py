"""Teaching: tasks learned, extended, reviewed, pruned and removed; and earlier versions brought back."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Depends, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.convertors import PathConvertor, register_url_convertor

from senpath.inference.records import task_record
from senpath.server.auth import Served, needs
from senpath.server.bodies import body_of, read_given
from senpath.server.errors import EVERYWHERE, declared
from senpath.server.predict import respond
from senpath.serving.requests import Given, Learning, Pruning, Strict
from senpath.serving.served import ServedNetwork

ACCEPTED: dict[int | str, dict[str, Any]] = declared(404, 409, 415)

router = APIRouter(tags=["teach"], responses=EVERYWHERE)
teach, own = Depends(needs("teach")), Depends(needs("own"))


class NewTask(PathConvertor):
    """What a task to be learned may be called here: a name may hold slashes, but these ends make a task's own addresses (PUT)."""

    regex = r".*(?<!/name)(?<!/description)"


register_url_convertor("new_task", NewTask())


@router.post("/tasks/{name:path}/review", status_code=202, responses=ACCEPTED, openapi_extra=body_of(Given), dependencies=[teach])
async def review_task(name: str, request: Request, response: Response, server: Served) -> dict[str, Any]:
    """Let a task borrow from tasks that came after it; needs the examples that it was learned from."""
    return await _submit("review", name, request, response, server, Given)


@router.post("/tasks/{name:path}/prune", status_code=202, responses=ACCEPTED, openapi_extra=body_of(Pruning), dependencies=[teach])
async def prune_task(name: str, request: Request, response: Response, server: Served) -> dict[str, Any]:
    """Make a task's pathway smaller; with examples it is measured, and nothing changes if too much is lost."""
    return await _submit("prune", name, request, response, server, Pruning)


@router.post("/tasks/{name:new_task}", status_code=202, responses=ACCEPTED, openapi_extra=body_of(Learning), dependencies=[teach])
async def learn_task(name: str, request: Request, response: Response, server: Served) -> dict[str, Any]:
    """Learn a new task."""
    return await _submit("learn", name, request, response, server, Learning)


@router.patch("/tasks/{name:path}", status_code=202, responses=ACCEPTED, openapi_extra=body_of(Given), dependencies=[teach])
async def extend_task(name: str, request: Request, response: Response, server: Served) -> dict[str, Any]:
    """Give a task more examples, of new classes too."""
    return await _submit("extend", name, request, response, server, Given)


class NewName(Strict):
    """Another name for a task."""

    name: str


class Description(Strict):
    """What a task is for."""

    description: str


@router.put("/tasks/{name:path}/name", responses=declared(404, 409), dependencies=[own])
def rename_task(name: str, body: NewName, server: Served) -> Response:
    """Give a task another name; its drafts follow. A program that asks for it by name has to know the new one."""
    view, new = server.rename(name, body.name)
    return respond(view, task_record(view, new))


@router.put("/tasks/{name:path}/description", responses=declared(404, 409), dependencies=[teach])
def describe_task(name: str, body: Description, server: Served) -> Response:
    """Say what a task is for, in at most 2,000 characters; no answer depends on it."""
    live = server.live
    live.network.describe(name, body.description)
    live.refresh()
    return respond(live.current, task_record(live.current, live.current.task_name(name)))


@router.delete("/tasks/{name:path}", responses=declared(404, 409), dependencies=[own])
def remove_task(name: str, server: Served) -> dict[str, int]:
    """Remove a task; a rollback brings it back."""
    removed = server.live.network.remove(name)
    server.live.refresh()
    return {"version": removed.version}


class Rollback(Strict):
    """The version to return to."""

    version: int


@router.post("/rollback", responses=declared(409), dependencies=[teach])
def roll_back(body: Rollback, request: Request, server: Served) -> dict[str, int]:
    """Return to an earlier version, one of GET /versions: the next version has its tasks.

    Who may teach may take back what a job of its own key made, as long as nothing came after it; all else is the owner's.
    """
    caller = request.state.caller
    if not server.state.undoes(caller.name, body.version, server.live.current.version):
        caller.require("own")
    done = server.live.network.rollback(body.version)
    server.live.refresh()
    return {"version": done.version, "to": done.to}


async def _submit(what: str, name: str, request: Request, response: Response, server: ServedNetwork, model: type[Given]) -> dict[str, Any]:
    """Check what can be checked at once, and put a job into the queue."""
    state = server.state
    await run_in_threadpool(server.live.refresh)  # a task that was learned a moment ago
    task = state.task_of(what, name, server.live.current)
    with state.jobs.preparing() as folder:
        body, upload = await read_given(request, model, folder)
        job = await run_in_threadpool(state.submit, what, task, body, folder, upload, request.state.request_id, request.state.caller.name)
    response.headers["Location"] = f"/jobs/{job['id']}"
    return {"job": job}
