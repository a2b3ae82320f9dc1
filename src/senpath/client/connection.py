"""Requests to a server: with a key, again where that makes sense, and errors as the library's."""

from __future__ import annotations

import contextlib
import json
import os
import re
import time
import weakref
from collections.abc import Mapping
from decimal import Decimal
from enum import Enum
from typing import Any
from urllib.parse import SplitResult, quote, urlsplit

import numpy as np

from senpath.errors import (
    ConflictError,
    InputError,
    LimitError,
    MissingError,
    MissingExtraError,
    SenpathError,
    StoreError,
    TaskExistsError,
    UnknownTaskError,
)
from senpath.plugins import import_extra

RAISED = (InputError, LimitError, UnknownTaskError, TaskExistsError, MissingError, ConflictError, MissingExtraError, StoreError)
ERRORS: Mapping[str, type[SenpathError]] = {kind.code: kind for kind in RAISED}
"""The class of an error by the server's code; any other is a `SenpathError`."""
LOCAL = {"127.0.0.1", "localhost", "::1"}
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 10.0
"""Seconds before the same request is made again; they double, unless the server says when."""
AGAIN = (429, 502, 503, 504)
"""Statuses of a server that is busy, or of a proxy that does not reach it."""


class Connection:
    """Requests to one server.

    Args:
        url: of the server.
        key: what it asks for; None if it does not ask.
        timeout: seconds that one request may take, and that all its repetitions together may wait.
        retries: how often a request that changes nothing is made again where the server is busy or the connection breaks.

    Raises:
        InputError: if the URL is none.
        MissingExtraError: if httpx is not installed.
    """

    def __init__(self, url: str, key: str | None, timeout: float, retries: int) -> None:
        self._parts = _parts_of(url)
        self._httpx = import_extra("httpx", "asking a server", "serve")
        key = (key or "").strip()  # of a file or a variable, which may be empty or end in a line's end
        if not (key.isascii() and key.isprintable()) or " " in key:
            raise InputError("key", expected="one as `senpath keys add` prints it", got="other characters")
        if key and self._parts.username is not None:  # which both would be in the same header
            raise InputError("URL of the server", expected="no name and password in it beside a key", got="both")
        self._address = self._parts._replace(query="", fragment="").geturl()  # of a page whose address was copied
        self.url, self._key = shown_url(self._address), key
        self._timeout, self._retries = timeout, retries
        self._open()

    def _open(self) -> None:
        headers = {"Authorization": f"Bearer {self._key}"} if self._key else {}
        # A server on this machine is never behind the proxy that the environment may name.
        trusts = self._parts.hostname not in LOCAL
        base = self._address.rstrip("/") + "/"
        self._client = self._httpx.Client(base_url=base, headers=headers, timeout=self._timeout, trust_env=trusts)
        self._end = weakref.finalize(self, self._client.close)  # whoever forgets to close leaves no connection open
        self._process = os.getpid()

    def __reduce__(self) -> tuple[Any, ...]:
        return Connection, (self._address, self._key, self._timeout, self._retries)

    def close(self) -> None:
        """End the connection."""
        self._end()

    def ask(self, method: str, path: str, *, again: bool = True, lasting: bool = False, **body: Any) -> Any:
        """The JSON that a request is answered with.

        Args:
            again: whether the request changes nothing, so that it may be repeated.
            lasting: whether it is repeated for as long as a request may take, as for a server that is being started anew.
            body: as httpx takes it; "json" is written here.

        Raises:
            SenpathError: what the server says, as the class that the library would raise; or if it cannot be reached.
        """
        if self._process != os.getpid():  # a fork of who opened the connections, whose answers would come to either
            self._end.detach()
            self._open()
        if "json" in body:
            body |= {"content": as_json(body.pop("json")), "headers": {"Content-Type": "application/json"}}
        pause, waited, left = FIRST_PAUSE, 0.0, self._retries if again else 0
        while True:
            try:
                answer = self._client.request(method, path, **body)
            except self._httpx.TransportError as error:
                if not left or isinstance(error, self._httpx.TimeoutException) or waited + pause > self._timeout:
                    raise self._unreached(error) from None
                wait = pause
            else:
                if answer.is_success:
                    return _json(answer)
                wait = max(pause, _retry_after(answer))
                if not left or answer.status_code not in AGAIN or waited + wait > self._timeout:
                    raise _error(answer)
            wait = min(wait, LONGEST_PAUSE)
            time.sleep(wait)
            waited, pause, left = waited + wait, 2 * pause, left if lasting else left - 1

    def _unreached(self, error: Exception) -> SenpathError:
        slow = isinstance(error, self._httpx.TimeoutException)
        got = f"none within {self._timeout:g} s" if slow else f"{type(error).__name__}: {error}".rstrip(": ")
        return SenpathError(f"server {self.url}", expected="an answer", got=got, do="" if slow else "Is `senpath serve` running there?")


