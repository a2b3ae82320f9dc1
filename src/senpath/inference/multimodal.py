"""Answers to things of which several modalities tell: which concept, and which of its labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from senpath.arrays import object_array
from senpath.errors import InputError
from senpath.inference.modalities import answer_modality, read_modalities
from senpath.inference.predict import Routing, predict
from senpath.inference.prediction import Part, Prediction, Routes
from senpath.pathways import Pathway
from senpath.snapshot.concepts import labels_of
from senpath.snapshot.view import View
from senpath.tasks import Classification, TaskKind
from senpath.types import Label

UNHEARD = 1e-3
"""P(concept | input) of a concept that was no candidate of a modality: one modality alone does not rule out what the others say."""


class MultimodalPrediction:
    """Answers for n things, in their order.

    Attributes:
        concept: object array (n,): the concept's name, or the task's where it is of none; None where nothing fits.
        label: object array (n,), the label, or None; of tasks that tell no classes apart as in `Prediction`.
        confidence: float64 (n,), P(concept, label | what the modalities tell); 0 where nothing fits.
        tasks: object array (n,), tuples of the names of the tasks that answered.
        modalities: what each modality that is given says by itself.
    """

    def __init__(self, things: int, modalities: Mapping[str, Prediction], topics: Sequence[_Topic]) -> None:
        self.modalities = dict(modalities)
        self.concept, self.label, self.tasks = (np.full(things, None, dtype=object) for _ in range(3))
        self.tasks[:] = object_array([()] * things)
        self.confidence, best = np.zeros(things), np.zeros(things)
        self._said: list[tuple[_Topic, np.ndarray, np.ndarray]] = []
        probabilities = _probabilities(things, self.modalities, topics)
        others = [place for place, topic in enumerate(topics) if not topic.kind.exclusive]
        incomparable = np.any(probabilities[others] > 0, axis=0)  # as in `Prediction`: there the concept is chosen by its probability alone
        for topic, probability in zip(topics, probabilities, strict=True):
            rows = np.flatnonzero(probability > 0)
            label, certainty, values = topic.answer(self.modalities, rows)
            worth = np.where(incomparable[rows], probability[rows], probability[rows] * certainty)
            better = worth > best[rows]
            chosen = rows[better]
            best[chosen], self.concept[chosen], self.label[chosen] = worth[better], topic.name, label[better]
            self.confidence[chosen] = (probability[rows] * certainty)[better]
            self.tasks[chosen] = object_array(topic.answering(self.modalities, chosen))
            self._said.append((topic, chosen, values[better] * probability[chosen, None]))

    def __len__(self) -> int:
        return len(self.label)

    def __repr__(self) -> str:
        return f"MultimodalPrediction({len(self)} things, {', '.join(self.modalities)})"

    @cached_property
    def activated(self) -> np.ndarray:
        """Object array (n,) of `Activation`: what ran for all modalities together. Counted when it is first asked for."""
        return Routes.together([found.routes for found in self.modalities.values()]).activated()

    def top(self, k: int) -> list[list[tuple[str, Any, float]]]:
        """For each thing the k most probable (concept, label, probability) within its concept, most probable first.

        A regression has one entry: its answer and P(task | what the modalities tell).
        """
        found: list[list[tuple[str, Any, float]]] = [[] for _ in range(len(self))]
        for topic, rows, values in self._said:  # who comes later is the likelier one
            for row, joint in zip(rows, values, strict=True):
                labels = topic.labels or (self.label[row],)
                best = np.argsort(-joint, kind="stable")[:k]
                found[row] = [(topic.name, labels[place], float(joint[place])) for place in best]
        return found


@dataclass(frozen=True)
class _Topic:
    """What an answer may be about: a concept, or a task that is of none.

    Args:
        name: the concept's or the task's.
        tasks: its tasks.
        labels: all that they have; none of a regression, which answers numbers.
        kind: of the tasks.
    """

    name: str
    tasks: tuple[str, ...]
    labels: tuple[Label, ...]
    kind: TaskKind

    def parts(self, found: Prediction) -> dict[str, Part]:
        """What its tasks say by one modality."""
        return {task: found.probabilities.parts[task] for task in self.tasks if task in found.probabilities.parts}

    def belief(self, found: Prediction) -> np.ndarray:
        """P(topic | input) by one modality, float64 (n,); 0 where it is no candidate, or the modality finds that nothing fits."""
        probabilities = np.zeros(len(found))
        for part in self.parts(found).values():
            probabilities[part.rows] += part.probabilities
        return np.where(_fits(found), probabilities, 0)

    def answer(self, modalities: Mapping[str, Prediction], rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The answers to these things, their P(answer | topic, what the modalities tell), and that of every label, float64 (rows, labels).

        A regression's answer is its one label.
        """
        if self.kind.exclusive:
            values = self._posterior(modalities, rows)
            return object_array(self.labels)[values.argmax(1)], values.max(1), values
        (task,) = self.tasks  # which one modality alone reads
        found = next(found.probabilities for found in modalities.values() if task in found.probabilities.parts)
        values = _rows_of(found.parts[task], rows).values
        label, certainty = self.kind.answers(values, found.paths[task].classes), self.kind.certainty(values)
        return label, certainty, values if self.labels else np.ones((len(rows), 1))

    def answering(self, modalities: Mapping[str, Prediction], rows: np.ndarray) -> list[tuple[str, ...]]:
        """Which of its tasks answered for each of these things."""
        ran = np.zeros((len(rows), len(self.tasks)), dtype=bool)
        for found in modalities.values():
            for task, part in self.parts(found).items():
                ran[:, self.tasks.index(task)] |= np.isin(rows, part.rows) & _fits(found)[rows]
        return [tuple(self.tasks[place] for place in np.flatnonzero(row)) for row in ran]

    def _posterior(self, modalities: Mapping[str, Prediction], rows: np.ndarray) -> np.ndarray:
        """The product of what each modality says (naive Bayes, all labels equally likely before)."""
        evidence = np.zeros((len(rows), len(self.labels)))
        for found in modalities.values():
            said = np.zeros_like(evidence)
            for task, part in self.parts(found).items():
                own = _rows_of(part, rows)
                said[own.rows] += own.probabilities[:, None] * self._spread(found.probabilities.classes[task], own.values)
            speaks = _fits(found)[rows] & said.any(1)
            evidence[speaks] += np.log(said[speaks] / said[speaks].sum(1, keepdims=True) + np.finfo(float).tiny)
        return _softmax(evidence, 1)

    def _spread(self, classes: Sequence[Label], values: np.ndarray) -> np.ndarray:
        """P(class) (k, classes) over the topic's labels: a label that the task does not have gets what a guess gives it."""
        spread = np.full((len(values), len(self.labels)), 1 / len(self.labels))
        spread[:, [self.labels.index(label) for label in classes]] = values * len(classes) / len(self.labels)
        return spread


