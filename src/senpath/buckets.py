"""Object storage, for networks and for data: addresses, the way to a service, and what it said, none of it with a secret in it."""

from __future__ import annotations

import errno
import os
import re
from contextlib import suppress
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit
from urllib.request import url2pathname

from senpath.errors import InputError, MissingExtraError

SCHEMES = {"s3": "S3", "gs": "Google Cloud Storage", "az": "Azure Blob Storage"}
URL = re.compile(r"(?P<scheme>(?:s3|gs|az)|(?:file|https?|ftp)(?=:/)|[a-z][a-z0-9+.-]+(?=://)):(?P<rest>.*)", re.DOTALL | re.IGNORECASE)
"""An address; as a Path it has lost a slash. Drives of Windows have one letter."""
BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,253}")
CHAIN = "Leave them out: keys are taken from the environment, as the service's own programs take them (docs/howto/object-storage.md)"
COPY = "Name one here, and copy what is there to or from it; whole networks go by senpath.copy_network"
FORKED = "no way to it, for this process was forked from one that had asked: fork before, or use spawn or forkserver"

TIMEOUT = "SENPATH_CLOUD_TIMEOUT"
SECONDS = 60.0
"""How long one request may take unless `SENPATH_CLOUD_TIMEOUT` says otherwise; what fails is tried again for as long."""
STATUS = re.compile(r"status(?: code)?:? (\d{3})\b")
WORDS = {400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 409: "Conflict", 429: "Too Many Requests"}
NO_BUCKET = re.compile(r"NoSuchBucket|ContainerNotFound|specified (?:bucket|container) does not exist")
SHORT = "the service cut its answer short"
KEYS = re.compile(r".*(?:performing token request|://169\.254\.|/latest/(?:api/token|meta-data/))")
"""In the first line of an error: it was the machine's own service that was asked, for keys, which is done where there are none."""
NO_KEYS = "no keys were there for the service, or they are of no use"
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


class Location(NamedTuple):
    """What an address in object storage names.

    Args:
        scheme: "s3", "gs" or "az".
        bucket: or container.
        name: of an object, or what the names of several begin with, without slashes at its ends; may be empty.
    """

    scheme: str
    bucket: str
    name: str

    def __str__(self) -> str:
        return f"{self.scheme}://{self.bucket}/{self.name}".rstrip("/")


def is_address(place: object) -> bool:
    """Whether this is an address, a good one or not, and no path."""
    return isinstance(place, str | Path) and URL.match(str(place)) is not None


def location(what: str, given: str | Path, example: str) -> Location | Path:
    """What an address names, or a path of this machine.

    Args:
        what: is said in errors.
        example: a name of what may be there, for errors.

    Raises:
        InputError: if it is of another service, or has a key, a query or a fragment in it; these are not repeated.
    """
    match = URL.match(str(given))
    if match is None:
        return Path(given)
    scheme, rest = match["scheme"].lower(), match["rest"]
    examples = f"s3://bucket/{example}, gs://bucket/{example}, az://container/{example} or file:///folder/{example}"
    try:
        parts = urlsplit(f"file:{rest}" if scheme == "file" else f"{scheme}://{rest.lstrip('/')}")
        secret = "@" in parts.netloc or bool(parts.query or parts.fragment) or (scheme in SCHEMES and ":" in parts.netloc)
    except ValueError:
        secret = True
    if secret:
        raise InputError(what, expected=f"a place alone, as in {examples}", got="a URL with a key or a query in it", do=CHAIN)
    if scheme == "file":
        return Path(url2pathname("/" + f"{parts.netloc}{parts.path}".lstrip("/")))
    if scheme in SCHEMES and isinstance(given, str) and not rest.startswith("//"):
        raise InputError(what, expected=f"two slashes, as in {examples}", got=f"{scheme}:/…")
    bucket, name = parts.netloc, parts.path.strip("/")
    if scheme not in SCHEMES:
        raise InputError(what, expected=f"a path, or {examples}", got=f"{scheme}://…")
    if not BUCKET.fullmatch(bucket) or (name and any(part in ("", ".", "..") for part in name.split("/"))):
        raise InputError(what, expected=f"a bucket and a name in it, as in {examples}", got=f"{scheme}://{bucket}/{name}")
    return Location(scheme, bucket, name)


