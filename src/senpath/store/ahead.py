"""What is fetched ahead where a store is far away, so that what is needed together is asked for at the same time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from senpath.store.objects import Objects
from senpath.store.pages import PAGES, PageRecord
from senpath.store.records import TypeRecord

AHEAD = 2**25
"""Bytes of columns that are fetched when a network is opened, at most; more is fetched by the first question."""


def fetch_opening(objects: Objects, types: Iterable[TypeRecord], pages: Sequence[PageRecord]) -> None:
    """Fetch the pages of a network that is opened, and with them what its first answer is routed by."""
    small = [record for record in types if record.rows * record.width * 4 <= AHEAD] if pages else []
    files = (*((f"{PAGES}/{page.file}", page.sha256) for page in pages), *_files(small))
    objects.prefetch((record.features for record in small), files)


def fetch_dispatcher(objects: Objects, record: TypeRecord) -> None:
    """Fetch what the dispatcher of a type is read from."""
    objects.prefetch((record.features,), _files([record]))


def _files(types: Iterable[TypeRecord]) -> Iterator[tuple[str, str]]:
    for record in types:
        if record.metric is not None:
            yield f"dispatcher/{record.metric.file}", record.metric.sha256
        yield from ((f"dispatcher/{record.columns}", segment.sha256) for segment in record.segments)
