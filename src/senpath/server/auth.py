"""Which key a request has, and what operations ask for."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated

from fastapi import Depends, Request
from starlette.requests import cookie_parser

from senpath.serving.callers import OWNER, Auth, Caller
from senpath.serving.errors import Refusal
from senpath.serving.keys import Role
from senpath.serving.served import ServedNetwork

COOKIE = "senpath_key"
SAFE = ("GET", "HEAD", "OPTIONS")


async def caller_of(auth: Auth, headers: Mapping[bytes, bytes]) -> Caller:
    """Who sends these headers.

    Raises:
        Refusal: 401 if a key came that is not known.
        FullError: if too many come that are not.
    """
    if auth.keys is None:
        return OWNER
    scheme, _, text = headers.get(b"authorization", b"").decode("latin-1").partition(" ")
    if scheme.lower() != "bearer":  # none, or what a proxy before the server asks for, which browsers send along
        return await auth.caller(cookie_parser(headers.get(b"cookie", b"").decode("latin-1")).get(COOKIE), by_cookie=True)
    return await auth.caller(text.strip(), by_cookie=False)


async def _served(request: Request) -> ServedNetwork:
    return request.app.state.server  # type: ignore[no-any-return]


Served = Annotated[ServedNetwork, Depends(_served)]
"""Of an operation: what is served."""


def needs(role: Role) -> Callable[[Request], Awaitable[Caller]]:
    """A dependency of an operation that asks for this role, and gives who asks.

    It raises what `Caller.require` does, and 403 also if the server is read-only or a page's token is missing.
    """

    async def check(request: Request) -> Caller:
        caller: Caller = request.state.caller
        server: ServedNetwork = request.app.state.server
        caller.require(role)
        if role == "read" or request.method in SAFE:
            return caller
        if server.settings.read_only:
            raise Refusal(403, "read_only", "the network", expected="a request that changes nothing", got="a server that is read-only")
        if request.state.by_browser or caller.by_cookie:
            token = request.headers.get("x-senpath-token", "")
            if not hmac.compare_digest(token.encode(), server.auth.token(caller).encode()):
                got = "another" if token else "none"
                raise Refusal(403, "not_permitted", "X-Senpath-Token", expected="the token that GET /session gives", got=got)
        return caller

    return check
