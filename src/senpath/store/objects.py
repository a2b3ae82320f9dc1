"""What every store of networks is made of: a namespace of small objects."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from senpath.confined import LARGEST_FILE


class ChangedError(Exception):
    """An object that was to be replaced is another one by now."""


@dataclass(frozen=True)
class Listed:
    """An object, as a list of them has it.

    Args:
        name: within the namespace, its parts separated by "/".
        size: bytes.
        modified: when it was written, in seconds since 1970, by the store's own clock.
    """

    name: str
    size: int
    modified: float


@dataclass(frozen=True)
class Bundle:
    """A component as it is kept: the file of its weights, and the one that says its kind and configuration.

    Args:
        name: its hash.
        suffix: of the file of weights.
        payload: content of that file.
        description: content of the other.
    """

    name: str
    suffix: str
    payload: bytes
    description: bytes


@dataclass(frozen=True)
class Segment:
    """Consecutive rows of columns that are an object of their own.

    Args:
        rows: how many.
        sha256: hash of their bytes.
    """

    rows: int
    sha256: str


class Objects(ABC):
    """Objects by name. All but the root, `network.json`, are written once and never changed; many may read and write at the same time.

    Whatever cannot be done raises an OSError whose text is fit for people, a `FileNotFoundError` or `FileExistsError` where that is
    the reason.

    Attributes:
        where: the folder or the URL, for people.
        takes_turns: whether writers hold a lock. If not, they may overtake each other, and whoever is too late tries again.
        grace: seconds that objects which nothing needs any more stay by default, for who still reads or is about to need them.
    """

    where: str
    takes_turns: bool
    grace: float

    # The five operations on which everything else stands.

    @abstractmethod
    def read(self, name: str, tag: str = "") -> tuple[bytes, str] | None:
        """An object's content, and a tag that changes whenever the content does; None if its tag is still this one."""

    @abstractmethod
    def write_new(self, name: str, content: bytes) -> None:
        """Make an object, whole or not at all; raises FileExistsError if there is one of this name."""

    @abstractmethod
    def replace(self, name: str, content: bytes, tag: str) -> str:
        """Put another content in the place of the one that has this tag; raises ChangedError if that is gone.

        Returns:
            The tag that it has now.
        """

    @abstractmethod
    def listing(self, prefix: str = "") -> list[Listed]:
        """The objects whose names begin with this, by name."""

    @abstractmethod
    def delete(self, name: str) -> None:
        """Remove an object; none of this name is as well."""

    # What writers do.

    @abstractmethod
    def require_writable(self) -> None:
        """Raise an OSError if it is plain that nothing can be written, before work is done for it."""

    @abstractmethod
    def create(self) -> None:
        """Make room for a new network."""

    @abstractmethod
    def locked(self, seconds: float) -> AbstractContextManager[None]:
        """Keep other writers out where they take turns, waiting for so long at most; else do nothing."""

    @abstractmethod
    def begin(self) -> None:
        """Get ready for a commit: clear away what writers left that died.

        What this thread writes from now on may wait until `replace` writes all of it, before the root.
        """

    @abstractmethod
    def write_parts(self, components: Sequence[Bundle], files: Mapping[str, bytes]) -> None:
        """Make objects that nothing names yet; they last when this returns, or `replace` does. Some may be there, with the same content.

        Args:
            files: content by name. Where the hash is what an object is known by, see `blob`, the name may be another.
        """

    @abstractmethod
    def append(self, name: str, first: int, width: int, rows: bytes, before: Sequence[Segment]) -> tuple[Segment, ...]:
        """Add rows of `width` float32 numbers behind the first so many, and give the segments that make up all of them by then.

        A folder appends to the file of this name, and has no segments.
        """

    @abstractmethod
    def keep_root(self, name: str, content: bytes) -> None:
        """Give the root, whose content this is, a second name before another takes its place."""

    @abstractmethod
    def now(self) -> float:
        """The time by the clock that `Listed.modified` is told by."""

    @abstractmethod
    def retire(self, name: str) -> None:
        """Remove an object that nothing needs any more; others may keep it a while where nobody looks, see `grace`."""

    @abstractmethod
    def undo(self) -> None:
        """Take back what was written since `begin`, as far as nobody else can have come to need it."""

    # What readers do.

    @abstractmethod
    def component(self, name: str) -> tuple[bytes, Path]:
        """A component's description, and a file of this machine that has its weights; neither is checked."""

    @abstractmethod
    def forget(self, name: str) -> bool:
        """Forget this machine's copy of the component, or the file of this hash, that is not what it should be; whether there was one."""

    @abstractmethod
    def component_size(self, name: str) -> int:
        """Bytes that a component takes; none if it is gone."""

    @abstractmethod
    def blob(self, name: str, sha256: str, most: int = LARGEST_FILE) -> bytes:
        """Content of a file that was written among the parts of a commit; whether it has this hash is for the caller to check.

        Args:
            most: bytes that it may have.
        """

    def blobs(self, files: Sequence[tuple[str, str, int]]) -> Sequence[bytes]:
        """The same for several files, each by its name, its hash and its length; stores that are far away fetch them at the same time."""
        return [self.blob(*file) for file in files]

    @abstractmethod
    def prefetch(self, components: Iterable[str], files: Iterable[tuple[str, str, int]]) -> None:
        """Bring what is about to be read to this machine, all at the same time, where that takes time. What fails does so when it is read.

        Args:
            components: hashes.
            files: name and hash of each, and the bytes that it may have.
        """

    @abstractmethod
    def columns(self, name: str, rows: int, width: int, segments: Sequence[Segment]) -> np.ndarray:
        """The first so many rows, float32 (rows, width), mapped from a file of this machine; they are not checked."""

    @abstractmethod
    def blob_name(self, name: str, sha256: str) -> str:
        """The object in which that file is."""

    @abstractmethod
    def holds(self, name: str) -> bool:
        """Whether this name was, or may have been, given to a file."""

    # Journals: lines that are only ever added, one object each or all in one file.

    @abstractmethod
    def add_line(self, journal: str, line: bytes, number: int | None = None) -> None:
        """Add a line, without its break.

        Args:
            number: of a version that has one line; it is added once. None for lines that just follow one another.
        """

    @abstractmethod
    def lines(self, journal: str) -> list[bytes]:
        """All lines, oldest first."""

    @abstractmethod
    def remove_line(self, journal: str, place: int) -> None:
        """Remove the line that is at this place of `lines`."""

    @abstractmethod
    def line_name(self, journal: str, place: int) -> str:
        """What to call a line in a message."""

    @abstractmethod
    def foreign(self) -> Iterator[str]:
        """Names of whatever is here and is no part of a network."""
