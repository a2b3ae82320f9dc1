"""Pages: runs of consecutive tasks, each in a file that is named by its hash, so that a commit writes few of them anew.

network.json has the tasks that came last, up to `INLINE` bytes. When they are more they become a page, and pages of like size become one,
up to `PAGE` bytes: so a task is written a handful of times, whatever the number of tasks, and few pages hold them all (O'Neil et al. 1996,
"The log-structured merge-tree"). Of many pages, each `INDEX` in turn are listed in a page of their own, which network.json names in their
place.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from operator import is_
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError
from pydantic_core import to_json

from senpath.store.consistency import check_components
from senpath.store.objects import Objects
from senpath.store.records import STRICT, TaskRecord

PAGES = "pages"
"""Where pages are, among the objects of a network."""
INLINE, PAGE = 2**15, 2**19
"""Bytes of tasks in network.json, and in a page: more only where one task alone has more."""
INDEX = 32
"""Pages that are listed in one page."""
LARGEST = 2**32
"""Bytes of all pages of a version, at most; as of one file."""


@dataclass(frozen=True)
class PageRecord:
    """Which page, and what to expect of it.

    Args:
        sha256: its content's hash, by which its file is named.
        bytes: length of its content.
        tasks: how many it has.
        pages: 0 if it has them itself; else it lists so many pages that have them.
    """

    sha256: str
    bytes: int
    tasks: int
    pages: int = 0

    @property
    def file(self) -> str:
        """Name of its file, in `pages/`."""
        return f"{self.sha256}.json"


@dataclass(frozen=True)
class Page:
    """A run of consecutive tasks.

    Args:
        record: what names it.
        tasks: by name, in the order of learning.
        components: number of weights of each component that these tasks need, by hash.
        rows: by type, the row behind the last of these tasks' columns.
        version: the newest that brought one of them.
    """

    record: PageRecord
    tasks: Mapping[str, TaskRecord]
    components: Mapping[str, int]
    rows: Mapping[str, int]
    version: int


Fetch = Callable[[Sequence[PageRecord]], Sequence[bytes]]
"""Reads the content of pages; it raises an OSError for the first that is missing, or too long."""


@dataclass(frozen=True)
class _Tasks:
    components: dict[str, int]
    tasks: dict[str, TaskRecord]

    __pydantic_config__ = STRICT


@dataclass(frozen=True)
class _Index:
    pages: list[PageRecord]

    __pydantic_config__ = STRICT


_TASKS, _INDEX, _TASK = TypeAdapter(_Tasks), TypeAdapter(_Index), TypeAdapter(TaskRecord)


def fetched_from(objects: Objects) -> Fetch:
    """Reads pages of the network that these objects hold."""
    return lambda records: objects.blobs([(f"{PAGES}/{record.file}", record.sha256, record.bytes) for record in records])


Kept = TypeVar("Kept")
Loose = list[tuple[str, TaskRecord, bytes]]
"""Tasks that are in no page yet: name, record, and the line that stands for them."""


def dump_task(name: str, record: TaskRecord) -> bytes:
    """A task's line."""
    return to_json(name) + b":" + _TASK.dump_json(record)


def needed(tasks: Iterable[TaskRecord]) -> set[str]:
    """Hashes of the components that these tasks need."""
    names: set[str] = set()
    for task in tasks:
        names |= task.pathway.references
        if task.statistics.gate is not None:
            names.add(task.statistics.gate)
    return names


def read_pages(records: Sequence[PageRecord], fetch: Fetch, known: Iterable[Page]) -> tuple[list[Page], list[Page]]:
    """All pages that hold tasks, in their order, and those of them that are new.

    Args:
        records: as network.json has them.
        known: pages that were read before.

    Raises:
        ValueError: naming the first place that cannot be.
        OSError: if a page cannot be read.
    """
    leaves = listed(records, fetch)
    have = {page.record: page for page in known}
    absent = [record for record in leaves if record not in have]
    new = {record: _page(record, content) for record, content in zip(absent, _fetched(absent, fetch), strict=True)}
    return [have[record] if record in have else new[record] for record in leaves], list(new.values())


