"""An object storage service behind `obstore`: requests, their retries, and errors without secrets."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from functools import cache
from random import uniform
from threading import Lock
from time import sleep
from typing import Any, TypeVar

from senpath.confined import LARGEST_FILE
from senpath.errors import InputError, MissingExtraError
from senpath.store.address import Address
from senpath.store.objects import ChangedError, Listed

TIMEOUT = "SENPATH_CLOUD_TIMEOUT"
SECONDS = 60.0
"""How long one request may take unless `SENPATH_CLOUD_TIMEOUT` says otherwise; what fails is tried again for as long."""
TRIES, FIRST_PAUSE = 3, 0.05
"""How often something is asked for that does not come through, though the library has tried as well; seconds between, at first."""
AT_ONCE = 16
"""Requests of a process at the same time."""
STATUS = re.compile(r"status(?: code)?:? (\d{3})\b")
WORDS = {400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 409: "Conflict", 429: "Too Many Requests"}
Item = TypeVar("Item")
Answer = TypeVar("Answer")


class Service:
    """Requests to a bucket, for names below a prefix. Copies and pickles connect anew, and so does a child that was forked.

    Args:
        address: of the bucket and the prefix; None for objects in the memory of this process.
    """

    def __init__(self, address: Address | None) -> None:
        self.address = address
        self._client: Any = None
        self._process, self._lock = 0, Lock()

    def __reduce__(self) -> tuple[Any, ...]:
        return Service, (self.address,)

    def get(self, name: str, unless: str = "", most: int = LARGEST_FILE) -> tuple[bytes, str] | None:
        """Content and tag of an object; None if the tag is still this one.

        Args:
            most: bytes that it may have. Of one that has more nothing is read, and the OSError is `errno.EFBIG`.
        """
        from obstore import get

        def ask() -> tuple[bytes, str] | None:
            try:
                answer = get(self._connected(), name, options={"if_none_match": _condition(unless)["e_tag"]} if unless else None)
            except _errors().NotModifiedError:
                return None
            size = answer.meta["size"]
            if size > most:
                raise OSError(errno.EFBIG, f"{size:,} bytes, more than the {most:,} that are read", name)
            content = bytes(answer.bytes())
            if len(content) != size:
                raise OSError(errno.EIO, SHORT, name)
            return content, _tag(answer.meta)

        return _asked(name, ask)

    def put(self, name: str, content: bytes, *, new: bool = False, tag: str = "") -> str:
        """Write an object.

        Args:
            new: raise FileExistsError if there is one.
            tag: raise ChangedError if there is another than the one with this tag; this one, too, if an answer got lost.

        Returns:
            Its tag.
        """
        from obstore import put

        mode: Any = _condition(tag) if tag else "create" if new else "overwrite"
        several = None if mode == "overwrite" else False
        done = _asked(name, lambda: put(self._connected(), name, content, mode=mode, use_multipart=several))
        return _tag(done)

    def listing(self, prefix: str) -> list[Listed]:
        """Objects whose names begin with this, which is empty or ends with a "/"; by name."""
        from obstore import list as list_objects

        below = prefix.rstrip("/") or None
        metas = _asked(prefix, lambda: [meta for chunk in list_objects(self._connected(), below) for meta in chunk])
        return sorted((Listed(m["path"], m["size"], m["last_modified"].timestamp()) for m in metas), key=lambda listed: listed.name)

    def modified(self, name: str) -> float:
        """When an object was written, by the service's clock."""
        from obstore import head

        return _asked(name, lambda: head(self._connected(), name)["last_modified"].timestamp())

    def delete(self, name: str) -> None:
        """Remove an object, if it is there."""
        from obstore import delete

        with suppress(FileNotFoundError):
            _asked(name, lambda: delete(self._connected(), name))

    def copy(self, name: str, other: str) -> None:
        """Give an object another name as well, within the service."""
        from obstore import copy

        _asked(name, lambda: copy(self._connected(), name, other))

    def each(self, work: Callable[[Item], Answer], items: Iterable[Item]) -> list[Answer]:
        """What `work` answers to each, at the same time."""
        given = list(items)
        return [work(item) for item in given] if len(given) < 2 else list(_threads(os.getpid()).map(work, given))

    def _connected(self) -> Any:
        with self._lock:
            if self._client is None or self._process != os.getpid():
                self._client, self._process = _connect(self.address), os.getpid()
            return self._client


def _tag(meta: Any) -> str:
    """What tells an object's content: its entity tag, and the generation that Google has besides."""
    return f"{meta['e_tag'] or ''}\n{meta['version'] or ''}"


def _condition(tag: str) -> dict[str, str]:
    e_tag, _, version = tag.partition("\n")
    return {"e_tag": e_tag, "version": version} if version else {"e_tag": e_tag}


def _asked(name: str, ask: Callable[[], Answer]) -> Answer:
    """An answer of the service, asked for again where it did not come through.

    The library's errors have URLs and answers of the service in their text; errors of ours, which have none, take their place.
    """
    for attempt in range(1, TRIES + 1):
        try:
            return ask()
        except Exception as error:
            told = error if isinstance(error, OSError) and error.errno is not None else _translated(error, name)
            if not isinstance(told, OSError) or told.errno != errno.EIO or attempt == TRIES:
                raise told from None
        sleep(uniform(0, FIRST_PAUSE * 2**attempt))
    raise AssertionError


