"""Teaching: tasks learned, extended, reviewed, pruned and removed; and earlier versions brought back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict
from starlette.concurrency import run_in_threadpool

from senpath.errors import InputError
from senpath.methods import known_methods, make_method
from senpath.methods.registry import REVISIONS, find_method, make_revision
from senpath.server.auth import needs
from senpath.server.bodies import Given, Learning, Pruning, body_of, one_input, read_given, write_examples
from senpath.server.errors import EVERYWHERE, declared
from senpath.snapshot.examples import check_name, check_task
from senpath.teaching import DATA

ACCEPTED: dict[int | str, dict[str, Any]] = declared(404, 409, 415)

router = APIRouter(tags=["teach"], responses=EVERYWHERE)
teach, own = Depends(needs("teach")), Depends(needs("own"))


@router.post("/tasks/{name:path}/review", status_code=202, responses=ACCEPTED, openapi_extra=body_of(Given), dependencies=[teach])
async def review_task(name: str, request: Request, response: Response) -> dict[str, Any]:
    """Let a task borrow from tasks that came after it; needs the examples that it was learned from."""
    return await _submit("review", name, request, response, Given)


@router.post("/tasks/{name:path}/prune", status_code=202, responses=ACCEPTED, openapi_extra=body_of(Pruning), dependencies=[teach])
async def prune_task(name: str, request: Request, response: Response) -> dict[str, Any]:
    """Make a task's pathway smaller; with examples it is measured, and nothing changes if too much is lost."""
    return await _submit("prune", name, request, response, Pruning)


@router.post("/tasks/{name:path}", status_code=202, responses=ACCEPTED, openapi_extra=body_of(Learning), dependencies=[teach])
async def learn_task(name: str, request: Request, response: Response) -> dict[str, Any]:
    """Learn a new task."""
    return await _submit("learn", name, request, response, Learning)


@router.patch("/tasks/{name:path}", status_code=202, responses=ACCEPTED, openapi_extra=body_of(Given), dependencies=[teach])
async def extend_task(name: str, request: Request, response: Response) -> dict[str, Any]:
    """Give a task more examples, of new classes too."""
    return await _submit("extend", name, request, response, Given)


@router.delete("/tasks/{name:path}", responses=declared(404, 409), dependencies=[own])
async def remove_task(name: str, request: Request) -> dict[str, int]:
    """Remove a task; a rollback brings it back."""
    live = request.app.state.server.live

    def remove() -> dict[str, int]:
        removed = live.network.remove(name)
        live.refresh()
        return {"version": removed.version}

    return await run_in_threadpool(remove)


class Rollback(BaseModel):
    """The version to return to."""

    model_config = ConfigDict(extra="forbid", strict=True)
    version: int


@router.post("/rollback", responses=declared(409), dependencies=[own])
async def roll_back(body: Rollback, request: Request) -> dict[str, int]:
    """Return to an earlier version, one of GET /versions: the next version has its tasks."""
    live = request.app.state.server.live

    def back() -> dict[str, int]:
        done = live.network.rollback(body.version)
        live.refresh()
        return {"version": done.version, "to": done.to}

    return await run_in_threadpool(back)


async def _submit(what: str, name: str, request: Request, response: Response, model: type[Given]) -> dict[str, Any]:
    """Check what can be checked at once, and put a job into the queue."""
    server = request.app.state.server
    await run_in_threadpool(server.live.refresh)  # a task that was learned a moment ago
    view = server.live.current
    check_name("task", name)
    name = view.task_name(name)
    if what == "learn":
        check_task(name, view)
    else:
        view.pathway(name)
    with server.state.jobs.preparing() as folder:
        body, upload = await read_given(request, model, folder)
        request_id = getattr(request.state, "request_id", "")
        job = await run_in_threadpool(submit, server, what, name, body, folder, upload, request_id)
    response.headers["Location"] = f"/jobs/{job['id']}"
    return {"job": job}


def submit(server: Any, what: str, name: str, body: Given, folder: Path, upload: str | None, request_id: str) -> dict[str, Any]:
    """Put a job into the queue, with its data in the job's folder.

    Args:
        server: the `Server`.
        upload: name of the uploaded file in the folder; None where the body has examples, or names a draft.
        request_id: of the request, for the job's error.
    """
    settings = _settings(what, body)
    data = _write_data(server, body, folder, upload)
    if data is None and what != "prune":
        raise InputError("body", expected='"examples", "draft" or an uploaded file', got="none")
    options = {"method": getattr(body, "method", None), "kind": getattr(body, "kind", None), "concept": getattr(body, "concept", None)}
    given = {"data": data, "label": body.label, "modality": body.modality, "draft": body.draft, "settings": settings}
    job: dict[str, Any] = server.state.jobs.submit(folder, {"what": what, "task": name, **options, **given, "request_id": request_id})
    return job


def _settings(what: str, body: Given) -> dict[str, Any]:
    """The settings of the method or revision, checked.

    Raises:
        InputError: for a method that is not installed as one, an unknown setting, or one that names a file of this machine.
    """
    seed = {} if body.seed is None else {"random_state": body.seed}
    settings = {**body.settings, **seed} | ({"keep": body.keep} if isinstance(body, Pruning) else {})
    if isinstance(body, Learning):
        if body.method not in known_methods():  # a place in a package would be imported
            raise InputError("method", expected=f"one of {', '.join(known_methods())}", got=repr(body.method))
        kind: Any = find_method(body.method)
    else:
        kind = REVISIONS[what]
    described: list[Any] = getattr(getattr(kind, "settings_class", None), "describe", list)()
    for setting in described:
        if setting.name in settings and "path" in setting.takes:
            raise InputError(f"setting {setting.name!r}", expected="none that names a file of the server", got=repr(settings[setting.name]))
    if isinstance(body, Learning):
        make_method(body.method, settings)
    else:
        make_revision(what, settings)
    return settings


def _write_data(server: Any, body: Given, folder: Path, upload: str | None) -> str | None:
    """Write the examples into the job's folder, each read once; returns the name of the file that has them."""
    given = [name for name, there in (("examples", body.examples), ("draft", body.draft), ("file", upload)) if there is not None]
    if len(given) > 1:
        raise InputError("body", expected='one of "examples", "draft" and a file', got=" and ".join(given))
    if upload is not None or not given:
        return upload
    if body.draft is not None:
        pairs = server.state.drafts.examples(body.draft)
    else:
        pairs = [(example.input, example.label) for example in body.examples or ()]
        for place, (value, _) in enumerate(pairs):
            one_input(value, f"example {place}", server.settings)
    if not write_examples(folder / DATA, pairs):
        raise InputError("examples", expected="at least one", got="none")
    return DATA