def listed(records: Sequence[PageRecord], fetch: Fetch) -> list[PageRecord]:
    """The pages that hold tasks, in their order: those that network.json names, or that pages list which it names.

    Raises:
        ValueError: naming the first place that cannot be.
        OSError: if a page cannot be read.
    """
    check_records(records)
    lists = [record for record in records if record.pages]
    contents = dict(zip(lists, map(_index, lists, _fetched(lists, fetch)), strict=True))
    leaves = [leaf for record in records for leaf in contents.get(record, [record])]
    check_records(leaves, 0)
    return leaves


def check_records(records: Sequence[PageRecord], levels: int = 1) -> None:
    """Before anything is read, that it may be: so much in all, each once, and lists only within so many levels.

    Raises:
        ValueError: naming the first place that cannot be.
    """
    if len({record.sha256 for record in records}) < len(records):
        raise ValueError("pages, of which one is there twice")
    if sum(record.bytes for record in records) > LARGEST:
        raise ValueError("pages, which are too large")
    for record in records:
        plain = len(record.sha256) == 64 and set(record.sha256) <= set("0123456789abcdef")
        if not plain or record.bytes < 1 or record.tasks < 1 or not 0 <= record.pages <= INDEX * levels:
            raise ValueError(_at(record))


def _fetched(records: Sequence[PageRecord], fetch: Fetch) -> Sequence[bytes]:
    contents = fetch(records) if records else []
    for record, content in zip(records, contents, strict=True):
        if len(content) != record.bytes or hashlib.sha256(content).hexdigest() != record.sha256:
            raise ValueError(f"{_at(record)}, a page that was changed or cut")
    return contents


def _index(record: PageRecord, content: bytes) -> list[PageRecord]:
    pages = _read(_INDEX, record, content).pages
    if len(pages) != record.pages or sum(page.tasks for page in pages) != record.tasks:
        raise ValueError(_at(record))
    return pages


def _page(record: PageRecord, content: bytes) -> Page:
    kept = _read(_TASKS, record, content)
    if len(kept.tasks) != record.tasks or needed(kept.tasks.values()) != kept.components.keys():
        raise ValueError(_at(record))
    return _made(record, kept.tasks, kept.components)


def _read(adapter: TypeAdapter[Kept], record: PageRecord, content: bytes) -> Kept:
    try:
        return adapter.validate_json(content)
    except ValidationError as error:
        first = error.errors()[0]
        raise ValueError(f"{_at(record)}.{'.'.join(map(str, first['loc']))}: {first['msg']}") from error


def _at(record: PageRecord) -> str:
    return f"pages.{record.sha256[:64]}"


def _made(record: PageRecord, tasks: Mapping[str, TaskRecord], components: Mapping[str, int]) -> Page:
    rows: dict[str, int] = {}
    for task in tasks.values():
        key, kept = task.pathway.data_type, task.statistics
        rows[key] = max(rows.get(key, 0), kept.first + kept.rows)
    return Page(record, tasks, components, rows, max(task.version for task in tasks.values()))


def arranged(
    tasks: Mapping[str, TaskRecord], before: Sequence[Page], components: Mapping[str, int], inline: int
) -> tuple[list[Page], dict[str, bytes], Loose]:
    """Put tasks into pages.

    Args:
        tasks: all of a version, by name, in the order of learning.
        before: pages of an earlier one; those that stay as they are are used again.
        components: number of weights of each, by hash.
        inline: bytes of tasks that stay in network.json.

    Returns:
        The pages, the content of those that are new by their hashes, and the tasks that are in none.

    Raises:
        ValueError: if what is written could not be read again.
    """
    segments, rest = _kept(tasks, before)
    tail = [(name, record, dump_task(name, record)) for name, record in rest]
    while segments and not isinstance(left := segments[-1], Page):  # what is left of the last pages
        segments, tail = segments[:-1], left + tail
    if _size(tail) >= inline:
        *full, last = _pieces(tail)
        stays = bool(full) and _size(last) < inline
        segments += full if stays else [*full, last]
        tail = last if stays else []
    pages, new = [], {}
    for part in _merged(chain(*([segment] if isinstance(segment, Page) else _pieces(segment) for segment in segments))):
        if isinstance(part, Page):
            pages.append(part)
        else:
            page, content = _written(part, components)
            pages.append(page)
            new[page.record.sha256] = content
    return pages, new, tail


