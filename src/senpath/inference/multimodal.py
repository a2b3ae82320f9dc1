"""Answers to things that several modalities tell of: which concept, and which of its labels."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from numbers import Real
from typing import Any

import numpy as np

from senpath.arrays import object_array, plain_array
from senpath.errors import InputError
from senpath.inference.answered import Answered, ThingAnswer
from senpath.inference.batches import Batch, ModalityInputs, decided, together
from senpath.inference.predict import Reading, Routing, add_routed, with_second
from senpath.inference.prediction import Answers, Part, Prediction, Routes
from senpath.inputs.modalities import MODALITIES, split_by_modality
from senpath.inputs.modalities.columns import is_missing
from senpath.pathways import Pathway
from senpath.progress import Progress, silent
from senpath.snapshot.examples import labels_of
from senpath.snapshot.view import View
from senpath.tasks import Classification, TaskKind
from senpath.types import Label

ONE = "One input goes into a list"
"""What to do with a single input among several senses."""
TINY = 1e-12
"""Added to P(task | input) among the tasks of a known concept, of which the dispatcher may have scored none."""


def is_by_modality(x: Any) -> bool:
    """Whether this is a mapping of modalities to inputs, and not the row of a table whose columns have such names."""
    return isinstance(x, Mapping) and all(name in MODALITIES for name in x) and any(map(_is_batch, x.values()))


def read_modalities(modalities: Mapping[str, Any], errors: str) -> tuple[int, list[ModalityInputs]]:
    """How many things there are, and what each modality tells of them.

    Raises:
        InputError: if a modality has no such name or is of another modality, they are of different lengths, or nothing is told of a thing.
    """
    for name in modalities:
        if name not in MODALITIES:
            do = "A table is a data frame, or a list of its rows"
            raise InputError(f"modality {name!r}", expected=f"one of {', '.join(MODALITIES)}", got="another name", do=do)
    read = {name: _read_modality(name, items, errors) for name, items in modalities.items() if items is not None}
    if not read:
        raise InputError("modalities", expected="at least one", got="none")
    lengths = {name: things for name, (things, _) in read.items()}
    things = next(iter(lengths.values()))
    if set(lengths.values()) != {things}:
        got = ", ".join(f"{count} of {name}" for name, count in lengths.items())
        raise InputError("modalities", expected="as many inputs of each", got=got, do="None stands for an input that is missing")
    given = [modality for _, modality in read.values() if len(modality.rows) or not things]
    told = np.zeros(things, dtype=bool)
    for modality in given:
        told[modality.rows] = True
    if not told.all():
        raise InputError(f"row {told.argmin()}", expected="an input of at least one modality", got="none")
    return things, given


def answer_modality(
    view: View, things: int, modality: ModalityInputs, concept: str | None, routing: Routing, errors: str, progress: Progress = silent
) -> Prediction:
    """What this modality alone says of all things; of those that it tells nothing of, no task.

    Args:
        concept: if it is known: its tasks answer, whatever the dispatcher would choose.

    Raises:
        InputError: if an input cannot be read, or none of the concept's tasks reads it, and it is not to be spared.
    """
    reading = Reading(view, modality.items, errors="none" if concept is not None and errors == "raise" else errors)
    answers, answered = Answers(view, things), np.zeros(things, dtype=bool)
    batches = (replace(batch, rows=modality.rows[batch.rows]) for batch in reading.batches(progress))
    if concept is None:
        add_routed(answers, view, _noted(batches, answered), routing)
    else:
        for batch in _of_concept(view, batches, concept):
            answered[batch.rows] = _add_known(answers, view, batch, concept, routing)
    read = int(answered.sum())
    if concept is not None and errors == "raise" and read < reading.inputs:
        modalities = {view.types[path.data_type].modality for path in view.paths if path.concept == concept}
        raise InputError(
            f"modality {modality.modality!r} of concept {concept!r}",
            expected=f"data as the concept's tasks read it: {', '.join(sorted(modalities))}",
            got=f"{reading.inputs - read} of {reading.inputs} inputs that none of them reads",
        )
    unread = dict.fromkeys(np.flatnonzero(~answered).tolist(), f"no task of the concept reads this {modality.modality}")
    unread |= dict.fromkeys(np.setdiff1d(np.arange(things), modality.rows).tolist(), "not given")
    return answers.prediction(unread | {int(modality.rows[place]): reason for place, reason in reading.reasons.items()})


def _noted(batches: Iterable[Batch], answered: np.ndarray) -> Iterator[Batch]:
    """The same batches; their rows are marked."""
    for batch in batches:
        answered[batch.rows] = True
        yield batch


def _of_concept(view: View, batches: Iterable[Batch], concept: str) -> Iterator[Batch]:
    """Batches with each input once: of types that may hold it one that a task of the concept reads, if there is one."""
    keys = {path.data_type for path in view.paths if path.concept == concept}
    for same in together(batches):
        own = [batch for batch in same if batch.key in keys]
        yield from (batch for batch, _ in decided(view, own)) if len(own) > 1 else own or same[:1]


def _read_modality(name: str, items: Any, errors: str) -> tuple[int, ModalityInputs]:
    series = hasattr(items, "to_numpy") and not hasattr(items, "columns")
    if series:
        items = items.to_numpy()
    if isinstance(items, np.ndarray) and items.ndim == 1 and (series or items.dtype == object):
        items = items.tolist()
    if not _is_batch(items):
        got = type(items).__name__ + (" of shape ()" if getattr(items, "ndim", 1) == 0 else "")
        raise InputError(f"modality {name!r}", expected="an array, a tensor, a data frame or a list of inputs", got=got, do=ONE)
    things, missing = len(items), 0
    try:
        rows = np.arange(things)
        if isinstance(items, list | tuple):
            rows = np.array([row for row, item in enumerate(items) if not _is_missing(item)], dtype=np.int64)
            items, missing = [items[row] for row in rows], things - len(rows)
        groups = split_by_modality(items, {} if errors == "skip" else None)
    except InputError as error:
        whose = f"modality {name!r}{', those that are missing not counted' if missing else ''}"
        error.reword(f"{whose}: {error}", what=f"{whose}: {error.what}")
        raise
    for group in groups:
        if group.modality != name:
            what, got = f"modality {name!r}, row {rows[group.rows[0]]}", f"{group.modality} data"
            raise InputError(what, expected=f"{name} data", got=got, do=ONE if group.modality == "table" else "")
    return things, ModalityInputs(name, items, rows)


def is_row(x: Mapping[str, Any]) -> bool:
    """Whether this is a row of a table: values, and not all of them under modalities' names, unless they are numbers."""
    values = [*x.values()]
    return not any(map(_is_batch, values)) and (
        any(name not in MODALITIES for name in x) or any(isinstance(value, Real) for value in values)
    )


