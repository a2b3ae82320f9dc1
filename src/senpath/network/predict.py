"""Predicting: raw inputs → data types → candidates → pathways → answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from senpath.dispatch import Decision
from senpath.errors import InputError
from senpath.modalities import MODALITIES, split_by_modality, type_key
from senpath.network.prediction import Prediction, Probabilities
from senpath.network.view import CHUNK, View
from senpath.pathways import Pathway, count_activation, pathways_touched, run_batch


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
        if self.candidates not in (1, 2):
            raise InputError("candidates", expected="1 or 2", got=self.candidates)
        if self.admit is not None and not (isinstance(self.admit, int | float) and 0 < self.admit <= 0.5):
            raise InputError("admit", expected="a probability above 0 and at most 0.5", got=repr(self.admit))


@dataclass(frozen=True)
class Batch:
    """Encoded inputs of one data type."""

    key: str
    inputs: torch.Tensor
    rows: np.ndarray


def encode_batches(view: View, x: Any) -> tuple[int, list[Batch]]:
    """The number of inputs, and those of a data type that the network knows, encoded."""
    groups = split_by_modality(x)
    batches = []
    for group in groups:
        key = type_key(group)
        if key in view.manifest.types:
            inputs = MODALITIES[group.modality].encode(group.items, view.manifest.types[key].data_type)
            rows = np.split(group.rows, range(CHUNK, len(group.rows), CHUNK))
            batches += [Batch(key, part.to(view.device), index) for part, index in zip(inputs.split(CHUNK), rows, strict=True)]
    return sum(len(group.rows) for group in groups), batches


def predict(view: View, x: Any, task: str | None, routing: Routing) -> Prediction:
    """Answers for raw inputs; see `Network.predict`."""
    inputs, batches = encode_batches(view, x)
    answers = _Answers(view, inputs)
    for batch in batches:
        if task is None:
            decision = view.dispatcher(batch.key).decide(batch.inputs, candidates=routing.candidates, admit=routing.admit)
            answers.add_routed(batch, decision, routing)
        elif view.pathway(task).data_type == batch.key:
            answers.add_known(batch, view.pathway(task))
    if task is not None:
        _require_type(view, task, inputs, batches)
    return answers.prediction()


def _require_type(view: View, task: str, inputs: int, batches: list[Batch]) -> None:
    pathway = view.pathway(task)
    fitting = sum(len(batch.rows) for batch in batches if batch.key == pathway.data_type)
    if fitting < inputs:
        record = view.manifest.types[pathway.data_type].data_type
        raise InputError(
            f"inputs for task {task!r}",
            expected=f"{record.modality} data of the type {pathway.data_type!r}",
            got=f"{inputs - fitting} of {inputs} inputs of another type",
            do="Leave out the task's name to have each input sent to a task of its own type",
        )


class _Answers:
    """Collects, batch by batch, what the pathways answer."""

    def __init__(self, view: View, inputs: int) -> None:
        self.view, self.inputs = view, inputs
        self.parts: dict[str, list[tuple[np.ndarray, np.ndarray]]] = {}
        self.known = np.zeros(inputs, dtype=bool)
        self.candidates = np.empty(inputs, dtype=object)
        self.activated = np.empty(inputs, dtype=object)
        self._note(np.arange(inputs), (), 0)  # an input of a type that no task has activates nothing

    def add_known(self, batch: Batch, pathway: Pathway) -> None:
        everywhere = np.arange(len(batch.rows))
        self._run(batch, {pathway.task: everywhere}, {pathway.task: np.ones(len(batch.rows))})
        self.known[batch.rows] = True
        self._note(batch.rows, (pathway,), 0)

    def add_routed(self, batch: Batch, decision: Decision, routing: Routing) -> None:
        weights = self.view.dispatcher_weights(batch.key)
        second = decision.admitted.copy()
        rows: dict[str, list[np.ndarray]] = {}
        chances: dict[str, list[np.ndarray]] = {}
        for pair, members in decision.groups():
            pathways = tuple(self.view.pathway(name) for name in pair)
            if len(pair) == 2 and routing.strict and len(pathways_touched(pathways)) > 2:
                second[members] = False
                pathways = pathways[:1]
            for place, pathway in enumerate(pathways):
                rows.setdefault(pathway.task, []).append(members)
                chances.setdefault(pathway.task, []).append(decision.probability[members, place])
            self._note(batch.rows[members], pathways, weights)
        joined = {name: np.concatenate(parts) for name, parts in rows.items()}
        order = {name: np.argsort(parts) for name, parts in joined.items()}
        self._run(
            batch,
            {name: joined[name][order[name]] for name in joined},
            {name: np.concatenate(chances[name])[order[name]] for name in joined},
        )
        self.known[batch.rows] = decision.known | (not routing.reject)

    def _note(self, rows: np.ndarray, pathways: tuple[Pathway, ...], dispatcher: int) -> None:
        activation = count_activation(pathways, self.view.component, dispatcher)
        names = tuple(pathway.task for pathway in pathways)
        for row in rows:
            self.activated[row] = activation
            self.candidates[row] = names

    def _run(self, batch: Batch, rows: dict[str, np.ndarray], chances: dict[str, np.ndarray]) -> None:
        jobs = {self.view.pathway(name): torch.from_numpy(index).to(batch.inputs.device) for name, index in rows.items()}
        for name, logits in run_batch(jobs, batch.inputs, self.view.component).items():
            values = torch.softmax(logits.double(), dim=1).cpu().numpy() * chances[name][:, None]
            self.parts.setdefault(name, []).append((batch.rows[rows[name]], values))

    def prediction(self) -> Prediction:
        task = np.full(self.inputs, None, dtype=object)
        label = np.full(self.inputs, None, dtype=object)
        confidence = np.zeros(self.inputs)
        parts: dict[str, tuple[np.ndarray, np.ndarray]] = {}
        classes = {name: self.view.pathway(name).classes for name in self.parts}
        for name, pieces in self.parts.items():
            rows = np.concatenate([piece[0] for piece in pieces])
            values = np.concatenate([piece[1] for piece in pieces])
            order = np.argsort(rows)
            parts[name] = rows[order], values[order]
            best, where = values.max(1), values.argmax(1)
            better = best > confidence[rows]
            task[rows[better]] = name
            label[rows[better]] = np.array([*classes[name], None], dtype=object)[:-1][where[better]]
            confidence[rows[better]] = best[better]
        task[~self.known] = None
        label[~self.known] = None
        confidence[~self.known] = 0
        return Prediction(task, label, confidence, self.activated, Probabilities(self.inputs, parts, classes), self.candidates)
