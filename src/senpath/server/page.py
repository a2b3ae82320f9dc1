"""The page for people: three files, served as they are, which load and run nothing but each other."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import files

from fastapi import APIRouter, Request, Response

router = APIRouter(include_in_schema=False)

TYPES = {
    "index.html": "text/html; charset=utf-8",
    "page.js": "text/javascript; charset=utf-8",
    "page.css": "text/css; charset=utf-8",
}
"""The files of the page, and their media types."""

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "media-src 'self' blob:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
"""What a browser may load for the page: nothing from another host, and no script or style but the two files."""


@router.get("/")
def index(request: Request) -> Response:
    """The page."""
    return _file("index.html", request)


@router.get("/page.js")
def script(request: Request) -> Response:
    """The page's one module."""
    return _file("page.js", request)


@router.get("/page.css")
def style(request: Request) -> Response:
    """The page's one stylesheet."""
    return _file("page.css", request)


def _file(name: str, request: Request) -> Response:
    content, tag = _read(name)
    headers = {"ETag": tag, "Cache-Control": "no-cache", "Content-Security-Policy": POLICY, "X-Content-Type-Options": "nosniff"}
    if tag in (known.strip().removeprefix("W/") for known in request.headers.get("If-None-Match", "").split(",")):
        return Response(status_code=304, headers=headers)
    return Response(content, media_type=TYPES[name], headers=headers)


@cache
def _read(name: str) -> tuple[bytes, str]:
    """A file of the page and its tag, which changes with it."""
    content = (files(__package__) / "page" / name).read_bytes()
    return content, f'"{hashlib.sha256(content).hexdigest()[:32]}"'
