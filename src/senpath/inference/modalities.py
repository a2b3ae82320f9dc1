"""What several modalities tell of the same things, read and answered modality by modality."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from senpath.errors import InputError
from senpath.inference.answers import Answers
from senpath.inference.encode import Batch, encode_inputs
from senpath.inference.predict import Routing, add_routed, with_second
from senpath.inference.prediction import Prediction
from senpath.inputs.modalities import MODALITIES, split_by_modality
from senpath.inputs.modalities.columns import is_missing
from senpath.snapshot.view import View

TINY = 1e-12
"""Added to P(task | input) among the tasks of a known concept, of which the dispatcher may have scored none."""


@dataclass(frozen=True)
class ModalityInputs:
    """What one modality tells.

    Args:
        modality: key of `MODALITIES`.
        items: the inputs that are given.
        rows: int64, which things they are of, ascending.
    """

    modality: str
    items: Any
    rows: np.ndarray


def is_by_modality(x: Any) -> bool:
    """Whether this is a mapping of modalities to inputs, and not the row of a table whose columns have such names."""
    return isinstance(x, Mapping) and all(name in MODALITIES for name in x) and any(map(_is_batch, x.values()))


def read_modalities(modalities: Mapping[str, Any]) -> tuple[int, list[ModalityInputs]]:
    """How many things there are, and what each modality tells of them.

    Raises:
        InputError: if a modality has no such name or is of another modality, they are of different lengths, or nothing is told of a thing.
    """
    for name in modalities:
        if name not in MODALITIES:
            do = "A single row of a table goes into a list"
            raise InputError(f"modality {name!r}", expected=f"one of {', '.join(MODALITIES)}", got="another name", do=do)
    read = {name: _read_modality(name, items) for name, items in modalities.items() if items is not None}
    if not read:
        raise InputError("modalities", expected="at least one", got="none")
    lengths = {name: things for name, (things, _) in read.items()}
    things = next(iter(lengths.values()))
    if set(lengths.values()) != {things}:
        got = ", ".join(f"{count} of {name}" for name, count in lengths.items())
        raise InputError("modalities", expected="as many inputs of each", got=got, do="None stands for an input that is missing")
    found = [modality for _, modality in read.values() if len(modality.rows) or not things]
    told = np.zeros(things, dtype=bool)
    for modality in found:
        told[modality.rows] = True
    if not told.all():
        raise InputError(f"row {told.argmin()}", expected="an input of at least one modality", got="none")
    return things, found


def answer_modality(view: View, things: int, modality: ModalityInputs, concept: str | None, routing: Routing) -> Prediction:
    """What this modality alone says of all things; of those that it tells nothing of, no task.

    Args:
        concept: if it is known: its tasks answer, whatever the dispatcher would choose.

    Raises:
        InputError: if an input cannot be read, or none of the concept's tasks reads it.
    """
    encoded = encode_inputs(view, modality.items)
    answers, read = Answers(view, things), 0
    for batch in encoded.batches:
        own = replace(batch, rows=modality.rows[batch.rows])
        if concept is None:
            add_routed(answers, view, own, routing)
        else:
            read += _add_known(answers, view, own, concept, routing)
    if concept is not None and read < len(encoded):
        modalities = {view.manifest.types[path.data_type].data_type.modality for path in view.paths if path.concept == concept}
        raise InputError(
            f"modality {modality.modality!r} of concept {concept!r}",
            expected=f"data as the concept's tasks read it: {', '.join(sorted(modalities))}",
            got=f"{len(encoded) - read} of {len(encoded)} inputs that none of them reads",
        )
    return answers.prediction()


def _read_modality(name: str, items: Any) -> tuple[int, ModalityInputs]:
    series = hasattr(items, "to_numpy") and not hasattr(items, "columns")
    if series:
        items = items.to_numpy()
    if isinstance(items, np.ndarray) and items.ndim == 1 and (series or items.dtype == object):
        items = items.tolist()
    if not _is_batch(items):
        got = type(items).__name__ + (" of shape ()" if getattr(items, "ndim", 1) == 0 else "")
        raise InputError(f"modality {name!r}", expected="an array, a tensor, a data frame or a list of inputs", got=got)
    things, missing = len(items), 0
    try:
        rows = np.arange(things)
        if isinstance(items, list | tuple):
            rows = np.array([row for row, item in enumerate(items) if not _is_missing(item)], dtype=np.int64)
            items, missing = [items[row] for row in rows], things - len(rows)
        groups = split_by_modality(items)
    except InputError as error:
        counted = ", those that are missing not counted" if missing else ""
        raise InputError(f"modality {name!r}{counted}: {error}") from error
    for group in groups:
        if group.modality != name:
            raise InputError(f"modality {name!r}, row {rows[group.rows[0]]}", expected=f"{name} data", got=f"{group.modality} data")
    return things, ModalityInputs(name, items, rows)


def _is_batch(items: Any) -> bool:
    """Whether these may be several inputs."""
    return hasattr(items, "__len__") and not isinstance(items, str) and getattr(items, "ndim", 1) > 0


def _is_missing(item: Any) -> bool:
    """None, NaN or pandas' NA; an empty text is there, and refused where it is read."""
    return not isinstance(item, str) and is_missing(item)


def _add_known(answers: Answers, view: View, batch: Batch, concept: str, routing: Routing) -> int:
    """Add what the concept's tasks of a type answer, of several the likeliest one or two; returns how many inputs they answered."""
    of_type = view.places_of_type(batch.key)
    own = np.array([view.paths[place].concept == concept for place in of_type])
    places = of_type[own]
    if not len(places):
        return 0
    if len(places) == 1:
        answers.add(batch.inputs, batch.rows, np.full((len(batch.rows), 1), places[0]), np.ones((len(batch.rows), 1)))
        return len(batch.rows)
    ranking = view.dispatcher(batch.key).rank(batch.inputs)
    probabilities = ranking.spread(len(of_type))[:, own] + TINY
    order = np.argsort(-probabilities, axis=1, kind="stable")[:, :2]
    likeliest = np.take_along_axis(probabilities / probabilities.sum(1, keepdims=True), order, 1)
    candidates = with_second(view, places[order], likeliest[:, 1] >= routing.least, routing)
    answers.add(batch.inputs, batch.rows, candidates, likeliest, dispatcher=ranking.numbers)
    return len(batch.rows)
