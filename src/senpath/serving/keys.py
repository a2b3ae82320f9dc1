"""Keys with three roles: the file that has them, hashed, and telling callers by them."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import logging
import os
import secrets
from collections import OrderedDict
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from senpath.errors import FullError, InputError
from senpath.store.files import write_atomic

log = logging.getLogger("senpath.serving")

Role = Literal["read", "teach", "own"]
ROLES: tuple[Role, ...] = ("read", "teach", "own")
"""Each may do what those before it may."""
COST = {"n": 2**14, "r": 8, "p": 1}
"""Of scrypt: 16 MiB and some 40 ms for each key that was not seen before."""
REMEMBERED = 1024
"""Keys of which is remembered whether they are known."""
CHECKED_AT_ONCE = 16
"""Keys of which some may be hashed, one after another."""


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


class KeyRing:
    """The keys in a file, which is read again when it changes; while it cannot be read, what it held counts.

    Raises:
        InputError: if it cannot be read, or is no file of keys.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._secret = path, secrets.token_bytes(32)
        self._stamp: tuple[int, int] = (0, 0)
        self._keys: dict[str, Key] = {}
        self._known: OrderedDict[bytes, Key | None] = OrderedDict()
        self._hashing, self._to_check = asyncio.Semaphore(1), 0
        self._read()

    async def key(self, text: str) -> Key | None:
        """The key of this text, if there is one; only the first time costs more than a moment.

        Raises:
            FullError: if too many keys are waiting to be checked.
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
            raise FullError("keys to check", expected=f"at most {CHECKED_AT_ONCE} at a time", got="more")
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

    def _read(self) -> None:
        try:
            status = os.stat(self._path)
        except OSError:
            status = None
        stamp = (status.st_mtime_ns, status.st_ino) if status is not None else self._stamp
        if stamp == self._stamp and self._stamp[0]:
            return
        try:
            keys = read_keys(self._path)
        except InputError as error:  # half of a file that somebody is writing, or a slip of theirs
            if not self._stamp[0]:
                raise
            log.error("%s: the keys that were known stay so", error)
        else:
            self._keys = {key.id: key for key in keys}
            self._known.clear()
        self._stamp = stamp
