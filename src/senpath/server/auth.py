"""Who asks, and who may do what."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from fastapi import Request
from starlette.requests import cookie_parser

from senpath.server.errors import Refusal
from senpath.serving.keys import ROLES, KeyRing, Role

COOKIE = "senpath_key"
SAFE = ("GET", "HEAD", "OPTIONS")


@dataclass(frozen=True)
class Caller:
    """Who asks.

    Attributes:
        role: None where a key is wanted and none came.
        name: of the key; "" without keys.
        by_cookie: whether the key came by the page's cookie, which a browser sends by itself.
    """

    role: Role | None
    name: str = ""
    by_cookie: bool = False


OWNER, NOBODY = Caller("own"), Caller(None)


class Auth:
    """Tells callers by their keys.

    Args:
        path: the file of keys; None takes everyone for the owner.
        secret: what tokens are made with; "" draws one.

    Attributes:
        keys: those that are known; None where none is wanted.
    """

    def __init__(self, path: Path | None, secret: str = "") -> None:
        self.keys = None if path is None else KeyRing(path)
        self._secret = (secret or secrets.token_hex(32)).encode()

    async def caller(self, authorization: bytes | None, cookie: bytes | None) -> Caller:
        """Who sends these headers.

        Raises:
            Refusal: 401 if a key came that is not known.
            FullError: if too many come that are not.
        """
        if self.keys is None:
            return OWNER
        by_cookie = authorization is None
        text = cookie_parser((cookie or b"").decode("latin-1")).get(COOKIE) if authorization is None else _bearer(authorization)
        if text is None:
            return NOBODY
        key = await self.keys.key(text)
        if key is None:
            if by_cookie:  # the page asks for another
                return NOBODY
            raise Refusal(401, "no_key", "key", expected="one that this server knows", got="another")
        return Caller(key.role, key.name, by_cookie)

    def token(self, caller: Caller) -> str:
        """What a page has to send along with whatever changes anything."""
        return hmac.new(self._secret, f"token {caller.name}".encode(), "sha256").hexdigest()


def _bearer(header: bytes) -> str:
    scheme, _, text = header.decode("latin-1").partition(" ")
    if scheme.lower() != "bearer":
        raise Refusal(401, "no_key", "Authorization", expected="Bearer and a key", got="another scheme")
    return text.strip()


def may(caller: Caller, role: Role) -> bool:
    """Whether a caller may do what this role may."""
    return caller.role is not None and ROLES.index(caller.role) >= ROLES.index(role)


def require_role(caller: Caller, role: Role) -> None:
    """Refuse who may not do what this role may.

    Raises:
        Refusal: 401 without a key, 403 if the role is too low.
    """
    if caller.role is None:
        raise Refusal(401, "no_key", "key", expected="Authorization: Bearer KEY", got="none")
    if not may(caller, role):
        raise Refusal(403, "not_permitted", "role of the key", expected=f"{role} or more", got=caller.role)


def needs(role: Role) -> Callable[[Request], Awaitable[Caller]]:
    """A dependency of an operation that asks for this role, and gives who asks.

    It raises what `require_role` does, and 403 also if the server is read-only or a page's token is missing.
    """

    async def check(request: Request) -> Caller:
        caller: Caller = request.state.caller
        server = request.app.state.server
        require_role(caller, role)
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