def _is_batch(items: Any) -> bool:
    """Whether these may be several inputs."""
    return hasattr(items, "__len__") and not isinstance(items, str | bytes | bytearray) and getattr(items, "ndim", 1) > 0


def _is_missing(item: Any) -> bool:
    """None, NaN or pandas' NA; an empty text is there, and refused where it is read."""
    return not isinstance(item, str) and is_missing(item)


def _add_known(answers: Answers, view: View, batch: Batch, concept: str, routing: Routing) -> bool:
    """Add what the concept's tasks of a type answer, of several the likeliest one or two; returns whether there is such a task."""
    of_type = view.places_of_type(batch.key)
    own = np.array([view.paths[place].concept == concept for place in of_type])
    places = of_type[own]
    if not len(places):
        return False
    if len(places) == 1:
        answers.add(batch.inputs, batch.rows, np.full((len(batch.rows), 1), places[0]), np.ones((len(batch.rows), 1)))
        return True
    ranking = view.dispatcher(batch.key).rank(batch.inputs)
    probabilities = ranking.spread(len(of_type))[:, own] + TINY
    order = np.argsort(-probabilities, axis=1, kind="stable")[:, :2]
    likeliest = np.take_along_axis(probabilities / probabilities.sum(1, keepdims=True), order, 1)
    candidates = with_second(view, places[order], likeliest[:, 1] >= routing.least, routing)
    answers.add(batch.inputs, batch.rows, candidates, likeliest, dispatcher=ranking.numbers)
    return True


UNHEARD = 1e-3
"""P(concept | input) of a concept that was no candidate of a modality: one modality alone does not rule out what the others say."""


