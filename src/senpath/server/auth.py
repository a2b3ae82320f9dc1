"""Keys with three roles, sessions of the page, and who may do what."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import os
import secrets
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from fastapi import Request

from senpath.errors import InputError
from senpath.server.errors import Refusal
from senpath.store.files import write_atomic

Role = Literal["read", "teach", "own"]
ROLES: tuple[Role, ...] = ("read", "teach", "own")
"""Each may do what those before it may."""
COST = {"n": 2**14, "r": 8, "p": 1}
"""Of scrypt: 16 MiB and some 40 ms for each key that was not seen before."""
REMEMBERED = 1024
"""Keys of which is remembered whether they are known."""
CHECKED_AT_ONCE = 16
COOKIE = "senpath_key"
SAFE = ("GET", "HEAD", "OPTIONS")


@dataclass(frozen=True)
class Key:
    """A key as the file has it.

    Attributes:
        id: which part of the key's text is its name.
        salt, hash: hexadecimal; the hash is scrypt's of the whole text.
    """

    id: str
    name: str
    role: Role
    salt: str
    hash: str


def _hashed(text: str, salt: str) -> str:
    return hashlib.scrypt(text.encode(), salt=bytes.fromhex(salt), **COST, dklen=32).hex()


def read_keys(path: Path) -> list[Key]:
    """The keys in a file.

    Raises:
        InputError: if it cannot be read, or is no file of keys.
    """
    try:
        lines = [json.loads(line) for line in path.read_bytes().splitlines() if line.strip()]
        keys = [Key(**line) for line in lines]
        if not all(key.role in ROLES and len(bytes.fromhex(key.salt)) >= 16 and len(bytes.fromhex(key.hash)) == 32 for key in keys):
            raise ValueError("a key of another form")
    except (OSError, ValueError, TypeError) as error:
        got = error.strerror or str(error) if isinstance(error, OSError) else "something else"
        do = "`senpath keys add FILE --role read --name NAME` makes one"
        raise InputError(f"file of keys {path}", expected="keys, one a line", got=got, do=do) from error
    return keys


def add_key(path: Path, name: str, role: str) -> str:
    """Make a key, add it to the file, and return its text, which is kept nowhere.

    Raises:
        InputError: if the file has a key of this name, or cannot be read or written.
    """
    keys = read_keys(path) if os.path.lexists(path) else []
    own = next((known for known in ROLES if known == role), None)
    if own is None:
        raise InputError("role", expected=f"one of {', '.join(ROLES)}", got=repr(role))
    if not name or name in {key.name for key in keys}:
        raise InputError(f"key {name!r}", expected="a new name", got="one that the file has" if name else "none")
    number, salt = secrets.token_hex(6), secrets.token_hex(16)
    text = f"sp_{number}_{secrets.token_urlsafe(32)}"
    _write_keys(path, [*keys, Key(number, name, own, salt, _hashed(text, salt))])
    return text


def remove_key(path: Path, name: str) -> None:
    """Take a key out of the file.

    Raises:
        InputError: if there is none of this name.
    """
    keys = read_keys(path)
    rest = [key for key in keys if key.name != name]
    if len(rest) == len(keys):
        raise InputError(f"key {name!r}", expected=f"one of {', '.join(key.name for key in keys) or 'none'}", got="another name")
    _write_keys(path, rest)


def _write_keys(path: Path, keys: list[Key]) -> None:
    content = "".join(json.dumps(asdict(key)) + "\n" for key in keys).encode()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, content)
        path.chmod(0o600)
    except OSError as error:
        raise InputError(f"file of keys {path}", expected="one that can be written", got=error.strerror or str(error)) from error


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
        path: the file of keys, which is read again when it changes; None takes everyone for the owner.
        secret: what tokens are made with; "" draws one.
    """

    def __init__(self, path: Path | None, secret: str = "") -> None:
        self._path, self._secret = path, (secret or secrets.token_hex(32)).encode()
        self._stamp: tuple[int, int] = (0, 0)
        self._keys: dict[str, Key] = {}
        self._known: OrderedDict[bytes, Key | None] = OrderedDict()
        self._hashing, self._to_check = asyncio.Semaphore(1), 0
        if path is not None:
            self._read()

    @property
    def keys(self) -> bool:
        """Whether a key is wanted."""
        return self._path is not None

    async def caller(self, authorization: bytes | None, cookie: bytes | None) -> Caller:
        """Who sends these headers.

        Raises:
            Refusal: 401 if a key came that is not known; 429 if too many come that are not.
        """
        if self._path is None:
            return OWNER
        text, by_cookie = _bearer(authorization), False
        if text is None:
            text, by_cookie = _of_cookie(cookie), True
        if text is None:
            return NOBODY
        key = await self.key(text)
        if key is None:
            if by_cookie:  # the page asks for another
                return NOBODY
            raise Refusal(401, "no_key", "key", expected="one that this server knows", got="another")
        return Caller(key.role, key.name, by_cookie)

    async def key(self, text: str) -> Key | None:
        """The key of this text, if there is one; only the first time costs more than a moment.

        Raises:
            Refusal: 429 if too many keys are waiting to be checked.
        """
        self._read()
        seen = hmac.digest(self._secret, text.encode(), "sha256")
        if seen in self._known:
            self._known.move_to_end(seen)
            return self._known[seen]
        candidate = self._keys.get(text[3:15]) if text.startswith("sp_") and len(text) < 200 else None
        if candidate is None:
            return None  # not remembered, for that would push out those that are known
        if self._to_check >= CHECKED_AT_ONCE:
            raise Refusal(429, "too_many", "keys to check", expected=f"at most {CHECKED_AT_ONCE} at a time", got="more", retry=1)
        self._to_check += 1
        try:
            async with self._hashing:
                hashed = await asyncio.to_thread(_hashed, text, candidate.salt)
        finally:
            self._to_check -= 1
        key = candidate if hmac.compare_digest(hashed, candidate.hash) else None
        self._known[seen] = key
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        return key

    def token(self, caller: Caller) -> str:
        """What a page has to send along with whatever changes anything."""
        return hmac.new(self._secret, f"token {caller.name}".encode(), "sha256").hexdigest()

    def _read(self) -> None:
        """Read the file anew if it is another than before; while it cannot be read, what it held counts."""
        if self._path is None:
            return
        try:
            status = os.stat(self._path)
        except OSError:
            status = None
        stamp = (status.st_mtime_ns, status.st_ino) if status is not None else self._stamp
        if stamp != self._stamp or not self._stamp[0]:
            self._keys = {key.id: key for key in read_keys(self._path)}
            self._known.clear()
            self._stamp = stamp


