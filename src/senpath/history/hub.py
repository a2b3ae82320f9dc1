"""Whole networks as the Hugging Face libraries save and load them: a folder with one version."""

from __future__ import annotations

import inspect
import json
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol, TypeVar

import torch

from senpath.errors import DownloadError, InputError, MissingExtraError, StoreError
from senpath.history.card import CARD, model_card
from senpath.history.gc import compacted
from senpath.snapshot.view import View
from senpath.store import Change, Store
from senpath.store.copies import contents, require_empty, write_copy
from senpath.store.files import as_path, explained, go_with, temporary_folder
from senpath.store.pages import PAGES
from senpath.store.store import MANIFEST


class Opened(Protocol):
    """An open network, of whatever class."""

    def __init__(self, path: str | Path, **settings: Any) -> None: ...

    @property
    def view(self) -> View: ...


N = TypeVar("N", bound=Opened)
REPOSITORY = re.compile(r"[\w.-]+(/[\w.-]+)?", re.ASCII)
"""What an id on the hub looks like."""
LOG = "log.jsonl"
FILES = [MANIFEST, "components/*", "dispatcher/*", f"{PAGES}/*", LOG]


def save(store: Store, view: View, folder: Path, card: str | None = None) -> None:
    """Copy a version; see `Network.save_pretrained`.

    Args:
        card: a text for people that goes with it.

    Raises:
        StoreError: if the folder is not empty or cannot be written, or a file of the network is damaged.
    """
    require_empty(folder)
    # Columns of tasks that were removed do not go along.
    manifest, change = compacted(store, view.manifest, view.version, view) or (view.manifest, Change((), {}, {}))

    def files() -> Iterator[tuple[str, bytes]]:
        yield from contents(store, manifest, change)
        if card is not None:
            yield CARD, card.encode()
        yield LOG, b"".join(json.dumps(entry, ensure_ascii=False).encode() + b"\n" for entry in store.journals.log(manifest))

    with explained(f"saving the network to {folder}"):
        write_copy(folder, manifest, files())


@contextmanager
def _saved(source: str | Path, how: Mapping[str, str | None]) -> Iterator[Path]:
    """The folder of a saved network, fetched from the hub if there is none of this name here.

    Raises:
        StoreError: if there is no network.
        MissingExtraError: if the hub is asked for and its library is not installed.
        DownloadError: if it cannot be fetched.
    """
    if not isinstance(source, str | Path):
        raise InputError("source of the network", expected="a folder, or the id of a repository on the Hugging Face hub", got=repr(source))
    folder = as_path("source of the network", source)
    with TemporaryDirectory(prefix="senpath-", ignore_cleanup_errors=True) as own:
        if not folder.exists() and isinstance(source, str) and REPOSITORY.fullmatch(source):
            folder = _own_copy(_fetched(source, how), Path(own))
        if not (folder / MANIFEST).exists():
            raise StoreError(f"network {source}", expected=f"a folder with {MANIFEST}", got="none")
        yield folder


def _own_copy(fetched: Path, folder: Path) -> Path:
    """The files that were fetched, without the links by which the hub's cache shares them; these lead to other files of the repository."""
    for pattern in FILES:
        for file in fetched.glob(pattern):
            real = file.resolve()
            if real.is_file() and real.is_relative_to(fetched.resolve().parents[1]):
                target = folder / file.relative_to(fetched)
                target.parent.mkdir(exist_ok=True)
                shutil.copyfile(real, target)
    return folder


def copy_saved(network: type[N], source: str | Path, path: str | Path | None, settings: Mapping[str, Any], **how: str | None) -> N:
    """A network over a copy of a saved one; see `Network.from_pretrained`.

    Args:
        network: the class to make.
        how: revision, token.
    """
    known = [name for name in inspect.signature(network).parameters if name != "path"]
    for name in settings:
        if name not in known:
            raise InputError(f"setting {name!r}", expected=f"one of {', '.join(known)}", got="another name")
    given = None if path is None else as_path("path of the copy", path)
    with _saved(source, how) as folder:
        return _copied(network, folder, given, settings)


def _copied(network: type[N], folder: Path, path: Path | None, settings: Mapping[str, Any]) -> N:
    saved = network(folder, **settings).view.manifest
    target = temporary_folder() if path is None else path
    try:
        store = Store(folder)
        save(store, View(store, saved, torch.device("cpu")), target)
        net = network(target, **settings)
    except BaseException:  # Ctrl-C too leaves nothing behind
        if path is None:
            shutil.rmtree(target, ignore_errors=True)
        raise
    if path is None:
        go_with(net, target)
    return net


def save_with_card(store: Store, view: View, folder: Path) -> None:
    """Copy a version, with a card that says what is known of it; see `Network.save_pretrained`."""
    save(store, view, folder, model_card(view, store.journals.evaluations(), folder.name))


def push(store: Store, view: View, repository: str, **how: Any) -> str:
    """Upload a version as one commit; see `Network.push_to_hub`.

    Args:
        how: commit_message, private, token, branch, create_pr.
    """
    if not isinstance(repository, str) or not REPOSITORY.fullmatch(repository):
        raise InputError("id of the repository", expected="a name like someone/digits", got=repr(repository))
    with _library(f"network to upload to {repository!r}", "to upload it"):
        from huggingface_hub import HfApi
    with TemporaryDirectory(prefix="senpath-", ignore_cleanup_errors=True) as folder:
        save(store, view, Path(folder), model_card(view, store.journals.evaluations(), repository))
        try:
            hub = HfApi(token=how["token"])
            hub.create_repo(repository, private=how["private"], exist_ok=True)
            commit = hub.upload_folder(
                repo_id=repository,
                folder_path=folder,
                commit_message=how["commit_message"] or f"senpath network, version {view.version}",
                revision=how["branch"],
                create_pr=how["create_pr"],
                allow_patterns=[*FILES, CARD],
                delete_patterns=FILES,  # what earlier versions had, and this one has not
            )
        except (OSError, ValueError) as error:  # the library's own errors are these
            raise DownloadError(f"network to upload to {repository!r}", expected="to be possible", got=str(error)) from error
    return str(commit.pr_url or commit.commit_url)


@contextmanager
def _library(what: str, why: str) -> Iterator[None]:
    try:
        yield
    except ImportError as error:
        raise MissingExtraError.of(what, f"huggingface_hub, {why}", "hub") from error


def _fetched(repository: str, how: Mapping[str, Any]) -> Path:
    with _library(f"network {repository!r}, for which there is no folder here", "to look for it on the hub"):
        from huggingface_hub import snapshot_download
    try:
        return Path(snapshot_download(repository, allow_patterns=FILES, **how))
    except (OSError, ValueError) as error:  # the library's own errors are these
        raise DownloadError(f"network {repository!r} from the Hugging Face hub", expected="to be fetched", got=str(error)) from error
