"""Where a network is: a folder, or an address in object storage."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from senpath.buckets import Location, is_address, location
from senpath.errors import InputError
from senpath.store.files import as_lasting_path

EXAMPLE = "team.sen"


@dataclass(frozen=True)
class Address:
    """A network's place in object storage.

    Args:
        scheme: "s3", "gs" or "az".
        bucket: or container.
        prefix: what the names of all its objects begin with; not empty, without slashes at its ends.
    """

    scheme: str
    bucket: str
    prefix: str

    @property
    def name(self) -> str:
        """The last part."""
        return self.prefix.rpartition("/")[2]

    def __str__(self) -> str:
        return f"{self.scheme}://{self.bucket}/{self.prefix}"


Place = Path | Address
"""Where a network is."""


def as_place(what: str, given: str | Place) -> Place:
    """The folder or address that a user named.

    Raises:
        InputError: if it is none, or has credentials in it; these are not repeated.
    """
    if isinstance(given, Address):
        return given
    at = location(what, given, EXAMPLE) if is_address(given) else given
    if not isinstance(at, Location):
        return as_lasting_path(what, at)
    if not at.name:
        raise InputError(what, expected=f"a bucket and a name in it, as in s3://bucket/{EXAMPLE}", got=str(at))
    return Address(*at)
