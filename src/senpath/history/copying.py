"""Copying a network from one place to another: folders and object storage, in any direction."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from senpath.errors import StoreError
from senpath.store import Change, Manifest, Place, Store, as_place
from senpath.store.copies import contents, require_empty, write_copy
from senpath.store.files import explained
from senpath.store.folder_objects import SUFFIXES
from senpath.store.journals import EVALUATIONS, LOG
from senpath.store.manifest import dump_manifest
from senpath.store.objects import Bundle
from senpath.store.pages import PAGES
from senpath.store.store import MANIFEST

BATCH = 2**26
"""Bytes of components that are written at once."""


@dataclass(frozen=True)
class Copied:
    """The outcome of copying a network.

    Attributes:
        source: where it is.
        target: where the copy is.
        version: of both.
        tasks: how many it has.

    Example:
        >>> copied = sp.copy_network("tiny.sen", "copy.sen")
        >>> copied.version, copied.tasks
        (3, 3)
    """

    source: str
    target: str
    version: int
    tasks: int


def copy_network(source: str | Place, target: str | Place) -> Copied:
    """Copy a network: its present version, the log, and what was measured. Earlier versions do not go along.

    Everything is read and checked against its hash on the way. The manifest is written last, so a copy that fails does not open.

    Args:
        source: a folder, or an address in object storage.
        target: a new or empty folder, or an address at which nothing is.

    Raises:
        InputError: if a place cannot be used.
        StoreError: if there is no network at `source` or it is damaged, something is at `target`, or either cannot be reached.

    Example:
        >>> sp.copy_network("tiny.sen", "copy.sen").target
        '...copy.sen'
    """
    here, there = as_place("network to copy", source), as_place("place of the copy", target)
    store = Store(here)
    manifest = store.opened()
    if manifest is None:
        raise StoreError(f"network {here}", expected=f"one with {MANIFEST}", got="none")
    with explained(f"copying the network to {there}"):
        if isinstance(there, Path):
            _to_folder(store, manifest, there)
        else:
            _to_objects(store, manifest, Store(there))
    return Copied(str(here), str(there), manifest.version, len(manifest.tasks))


def _to_folder(store: Store, manifest: Manifest, folder: Path) -> None:
    require_empty(folder)

    def files() -> Iterator[tuple[str, bytes]]:
        yield from contents(store, manifest, Change((), {}, {}))
        for journal, lines in _journals(store, manifest).items():
            if lines:
                yield f"{journal}.jsonl", b"".join(line + b"\n" for line in lines)

    write_copy(folder, manifest, files())


def _to_objects(store: Store, manifest: Manifest, target: Store) -> None:
    if target.opened() is not None:
        raise StoreError(f"{target.where}", expected="an address at which nothing is", got="a network", do="Choose another name")
    objects = target.objects
    objects.create()
    types = dict(manifest.types)
    columns = {f"dispatcher/{record.columns}": key for key, record in types.items()}
    descriptions: dict[str, bytes] = {}
    bundles: list[Bundle] = []
    for name, content in contents(store, manifest, Change((), {}, {})):
        path = Path(name)
        if name in columns:
            record = types[columns[name]]
            types[columns[name]] = replace(record, segments=objects.append(name, 0, record.width, content, ()))
        elif path.suffix == ".json" and path.parent.name == "components":
            descriptions[path.stem] = content
        elif path.suffix in SUFFIXES:
            bundles.append(Bundle(path.stem, path.suffix, content, descriptions.pop(path.stem)))
            if sum(len(bundle.payload) for bundle in bundles) >= BATCH:
                objects.write_parts(bundles, {})
                bundles = []
        else:
            objects.write_parts([], {name: content})
    content, pages, _ = dump_manifest(replace(manifest, types=types, pages=(), checksum=b""))  # all of these are new there
    objects.write_parts(bundles, {f"{PAGES}/{name}.json": page for name, page in pages.items()})
    for journal, lines in _journals(store, manifest).items():
        for line in lines:
            objects.add_line(journal, line, json.loads(line)["version"] if journal == LOG else None)
    objects.write_new(MANIFEST, content)


def _journals(store: Store, manifest: Manifest) -> dict[str, list[bytes]]:
    return {LOG: _lines(store.journals.log(manifest)), EVALUATIONS: _lines(store.journals.evaluations())}


def _lines(entries: Iterable[object]) -> list[bytes]:
    return [json.dumps(entry, ensure_ascii=False).encode() for entry in entries]
