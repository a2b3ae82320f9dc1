"""Concepts: tasks that share their labels, for they answer what several modalities tell of one thing."""

from __future__ import annotations

from collections.abc import Iterable

from senpath.errors import InputError
from senpath.pathways import Pathway
from senpath.tasks import Label, TaskKind

NAMED = 10
"""Labels that a message names at most."""


def labels_of(pathways: Iterable[Pathway], concept: str) -> tuple[Label, ...]:
    """The labels that any task of a concept has, in the order of learning; none if there is no such task."""
    return tuple(dict.fromkeys(label for pathway in pathways if pathway.concept == concept for label in pathway.classes))


def check_concept(concept: str, kind: TaskKind, classes: tuple[Label, ...], known: tuple[Label, ...]) -> None:
    """Whether a new task may be of a concept.

    Args:
        known: the labels that the concept has; none if it is new.

    Raises:
        InputError: if it tells no classes apart, or others than the concept has.
    """
    if not kind.exclusive:
        raise InputError(f"task of concept {concept!r}", expected="a classification", got=f"a {kind.name}", do="Learn it without a concept")
    missing = [label for label in known if label not in classes]
    new = [label for label in classes if known and label not in known]
    if missing or new:
        parts = [f"{_named(labels)} {what}" for labels, what in ((missing, "missing"), (new, "besides")) if labels]
        raise InputError(
            f"labels of a task of concept {concept!r}",
            expected=f"those that the concept has: {_named(known)}",
            got=" and ".join(parts),
            do="A whole number and its text are different labels" if set(map(str, missing)) & set(map(str, new)) else "",
        )


def _named(labels: Iterable[Label]) -> str:
    labels = list(labels)
    return ", ".join(map(repr, labels[:NAMED])) + (f", … ({len(labels)} in all)" if len(labels) > NAMED else "")