def _translated(error: Exception, name: str) -> Exception:
    known, text = _errors(), str(error)
    match = STATUS.search(text)
    status = int(match[1]) if match else 0
    if isinstance(error, known.BaseError | OSError) and OF_MACHINE.search(text):
        return PermissionError(errno.EACCES, NO_KEYS, name)
    if any(code in text for code in NO_BUCKET):
        return OSError(errno.ENXIO, "no such bucket", name)
    if isinstance(error, FileNotFoundError) or status == 404:
        return FileNotFoundError(errno.ENOENT, "no such object", name)
    if isinstance(error, known.AlreadyExistsError):
        return FileExistsError(errno.EEXIST, "an object of this name is there", name)
    if isinstance(error, known.PreconditionError) or status in (409, 412):
        return ChangedError(f"{name} is another one by now")
    if isinstance(error, known.PermissionDeniedError | known.UnauthenticatedError) or status in (401, 403):
        return PermissionError(errno.EACCES, f"the service refuses it ({status or 403}): look at the keys and what they permit", name)
    if status:
        return OSError(errno.EIO, f"the service answered {status} {WORDS.get(status, '')}".rstrip(), name)
    if isinstance(error, known.BaseError | OSError):
        brief = text.partition("Debug source")[0].lower()
        cause = next((said for word, said in CAUSES.items() if word in brief), "the service could not be asked")
        return OSError(errno.EIO, cause, name)
    return error


SHORT = "the service cut its answer short"
NO_KEYS = "no keys were there for the service, or they are of no use"
OF_MACHINE = re.compile(
    r"performing [A-Z]+ http://((169\.254\.(169\.254|170\.2)|metadata(\.google\.internal)?)[:/]|[^/\s]+/latest/(api/token|meta-data/))"
)
"""Where the library looks for keys last, on machines of a cloud: there were none in the environment."""
NO_BUCKET = ("<Code>NoSuchBucket</Code>", "<Code>ContainerNotFound</Code>")
CAUSES = {
    "credential": NO_KEYS,
    "token": NO_KEYS,
    "timed out": "the service did not answer in time",
    "timeout": "the service did not answer in time",
    "decod": SHORT,
    "body": SHORT,
    "connect": "the service could not be reached",
    "dns": "the service could not be reached",
}
"""By a word of the library's message: ours."""


def _errors() -> Any:
    from obstore import exceptions

    return exceptions


@cache
def _threads(process: int) -> ThreadPoolExecutor:
    """Those of a process; a child that was forked has none of its parent's."""
    return ThreadPoolExecutor(AT_ONCE, thread_name_prefix="senpath-objects")


def _connect(address: Address | None) -> Any:
    try:
        from obstore.store import AzureStore, GCSStore, MemoryStore, S3Store
    except ImportError as error:
        what, do = f"network {address}", "pip install 'senpath[cloud]'"
        raise MissingExtraError(what, expected="obstore, to reach it", got="not installed", do=do) from error
    if address is None:
        return MemoryStore()
    seconds = _seconds()
    how: dict[str, Any] = {
        "prefix": address.prefix,
        "client_options": {"timeout": timedelta(seconds=seconds), "connect_timeout": timedelta(seconds=min(5.0, seconds))},
        "retry_config": {
            "max_retries": 6,
            "retry_timeout": timedelta(seconds=seconds),
            "backoff": {"init_backoff": timedelta(milliseconds=50), "max_backoff": timedelta(seconds=2), "base": 2},
        },
    }
    try:
        if address.scheme == "gs":
            return GCSStore(address.bucket, **how)
        if address.scheme == "az":
            return AzureStore(address.bucket, **how)
        return S3Store(address.bucket, **_of_s3(how))
    except Exception as error:  # of the library, about the environment; its text may repeat what stands there
        raise OSError(errno.EINVAL, f"{type(error).__name__}: look at the environment that says how to reach the service") from None


def _of_s3(how: dict[str, Any]) -> dict[str, Any]:
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    if endpoint:
        how["config"] = {"endpoint": endpoint}
        how["client_options"]["allow_http"] = endpoint.startswith("http://")
    if "AWS_ACCESS_KEY_ID" not in os.environ and (provider := _profile()) is not None:
        how["credential_provider"] = provider
    return how


def _profile() -> Any:
    """Keys as the AWS libraries find them, in profiles too, if these are installed; else obstore looks in the environment and the cloud."""
    with suppress(Exception):  # whatever is wrong with a profile, the environment's own way is left
        from boto3 import Session
        from obstore.auth.boto3 import Boto3CredentialProvider

        session = Session()
        return Boto3CredentialProvider(session) if session.get_credentials() is not None else None
    return None


def _seconds() -> float:
    given = os.environ.get(TIMEOUT, "")
    try:
        seconds = float(given) if given else SECONDS
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= 3600:
        raise InputError(TIMEOUT, expected="seconds, up to 3600", got=repr(given))
    return seconds