class MultimodalPrediction(Answered[ThingAnswer]):
    """Answers for n things, each seen in one or more modalities, in their order.

    Attributes:
        concept: object array (n,), name of the concept, or of the task if it has no concept; None where nothing fits.
        label: (n,), the label, or None; as in `Prediction`.
        confidence: float64 (n,), P(concept, label | all modalities); 0 where nothing fits.
        tasks: object array (n,), tuples of the names of the tasks that answered.
        modalities: for each modality that was given, its own `Prediction`. `things` is n, `topics` are the tasks that came into question.

    Example:
        >>> net = sp.Network()
        >>> signs = np.arange(40) % 2
        >>> pictures, rows = signs[:, None, None] * np.ones((40, 4, 4)), signs[:, None] * np.ones((40, 3))
        >>> learned = net.learn("seen", pictures, signs, concept="sign", epochs=1)
        >>> learned = net.learn("told", rows, signs, concept="sign", epochs=1)
        >>> answers = net.predict({"image": pictures[:2], "table": rows[:2]})
        >>> answers.concept, list(answers.modalities)
        (array(['sign', 'sign'], dtype=object), ['image', 'table'])
    """

    _one = ThingAnswer

    def __init__(self, things: int, modalities: Mapping[str, Prediction], topics: Sequence[_Topic]) -> None:
        self.modalities, self._topics = dict(modalities), topics
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
        self.label = plain_array(self.label)

    def __len__(self) -> int:
        return len(self.label)

    def __repr__(self) -> str:
        return f"MultimodalPrediction({len(self)} things, {', '.join(self.modalities)})"

    def _columns(self) -> dict[str, np.ndarray]:
        return dict(zip(ThingAnswer._fields, (self.concept, self.label, self.confidence, self.tasks, self.reason), strict=True))

    def _picked(self, rows: np.ndarray) -> MultimodalPrediction:
        return MultimodalPrediction(len(rows), {name: alone[rows] for name, alone in self.modalities.items()}, self._topics)

    @cached_property
    def reason(self) -> np.ndarray:
        """Object array (n,): why a thing has no answer, what each modality says of it; None where it has one. Made on first use."""
        reasons = np.full(len(self), None, dtype=object)
        for row in np.flatnonzero(self.concept == None).tolist():  # noqa: E711 - of an array, item by item
            reasons[row] = "; ".join(f"{name}: {alone.reason[row]}" for name, alone in self.modalities.items())
        return reasons

    @cached_property
    def activated(self) -> np.ndarray:
        """Object array (n,) of `Activation`: what ran for all modalities together. Counted on first use."""
        return Routes.together([alone.routes for alone in self.modalities.values()]).activated()

    def top(self, k: int) -> list[list[tuple[str, Any, float]]]:
        """For each thing the k most probable (concept, label, probability) within its concept, most probable first.

        For a regression there is one entry: its answer and P(task | all modalities).
        """
        ranked: list[list[tuple[str, Any, float]]] = [[] for _ in range(len(self))]
        for topic, rows, values in self._said:  # who comes later is the likelier one
            for row, joint in zip(rows, values, strict=True):
                labels = topic.labels or (self.label[row],)
                best = np.argsort(-joint, kind="stable")[:k]
                ranked[row] = [(topic.name, labels[place], float(joint[place])) for place in best]
        return ranked


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

    def parts(self, alone: Prediction) -> dict[str, Part]:
        """What its tasks say by one modality."""
        return {task: alone.probabilities.parts[task] for task in self.tasks if task in alone.probabilities.parts}

    def belief(self, alone: Prediction) -> np.ndarray:
        """P(topic | input) by one modality, float64 (n,); 0 where it is no candidate, or the modality finds that nothing fits."""
        probabilities = np.zeros(len(alone))
        for part in self.parts(alone).values():
            probabilities[part.rows] += part.probabilities
        return np.where(_fits(alone), probabilities, 0)

    def answer(self, modalities: Mapping[str, Prediction], rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The answers to these things, their P(answer | topic, what the modalities tell), and that of every label, float64 (rows, labels).

        A regression's answer is its one label.
        """
        if self.kind.exclusive:
            values = self._posterior(modalities, rows)
            return object_array(self.labels)[values.argmax(1)], values.max(1), values
        (task,) = self.tasks  # which one modality alone reads
        told = next(told.probabilities for told in modalities.values() if task in told.probabilities.parts)
        values = _rows_of(told.parts[task], rows).values
        label, certainty = self.kind.answers(values, told.paths[task].classes), self.kind.certainty(values)
        return label, certainty, values if self.labels else np.ones((len(rows), 1))

    def answering(self, modalities: Mapping[str, Prediction], rows: np.ndarray) -> list[tuple[str, ...]]:
        """Which of its tasks answered for each of these things."""
        ran = np.zeros((len(rows), len(self.tasks)), dtype=bool)
        for alone in modalities.values():
            for task, part in self.parts(alone).items():
                ran[:, self.tasks.index(task)] |= np.isin(rows, part.rows) & _fits(alone)[rows]
        return [tuple(self.tasks[place] for place in np.flatnonzero(row)) for row in ran]

    def _posterior(self, modalities: Mapping[str, Prediction], rows: np.ndarray) -> np.ndarray:
        """The product of what each modality says (naive Bayes, all labels equally likely before)."""
        evidence = np.zeros((len(rows), len(self.labels)))
        for alone in modalities.values():
            said = np.zeros_like(evidence)
            for task, part in self.parts(alone).items():
                own = _rows_of(part, rows)
                said[own.rows] += own.probabilities[:, None] * self._spread(alone.probabilities.classes[task], own.values)
            speaks = _fits(alone)[rows] & said.any(1)
            evidence[speaks] += np.log(said[speaks] / said[speaks].sum(1, keepdims=True) + np.finfo(float).tiny)
        return _softmax(evidence, 1)

    def _spread(self, classes: Sequence[Label], values: np.ndarray) -> np.ndarray:
        """P(class) (k, classes) over the topic's labels: a label that the task does not have gets what a guess gives it."""
        spread = np.full((len(values), len(self.labels)), 1 / len(self.labels))
        spread[:, [self.labels.index(label) for label in classes]] = values * len(classes) / len(self.labels)
        return spread


def fuse(
    view: View,
    modalities: Mapping[str, Any],
    task: str | None,
    concept: str | None,
    routing: Routing,
    errors: str = "raise",
    progress: Progress = silent,
) -> MultimodalPrediction:
    """Put together what several modalities tell; see `Network.predict`."""
    if task is not None:
        do = "A concept may be given; a single row of a table goes into a list"
        raise InputError("task", expected="none beside a mapping of modalities", got=repr(task), do=do)
    if concept is not None:
        _require_concept(view, concept)
    things, given = read_modalities(modalities, errors)
    answers = {modality.modality: answer_modality(view, things, modality, concept, routing, errors, progress) for modality in given}
    names = {name for alone in answers.values() for name in alone.probabilities.parts}
    return MultimodalPrediction(things, answers, _topics([path for path in view.paths if path.task in names], view.paths))


def _require_concept(view: View, concept: str) -> None:
    known = dict.fromkeys(path.concept for path in view.paths if path.concept is not None)
    if not isinstance(concept, str) or concept not in known:
        names = ", ".join(map(repr, known)) or "none, for no task was learned with a concept"
        raise InputError(f"concept {concept!r}", expected=f"one that the network has: {names}", got="another name")


def _topics(candidates: Sequence[Pathway], paths: Sequence[Pathway]) -> list[_Topic]:
    """What the candidates are of, in the order of learning."""
    concepts: dict[str, list[str]] = {}
    others: list[_Topic] = []
    for path in candidates:
        if path.concept is not None:
            concepts.setdefault(path.concept, []).append(path.task)
        else:
            others.append(_Topic(path.task, (path.task,), path.classes if path.task_kind.has_labels else (), path.task_kind))
    return [*(_Topic(name, tuple(tasks), labels_of(paths, name), Classification()) for name, tasks in concepts.items()), *others]


def _probabilities(things: int, modalities: Mapping[str, Prediction], topics: Sequence[_Topic]) -> np.ndarray:
    """P(topic | what the modalities tell), float64 (topics, n); 0 where it is no candidate of any modality."""
    scores, possible = np.zeros((len(topics), things)), np.zeros((len(topics), things), dtype=bool)
    for alone in modalities.values():
        fits = _fits(alone)
        for place, topic in enumerate(topics):
            belief = topic.belief(alone)
            possible[place] |= belief > 0
            scores[place, fits] += np.log(np.maximum(belief[fits], UNHEARD))
    return _softmax(np.where(possible, scores, -np.inf), 0) if topics else scores


def _fits(prediction: Prediction) -> np.ndarray:
    """For which things a modality tells something that fits a task, bool (n,)."""
    return np.asarray(prediction.task != None)  # noqa: E711 - of an array, item by item


def _rows_of(part: Part, rows: np.ndarray) -> Part:
    """What is said of these things, with places among them."""
    _, own, among = np.intersect1d(part.rows, rows, assume_unique=True, return_indices=True)
    return Part(among, part.probabilities[own], part.values[own])


def _softmax(scores: np.ndarray, axis: int) -> np.ndarray:
    """All 0 where all scores are −inf."""
    highest = scores.max(axis, keepdims=True)
    powers = np.exp(scores - np.where(np.isfinite(highest), highest, 0))
    return np.asarray(powers / np.maximum(powers.sum(axis, keepdims=True), np.finfo(float).tiny))
