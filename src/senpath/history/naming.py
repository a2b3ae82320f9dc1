"""Giving a task another name, and words that say what it is for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from senpath.arrays import LONGEST_DESCRIPTION, is_description
from senpath.errors import InputError, TaskExistsError, UnknownTaskError
from senpath.history.checkout import Checkout
from senpath.pathways import Link
from senpath.snapshot.examples import check_task
from senpath.snapshot.task_info import TaskInfo, task_info
from senpath.store import Change, Manifest, TaskRecord, TypeRecord
from senpath.store.files import author, timestamp


def rename(checkout: Checkout, task: str, name: str) -> TaskInfo:
    """Commit the version in which a task has another name; see `Network.rename`.

    Raises:
        UnknownTaskError: if there is no such task.
        TaskExistsError: if the new name is taken.
        InputError: if it cannot be a name.
    """
    checkout.refresh()
    checkout.view.pathway(task)  # which says what is wrong with the name
    if name == task:
        return task_info(checkout.view, task)
    check_task(name, checkout.view)

    def renamed(before: Manifest) -> tuple[Manifest, Change]:
        identity = _record(before, task).pathway.identity
        if name in before.tasks:
            raise TaskExistsError(f"task {name!r}", expected="a new name", got="one that another writer has given by now")
        types = {key: _renamed_type(record, task, name) for key, record in before.types.items()}
        tasks = {(name if each == task else each): _renamed(record, task, name, identity) for each, record in before.tasks.items()}
        return _next(before, {"types": types, "tasks": tasks}, {"renamed": {"from": task, "to": name}})

    return task_info(checkout.update(renamed), name)


def describe(checkout: Checkout, task: str, description: str) -> TaskInfo:
    """Commit the version in which a task has this description; see `Network.describe`.

    Raises:
        UnknownTaskError: if there is no such task.
        InputError: if it is no text, or too long.
    """
    if not is_description(description):
        expected = f"text of at most {LONGEST_DESCRIPTION:,} characters that can be printed, or line breaks"
        got = f"{len(description):,} characters" if isinstance(description, str) else type(description).__name__
        raise InputError("description", expected=expected, got=got)
    checkout.refresh()
    checkout.view.pathway(task)  # which says what is wrong with the name

    def described(before: Manifest) -> tuple[Manifest, Change] | None:
        record = _record(before, task)
        if record.description == description:
            return None
        tasks = {**before.tasks, task: replace(record, description=description)}
        return _next(before, {"tasks": tasks}, {"described": task})

    return task_info(checkout.update(described), task)


def _record(before: Manifest, task: str) -> TaskRecord:
    if task not in before.tasks:
        raise UnknownTaskError(f"task {task!r}", expected="one that the network has", got="a network without, by now")
    return before.tasks[task]


def _next(before: Manifest, changes: Mapping[str, Any], what: Mapping[str, Any]) -> tuple[Manifest, Change]:
    """The next version; it needs nothing that the one before does not have."""
    entry = {"version": before.version + 1, "time": timestamp(), **author(), "tasks": [], **what}
    return before.followed_by(last=entry, **changes), Change((), {}, {})


def _renamed(record: TaskRecord, task: str, name: str, identity: str) -> TaskRecord:
    """A task's record; its links say the new name where they read from the task that gets it."""
    path = record.pathway
    own = path.task == task
    links = tuple(replace(link, source=name) if _reads(link, task, identity) else link for link in path.links)
    if not own and links == path.links:
        return record
    return replace(record, pathway=replace(path, task=name if own else path.task, links=links, id=path.identity))


def _reads(link: Link, task: str, identity: str) -> bool:
    return link.source_id == identity if link.source_id else link.source == task


def _renamed_type(record: TypeRecord, task: str, name: str) -> TypeRecord:
    if task not in record.covariances:
        return record
    covariances = {(name if each == task else each): kept for each, kept in record.covariances.items()}
    return replace(record, covariances=covariances)