def shown_url(url: str) -> str:
    """A URL without the name and password that may be in it."""
    return re.sub("(?<=//)[^/?#]*@", "", url)


def _parts_of(url: Any) -> SplitResult:
    try:
        parts = urlsplit(url.strip()) if isinstance(url, str) else None
        whole = parts is not None and parts.geturl().isprintable() and " " not in parts.netloc
        if parts is not None and whole and parts.scheme in ("http", "https") and parts.hostname and parts.port != 0:
            return parts
    except ValueError:  # a port or an address that is none
        pass
    raise InputError("URL of the server", expected="http://HOST:PORT", got=repr(shown_url(url) if isinstance(url, str) else url))


def path_of(task: str, *of_it: str) -> str:
    """The path of a task, or of something of it; "." and ".." are written so that they are no way up."""
    name = quote(task, safe="")
    return "/".join(("tasks", name.replace(".", "%2E") if task in (".", "..") else name, *of_it))


def as_json(value: Any) -> str:
    """What a request has to say, as JSON; numbers of numpy and decimal ones are numbers.

    Raises:
        InputError: for what JSON has not.
    """
    try:
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=_plain)
        text.encode()
    except (TypeError, ValueError) as error:
        raise InputError("request", expected="texts, finite numbers, and lists of them", got=str(error)) from None
    return text


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic | np.ndarray) and value.dtype.kind in "biufU":
        return value.tolist()
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    raise TypeError(f"{type(value).__name__}, which JSON does not have")


def error_of(said: Any, status: int = 500) -> SenpathError:
    """The error that a server describes, as the class that the library would raise."""
    if not isinstance(said, Mapping) or not isinstance(said.get("what"), str):
        return SenpathError("server", expected="an answer of senpath's", got=f"status {status}", do="Is this the URL of `senpath serve`?")
    kind = ERRORS.get(str(said.get("code")), SenpathError)
    return kind(said["what"], expected=said.get("expected"), got=said.get("got"), do=said.get("do") or "")


def _error(answer: Any) -> SenpathError:
    said: Any = None
    with contextlib.suppress(ValueError):
        said = answer.json()
    if answer.has_redirect_location:
        leads = shown_url(str(answer.headers["Location"]))
        got = f"status {answer.status_code}, which leads to {leads}"
        return SenpathError("server", expected="an answer of senpath's", got=got, do="Give the URL that it leads to")
    return error_of(said.get("error") if isinstance(said, dict) else None, answer.status_code)


def _json(answer: Any) -> Any:
    try:
        return answer.json()
    except json.JSONDecodeError:
        raise error_of(None, answer.status_code) from None


def _retry_after(answer: Any) -> float:
    """Seconds that the server asks to wait; 0 if it says none."""
    try:
        return max(0.0, float(answer.headers.get("Retry-After", 0)))
    except ValueError:  # a date
        return 0.0
