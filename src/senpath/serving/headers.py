"""What the headers of requests say, and those that every response has."""

from __future__ import annotations

import itertools
import re
import secrets
from collections.abc import Iterable, Mapping, MutableMapping
from functools import lru_cache
from typing import Any

from senpath.errors import LimitError
from senpath.serving.settings import is_loopback

ONCE = (b"host", b"origin", b"authorization", b"content-length")
"""Headers of which two would let one part of the server see another than the next."""
EVENTS = (b"content-type", b"text/event-stream; charset=utf-8")
HEADERS: tuple[tuple[bytes, bytes], ...] = (
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(self)"),
    (b"cache-control", b"no-store"),
)
"""Of every response that does not say otherwise itself."""
NAMES = frozenset(name for name, _ in HEADERS) | {b"x-request-id"}
PROCESS, COUNT = secrets.token_hex(6), itertools.count(1)
"""What the ids of requests are made of that have none."""
REQUEST_ID = re.compile(rb"[\x21-\x7e]{1,128}")


@lru_cache(256)
def host_of(authority: bytes) -> tuple[str, bool]:
    """The host in "host:port", in lower case, and whether it is this machine's own."""
    host = re.sub(r":\d*$", "", authority.decode("latin-1")).lower()
    return host, is_loopback(host)


def plain(scope: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A request as the application answers it: HEAD as GET, whose body the connection leaves out, and a path without a slash at its end.

    A stream of events has no end that HEAD could wait for. A slash that is part of a task's name comes as %2F and stays.
    """
    path, method = scope["path"], scope["method"]
    if method == "HEAD" and not path.endswith("/events"):
        scope = {**scope, "method": "GET"}
    if path != "/" and path.endswith("/") and scope.get("raw_path", b"/").endswith(b"/"):
        scope = {**scope, "path": path[:-1], "raw_path": scope.get("raw_path", b"/")[:-1]}
    return scope


def require_length(headers: Mapping[bytes, bytes], most: int) -> None:
    """Refuse a request that says of its body that it has more bytes than this.

    Raises:
        LimitError: if it does.
    """
    length = headers.get(b"content-length", b"0")
    if not length.isdigit() or len(length) > 18 or int(length) > most:
        raise LimitError("body", expected=f"at most {most:,} bytes", got=length.decode("latin-1"))


def request_id(headers: Mapping[bytes, bytes]) -> str:
    """What a request calls itself, or else a name that no other has."""
    given = headers.get(b"x-request-id", b"")
    return given.decode() if REQUEST_ID.fullmatch(given) else f"{PROCESS}-{next(COUNT)}"


def methods_of(paths: Mapping[str, Iterable[str]], path: str) -> list[str]:
    """The methods that a path takes, of an OpenAPI document's paths."""
    for name in ("[^/]+", ".+"):  # a task's name may have slashes in it
        for template, methods in paths.items():
            if re.fullmatch(name.join(map(re.escape, re.split(r"\{\w+\}", template))), path):
                return sorted(map(str.upper, methods))
    return []
