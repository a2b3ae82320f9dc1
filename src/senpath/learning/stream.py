"""A stream of labelled examples that do not say which task they are of, split by the dispatcher."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from senpath.errors import InputError, SenpathError
from senpath.inference.batches import Batch, decided
from senpath.inference.predict import Reading
from senpath.inference.unanswered import too_far
from senpath.inputs.sources import read_labelled
from senpath.routing import Decision
from senpath.snapshot.proposal import Revised
from senpath.snapshot.view import View
from senpath.tasks.labels import Label, label_values, match_labels, plain_label
from senpath.types import Examples


@dataclass(frozen=True, eq=False)
class Routed:
    """The outcome of splitting a mixed stream of labelled examples among the tasks.

    Attributes:
        sent: for each task that got examples, their positions in the stream, int64 (examples,), ascending.
        left: positions of the examples that no task got, int64 (examples,), ascending.
        reasons: why no task got them, by their positions.
        revised: the outcome for each task that got examples, in the order of the tasks.

    Example:
        >>> net = sp.Network()
        >>> learned = net.learn("low", *tiny_task("low"), epochs=1)
        >>> routed = net.extend(x[:20], y[:20], most_lost=1)
        >>> len(routed.sent["low"]) + len(routed.left)
        20
    """

    sent: Mapping[str, np.ndarray]
    left: np.ndarray
    reasons: Mapping[int, str]
    revised: Mapping[str, Revised]


Extend = Callable[[str, Examples], Revised]
"""Extends a task by encoded examples."""


def extend_routed(view: View, x: Any, y: Any, extend: Extend) -> Routed:
    """Split a stream and extend each task by its part; see `Network.extend`.

    Raises:
        InputError: if an input cannot be read, or there is not one label for each.
        SenpathError: as soon as a task cannot be extended, for whatever reason; the message says which were before.
    """
    x, y = read_labelled(x, y)
    if _is_empty(x):
        _labels(y, 0)
        return Routed({}, np.zeros(0, dtype=np.int64), {}, {})
    reading = Reading(view, x, errors="none")
    labels, parts = _labels(y, reading.inputs), _Parts(view)
    for batch, decision in decided(view, reading.batches()):
        parts.add(batch, decision, labels)
    revised: dict[str, Revised] = {}
    sent: dict[str, np.ndarray] = {}
    for task in parts.tasks:
        done = f"Extended before it: {', '.join(sent)}" if sent else "No task was extended before it"
        try:
            rows, examples = parts.of(task, labels)
            outcome = extend(task, examples)
        except SenpathError as error:
            error.reword(f"task {task!r}: {error.message}. {done}")
            raise
        except Exception as error:
            got = f"{type(error).__name__}: {error}".rstrip(".")
            raise SenpathError(f"task {task!r}", expected="to be extended", got=got, do=done) from error
        revised[task] = outcome
        if outcome.changed:
            sent[task] = rows
        else:
            parts.reasons.update(dict.fromkeys(rows.tolist(), f"task {task!r} was not changed by its part"))
    gone = np.concatenate([*sent.values(), np.zeros(0, dtype=np.int64)])
    return Routed(sent, np.setdiff1d(np.arange(reading.inputs), gone), {**reading.reasons, **parts.reasons}, revised)


class _Parts:
    """The examples that go to each task, batch by batch.

    Attributes:
        reasons: why an example goes to none, by its place in the stream.
    """

    def __init__(self, view: View) -> None:
        self._view = view
        self.reasons: dict[int, str] = {}
        self._found: dict[str, list[tuple[np.ndarray, torch.Tensor]]] = {}
        self._classes = {label for path in view.paths if path.task_kind.exclusive for label in path.classes}
        self._meanings: dict[tuple[str, type, Label], Label | None] = {}

    @property
    def tasks(self) -> list[str]:
        """Those that get examples, in the order of the network's tasks."""
        return [task for task in self._view.tasks if task in self._found]

    def add(self, batch: Batch, decision: Decision, labels: Sequence[Label | None]) -> None:
        """Choose for each input the likeliest of its candidates that has its label, if it is not strange to the network."""
        runs = np.ones(decision.order.shape, dtype=bool)
        runs[:, 1:] = decision.admitted[:, None]
        chosen: dict[str, list[int]] = {}
        for place in np.flatnonzero(decision.known):
            label = labels[batch.rows[place]]
            candidates = [decision.names[index] for index in decision.order[place][runs[place]]]
            task = next((name for name in candidates if self._meant(name, label) is not None), None)
            if task is not None:
                chosen.setdefault(task, []).append(int(place))
            else:
                self.reasons[int(batch.rows[place])] = f"no candidate has the label {label!r}: {', '.join(map(repr, candidates))}"
        for place in np.flatnonzero(~decision.known):
            likeliest = decision.names[decision.order[place, 0]]
            self.reasons[int(batch.rows[place])] = too_far(likeliest, float(decision.ood_score[place]))
        for task, places in chosen.items():
            self._found.setdefault(task, []).append((batch.rows[places], batch.inputs[places].cpu()))

    def of(self, task: str, labels: Sequence[Label | None]) -> tuple[np.ndarray, Examples]:
        """Places in the stream of a task's examples, ascending, and the examples."""
        pathway = self._view.pathway(task)
        rows, inputs = (torch.cat([torch.as_tensor(part[which]) for part in self._found[task]]) for which in (0, 1))
        order = rows.argsort()
        place: dict[Label | None, int] = {label: place for place, label in enumerate(pathway.classes)}
        targets = torch.tensor([place[self._meant(task, labels[row])] for row in rows[order].tolist()])
        data_type = self._view.types[pathway.data_type]
        return rows[order].numpy(), Examples(data_type, inputs[order], targets, pathway.classes)

    def _meant(self, task: str, label: Label | None) -> Label | None:
        """The class that a label means in a task; None if it means none, or the task tells no classes apart.

        If any task has "1" itself, it does not mean 1 to another one; see `match_labels`.
        """
        pathway = self._view.pathway(task)
        if label is None or not pathway.task_kind.exclusive:
            return None
        if label in self._classes and not isinstance(label, bool):
            return label if label in pathway.classes else None
        key = (task, type(label), label)
        if key not in self._meanings:
            self._meanings[key] = match_labels([label], pathway.classes)[0]
        return self._meanings[key]


def _is_empty(x: Any) -> bool:
    try:
        return not len(x)
    except TypeError:  # no collection at all, which is for `encode_inputs` to refuse
        return False


def _labels(y: Any, inputs: int) -> list[Label | None]:
    """The label of each input, None where it has another form than one label."""
    try:
        given = list(y if hasattr(y, "__next__") else label_values(y))
    except TypeError as error:
        raise InputError("labels y", expected="one for each input", got=type(y).__name__) from error
    if len(given) != inputs:
        raise InputError("labels y", expected=f"{inputs}, one per input", got=len(given))
    return [plain_label(value) for value in given]
