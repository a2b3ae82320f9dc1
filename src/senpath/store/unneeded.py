"""Removing objects that no version names."""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import suppress
from math import inf

from senpath.store.folder_objects import VERSIONS
from senpath.store.manifest import Manifest
from senpath.store.objects import Objects
from senpath.store.pages import PAGES
from senpath.store.records import TypeRecord, covariance_file
from senpath.store.versions import Parts, parts_of

COMPONENT = re.compile(r"components/(?P<hash>[0-9a-f]{64})(\.(json|safetensors|skops))?")
"""Names of components' objects."""
TRASH = "trash/"
"""What gc frees lies here for a while where writers do not take turns, so that whoever was about to need it has it."""
PARTS = ("components/", "dispatcher/", f"{PAGES}/", f"{VERSIONS}/")


def drop_unnamed(objects: Objects, versions: Iterable[Manifest], since: float = inf) -> None:
    """Remove components, statistics and pages that none of these versions names; no other version is kept. For the lock's holder.

    Args:
        since: what was written from this time on stays, by the clock of the store: a commit may be about to name it.
    """
    kept = list(versions)
    named = {name for manifest in kept for name in manifest.components}
    for listed in objects.listing("components/"):
        match = COMPONENT.fullmatch(listed.name)
        if match and match["hash"] not in named and listed.modified < since:
            _retire(objects, listed.name)
    drop_unnamed_parts(objects, map(parts_of, kept), since)
    if objects.takes_turns:
        objects.begin()
    else:
        _empty_trash(objects, kept, since)


def _empty_trash(objects: Objects, versions: Iterable[Manifest], since: float) -> None:
    """Remove what has been in the trash long enough. What somebody came to need while it was on its way there is put back."""
    kept = list(versions)
    needed = {f"components/{name}" for manifest in kept for name in manifest.components}
    needed |= _named(objects, map(parts_of, kept))
    for listed in objects.listing(TRASH):
        name = listed.name.removeprefix(TRASH)
        if name in needed:
            with suppress(FileExistsError):
                objects.write_new(name, (objects.read(listed.name) or (b"", ""))[0])
        if name in needed or listed.modified < since:
            objects.delete(listed.name)


def drop_unnamed_parts(objects: Objects, versions: Iterable[Parts], since: float = inf) -> None:
    """Remove statistics and pages that none of these versions needs, also those of writers who died before their commit."""
    named = _named(objects, versions)
    for listed in (*objects.listing("dispatcher/"), *objects.listing(f"{PAGES}/")):
        if listed.name not in named and listed.modified < since:
            _retire(objects, listed.name)


def sizes(objects: Objects) -> dict[str, int]:
    """Bytes of each object that holds components, statistics or an earlier version."""
    return {listed.name: listed.size for part in PARTS for listed in objects.listing(part)}


def _named(objects: Objects, versions: Iterable[Parts]) -> set[str]:
    """Names of the objects that these versions need, but for components."""
    named = set[str]()
    for types, pages in versions:
        named |= {name for record in types.values() for name in _names(objects, record)}
        named |= {objects.blob_name(f"{PAGES}/{record.file}", record.sha256) for record in pages}
    return named


def _names(objects: Objects, record: TypeRecord) -> set[str]:
    """Names of the objects that hold a type's statistics."""
    name = objects.blob_name
    names = {name(f"dispatcher/{covariance_file(sha256)}", sha256) for sha256 in record.covariances.values()}
    names |= {name(f"dispatcher/{record.columns}", segment.sha256) for segment in record.segments}
    names |= set() if record.segments else {f"dispatcher/{record.columns}"}
    names |= {name(f"dispatcher/{record.pooled}", record.pooled_sha256)} if record.pooled else set()
    metric = record.metric
    return names | ({name(f"dispatcher/{metric.file}", metric.sha256)} if metric is not None else set())


def _retire(objects: Objects, name: str) -> None:
    with suppress(OSError):  # one that is still open elsewhere may stay
        objects.retire(name)