def fuse(view: View, modalities: Mapping[str, Any], concept: str | None, routing: Routing) -> MultimodalPrediction:
    """Put together what several modalities tell; see `Network.predict`."""
    if concept is not None:
        _require_concept(view, concept)
    things, given = read_modalities(modalities)
    answers = {modality.modality: answer_modality(view, things, modality, concept, routing) for modality in given}
    names = {name for found in answers.values() for name in found.probabilities.parts}
    return MultimodalPrediction(things, answers, _topics([path for path in view.paths if path.task in names], view.paths))


def _require_concept(view: View, concept: str) -> None:
    known = dict.fromkeys(path.concept for path in view.paths if path.concept is not None)
    if not isinstance(concept, str) or concept not in known:
        names = ", ".join(map(repr, known)) or "none, for no task was learned with a concept"
        raise InputError(f"concept {concept!r}", expected=f"one that the network has: {names}", got="another name")


def _topics(candidates: Sequence[Pathway], paths: Sequence[Pathway]) -> list[_Topic]:
    """What the candidates are of, in the order of learning."""
    concepts: dict[str, list[str]] = {}
    found: list[_Topic] = []
    for path in candidates:
        if path.concept is not None:
            concepts.setdefault(path.concept, []).append(path.task)
        else:
            found.append(_Topic(path.task, (path.task,), path.classes if path.task_kind.has_labels else (), path.task_kind))
    return [*(_Topic(name, tuple(tasks), labels_of(paths, name), Classification()) for name, tasks in concepts.items()), *found]


def _probabilities(things: int, modalities: Mapping[str, Prediction], topics: Sequence[_Topic]) -> np.ndarray:
    """P(topic | what the modalities tell), float64 (topics, n); 0 where it is no candidate of any modality."""
    scores, possible = np.zeros((len(topics), things)), np.zeros((len(topics), things), dtype=bool)
    for found in modalities.values():
        fits = _fits(found)
        for place, topic in enumerate(topics):
            belief = topic.belief(found)
            possible[place] |= belief > 0
            scores[place, fits] += np.log(np.maximum(belief[fits], UNHEARD))
    return _softmax(np.where(possible, scores, -np.inf), 0) if topics else scores


def _fits(found: Prediction) -> np.ndarray:
    """For which things a modality tells something that fits a task, bool (n,)."""
    return np.asarray(found.task != None)  # noqa: E711 - of an array, item by item


def _rows_of(part: Part, rows: np.ndarray) -> Part:
    """What is said of these things, with places among them."""
    _, own, among = np.intersect1d(part.rows, rows, assume_unique=True, return_indices=True)
    return Part(among, part.probabilities[own], part.values[own])


def _softmax(scores: np.ndarray, axis: int) -> np.ndarray:
    """All 0 where all scores are −inf."""
    highest = scores.max(axis, keepdims=True)
    powers = np.exp(scores - np.where(np.isfinite(highest), highest, 0))
    return np.asarray(powers / np.maximum(powers.sum(axis, keepdims=True), np.finfo(float).tiny))


def predict_any(view: View, x: Any, task: str | None, concept: str | None, routing: Routing) -> Prediction | MultimodalPrediction:
    """Answers for inputs, or for things that several modalities tell of; see `Network.predict`."""
    if isinstance(x, Mapping):
        if task is not None:
            do = "A concept may be given; a single row of a table goes into a list"
            raise InputError("task", expected="none beside a mapping of modalities", got=repr(task), do=do)
        return fuse(view, x, concept, routing)
    if concept is not None:
        raise InputError("concept", expected="a mapping of modalities to inputs beside it", got=type(x).__name__)
    if task is not None:
        view.pathway(task)
    return predict(view, x, task, routing)