def indexed(pages: Sequence[Page]) -> tuple[list[PageRecord], dict[str, bytes]]:
    """What network.json names: the pages, or where they are many, pages that list them; and the content of these by their hashes."""
    records, lists = [page.record for page in pages], {}
    grouped: list[PageRecord] = []
    while len(records) >= 2 * INDEX:
        some, records = records[:INDEX], records[INDEX:]
        content = to_json({"pages": some})
        name = hashlib.sha256(content).hexdigest()
        lists[name] = content
        grouped.append(PageRecord(name, len(content), sum(record.tasks for record in some), len(some)))
    return grouped + records, lists


def _kept(tasks: Mapping[str, TaskRecord], before: Sequence[Page]) -> tuple[list[Page | Loose], list[tuple[str, TaskRecord]]]:
    """Pages whose tasks are as they were, and between them what is left of others; then all tasks behind."""
    names, records, place = list(tasks), list(tasks.values()), 0
    segments: list[Page | Loose] = []
    for page in before:
        end = place + len(page.tasks)
        if names[place:end] == list(page.tasks) and all(map(is_, records[place:end], page.tasks.values())):
            segments.append(page)
            place = end
            continue
        first = place
        while place < len(names) and names[place] in page.tasks:
            place += 1
        segments.append([(name, tasks[name], dump_task(name, tasks[name])) for name in names[first:place]])
    return segments, list(zip(names[place:], records[place:], strict=True))


def _pieces(segment: Loose) -> list[Loose]:
    """A run of tasks as parts that are no larger than a page."""
    pieces: list[Loose] = []
    part: Loose = []
    size = 0
    for entry in segment:
        if part and size + len(entry[2]) > PAGE:
            pieces.append(part)
            part, size = [], 0
        part.append(entry)
        size += len(entry[2])
    return [*pieces, part] if part else pieces


def _merged(segments: Iterable[Page | Loose]) -> list[Page | Loose]:
    """With each put together with the one before while that is less than twice as large and both are one page; so sizes fall by halves."""
    merged: list[Page | Loose] = []
    for segment in segments:
        merged.append(segment)
        while len(merged) > 1 and _size(merged[-2]) < 2 * _size(merged[-1]) and _size(merged[-2]) + _size(merged[-1]) <= PAGE:
            merged[-2:] = [_loose(merged[-2]) + _loose(merged[-1])]
    return merged


def _loose(segment: Page | Loose) -> Loose:
    if isinstance(segment, Page):
        return [(name, record, dump_task(name, record)) for name, record in segment.tasks.items()]
    return segment


def _size(segment: Page | Loose) -> int:
    return segment.record.bytes if isinstance(segment, Page) else sum(len(line) for _, _, line in segment)


def _written(part: Loose, components: Mapping[str, int]) -> tuple[Page, bytes]:
    tasks: dict[str, TaskRecord] = {name: record for name, record, _ in part}
    mine = {name: components[name] for name in sorted(needed(tasks.values()))}
    body: list[Any] = [b'{"components":', to_json(mine), b',\n"tasks":{\n', b",\n".join(line for _, _, line in part), b"\n}}\n"]
    content = b"".join(body)
    _TASKS.validate_json(content)
    check_components(mine)
    return _made(PageRecord(hashlib.sha256(content).hexdigest(), len(content), len(part)), tasks, mine), content
