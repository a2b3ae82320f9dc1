"""Sessions of the page: GET, POST and DELETE /session."""

from __future__ import annotations

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict
from pydantic_core import to_json
from starlette.responses import Response

from senpath.server.auth import COOKIE, NOBODY, Caller
from senpath.server.errors import EVERYWHERE, Refusal

router = APIRouter(tags=["session"])
DAY = 86_400


class Limits(BaseModel):
    """How much a request may have."""

    body: int
    inputs: int


class Session(BaseModel):
    """Who asks, and what the page has to know; a role of null wants a key."""

    role: str | None
    token: str | None
    keys: bool
    read_only: bool
    inbox: bool
    version: int
    name: str
    limits: Limits


class Login(BaseModel):
    """A key."""

    model_config = ConfigDict(extra="forbid")

    key: str


def _session(request: Request, caller: Caller) -> Response:
    server = request.app.state.server
    settings = server.settings
    content = {
        "role": caller.role,
        "token": server.auth.token(caller) if caller.role is not None else None,
        "keys": server.auth.keys,
        "read_only": settings.read_only,
        "inbox": settings.inbox,
        "version": server.live.current.version,
        "name": server.name,
        "limits": {"body": settings.body_bytes, "inputs": settings.inputs},
    }
    return Response(to_json(content), media_type="application/json")


@router.get("/session", response_model=Session, responses=EVERYWHERE)
async def session(request: Request) -> Response:
    """Who asks, and the token that a page sends with whatever changes anything."""
    return _session(request, request.state.caller)


@router.post("/session", response_model=Session, responses=EVERYWHERE)
async def log_in(request: Request, login: Login) -> Response:
    """Take a key, and let the browser keep it in a cookie that no script can read."""
    auth = request.app.state.server.auth
    if not auth.keys:
        return _session(request, request.state.caller)
    key = await auth.key(login.key)
    if key is None:
        raise Refusal(401, "no_key", "key", expected="one that this server knows", got="another")
    response = _session(request, Caller(key.role, key.name, True))
    secure = request.url.scheme == "https"
    response.set_cookie(COOKIE, login.key, DAY, httponly=True, samesite="strict", secure=secure)
    return response


@router.delete("/session", response_model=Session, responses=EVERYWHERE)
async def log_out(request: Request) -> Response:
    """Forget the key."""
    auth = request.app.state.server.auth
    response = _session(request, NOBODY if auth.keys else request.state.caller)
    response.delete_cookie(COOKIE, httponly=True, samesite="strict")
    return response
