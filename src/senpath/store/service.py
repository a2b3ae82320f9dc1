"""An object storage service behind `obstore`: requests, their retries, and errors without secrets."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cache
from random import uniform
from threading import Lock
from time import sleep
from typing import Any, TypeVar

from senpath.buckets import SHORT, connect, translated
from senpath.confined import LARGEST_FILE
from senpath.plugins import import_extra
from senpath.store.address import Address
from senpath.store.objects import ChangedError, Listed

TRIES, FIRST_PAUSE = 3, 0.05
"""How often something is asked for that does not come through, though the library has tried as well; seconds between, at first."""
AT_ONCE = 16
"""Requests of a process at the same time."""
Item = TypeVar("Item")
Answer = TypeVar("Answer")


class Service:
    """Requests to a bucket, for names below a prefix. Copies and pickles connect anew; a child that was forked cannot.

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
        if len(given) < 2:
            return [work(item) for item in given]
        try:
            answers = _threads(os.getpid()).map(work, given)
        except RuntimeError:  # the interpreter ends and starts no threads any more; what it calls then may still ask
            return [work(item) for item in given]
        return list(answers)

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
            told = error if isinstance(error, OSError) and error.errno is not None else _told(error, name)
            if not isinstance(told, OSError) or told.errno != errno.EIO or attempt == TRIES:
                raise told from None
        sleep(uniform(0, FIRST_PAUSE * 2**attempt))
    raise AssertionError


def _told(error: Exception, name: str) -> Exception:
    told = translated(error, name)
    return ChangedError(f"{name}: {told.strerror}") if isinstance(told, OSError) and told.errno == errno.ESTALE else told


def _errors() -> Any:
    from obstore import exceptions

    return exceptions


@cache
def _threads(process: int) -> ThreadPoolExecutor:
    """Those of a process; a child that was forked has none of its parent's."""
    return ThreadPoolExecutor(AT_ONCE, thread_name_prefix="senpath-objects")


def _connect(address: Address | None) -> Any:
    if address is None:
        return import_extra("obstore.store", "a network in memory", "cloud").MemoryStore()
    return connect(address.scheme, address.bucket, address.prefix, f"network {address}")
