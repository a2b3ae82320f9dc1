"""The inbox over HTTP: what is in it, and naming its groups."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from senpath.server.auth import Served, needs
from senpath.server.bodies import Json
from senpath.server.drafts import Number, content
from senpath.server.errors import EVERYWHERE, declared
from senpath.serving.requests import Label

router = APIRouter(
    prefix="/inbox", tags=["inbox"], responses=EVERYWHERE, dependencies=[Depends(needs("teach"))], default_response_class=Json
)


@router.get("")
def get_inbox(server: Served) -> dict[str, Any]:
    """What is kept, grouped by likeness."""
    return server.state.inbox.summary(server.live.current)


@router.delete("", status_code=204)
def empty_inbox(server: Served) -> None:
    """Delete all that is kept."""
    server.state.inbox.remove()


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
def name_group(group: Number, body: Naming, request: Request, response: Response, server: Served) -> dict[str, Any]:
    """Name a group: it goes into a draft for a new task, to which more groups may come; or, with `into`, a job gives it to that task."""
    by = request.state.request_id, request.state.caller.name
    told = server.state.name_group(group, body.name, body.label, body.into, server.live.current, *by)
    if "job" in told:
        response.status_code, response.headers["Location"] = 202, f"/jobs/{told['job']['id']}"
    return told


@router.get("/{number}", responses=declared(404), response_class=Response)
def get_input(number: Number, server: Served) -> Response:
    """One input as it came."""
    return content(server.state.inbox.get(number))


@router.delete("/{number}", status_code=204, responses=declared(404))
def delete_input(number: Number, server: Served) -> None:
    """Delete one input."""
    server.state.inbox.remove(number)
