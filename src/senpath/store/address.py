"""Where a network is: a folder, or an address in object storage."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from senpath.errors import InputError
from senpath.store.files import as_lasting_path

SCHEMES = {"s3": "S3", "gs": "Google Cloud Storage", "az": "Azure Blob Storage"}
URL = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]+):(?P<rest>//?.*)", re.DOTALL)
"""An address; as a Path it has lost a slash. Drives of Windows have one letter."""
BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,253}")
EXAMPLE = "s3://bucket/team.sen, gs://bucket/team.sen, az://container/team.sen or file:///folder/team.sen"
CHAIN = "Leave them out: keys are taken from the environment, as the service's own programs take them (docs/howto/object-storage.md)"


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
    match = URL.fullmatch(str(given)) if isinstance(given, str | Path) else None
    scheme = match["scheme"].lower() if match else ""
    if match is not None and scheme in SCHEMES and isinstance(given, str) and not match["rest"].startswith("//"):
        raise InputError(what, expected=f"two slashes, as in {EXAMPLE}", got=f"{scheme}:/…")
    if match is None or (scheme not in (*SCHEMES, "file") and not match["rest"].startswith("//")):
        return as_lasting_path(what, given)
    try:
        parts = urlsplit(f"{scheme}://{match['rest'].lstrip('/')}" if scheme != "file" else f"file:///{match['rest'].lstrip('/')}")
        bucket, prefix, secret = parts.netloc, parts.path.strip("/"), "@" in parts.netloc or bool(parts.query or parts.fragment)
    except ValueError:
        bucket, prefix, secret = "", "", True
    if secret or "@" in bucket:
        raise InputError(what, expected=f"a place alone, as in {EXAMPLE}", got="a URL with a key or a query in it", do=CHAIN)
    if scheme == "file":
        return as_lasting_path(what, Path("/" + unquote(prefix)))
    if scheme not in SCHEMES:
        raise InputError(what, expected=f"a folder, or {EXAMPLE}", got=f"{scheme}://…")
    if not BUCKET.fullmatch(bucket) or not prefix or any(part in ("", ".", "..") for part in prefix.split("/")):
        raise InputError(what, expected=f"a bucket and a name in it, as in {EXAMPLE}", got=f"{scheme}://{bucket}/{prefix}")
    return Address(scheme, bucket, prefix)
