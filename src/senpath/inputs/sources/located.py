"""Labelled data that is named by its place, and read where it is needed: in the process that learns from it, on whatever machine."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from senpath.buckets import Location, connect, is_address, location, translated
from senpath.errors import InputError
from senpath.inputs.limits import MEMORY_BYTES, files_within
from senpath.plugins import import_extra

EXAMPLE = "letters.csv"
MOST = 100_000
"""Objects of a data set, at most."""


@dataclass(frozen=True)
class DataAt:
    """Labelled data at a place that all machines find; `Network.learn_many` takes it in place of the data.

    Args:
        place: a path, or an address such as "s3://bucket/letters/".
        label, split, modality, bad: see `senpath.read`.
    """

    place: str
    label: str | None = None
    split: str | None = None
    modality: str | None = None
    bad: str = "error"

    @staticmethod
    def of(x: Any, y: Any) -> DataAt | None:
        """What a caller gives as data, if it only names a place; paths become absolute."""
        if isinstance(x, DataAt):
            return x
        if not isinstance(x, str | Path) or not (y is None or isinstance(y, str)):
            return None
        return DataAt(lasting(x), y)


def lasting(place: str | Path) -> str:
    """A place as all processes of a machine understand it: an address, or a path that is absolute."""
    if not is_address(place):
        return str(Path(os.path.expanduser(place)).absolute())
    scheme, _, rest = str(place).partition(":")
    return f"{scheme}://{rest.lstrip('/')}" if isinstance(place, Path) else place  # a Path has lost a slash


@contextmanager
def fetched(address: str | Path) -> Iterator[Path]:
    """A copy, for a while, of the object or of all objects below a name; of a file on this machine, the file itself.

    Within, tables among the objects name objects alone, and no file of the machine that reads them.

    Credentials come from where the platform's own tools look for them.

    Raises:
        InputError: if there is nothing, too much, or it cannot be read; names the address, unless there are keys in it.
        MissingExtraError: without obstore.
    """
    at = location("address of data", address, EXAMPLE)
    if isinstance(at, Path):
        yield at
        return
    with tempfile.TemporaryDirectory(prefix="senpath-") as folder:  # for this user alone
        try:
            copy = _download(at, Path(folder))
            with files_within(Path(folder)):
                yield copy
        except InputError as error:
            error.rename(folder, str(at))
            raise


def _download(at: Location, folder: Path) -> Path:
    obstore = import_extra("obstore", "data in object storage", "cloud")
    above, _, name = at.name.rpartition("/")
    what, left, target = f"data {at}", MEMORY_BYTES, folder / name
    try:
        store = connect(at.scheme, at.bucket, above, what)
        objects = _objects(store, name, what)
        for entry in objects:
            path = PurePosixPath(entry)
            if path.is_absolute() or ".." in path.parts:
                raise InputError(what, expected="plain names", got=entry[:100])
            file = folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            with file.open("wb") as content:
                for part in obstore.get(store, entry):
                    left -= len(part)
                    if left < 0:
                        raise InputError(what, expected=f"at most {MEMORY_BYTES:,} bytes, for it has to fit in memory", got="more")
                    content.write(part)
    except (obstore.exceptions.BaseError, OSError) as error:
        told = error if isinstance(error, OSError) and error.errno is not None else translated(error, name)
        got = (told.strerror if isinstance(told, OSError) else None) or type(told).__name__
        raise InputError(what, expected="objects that can be read", got=got) from None
    if not objects:
        raise InputError(what, expected="an object, or objects below this name", got="nothing of that name")
    return target


def _objects(store: Any, name: str, what: str) -> list[str]:
    """The object of this name, or all that are below it.

    Raises:
        InputError: if they are too many; no more are listed then.
    """
    import obstore

    if name:
        with suppress(FileNotFoundError):
            return [obstore.head(store, name)["path"]]
    names = list[str]()
    for page in obstore.list(store, prefix=name or None):
        names += [entry["path"] for entry in page]
        if len(names) > MOST:
            raise InputError(what, expected=f"at most {MOST:,} objects", got="more")
    return names
