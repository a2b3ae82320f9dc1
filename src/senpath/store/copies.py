"""A version's files, checked, and a folder that holds this one version."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from itertools import chain
from pathlib import Path

from senpath.errors import StoreError
from senpath.store.change import Change
from senpath.store.files import TEMPORARY, is_litter, sync_folder, write_atomic
from senpath.store.manifest import Manifest, dump_manifest
from senpath.store.pages import PAGES
from senpath.store.records import covariance_file
from senpath.store.store import MANIFEST, Store


def contents(store: Store, manifest: Manifest, change: Change) -> Iterator[tuple[str, bytes]]:
    """All that a version names, as names within the folder and content.

    Args:
        change: statistics that are not in the store, as a commit would write them.

    Raises:
        StoreError: if a file is missing, or not as it was written.
    """
    for name in manifest.components:
        for file, content in store.component_files(name).items():
            yield f"components/{file}", content
    for key, record in manifest.types.items():
        yield f"dispatcher/{record.columns}", _columns(store, manifest, key, change)
        for name in {*record.covariances.values()}:
            file = covariance_file(name)
            yield f"dispatcher/{file}", change.files.get(file) or store.covariance(name, record.width).tobytes()
        if record.pooled:
            yield f"dispatcher/{record.pooled}", store.pooled(record).tobytes()
        metric = record.metric
        if metric is not None:
            yield f"dispatcher/{metric.file}", change.files.get(metric.file) or store.dispatcher_file(metric.file, metric.sha256)


def write_copy(folder: Path, manifest: Manifest, files: Iterable[tuple[str, bytes]]) -> None:
    """Make a new or empty folder a network of these files; if that fails, it is as it was.

    The manifest comes last, so that what a crash leaves does not open as a network.
    """
    types = {key: replace(record, segments=()) for key, record in manifest.types.items()}  # a folder has one file of columns
    content, pages, _ = dump_manifest(replace(manifest, types=types, pages=()))  # all of these are new here
    parts = ("components", "dispatcher", *((PAGES,) if pages else ()))
    with _taken_back(folder) as made:
        folder.mkdir(parents=True, exist_ok=True)
        for part in parts:
            (folder / part).mkdir()  # there by now, it is another writer's and stays
            made.append(folder / part)
        for name, data in chain(files, ((f"{PAGES}/{name}.json", page) for name, page in pages.items())):
            made.append(folder / name)
            write_atomic(folder / name, data)
        for part in (*parts, ""):
            sync_folder(folder / part)
        made.append(folder / MANIFEST)
        write_atomic(folder / MANIFEST, content)
        sync_folder(folder)


def require_empty(folder: Path) -> None:
    """Refuse a folder to copy to that is something else, or has something in it.

    Raises:
        StoreError: if it is a file, or not empty.
    """
    if folder.exists() and not folder.is_dir():
        raise StoreError(f"{folder}", expected="a new or empty folder", got="a file", do="Choose another name")
    names = sorted(child.name for child in folder.iterdir() if not is_litter(child.name)) if folder.exists() else []
    if names:
        raise StoreError(f"{folder}", expected="a new or empty folder", got=f"one with {', '.join(names[:3])}", do="Choose another name")


@contextmanager
def _taken_back(folder: Path) -> Iterator[list[Path]]:
    """Gives a list for what is made in the folder; if making it fails, or is interrupted, that goes, and the folder too if it is new."""
    absent = [path for path in (folder, *folder.parents) if not path.exists()]
    made: list[Path] = []
    try:
        yield made
    except BaseException:  # Ctrl-C too leaves nothing behind
        for path in reversed(made):
            with suppress(OSError):
                path.with_name(path.name + TEMPORARY).unlink(missing_ok=True)
                if path.is_dir():
                    shutil.rmtree(path)
                else:
                    path.unlink(missing_ok=True)
        for path in absent:
            with suppress(OSError):
                path.rmdir()
        raise


def _columns(store: Store, manifest: Manifest, key: str, change: Change) -> bytes:
    record = manifest.types[key]
    if record.columns in change.columns:
        return change.columns[record.columns][1].tobytes()
    rows = store.columns(record)
    for task in manifest.tasks.values():
        if task.pathway.data_type == key:
            store.check_columns(rows, record, task.statistics)
    return rows.tobytes()
