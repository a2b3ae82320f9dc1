"""Predicting: raw inputs → encoded batches → candidates → pathways → answers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from numbers import Real
from typing import Any, TypedDict

import numpy as np
import torch

from senpath.arrays import as_number
from senpath.errors import InputError
from senpath.inference.batches import Batch, Reader, decided, first_inputs
from senpath.inference.prediction import Answers, Prediction
from senpath.inference.single import as_batch
from senpath.inference.unanswered import Encode, first_unreadable, of_input, readable, reason_of, refusal
from senpath.inputs.modalities import Group, known_types, split_by_modality
from senpath.inputs.modalities.columns import is_frame
from senpath.inputs.modalities.mismatch import no_type
from senpath.inputs.modalities.picture_types import by_range
from senpath.inputs.modalities.table import gaps_of, read_rows, table_columns
from senpath.pathways import pathways_touched
from senpath.progress import Progress, silent
from senpath.routing import ADMIT
from senpath.snapshot.examples import check_tensors
from senpath.snapshot.view import View, at_once
from senpath.types import DataType, Examples

ERRORS = ("raise", "none", "skip")
"""What happens to inputs that no task can answer, see `Network.predict`; each spares more than the one before."""
ENCODED_AT_ONCE = 2**23
"""Numbers that inputs are encoded as at once."""
MOST_AT_ONCE = 4096
"""Inputs that are encoded at once, at most."""
IN_STEP = 256
"""Inputs are encoded by multiples of this, which sounds and pretrained encoders take together; so the bits depend on no limit here."""


@dataclass(frozen=True, eq=False)
class Encoded:
    """Encoded inputs in their original order, made by `Network.encode`.

    Attributes:
        inputs: number of inputs, including those that could not be encoded.
        batches: the encoded inputs, in batches of one type each. Pictures that several types may hold are in a batch of each.
        types: the network's types when the inputs were encoded, by key.
        unknown: keys of types that the network does not have.
        reasons: why an input could not be encoded, by its place.

    Example:
        >>> net.encode(x[:5]).inputs
        5
    """

    inputs: int
    batches: tuple[Batch, ...]
    types: Mapping[str, DataType]
    unknown: frozenset[str] = frozenset()
    reasons: Mapping[int, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return self.inputs


class Reading:
    """Inputs on their way to encoded batches, so that no more than a few are encoded at a time.

    Args:
        view: whose types they are encoded as.
        x: raw inputs, see `senpath.inputs.modalities.split_by_modality`, or one of them; or `Encoded` or `Examples`, which are encoded.
        task: the task that is to answer, if it is known; the others' types do not come into question.
        errors: one of `ERRORS`.

    Attributes:
        types: those that occur, by key.
        unknown: keys of types that the network does not have.
        reasons: why an input gets no answer, by its place; complete when all batches were taken.
        samples: what is kept of the first inputs, to show them.

    Raises:
        InputError: if these are no inputs, or one cannot be answered and may not be spared.
    """

    def __init__(self, view: View, x: Any, task: str | None = None, errors: str = "raise") -> None:
        if errors not in ERRORS:
            raise InputError("errors", expected=f"one of {', '.join(map(repr, ERRORS))}", got=repr(errors))
        self._view, self._task, self._errors = view, task, errors
        self.reasons: dict[int, str] = {}
        self.samples: tuple[Any, ...] = ()
        self.types: dict[str, DataType] = {}
        self.unknown: set[str] = set()
        self._known = view.types if task is None else {(key := view.pathway(task).data_type): view.types[key]}
        self._groups: list[tuple[Group, Reader]] = []
        self._ready: Iterable[Batch] = ()
        if isinstance(x, Encoded | Examples):
            self._take(x if isinstance(x, Encoded) else _as_encoded(view, x))
        else:
            self._sort(x if _is_batch(x, "video" in self._known) else as_batch(x, self._known, skip=errors == "skip"))

    def batches(self, progress: Progress = silent) -> Iterator[Batch]:
        """The inputs that can be answered, encoded, in the order of their types; raises what `Network.predict` does.

        Args:
            progress: told ("encode", done, all) where a pretrained encoder reads them.
        """
        yield from self._ready
        for group, reader in self._groups:
            for inputs, rows in _in_batches(self._encoded(group, reader, progress)):
                yield from reader.batches(inputs, rows)

    def gaps(self, read: np.ndarray) -> dict[int, list[str]]:
        """Of inputs that were read those that are rows with gaps where there was none before, by their places, with the columns."""
        gaps: dict[int, list[str]] = {}
        for group, reader in self._groups:
            places = np.flatnonzero(np.isin(group.rows, read))
            if group.modality == "table" and len(places):
                own = gaps_of(group.items, places, reader.types[0])
                gaps |= {int(group.rows[place]): names for place, names in own.items()}
        return gaps

    def _sort(self, x: Any) -> None:
        """Find each input's type."""
        unusable: dict[int, InputError] = {}
        self.samples = first_inputs(x)
        groups = split_by_modality(x, unusable)
        self.inputs = sum(len(group.rows) for group in groups) + len(unusable)
        for row, error in unusable.items():
            self._spare("skip", error, np.array([row]))
        parts = [part for group in groups for part in self._types_of(group)]
        for group, types in parts:
            if types:
                self.types |= {kind.key: kind for kind in types}
                self._groups.append((group, Reader(self._view, tuple(types))))

    def _types_of(self, group: Group) -> list[tuple[Group, list[DataType]]]:
        """The types that may hold the inputs of a group, or of parts of it; what none can hold is spared."""
        if not len(group.rows):
            return []
        try:
            types = known_types(group, self._known.values())
            if not types:
                self.unknown.add(self._view.type_key(group))
        except InputError as error:  # columns that no table can have
            self._spare("skip", error, group.rows)
            return []
        parts = by_range(group, types) if types and group.modality == "image" else [(group, types)]
        for part, kinds in parts:
            if not kinds:
                self._spare("none", no_type(part, self._known, self._task), part.rows)
        return parts

    def _take(self, x: Encoded) -> None:
        """Inputs that are encoded: those of another type than the task's get no answer."""
        _require_types(self._view, x)
        self.inputs, self.types, self.unknown = len(x), dict(x.types), {*x.unknown}
        self.reasons.update(x.reasons)
        self._ready = [batch for batch in x.batches if batch.key in self._known]
        read = np.concatenate([np.zeros(0, dtype=np.int64), *(batch.rows for batch in self._ready)])
        for batch in x.batches:
            if batch.key not in self._known and not np.isin(batch.rows, read).all():
                what = f"task {self._task!r} does not read {x.types[batch.key].modality} data"
                expected = f"the type {' or '.join(map(repr, self._known))}"
                self._spare("none", InputError(what, expected=expected, got=f"the type {batch.key!r}"), batch.rows)

    def _spare(self, level: str, error: InputError, rows: np.ndarray) -> None:
        """Note why inputs get no answer, or raise it where so much is not to be spared.

        Args:
            level: the first of `ERRORS` that spares them.
        """
        if ERRORS.index(self._errors) < ERRORS.index(level):
            raise refusal(error, level, int(rows[0]), len(rows), self.inputs)
        self.reasons.update(dict.fromkeys(rows.tolist(), reason_of(error, level, int(rows[0]))))

    def _encoded(self, group: Group, reader: Reader, progress: Progress) -> Iterator[tuple[torch.Tensor, np.ndarray]]:
        """Encoded inputs of one modality, with their places, some at a time."""
        reader.require()
        is_table = group.modality == "table" and is_frame(group.items)
        items = read_rows(group.items, table_columns(reader.types[0])) if is_table else group.items
        chunk = max(IN_STEP, min(MOST_AT_ONCE, ENCODED_AT_ONCE // reader.numbers) // IN_STEP * IN_STEP)
        for start in range(0, len(group.rows), chunk):
            part, rows = items[start : start + chunk], group.rows[start : start + chunk]
            told = partial(_told, progress, start, len(group.rows))
            try:
                yield reader.encode(part, told), rows
            except InputError as error:
                yield from self._those_readable(reader.encode, part, rows, error)

    def _those_readable(self, encode: Encode, part: Any, rows: np.ndarray, error: InputError) -> Iterator[tuple[torch.Tensor, np.ndarray]]:
        """Of inputs that cannot be encoded together those that can, one and all; or the error of the first that cannot."""
        if self._errors == "skip":
            for inputs, place in readable(encode, part, len(rows), lambda place, error: self._spare("skip", error, rows[[place]])):
                yield inputs, rows[place]
            return
        first = first_unreadable(encode, part) if len(rows) < self.inputs else None  # otherwise the error names it by its place
        raise error if first is None else of_input(first[1], int(rows[first[0]]))


def _is_batch(x: Any, clips: bool) -> bool:
    """Whether these are several inputs in a form that nobody takes for one; the usual case.

    Args:
        clips: whether there may be clips among them.
    """
    if isinstance(x, np.ndarray | torch.Tensor):
        return not clips and (x.ndim == 4 or (x.ndim == 3 and x.shape[0] != 3 and x.shape[2] not in (1, 3, 4)))
    return isinstance(x, list | tuple) and not (x and isinstance(x[0], Real))


def _told(progress: Progress, before: int, inputs: int, stage: str, done: int, _: int, /, **figures: float) -> None:
    """Progress with a part of the inputs, told as progress with all."""
    progress(stage, before + done, inputs, **figures)


def _as_encoded(view: View, x: Examples) -> Encoded:
    check_tensors(x)
    if len(x.inputs) != len(x):
        raise InputError("encoded examples", expected=f"{len(x.inputs)} targets, one per input", got=len(x))
    key = x.data_type.key
    parts = [Batch(key, inputs.to(view.device), rows) for inputs, rows in _in_batches([(x.inputs, np.arange(len(x)))])]
    return Encoded(len(x), tuple(parts), {key: x.data_type})


def _in_batches(parts: Iterable[tuple[torch.Tensor, np.ndarray]]) -> Iterator[tuple[torch.Tensor, np.ndarray]]:
    """Inputs of one type and their places, in batches as large as may run at once; all but the last are equally large."""
    inputs, rows = torch.zeros(0), np.zeros(0, dtype=np.int64)
    for more, their_rows in parts:
        inputs, rows = (torch.cat([inputs, more]), np.concatenate([rows, their_rows])) if len(rows) else (more, their_rows)
        size = at_once(inputs)
        whole = len(rows) // size * size
        for start in range(0, whole, size):
            yield inputs[start : start + size], rows[start : start + size]
        inputs, rows = inputs[whole:], rows[whole:]
    if len(rows):
        yield inputs, rows


def encode_inputs(view: View, x: Any, progress: Progress = silent, errors: str = "raise") -> Encoded:
    """Inputs as the network's types encode them; see `Network.encode`.

    Args:
        x: raw inputs, see `senpath.inputs.modalities.split_by_modality`; or what is encoded already, `Encoded` or `Examples`.

    Raises:
        InputError: if an input cannot be read, or was encoded as the network does not do it.
        MissingExtraError, StoreError: if a type's pretrained encoder is not there, or is another one.
    """
    if isinstance(x, Encoded):
        _require_types(view, x)
        return x
    reading = Reading(view, x, errors=errors)
    batches = tuple(batch.packed() for batch in reading.batches(progress))
    return Encoded(reading.inputs, batches, reading.types, frozenset(reading.unknown), reading.reasons)


def _require_types(view: View, encoded: Encoded) -> None:
    new = next((key for key in encoded.unknown if key in view.types), None)
    if new is not None:
        got = f"some of the type {new!r}, which came since"
        raise InputError("encoded inputs", expected="of types that the network had then", got=got, do="Encode them again")
    for key, data_type in encoded.types.items():
        known = view.types.get(key)
        if known is not None and known != data_type:
            got = "inputs encoded otherwise, by another network or before the type came anew"
            raise InputError("encoded inputs", expected=f"the network's encoding of the type {key!r}", got=got, do="Encode them again")
        if known is None:
            raise InputError("encoded inputs", expected="of a type that the network has", got=repr(key), do="Encode them with this network")


class RoutingOptions(TypedDict, total=False):
    """See `Routing`."""

    candidates: int
    admit: float | None
    reject: bool
    strict: bool


@dataclass(frozen=True)
class Routing:
    """How candidates are chosen.

    Args:
        candidates: at most this many pathways per input, 1 or 2.
        admit: a second pathway runs where its P(task | input) is at least this.
        reject: whether an input that fits no task gets the answer None.
        strict: a second pathway runs only where, link sources counted, no more than two are touched.
    """

    candidates: int = 2
    admit: float | None = None
    reject: bool = True
    strict: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.candidates, int | np.integer) or self.candidates not in (1, 2):
            raise InputError("candidates", expected="1 or 2", got=repr(self.candidates))
        for name in ("reject", "strict"):
            if not isinstance(getattr(self, name), bool | np.bool_):
                raise InputError(name, expected="True or False", got=repr(getattr(self, name)))
        if self.admit is not None and not 0 < as_number(self.admit) <= 0.5:
            raise InputError("admit", expected="a probability above 0 and at most 0.5", got=repr(self.admit))

    @property
    def least(self) -> float:
        """P(task | input) from which a second pathway runs; infinite where none may."""
        if self.candidates == 1:
            return math.inf
        return ADMIT if self.admit is None else self.admit


def predict(
    view: View,
    x: Any,
    task: str | None,
    routing: Routing,
    errors: str = "raise",
    concept: str | None = None,
    progress: Progress = silent,
) -> Prediction:
    """Answers for inputs; see `Network.predict`."""
    if concept is not None:
        raise InputError("concept", expected="a mapping of modalities to inputs beside it", got=type(x).__name__)
    reading = Reading(view, x, task, errors)
    answers = Answers(view, reading.inputs, task)
    if task is None:
        add_routed(answers, view, reading.batches(progress), routing)
    else:
        for batch in reading.batches(progress):
            only = np.full(len(batch.rows), view.places[task])
            answers.add(batch.inputs, batch.rows, only[:, None], np.ones((len(only), 1)))
    answered = answers.prediction(reading.reasons, reading.samples)
    answered.gaps = reading.gaps(np.setdiff1d(np.flatnonzero(~np.isinf(answered.ood_score)), [*reading.reasons]))
    return answered


def add_routed(answers: Answers, view: View, batches: Iterable[Batch], routing: Routing) -> None:
    """Add what the tasks answer that the dispatcher chooses."""
    for batch, decision in decided(view, batches, candidates=routing.candidates, admit=routing.admit):
        candidates = with_second(view, view.places_of_type(batch.key)[decision.order], decision.admitted, routing)
        known = decision.known | (not routing.reject)
        answers.add(
            batch.inputs,
            batch.rows,
            candidates,
            decision.probability,
            known=known,
            dispatcher=decision.numbers,
            ood_score=decision.ood_score,
            votes=decision.votes,
        )


def with_second(view: View, candidates: np.ndarray, likely: np.ndarray, routing: Routing) -> np.ndarray:
    """The candidates that run, int64 (n, k): −1 in place of a second one that may not.

    Args:
        candidates: int64 (n, k), k at most 2: the tasks' places in the network, the likelier first.
        likely: bool (n,), whether the second one is likely enough.
    """
    if candidates.shape[1] < 2:
        return candidates
    run = candidates.copy()
    run[~likely, 1] = -1
    if routing.strict:
        run[~_at_most_two(view, run), 1] = -1
    return run


def _at_most_two(view: View, candidates: np.ndarray) -> np.ndarray:
    """Whether the pathways of these two tasks touch no third one: bool (n,)."""
    pairs, member = np.unique(candidates, axis=0, return_inverse=True)
    few = [second < 0 or len(pathways_touched([view.paths[first], view.paths[second]])) <= 2 for first, second in pairs]
    return np.array(few, dtype=bool)[member.ravel()]
