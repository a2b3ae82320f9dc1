"""Taking back: removing a task, and returning to an earlier version."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch

from senpath.errors import InputError
from senpath.history.checkout import Checkout
from senpath.snapshot.dispatchers import check_covariances, read_metric
from senpath.snapshot.proposal import Proposal
from senpath.store import Change, Manifest, Store, TaskRecord, TypeRecord
from senpath.store.files import author, timestamp


@dataclass(frozen=True)
class Removed:
    """The outcome of removing a task.

    Attributes:
        task: its name.
        version: the network's version without it.
        components: hashes of its components that the network no longer has.
        shared: hashes of its components that stay because other tasks read them.
        bytes: disk space of its components and columns, which `gc` frees.

    Example:
        >>> removed = net.remove("iris")
        >>> removed.task, removed.version
        ('iris', 4)
    """

    task: str
    version: int
    components: tuple[str, ...]
    shared: tuple[str, ...]
    bytes: int


@dataclass(frozen=True)
class RolledBack:
    """The outcome of returning to an earlier version.

    Attributes:
        to: the version whose tasks the network has now.
        version: the network's version now.
        removed: names of tasks that are gone.
        restored: names of tasks that are back.
        reverted: names of tasks that had changed in between and are as they were.

    Example:
        >>> back = net.rollback(2)
        >>> back.to, back.version, back.removed
        (2, 4, ('iris',))
    """

    to: int
    version: int
    removed: tuple[str, ...]
    restored: tuple[str, ...]
    reverted: tuple[str, ...]


def remove(checkout: Checkout, task: str) -> Removed:
    """Commit the version without a task; see `Network.remove`.

    Raises:
        UnknownTaskError: if there is no such task.
        ConflictError: if another writer changed the task meanwhile.
    """
    checkout.refresh()
    store, view = checkout.store, checkout.view
    pathway, kept = view.pathway(task), view.tasks[task].statistics
    mine = sorted(pathway.references | ({kept.gate} if kept.gate is not None else set()))
    sizes = {name: store.component_size(name) for name in mine}  # before the commit: after it another's gc may free them at once
    after = checkout.commit(Proposal(view.version, (), (), {}, removes=frozenset({task}))).manifest
    gone = tuple(name for name in mine if name not in after.components)
    size = sum(sizes[name] for name in gone) + 4 * kept.rows * view.manifest.types[pathway.data_type].width
    return Removed(task, after.version, gone, tuple(name for name in mine if name in after.components), size)


def roll_back(checkout: Checkout, version: int) -> RolledBack:
    """Commit a version with what an earlier one had; see `Network.rollback`.

    Raises:
        InputError: if the version is not kept.
        StoreError: if a file of it is missing or damaged.
    """
    store, answers = checkout.store, []

    def returned(before: Manifest) -> tuple[Manifest, Change]:
        known = store.history.numbers(before.version)
        if isinstance(version, bool) or not isinstance(version, int) or version not in known:
            expected = f"one of {', '.join(map(str, known))}" if known else "an earlier version that is kept; there is none"
            raise InputError("version to return to", expected=expected, got=repr(version))
        target = store.history.read(version, before)
        _check_whole(store, target, before)
        answer = _compare(before, target)
        answers.append(answer)
        after = replace(
            target,
            version=before.version + 1,
            types=_types(target, store.history.rows_in_use(before)),
            tasks=_tasks(before, target),
            last=_entry(answer),
            checksum=b"",
        )
        return after, Change((), {}, {})

    checkout.update(returned)
    return answers[-1]


def _check_whole(store: Store, target: Manifest, present: Manifest) -> None:
    """Read what comes back; what the present version has too is taken for whole."""
    for name in target.components:
        if name not in present.components:
            store.component_files(name)
    for key, record in target.types.items():
        rows = store.columns(record)
        check_covariances(store, record)
        if record.metric is not None:
            read_metric(store, record, record.metric, torch.device("cpu"))
        for name, task in target.tasks.items():
            same = name in present.tasks and present.tasks[name].statistics == task.statistics and key in present.types
            if task.pathway.data_type == key and not (same and present.types[key].columns == record.columns):
                store.check_columns(rows, record, task.statistics)


def _types(target: Manifest, rows: Mapping[str, int]) -> dict[str, TypeRecord]:
    """Rows of later versions stay taken, for going forward again."""
    return {key: replace(record, rows=max(record.rows, rows.get(record.columns, 0))) for key, record in target.types.items()}


def _tasks(before: Manifest, target: Manifest) -> dict[str, TaskRecord]:
    """A task that is another than at present says that this version brought it, so that no proposal is made on top of the other one."""
    return {
        name: record if before.tasks.get(name) == record else replace(record, version=before.version + 1)
        for name, record in target.tasks.items()
    }


def _compare(before: Manifest, target: Manifest) -> RolledBack:
    there = [name for name in target.tasks if name in before.tasks]
    return RolledBack(
        to=target.version,
        version=before.version + 1,
        removed=tuple(name for name in before.tasks if name not in target.tasks),
        restored=tuple(name for name in target.tasks if name not in before.tasks),
        reverted=tuple(name for name in there if before.tasks[name] != target.tasks[name]),
    )


def _entry(answer: RolledBack) -> dict[str, Any]:
    names = {"removed": answer.removed, "restored": answer.restored, "reverted": answer.reverted}
    return {
        "version": answer.version,
        "time": timestamp(),
        **author(),
        "tasks": [],
        "rollback": answer.to,
        **{key: list(value) for key, value in names.items()},
    }
