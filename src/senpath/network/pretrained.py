"""Whole networks as the Hugging Face libraries save and load them: a folder with one version."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

from senpath.errors import DownloadError, InputError, MissingExtraError, StoreError
from senpath.network.cleaning import compacted
from senpath.network.view import View
from senpath.store import Change, Store
from senpath.store.copies import contents, require_empty, write_copy
from senpath.store.files import explained
from senpath.store.folder import LOG, MANIFEST

REPOSITORY = re.compile(r"[\w.-]+(/[\w.-]+)?", re.ASCII)
"""What an id on the hub looks like."""
FILES = [MANIFEST, "components/*", "dispatcher/*", LOG]


def save(store: Store, view: View, folder: Path) -> None:
    """Copy a version; see `Network.save_pretrained`.

    Raises:
        StoreError: if the folder is not empty or cannot be written, or a file of the network is damaged.
    """
    require_empty(folder)
    # Columns of tasks that were removed do not go along.
    manifest, change = compacted(store, view.manifest, view.version, view) or (view.manifest, Change((), {}, {}))

    def files() -> Iterator[tuple[str, bytes]]:
        yield from contents(store, manifest, change)
        yield LOG, b"".join(json.dumps(entry, ensure_ascii=False).encode() + b"\n" for entry in store.log(manifest))

    with explained(f"saving the network to {folder}"):
        write_copy(folder, manifest, files())


def find_saved(source: str | Path, revision: str | None) -> Path:
    """The folder of a saved network, fetched from the hub if there is none of this name here.

    Raises:
        StoreError: if there is no network.
        MissingExtraError: if the hub is asked for and its library is not installed.
        DownloadError: if it cannot be fetched.
    """
    if not isinstance(source, str | Path):
        raise InputError("source of the network", expected="a folder, or the id of a repository on the Hugging Face hub", got=repr(source))
    folder = Path(source)
    if not folder.exists() and isinstance(source, str) and REPOSITORY.fullmatch(source):
        folder = _fetched(source, revision)
    if not (folder / MANIFEST).exists():
        raise StoreError(f"network {source}", expected=f"a folder with {MANIFEST}", got="none")
    return folder


def _fetched(repository: str, revision: str | None) -> Path:
    try:
        from huggingface_hub import snapshot_download
    except ImportError as error:
        raise MissingExtraError(
            f"network {repository!r}, for which there is no folder here",
            expected="huggingface_hub, to look for it on the hub",
            got="not installed",
            do="pip install 'senpath[hub]'",
        ) from error
    try:
        return Path(snapshot_download(repository, revision=revision, allow_patterns=FILES))
    except (OSError, ValueError) as error:  # the library's own errors are these
        raise DownloadError(f"network {repository!r} from the Hugging Face hub", expected="to be fetched", got=str(error)) from error
