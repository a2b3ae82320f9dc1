"""Objects in object storage. No lock: a conditional write of the root is what commits, and whoever is too late tries again."""

from __future__ import annotations

import errno
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from functools import partial
from pathlib import Path
from random import uniform
from secrets import token_hex
from threading import local
from time import sleep, time_ns
from typing import TypeVar

import numpy as np

from senpath.components import content_hash
from senpath.confined import LARGEST_FILE
from senpath.store.address import Address
from senpath.store.cloud_columns import Assembled, merged
from senpath.store.consistency import HASH
from senpath.store.folder_objects import LARGEST_DESCRIPTION, SUFFIXES, VERSIONS
from senpath.store.local_cache import LocalCache
from senpath.store.objects import Bundle, ChangedError, Listed, Objects, Segment
from senpath.store.service import Service
from senpath.store.unneeded import TRASH

CLOCK = "clock"
"""An object that is written to learn something of the service: its time, and whether it heeds conditions."""
OTHER_TAG = '"another"\n1'
"""A tag that no object has."""
PARTS = frozenset({"components", "dispatcher", "pages", VERSIONS, "log", "evaluations", "trash", CLOCK})
TRIES, FIRST_PAUSE = 4, 0.05
"""How often something is fetched that is not what its name says, or is asked again after an answer that left it open."""
LARGEST_HEAD = 2**21
"""Bytes of a component's description and what stands before it, at most."""
Answer = TypeVar("Answer")


class _Waiting(local):
    """What this thread's commit has to write before the root."""

    parts: dict[str, bytes] | None = None