def _bearer(header: bytes | None) -> str | None:
    if header is None:
        return None
    scheme, _, text = header.decode("latin-1").partition(" ")
    if scheme.lower() != "bearer":
        raise Refusal(401, "no_key", "Authorization", expected="Bearer and a key", got="another scheme")
    return text.strip()


def _of_cookie(header: bytes | None) -> str | None:
    for part in (header or b"").decode("latin-1").split(";"):
        name, _, value = part.strip().partition("=")
        if name == COOKIE:
            return value
    return None


def require_role(caller: Caller, role: Role) -> None:
    """Refuse who may not do what this role may.

    Raises:
        Refusal: 401 without a key, 403 if the role is too low.
    """
    if caller.role is None:
        raise Refusal(401, "no_key", "key", expected="Authorization: Bearer KEY", got="none")
    if ROLES.index(caller.role) < ROLES.index(role):
        raise Refusal(403, "not_permitted", "role of the key", expected=f"{role} or more", got=caller.role)


def require(request: Request, role: Role) -> Caller:
    """Who asks, if he may do what this role may.

    Raises:
        Refusal: as `require_role` says; 403 also if the server is read-only or a page's token is missing.
    """
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


def needs(role: Role) -> Callable[[Request], Awaitable[Caller]]:
    """A dependency of an operation that asks for this role."""

    async def check(request: Request) -> Caller:
        return require(request, role)

    return check
