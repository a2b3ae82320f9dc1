"""Predicting: raw inputs → encoded batches → candidates → pathways → answers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypedDict

import numpy as np
import torch

from senpath.arrays import plain_array
from senpath.errors import InputError
from senpath.inference.prediction import Part, Prediction, Probabilities, Routes
from senpath.inputs.modalities import split_by_modality
from senpath.pathways import Pathway, pathways_touched, run_batch
from senpath.progress import Progress, silent
from senpath.routing import ADMIT
from senpath.snapshot.examples import check_tensors
from senpath.snapshot.view import View, at_once
from senpath.types import DataType, Examples


@dataclass(frozen=True)
class Batch:
    """Encoded inputs of one data type."""

    key: str
    inputs: torch.Tensor
    rows: np.ndarray


@dataclass(frozen=True, eq=False)
class Encoded:
    """Encoded inputs in their original order, made by `Network.encode`.

    Attributes:
        inputs: number of inputs, including those of types that the network does not have.
        batches: the encoded inputs, one batch per type that the network has.
        types: the network's types when the inputs were encoded, by key.
        unknown: keys of types that the network does not have.
    """

    inputs: int
    batches: tuple[Batch, ...]
    types: Mapping[str, DataType]
    unknown: frozenset[str] = frozenset()

    def __len__(self) -> int:
        return self.inputs


def encode_inputs(view: View, x: Any, progress: Progress = silent) -> Encoded:
    """Inputs as the network's types encode them.

    Args:
        x: raw inputs, see `senpath.inputs.modalities.split_by_modality`; or what is encoded already, `Encoded` or `Examples`.

    Raises:
        InputError: if an input cannot be read, or was encoded as the network does not do it.
        MissingExtraError, StoreError: if a type's pretrained encoder is not there, or is another one.
    """
    if isinstance(x, Encoded):
        _require_types(view, x)
        return x
    if isinstance(x, Examples):
        check_tensors(x)
        if len(x.inputs) != len(x):
            raise InputError("encoded examples", expected=f"{len(x.inputs)} targets, one per input", got=len(x))
        _require_types(view, Encoded(len(x), (), {x.data_type.key: x.data_type}))
        return Encoded(len(x), tuple(_batches(x.data_type.key, x.inputs, np.arange(len(x)), view.device)), {x.data_type.key: x.data_type})
    groups = split_by_modality(x)
    batches: list[Batch] = []
    types: dict[str, DataType] = {}
    for group in groups:
        key = view.type_key(group)
        if key in view.types:
            types[key] = view.types[key]
            batches += _batches(key, view.encode(group.items, types[key], progress), group.rows, view.device)
    unknown = frozenset(view.type_key(group) for group in groups) - types.keys()
    return Encoded(sum(len(group.rows) for group in groups), tuple(batches), types, unknown)


def _batches(key: str, inputs: torch.Tensor, rows: np.ndarray, device: torch.device) -> list[Batch]:
    size = at_once(inputs)
    places = np.split(rows, range(size, len(rows), size))
    return [Batch(key, part.to(device), index) for part, index in zip(inputs.split(size), places, strict=True)]


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


class Answers:
    """Answers to n inputs, added batch by batch.

    Args:
        view: of the network that answers.
        inputs: how many.
    """

    def __init__(self, view: View, inputs: int) -> None:
        self._view, self._inputs = view, inputs
        self._parts: dict[str, list[Part]] = {}
        self._known = np.zeros(inputs, dtype=bool)
        self._candidates = np.full((inputs, 2), -1)
        self._dispatcher = np.zeros(inputs, dtype=np.int64)
        self._ood_score = np.full(inputs, np.inf)

    def add(
        self,
        inputs: torch.Tensor,
        rows: np.ndarray,
        candidates: np.ndarray,
        probabilities: np.ndarray,
        *,
        known: np.ndarray | bool = True,
        dispatcher: np.ndarray | int = 0,
        ood_score: np.ndarray | float = np.nan,
    ) -> None:
        """Run the candidates of a batch.

        Args:
            inputs: encoded, of one data type, (n, …).
            rows: their places among all inputs (n,).
            candidates: int64 (n, k), k at most 2: the tasks' places in the network, −1 for none; the likelier first.
            probabilities: float64 (n, k), P(task | input).
            known: bool (n,), whether an input fits its likeliest task.
            dispatcher: how many numbers of the dispatcher each input ran.
            ood_score: float64 (n,), see `Prediction`.
        """
        if not len(rows):  # no answers, of no task
            return
        self._known[rows], self._dispatcher[rows], self._ood_score[rows] = known, dispatcher, ood_score
        self._candidates[rows, : candidates.shape[1]] = candidates
        member, column = np.nonzero(candidates >= 0)
        task = candidates[member, column]
        order = np.lexsort((member, task))
        member, probability = member[order], probabilities[member, column][order]
        asked, starts = np.unique(task[order], return_index=True)
        pathways = [self._view.paths[place] for place in asked]
        index = torch.from_numpy(member).to(inputs.device).tensor_split(torch.from_numpy(starts[1:]))
        logits = run_batch(dict(zip(pathways, index, strict=True)), inputs, self._view.component)
        values = _values(pathways, [logits[path.task] / path.temperature for path in pathways])
        where, weights = np.split(rows[member], starts[1:]), np.split(probability, starts[1:])
        for pathway, own, weight, value in zip(pathways, where, weights, values, strict=True):
            self._parts.setdefault(pathway.task, []).append(Part(own, weight, value))

    def prediction(self) -> Prediction:
        """What was collected."""
        parts = {name: _joined(of_batches) for name, of_batches in self._parts.items()}
        paths = {name: self._view.pathway(name) for name in parts}
        incomparable = self._incomparable()
        task, label = np.full(self._inputs, None, dtype=object), np.full(self._inputs, None, dtype=object)
        confidence, best = np.zeros(self._inputs), np.zeros(self._inputs)
        for name, part in parts.items():
            kind = paths[name].task_kind
            joint = part.probabilities * kind.certainty(part.values)
            worth = np.where(incomparable[part.rows], part.probabilities, joint)
            better = self._known[part.rows] & (worth > best[part.rows])
            rows = part.rows[better]
            task[rows], confidence[rows], best[rows] = name, joint[better], worth[better]
            label[rows] = kind.answers(part.values[better], paths[name].classes)
        return Prediction(task, plain_array(label), confidence, Probabilities(self._inputs, parts, paths), self._routes(), self._ood_score)

    def _incomparable(self) -> np.ndarray:
        """Inputs with a candidate that says no probability of one class, bool (n,): P(task | input) alone decides there."""
        others = [place for place in np.unique(self._candidates) if place >= 0 and not self._view.paths[place].task_kind.exclusive]
        return np.asarray(np.isin(self._candidates, others).any(1))

    def _routes(self) -> Routes:
        paths = {int(place): self._view.paths[place] for place in np.unique(self._candidates) if place >= 0}
        return Routes(self._candidates, self._dispatcher, paths, self._view.sizes, self._view.encoder_weights)


def _values(pathways: Sequence[Pathway], outputs: Sequence[torch.Tensor]) -> list[np.ndarray]:
    """What outputs of these pathways mean, see `Part`; those of one kind in one go."""
    values: list[np.ndarray] = [np.zeros(0)] * len(outputs)
    for kind in {path.task_kind for path in pathways}:
        places = [place for place, path in enumerate(pathways) if path.task_kind is kind]
        for place, part in zip(places, kind.values([outputs[place] for place in places]), strict=True):
            values[place] = part
    return values


def _joined(parts: Sequence[Part]) -> Part:
    """Those of several batches as one, in the order of the inputs."""
    if len(parts) == 1:
        return parts[0]
    rows = np.concatenate([part.rows for part in parts])
    order = np.argsort(rows)
    probabilities, values = np.concatenate([part.probabilities for part in parts]), np.concatenate([part.values for part in parts])
    return Part(rows[order], probabilities[order], values[order])


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
        if self.admit is not None and not (isinstance(self.admit, int | float) and 0 < self.admit <= 0.5):
            raise InputError("admit", expected="a probability above 0 and at most 0.5", got=repr(self.admit))

    @property
    def least(self) -> float:
        """P(task | input) from which a second pathway runs; infinite where none may."""
        if self.candidates == 1:
            return math.inf
        return ADMIT if self.admit is None else self.admit


def predict(view: View, x: Any, task: str | None, routing: Routing, concept: str | None = None) -> Prediction:
    """Answers for inputs; see `Network.predict`."""
    if concept is not None:
        raise InputError("concept", expected="a mapping of modalities to inputs beside it", got=type(x).__name__)
    if task is not None:
        view.pathway(task)
    encoded = encode_inputs(view, x)
    answers = Answers(view, len(encoded))
    for batch in encoded.batches:
        if task is None:
            add_routed(answers, view, batch, routing)
        elif view.pathway(task).data_type == batch.key:
            only = np.full(len(batch.rows), view.places[task])
            answers.add(batch.inputs, batch.rows, only[:, None], np.ones((len(only), 1)))
    if task is not None:
        _require_type(view, task, encoded)
    return answers.prediction()


def add_routed(answers: Answers, view: View, batch: Batch, routing: Routing) -> None:
    """Add what the tasks answer that the dispatcher chooses."""
    decision = view.dispatcher(batch.key).decide(batch.inputs, candidates=routing.candidates, admit=routing.admit)
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
    )


def with_second(view: View, candidates: np.ndarray, likely: np.ndarray, routing: Routing) -> np.ndarray:
    """The candidates that run, int64 (n, k): −1 in place of a second one that may not.

    Args:
        candidates: int64 (n, k), k at most 2: the tasks' places in the network, the likelier first.
        likely: bool (n,), whether the second one is likely enough.
    """
    if candidates.shape[1] < 2:
        return candidates
    first, second = candidates.T
    run = np.column_stack([first, np.where(likely, second, -1)])
    if routing.strict:
        run[~_at_most_two(view, run), 1] = -1
    return run


def _at_most_two(view: View, candidates: np.ndarray) -> np.ndarray:
    """Whether the pathways of these two tasks touch no third one: bool (n,)."""
    pairs, member = np.unique(candidates, axis=0, return_inverse=True)
    few = [second < 0 or len(pathways_touched([view.paths[first], view.paths[second]])) <= 2 for first, second in pairs]
    return np.array(few, dtype=bool)[member.ravel()]


def _require_type(view: View, task: str, encoded: Encoded) -> None:
    pathway = view.pathway(task)
    fitting = sum(len(batch.rows) for batch in encoded.batches if batch.key == pathway.data_type)
    if fitting < len(encoded):
        record = view.types[pathway.data_type]
        raise InputError(
            f"inputs for task {task!r}",
            expected=f"{record.modality} data of the type {pathway.data_type!r}",
            got=f"{len(encoded) - fitting} of {len(encoded)} inputs of another type",
            do="Leave out the task's name to have each input sent to a task of its own type",
        )