class CloudObjects(Objects):
    """The objects below an address.

    Args:
        address: None for the memory of this process.
        cache: where immutable objects are kept on this machine; None for the user's own.
    """

    takes_turns = False
    grace = 86_400.0

    def __init__(self, address: Address | None, cache: LocalCache | None = None, service: Service | None = None) -> None:
        self.where = str(address) if address is not None else "memory"
        self._service = service or Service(address)
        self._cache = cache or LocalCache.of_user()
        self._columns = Assembled(self._cache.place)
        self._waiting = _Waiting()
        self._conditional = False

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (None, self._cache, self._service) if self._service.address is None else (self._service.address,)

    def read(self, name: str, tag: str = "") -> tuple[bytes, str] | None:
        return self._service.get(name, tag)

    def write_new(self, name: str, content: bytes) -> None:
        try:
            self._service.put(name, content, new=True)
        except (FileExistsError, ChangedError):
            if self._content(name) != content:  # else it is this one, of which the answer was lost
                raise FileExistsError(errno.EEXIST, "an object of this name is there", name) from None

    def replace(self, name: str, content: bytes, tag: str) -> str:
        parts, self._waiting.parts = self._waiting.parts or {}, None
        self._require_conditions()
        self._service.each(lambda item: self._service.put(*item), parts.items())
        try:
            return self._service.put(name, content, tag=tag)
        except ChangedError:
            changed = ChangedError(f"{name} is another one by now")
        except FileNotFoundError:
            changed = ChangedError(f"{name} is gone")
        except OSError:  # it may have gone well, for an answer can get lost
            with suppress(OSError):
                if written := self._tag_of(name, content):
                    return written
            raise
        if written := self._tag_of(name, content):  # an earlier try went well, and its answer was lost
            return written
        raise changed

    def listing(self, prefix: str = "") -> list[Listed]:
        folder = prefix.rpartition("/")[0]
        return [listed for listed in self._service.listing(f"{folder}/" if folder else "") if listed.name.startswith(prefix)]

    def delete(self, name: str) -> None:
        self._service.delete(name)

    def create(self) -> None:
        self._require_conditions()

    def require_writable(self) -> None:
        pass  # what the keys permit only a request would tell

    def locked(self, seconds: float) -> AbstractContextManager[None]:
        return nullcontext()

    def begin(self) -> None:
        self._waiting.parts = {}  # until `replace`, which writes all of them at the same time

    def undo(self) -> None:
        self._waiting.parts = None  # another writer may have come to need the same objects; what nobody needs goes by gc

    def write_parts(self, components: Sequence[Bundle], files: Mapping[str, bytes]) -> None:
        parts = {f"components/{bundle.name}": _packed(bundle) for bundle in components}
        parts |= {self.blob_name(name, hashlib.sha256(content).hexdigest()): content for name, content in files.items()}
        self._put_all(parts)
        for bundle in components:
            self._cache.offer(_files_of(bundle))
        self._cache.offer({name.rpartition("/")[2]: content for name, content in parts.items() if not name.startswith("components/")})

    def append(self, name: str, first: int, width: int, rows: bytes, before: Sequence[Segment]) -> tuple[Segment, ...]:
        if sum(segment.rows for segment in before) != first:
            raise OSError(errno.EINVAL, f"columns of {first} rows, of which {sum(segment.rows for segment in before)} are known", name)
        kept, content = merged(before, rows, width, lambda segment: self._segment(name, segment, width))
        while (sha256 := hashlib.sha256(content).hexdigest()) in {segment.sha256 for segment in kept}:  # each is named once
            content = self._segment(name, kept.pop(), width) + content
        self._put_all({self.blob_name(name, sha256): content})
        self._cache.offer({sha256: content})
        return (*kept, Segment(len(content) // (4 * width), sha256))

    def keep_root(self, name: str, content: bytes) -> None:
        self._put_all({name: content})

    def component(self, name: str) -> tuple[bytes, Path]:
        description = self._cache.read(f"{name}.json")
        if description is None:
            description = self._keep_component(self._fetch(f"components/{name}", lambda content: _unpacked(name, content)))
        for suffix in SUFFIXES:
            path = self._cache.get(name + suffix)
            if path is not None:
                return description, path
        self._cache.drop(f"{name}.json")  # one of the two was removed to make room
        return self.component(name)

    def forget(self, name: str) -> bool:
        dropped = [self._cache.drop(name + suffix) for suffix in ("", ".json", *SUFFIXES)]
        return any(dropped)

    def component_size(self, name: str) -> int:
        return sum(listed.size for listed in self.listing(f"components/{name}"))

    def blob(self, name: str, sha256: str, most: int = LARGEST_FILE) -> bytes:
        kept = self._cache.read(sha256)
        if kept is not None and hashlib.sha256(kept).hexdigest() == sha256:
            return kept
        content = self._fetch(self.blob_name(name, sha256), lambda content: _require(content, sha256), most)
        self._cache.offer({sha256: content})
        return content

    def blobs(self, files: Sequence[tuple[str, str, int]]) -> Sequence[bytes]:
        return self._service.each(lambda file: self.blob(*file), files)

    def prefetch(self, components: Iterable[str], files: Iterable[tuple[str, str, int]]) -> None:
        absent: dict[str, Callable[[], object]] = {
            name: partial(self.component, name) for name in components if self._is_absent(name, ".json")
        }
        absent |= {file[1]: partial[object](self.blob, *file) for file in files if self._is_absent(file[1])}
        self._service.each(_tried, absent.values())

    def _is_absent(self, sha256: str, suffix: str = "") -> bool:
        return HASH.fullmatch(sha256) is not None and self._cache.get(sha256 + suffix) is None

    def blob_name(self, name: str, sha256: str) -> str:
        return f"{name.rpartition('/')[0]}/{sha256}"

    def columns(self, name: str, rows: int, width: int, segments: Sequence[Segment]) -> np.ndarray:
        if sum(segment.rows for segment in segments) != rows:
            raise OSError(errno.EINVAL, f"{sum(segment.rows for segment in segments)} rows in its segments", name)
        return self._columns.rows(name, width, segments, lambda segment: self._segment(name, segment, width))

    def holds(self, name: str) -> bool:
        return True  # a name that is never given twice needs no look

    def add_line(self, journal: str, line: bytes, number: int | None = None) -> None:
        name = f"{time_ns():020}-{token_hex(4)}" if number is None else f"{number:020}"
        self._put_all({f"{journal}/{name}.json": line})

    def lines(self, journal: str) -> list[bytes]:
        listed = self.listing(f"{journal}/")
        if sum(line.size for line in listed) > LARGEST_FILE:
            raise OSError(errno.EFBIG, f"more than the {LARGEST_FILE:,} bytes that are read", journal)
        return self._service.each(lambda line: self._content(line.name, line.size), listed)

    def remove_line(self, journal: str, place: int) -> None:
        self.delete(self.listing(f"{journal}/")[place].name)

    def line_name(self, journal: str, place: int) -> str:
        return f"{self.where}/{journal}: entry {place + 1}"

    def foreign(self) -> Iterator[str]:
        names = {listed.name.partition("/")[0] for listed in self.listing()}
        yield from sorted(names - PARTS)
        if "components" in names:
            yield "components"

    def now(self) -> float:
        self._service.put(CLOCK, token_hex(4).encode())
        return self._service.modified(CLOCK)

    def retire(self, name: str) -> None:
        self._service.copy(name, TRASH + name)
        self._service.delete(name)

    def _require_conditions(self) -> None:
        """Refuse a service that writes whatever the condition: writers would undo each other's commits, and nobody would notice."""
        if self._conditional:
            return
        self._service.put(CLOCK, b"once")
        for condition in ({"new": True}, {"tag": OTHER_TAG}):
            with suppress(FileExistsError, ChangedError):
                self._service.put(CLOCK, b"twice", **condition)
                raise OSError(errno.ENOTSUP, "the service has no conditional writes, by which writers notice each other", CLOCK)
        self._conditional = True

    def _put_all(self, parts: Mapping[str, bytes]) -> None:
        # Written again where they are there, so that gc takes them for new.
        if self._waiting.parts is not None:
            self._waiting.parts |= parts
            return
        self._service.each(lambda item: self._service.put(*item), parts.items())

    def _tag_of(self, name: str, content: bytes) -> str:
        """The tag of an object, if this is its content; else ""."""
        there, tag = self._service.get(name) or (b"", "")
        return tag if there == content else ""

    def _content(self, name: str, most: int = LARGEST_FILE) -> bytes:
        return (self._service.get(name, most=most) or (b"", ""))[0]

    def _segment(self, name: str, segment: Segment, width: int) -> bytes:
        content = self.blob(name, segment.sha256, segment.rows * width * 4)
        if len(content) != segment.rows * width * 4:
            raise OSError(errno.EINVAL, f"{len(content)} bytes of other content", name)
        return content

    def _fetch(self, name: str, check: Callable[[bytes], Answer], most: int = LARGEST_FILE) -> Answer:
        """An object that `check` accepts; it raises a ValueError if an answer is not what it should be, and then it is asked for again."""
        for attempt in range(TRIES):
            try:
                return check(self._content_or_trash(name, most))
            except ValueError:
                if attempt + 1 == TRIES:
                    raise OSError(errno.EIO, "other content than its name says", name) from None
            except (FileNotFoundError, PermissionError):
                raise
            except OSError as error:
                if attempt + 1 == TRIES or error.errno == errno.EFBIG:
                    raise
            sleep(uniform(0, FIRST_PAUSE * 2**attempt))
        raise AssertionError

    def _content_or_trash(self, name: str, most: int) -> bytes:
        try:
            return self._content(name, most)
        except FileNotFoundError as error:
            try:
                return self._content(TRASH + name, most)
            except FileNotFoundError:
                raise error from None

    def _keep_component(self, bundle: Bundle) -> bytes:
        self._cache.put(_files_of(bundle))
        return bundle.description


def _tried(work: Callable[[], object]) -> None:
    with suppress(OSError):
        work()


def _files_of(bundle: Bundle) -> dict[str, bytes]:
    """The two files that a component is on this machine."""
    return {bundle.name + bundle.suffix: bundle.payload, f"{bundle.name}.json": bundle.description}


def _packed(bundle: Bundle) -> bytes:
    """A component as one object: a line of JSON that says what follows, the description, and the weights."""
    head = json.dumps({"suffix": bundle.suffix, "description": len(bundle.description)}).encode()
    return head + b"\n" + bundle.description + bundle.payload


def _unpacked(name: str, content: bytes) -> Bundle:
    """The component in such an object; a ValueError if it is not the one of this hash."""
    line, _, rest = content[:LARGEST_HEAD].partition(b"\n")
    try:
        head = json.loads(line)
        length, suffix = head["description"], head["suffix"]
        if not isinstance(length, int) or not 0 <= length <= LARGEST_DESCRIPTION or suffix not in SUFFIXES:
            raise ValueError("the head of a component")
        start = len(line) + 1 + length
        bundle = Bundle(name, suffix, content[start:], rest[:length])
        description = json.loads(bundle.description)
        if content_hash(description["kind"], dict(description["config"]), bundle.payload) != name:
            raise ValueError("a component of this hash")
    except (KeyError, TypeError, RecursionError) as error:
        raise ValueError("a component") from error
    return bundle


def _require(content: bytes, sha256: str) -> bytes:
    if hashlib.sha256(content).hexdigest() != sha256:
        raise ValueError("content of this hash")
    return content
