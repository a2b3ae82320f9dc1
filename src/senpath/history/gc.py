"""Freeing what no version needs any more."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import inf

import numpy as np
import torch

from senpath.arrays import as_number
from senpath.errors import InputError, StoreError
from senpath.history.checkout import Checkout
from senpath.routing import Metric
from senpath.snapshot.dispatchers import make_metric, read_metric
from senpath.snapshot.view import View
from senpath.store import Change, Manifest, MetricRecord, StatisticsRecord, Store, TaskRecord, TypeRecord
from senpath.store.files import author, timestamp
from senpath.store.unneeded import drop_unnamed, sizes


@dataclass(frozen=True)
class Cleaned:
    """What `Network.gc` freed.

    Attributes:
        files: number of files removed.
        bytes: their total size.
        versions: the versions that are left, the present one last.

    Example:
        >>> removed = net.remove("iris")
        >>> net.gc(versions=1).files > 0
        True
    """

    files: int
    bytes: int
    versions: tuple[int, ...]


def clean(checkout: Checkout, versions: int, grace: float | None = None) -> Cleaned:
    """Forget versions and remove what they alone needed; see `Network.gc`.

    Raises:
        InputError: if `versions` is no number of versions, or `grace` no number of seconds, or one that a folder has no need of.
        StoreError: if a version that is to be kept is damaged; then nothing is removed.
    """
    if isinstance(versions, bool) or not isinstance(versions, int) or versions < 1:
        raise InputError("versions", expected="a number of versions to keep, 1 (the present one) or more", got=repr(versions))
    store, view = checkout.store, checkout.view
    seconds = _grace(store, grace)
    with checkout.writing():
        present = store.read(view.manifest)
        numbers = store.history.numbers(present.version)
        before = sizes(store.objects)
        try:
            since = store.objects.now() - seconds if seconds else inf
            # Under the name of a version stands when another took its place, where nobody holds a lock.
            recent = {number for number in numbers if store.history.kept_since(number) >= since} if seconds else set()
            last = sorted({*numbers[max(0, len(numbers) - versions + 1) :], *recent})
            kept = [store.history.read(number, present) for number in last]
            # Which reads what may be damaged: before anything is removed.
            made = _compact(store, present, view) if not kept or not store.objects.takes_turns else None
            for number in set(numbers) - set(last):
                store.history.forget(number)
            if made is not None:
                if not store.objects.takes_turns:  # where what is replaced is kept
                    kept, last = [*kept, present], [*last, present.version]
                present = store.write(present, *made, keep=1)
            if not store.objects.takes_turns:
                kept.append(store.read(present))  # others went on meanwhile
            drop_unnamed(store.objects, [present, *kept], since)
        except OSError as error:
            got = error.strerror or str(error)
            what, do = f"cleaning {store.where}", "Call gc() again for what is left"
            raise StoreError(what, expected="to be possible", got=got, do=do) from error
        finally:
            checkout.moved(present)
        after = sizes(store.objects)
    gone = before.keys() - after.keys()
    freed = sum(before.values()) - sum(after.values()) if store.objects.takes_turns else sum(before[name] for name in gone)
    return Cleaned(len(gone), freed, (*last, present.version))


def _grace(store: Store, grace: float | None) -> float:
    if grace is None:
        return store.objects.grace
    if not 0 <= as_number(grace) < inf:
        raise InputError("grace", expected="a number of seconds, 0 or more", got=repr(grace))
    if grace and store.objects.takes_turns:
        raise InputError("grace", expected="none for a folder, whose writers hold a lock", got=repr(grace), do="Leave it out")
    return float(grace)


def compacted(store: Store, present: Manifest, version: int, view: View) -> tuple[Manifest, Change] | None:
    """The present version's content with files of columns that have no rows of no task, and metrics that cover the others.

    Args:
        version: that the new files are named after.

    Returns:
        None if there are no such rows.
    """
    types, tasks, change = dict(present.types), dict(present.tasks), Change((), {}, {})
    for key, record in present.types.items():
        mine = {name: task for name, task in present.tasks.items() if task.pathway.data_type == key}
        if sum(task.statistics.rows for task in mine.values()) < record.rows:
            moved, rows = _gathered(store, record, mine)
            tasks |= moved
            name = f"{key}.{version}.columns"
            change.columns[name] = (0, rows)
            types[key] = replace(record, columns=name, rows=len(rows), segments=())
            if view.settings.dispatcher == "discriminant":
                metric = _metric(store, record, {name: tasks[name].statistics for name in mine}, rows, view.device)
                content, file = metric.dump(), f"{key}.{version}.metric"
                change.files[file] = content
                kept = MetricRecord(file, hashlib.sha256(content).hexdigest(), metric.tasks, *metric.index_numbers)
                types[key] = replace(types[key], metric=kept)
    return (replace(present, types=types, tasks=tasks, checksum=b""), change) if change.columns else None


def _compact(store: Store, present: Manifest, view: View) -> tuple[Manifest, Change] | None:
    smaller = compacted(store, present, present.version + 1, view)
    if smaller is None:
        return None
    entry = {"version": present.version + 1, "time": timestamp(), **author(), "tasks": [], "compacted": True}
    return replace(smaller[0], version=present.version + 1, last=entry), smaller[1]


def _metric(store: Store, record: TypeRecord, tasks: Mapping[str, StatisticsRecord], rows: np.ndarray, device: torch.device) -> Metric:
    """The metric that the type has, for these rows alone. One made anew, of all tasks there are by now, would change answers."""
    if record.metric is None:  # what an earlier senpath left to its readers
        return make_metric(store, record, tasks, rows, device)
    return read_metric(store, record, record.metric, device).covering(rows)


def _gathered(store: Store, record: TypeRecord, tasks: Mapping[str, TaskRecord]) -> tuple[dict[str, TaskRecord], np.ndarray]:
    """These tasks' rows one after another, and the tasks with their new places."""
    rows, parts, moved, first = store.columns(record), [], {}, 0
    for name, task in tasks.items():
        store.check_columns(rows, record, task.statistics)
        kept = task.statistics
        parts.append(rows[kept.first : kept.first + kept.rows])
        moved[name] = replace(task, statistics=replace(kept, first=first))
        first += kept.rows
    return moved, np.concatenate(parts)
