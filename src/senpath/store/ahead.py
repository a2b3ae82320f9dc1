"""What is fetched ahead where a store is far away, so that what is needed together is asked for at the same time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from senpath.confined import LARGEST_FILE
from senpath.store.consistency import fits_columns
from senpath.store.objects import Objects
from senpath.store.pages import PAGES, PageRecord, check_records
from senpath.store.records import TypeRecord

AHEAD = 2**25
"""Bytes of a type's columns, and of its metric, that are fetched when a network is opened, at most; more by the first question. Larger
segments are never fetched ahead, but one after another as they are put together: several at the same time may be more than memory holds."""


def fetch_opening(objects: Objects, types: Iterable[TypeRecord], pages: Sequence[PageRecord]) -> None:
    """Fetch the pages of a network that is opened, and with them what its first answer is routed by.

    Raises:
        ValueError: naming the first page that cannot be. Nobody has looked at the network yet; types that cannot be are left out here.
    """
    check_records(pages)
    small = [record for record in types if fits_columns(record) and record.rows * record.width * 4 <= AHEAD] if pages else []
    files = (*((f"{PAGES}/{page.file}", page.sha256, page.bytes) for page in pages), *_files(small, AHEAD))
    objects.prefetch((record.features for record in small), files)


def fetch_dispatcher(objects: Objects, record: TypeRecord) -> None:
    """Fetch what the dispatcher of a type is read from."""
    objects.prefetch((record.features,), _files([record], LARGEST_FILE))


def _files(types: Iterable[TypeRecord], largest: int) -> Iterator[tuple[str, str, int]]:
    for record in types:
        if record.metric is not None:
            yield f"dispatcher/{record.metric.file}", record.metric.sha256, largest
        for segment in record.segments:
            size = segment.rows * record.width * 4
            if size <= AHEAD:
                yield f"dispatcher/{record.columns}", segment.sha256, size
