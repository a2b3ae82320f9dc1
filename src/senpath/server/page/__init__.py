"""The page for people: three files, served as they are, which load and run nothing but each other; and its sessions."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from senpath.server.auth import COOKIE
from senpath.server.bodies import Json
from senpath.server.errors import EVERYWHERE
from senpath.serving.callers import NOBODY, Caller
from senpath.serving.errors import Refusal
from senpath.serving.requests import Strict

router = APIRouter()
TYPES = {"index.html": "text/html", "page.js": "text/javascript", "page.css": "text/css"}
"""The files of the page, and their media types."""
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""What a browser may load for the page: nothing from another host, and no script or style but the two files."""
DAY = 86_400


@router.get("/", include_in_schema=False)
@router.get("/page.js", include_in_schema=False)
@router.get("/page.css", include_in_schema=False)
def page(request: Request) -> Response:
    """A file of the page."""
    name = request.url.path.strip("/") or "index.html"
    content, tag = _read(name)
    headers = {"ETag": tag, "Cache-Control": "no-cache", "Content-Security-Policy": POLICY, "X-Content-Type-Options": "nosniff"}
    if tag in (known.strip().removeprefix("W/") for known in request.headers.get("If-None-Match", "").split(",")):
        return Response(status_code=304, headers=headers)
    return Response(content, media_type=f"{TYPES[name]}; charset=utf-8", headers=headers)


@cache
def _read(name: str) -> tuple[bytes, str]:
    """A file of the page and its tag, which changes with it."""
    content = (files(__package__) / name).read_bytes()
    return content, f'"{hashlib.sha256(content).hexdigest()[:32]}"'


class Session(BaseModel):
    """Who asks, and what the page has to know; a role of null wants a key. The limits are bytes of a body and inputs, of a request."""

    role: str | None
    token: str | None
    keys: bool
    read_only: bool
    inbox: bool
    version: int
    name: str
    limits: dict[Literal["body", "inputs"], int]


class Login(Strict):
    """A key."""

    key: str


def _session(request: Request, caller: Caller) -> Response:
    server = request.app.state.server
    settings = server.settings
    content: dict[str, Any] = {
        "role": caller.role,
        "token": server.auth.token(caller) if caller.role is not None else None,
        "keys": server.auth.keys is not None,
        "read_only": settings.read_only,
        "inbox": settings.inbox,
        "version": server.live.current.version,
        "name": server.name,
        "limits": {"body": settings.body_bytes, "inputs": settings.inputs},
    }
    return Json(content)


@router.get("/session", tags=["session"], response_model=Session, responses=EVERYWHERE)
async def session(request: Request) -> Response:
    """Who asks, and the token that a page sends with whatever changes anything."""
    return _session(request, request.state.caller)


@router.post("/session", tags=["session"], response_model=Session, responses=EVERYWHERE)
async def log_in(request: Request, login: Login) -> Response:
    """Take a key, and let the browser keep it in a cookie that no script can read."""
    keys = request.app.state.server.auth.keys
    if keys is None:
        return _session(request, request.state.caller)
    key = await keys.key(login.key)
    if key is None:
        raise Refusal(401, "no_key", "key", expected="one that this server knows", got="another")
    response = _session(request, Caller(key.role, key.name, True))
    secure = "https" in (request.url.scheme, request.headers.get("X-Forwarded-Proto", "").partition(",")[0].strip().lower())  # of a proxy
    response.set_cookie(COOKIE, login.key, DAY, httponly=True, samesite="strict", secure=secure)
    return response


@router.delete("/session", tags=["session"], response_model=Session, responses=EVERYWHERE)
async def log_out(request: Request) -> Response:
    """Forget the key."""
    response = _session(request, request.state.caller if request.app.state.server.auth.keys is None else NOBODY)
    response.delete_cookie(COOKIE, httponly=True, samesite="strict")
    return response