def local_path(what: str, given: str | Path) -> Path:
    """The path of this machine that is named, by itself or as a file:// address.

    Raises:
        InputError: if it is another address. As a path it would lead below the working directory.
    """
    match = URL.match(str(given))
    at = location(what, given, "name") if match is None or match["scheme"].lower() == "file" else None
    if not isinstance(at, Path):
        raise InputError(what, expected="a path of this machine", got=f"{str(given).partition(':')[0]}://…", do=COPY)
    return at


def connect(scheme: str, bucket: str, prefix: str, what: str) -> Any:
    """The way to a bucket, for names below a prefix, as `obstore` has it. Nothing is asked yet.

    Args:
        what: needs it, for messages.

    Raises:
        MissingExtraError: without obstore.
        OSError: if the environment does not fit the service; or in a child that was forked after its parent asked a service: the
            library's threads stay behind, and where both use what is left of them, both wait for ever.
    """
    try:
        from obstore.store import AzureStore, GCSStore, S3Store
    except ImportError as error:
        raise MissingExtraError.of(what, "obstore, to reach it", "cloud") from error
    if _first_process() != os.getpid():
        raise OSError(errno.ENOTSUP, FORKED)
    seconds = _seconds()
    how: dict[str, Any] = {
        "prefix": prefix or None,
        "client_options": {"timeout": timedelta(seconds=seconds), "connect_timeout": timedelta(seconds=min(5.0, seconds))},
        "retry_config": {
            "max_retries": 6,
            "retry_timeout": timedelta(seconds=seconds),
            "backoff": {"init_backoff": timedelta(milliseconds=50), "max_backoff": timedelta(seconds=2), "base": 2},
        },
    }
    try:
        if scheme == "gs":
            return GCSStore(bucket, **how)
        if scheme == "az":
            return AzureStore(bucket, **how)
        return S3Store(bucket, **_of_s3(how))
    except Exception as error:  # of the library, about the environment; its text may repeat what stands there
        raise OSError(errno.EINVAL, f"{type(error).__name__}: look at the environment that says how to reach the service") from None


@cache
def _first_process() -> int:
    """The process that asked first. Children that are forked later remember it, too."""
    return os.getpid()


def translated(error: Exception, name: str) -> Exception:
    """An error of the library, which has URLs and answers of the service in its text, as one of ours, which has none; others as they are.

    Args:
        name: of the object that was asked for.
    """
    from obstore import exceptions as known

    from_service = isinstance(error, known.BaseError | OSError)
    match = STATUS.search(str(error)) if from_service else None
    status = int(match[1]) if match else 0
    if from_service and KEYS.match(str(error)):
        return PermissionError(errno.EACCES, NO_KEYS, name)
    if from_service and NO_BUCKET.search(str(error)):
        return OSError(errno.ENXIO, "no such bucket", name)
    if isinstance(error, FileNotFoundError) or status == 404:
        return FileNotFoundError(errno.ENOENT, "no such object", name)
    if isinstance(error, known.AlreadyExistsError):
        return FileExistsError(errno.EEXIST, "an object of this name is there", name)
    if isinstance(error, known.PreconditionError) or status in (409, 412):
        return OSError(errno.ESTALE, "it is another one by now", name)
    if isinstance(error, known.PermissionDeniedError | known.UnauthenticatedError) or status in (401, 403):
        return PermissionError(errno.EACCES, f"the service refuses it ({status or 403}): look at the keys and what they permit", name)
    if status:
        return OSError(errno.EIO, f"the service answered {status} {WORDS.get(status, '')}".rstrip(), name)
    if from_service:
        text = str(error).partition("Debug source")[0].lower()
        cause = next((said for word, said in CAUSES.items() if word in text), "the service could not be asked")
        return OSError(errno.EIO, cause, name)
    return error


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
