"""Labelled data that is named by its place, and read where it is needed: in the process that learns from it, on whatever machine."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

from senpath.errors import InputError
from senpath.inputs.limits import MEMORY_BYTES, files_within
from senpath.plugins import import_extra

SCHEMES = ("s3", "gs", "az", "file")
"""What an address begins with."""
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
        return DataAt(str(x) if is_address(x) else str(Path(x).absolute()), y)


def is_address(place: Any) -> bool:
    """Whether this is an address and no path."""
    return isinstance(place, str) and place.partition("://")[0].lower() in SCHEMES and "://" in place


def is_far(place: Any) -> bool:
    """Whether it is an address that leads away from this machine."""
    return is_address(place) and place.partition("://")[0].lower() != "file"


@contextmanager
def fetched(address: str) -> Iterator[Path]:
    """A copy, for a while, of the object or of all objects below a name; of a file on this machine, the file itself.

    Within, tables among the objects name objects alone, and no file of the machine that reads them.

    Credentials come from where the platform's own tools look for them.

    Raises:
        InputError: if there is nothing, too much, or it cannot be read; names the address.
        MissingExtraError: without obstore.
    """
    parts = urlsplit(address)
    if parts.username or parts.query or parts.fragment:
        expected = "a bucket and a name; credentials come from the environment"
        raise InputError("address of data", expected=expected, got="more than that", do="Leave out what stands before @ or behind ?")
    if parts.scheme.lower() == "file":
        yield Path(url2pathname(parts.path))
        return
    import_extra("obstore", "data in object storage", "cloud")
    with tempfile.TemporaryDirectory(prefix="senpath-") as folder:  # for this user alone
        try:
            copy = _download(address.rstrip("/"), Path(folder))
            with files_within(Path(folder)):
                yield copy
        except InputError as error:
            said = str(Path(folder))
            error.reword(error.message.replace(said, address), what=error.what.replace(said, address))
            raise


def _download(address: str, folder: Path) -> Path:
    import obstore
    from obstore.exceptions import BaseError
    from obstore.store import from_url

    above, _, name = address.rpartition("/")
    if above.endswith("/"):  # of a bucket all there is
        above, name = address, ""
    left = MEMORY_BYTES
    try:
        plain = (os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL") or "").startswith("http://")
        store = from_url(above, client_options={"allow_http": plain})
        objects = _objects(store, name)
        if len(objects) > MOST:
            raise InputError(f"data {address}", expected=f"at most {MOST:,} objects", got="more")
        for entry in objects:
            path = PurePosixPath(entry["path"])
            left -= entry["size"]
            if path.is_absolute() or ".." in path.parts or left < 0:
                raise InputError(f"data {address}", expected="plain names, and what fits in memory", got=str(path)[:100])
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("wb") as file:
                for part in obstore.get(store, entry["path"]):
                    file.write(part)
    except (BaseError, OSError, ValueError) as error:
        got = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"[:300]
        raise InputError(f"data {address}", expected="objects that can be read", got=got) from error
    if not objects:
        raise InputError(f"data {address}", expected="an object, or objects below this name", got="nothing of that name")
    return folder / name


def _objects(store: Any, name: str) -> list[Any]:
    """The object of this name, or all that are below it."""
    import obstore

    if name:
        with suppress(FileNotFoundError):
            return [obstore.head(store, name)]
    return [entry for page in obstore.list(store, prefix=name or None) for entry in page]
