"""Who asks, and who may do what."""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass
from pathlib import Path

from senpath.serving.errors import Refusal
from senpath.serving.keys import ROLES, KeyRing, Role


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

    def may(self, role: Role) -> bool:
        """Whether they may do what this role may."""
        return self.role is not None and ROLES.index(self.role) >= ROLES.index(role)

    def require(self, role: Role) -> None:
        """Refuse who may not do what this role may.

        Raises:
            Refusal: 401 without a key, 403 if the role is too low.
        """
        if self.role is None:
            raise Refusal(401, "no_key", "key", expected="Authorization: Bearer KEY", got="none")
        if not self.may(role):
            raise Refusal(403, "not_permitted", "role of the key", expected=f"{role} or more", got=self.role)


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

    async def caller(self, key: str | None, *, by_cookie: bool) -> Caller:
        """Who has this key.

        Raises:
            Refusal: 401 if it is not known.
            FullError: if too many come that are not.
        """
        if self.keys is None:
            return OWNER
        known = None if key is None else await self.keys.key(key)
        if known is None:
            if key is None or by_cookie:  # the page asks for another
                return NOBODY
            raise Refusal(401, "no_key", "key", expected="one that this server knows", got="another")
        return Caller(known.role, known.name, by_cookie)

    def token(self, caller: Caller) -> str:
        """What a page has to send along with whatever changes anything."""
        return hmac.new(self._secret, f"token {caller.name}".encode(), "sha256").hexdigest()
