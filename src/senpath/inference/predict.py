"""Predicting: raw inputs → data types → candidates → pathways → answers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from senpath.errors import InputError
from senpath.inference.answers import Answers
from senpath.inference.encode import Batch, Encoded, encode_inputs
from senpath.inference.prediction import Prediction
from senpath.pathways import pathways_touched
from senpath.routing import ADMIT
from senpath.snapshot.view import View


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


def predict(view: View, x: Any, task: str | None, routing: Routing) -> Prediction:
    """Answers for inputs; see `Network.predict`."""
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
        record = view.manifest.types[pathway.data_type].data_type
        raise InputError(
            f"inputs for task {task!r}",
            expected=f"{record.modality} data of the type {pathway.data_type!r}",
            got=f"{len(encoded) - fitting} of {len(encoded)} inputs of another type",
            do="Leave out the task's name to have each input sent to a task of its own type",
        )
