"""What a server answers, as objects with the attributes that the library's have."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from senpath.errors import InputError

Ranked = list[tuple[str, Any, float]]

PLACE = re.compile(r"^(input|(?:standardised )?row|image|recording|text|encoded input) (\d+)\b")
"""The beginning of what is said of one of several inputs, as `senpath.inference.unanswered` has it, which takes long to load."""


class RemoteAnswers:
    """RemoteAnswers for n inputs, in their order; as `senpath.Prediction`, without what a server does not send.

    Attributes:
        version: of the network that answered, the same for all.
        listed: how many of the likeliest labels the server was asked to list.
        records: the answers as the server sent them.
        task: object array (n,), name of the task, or None where nothing fits.
        label: (n,), the label within that task, or None; see `senpath.Prediction`.
        confidence: float64 (n,); 0 where nothing fits.
        ood_score: float64 (n,); above 1 nothing fits. Infinite where no task could read the input, NaN where the task was given.
        reason: object array (n,): why an input has no answer; None where it has one.
        candidates: object array (n,), tuples of the names of the tasks whose pathways ran.
        gaps: of rows with cells that something had to stand in for, by their places, the names of their columns.

    Example:
        >>> answers = client.predict(x[:2])
        >>> answers.task, answers.label, answers.version
        (array(['low', 'low'], dtype=object), array([0, 1]), 3)
    """

    def __init__(self, records: Sequence[Mapping[str, Any]], version: int, listed: int) -> None:
        self.records, self.version, self.listed = [dict(record) for record in records], version, listed
        self.task = _objects([record["task"] for record in self.records])
        self.label = _plain(_objects([_label(record["label"]) for record in self.records]))
        self.confidence = np.array([_number(record["confidence"]) for record in self.records], dtype=np.float64)
        self.ood_score = np.array([_score(record) for record in self.records], dtype=np.float64)
        self.reason = _objects([record["reason"] for record in self.records])
        self.candidates = _objects([tuple(record["ran"]["tasks"]) for record in self.records])
        self.gaps: dict[int, list[str]] = {place: record["gaps"] for place, record in enumerate(self.records) if record.get("gaps")}

    def __len__(self) -> int:
        return len(self.records)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self)} inputs, version {self.version})"

    def top(self, k: int) -> list[Ranked]:
        """For each input its k most probable (task, label, probability), most probable first; `predict(…, top=…)` says how many come.

        Raises:
            InputError: if fewer came than there are.
        """
        if k > self.listed:
            raise InputError("k", expected=f"at most {self.listed}", got=k, do=f"Ask with predict(…, top={k})")
        return [_ranked(record["top"][:k]) for record in self.records]


class RemoteThingAnswers(RemoteAnswers):
    """RemoteAnswers for n things, each given in one or more modalities; as `senpath.MultimodalPrediction`.

    Attributes:
        concept: object array (n,), name of the concept, or of the task if it has none; None where nothing fits.
        modalities: for each modality that was given, its own `RemoteAnswers`.
        records, version, listed: see `RemoteAnswers`.

    Example:
        >>> answers = client.predict({"image": x[:2], "table": tiny_task("iris")[0][:2]})
        >>> answers.concept
        array(['iris', 'iris'], dtype=object)
    """

    def __init__(self, records: Sequence[Mapping[str, Any]], version: int, listed: int) -> None:
        super().__init__(records, version, listed)
        self.concept = _objects([record.get("concept") for record in self.records])
        names = dict.fromkeys(name for record in self.records for name in record.get("senses") or {})
        self.modalities = {name: RemoteAnswers([record["senses"][name] for record in self.records], version, listed) for name in names}


class RemoteExplanation:
    """Why one input got its answer; as `senpath.Explanation`.

    Attributes:
        record: the explanation as the server sent it.
        text: the same for a person.
        links: what each link added, as objects of JSON.
        share: of the network's weights that ran, in 0 … 1.
        notes: of a row of a table what stands for missing values, and which words are new.

    Example:
        >>> why = client.explain(x[0])
        >>> why.task, 0 < why.share < 1
        ('low', True)
    """

    def __init__(self, record: Mapping[str, Any]) -> None:
        self.record, answer = dict(record), record["answer"]
        self.task: str | None = answer["task"]
        self.label = _label(answer["label"])
        self.confidence = _number(answer["confidence"])
        self.scores: dict[str, float] = {task["task"]: task["probability"] for task in record["tasks"]}
        self.ood_score = _score(answer)
        self.reason: str | None = answer["reason"]
        self.candidates = tuple(answer["ran"]["tasks"])
        self.links: list[dict[str, Any]] = record["links"]
        self.share = answer["ran"]["weights"] / max(1, answer["ran"]["of"])
        self.top = tuple(_ranked(answer["top"]))
        self.notes: tuple[str, ...] = tuple(record.get("notes", ()))
        self.text: str = record["text"]


def _ranked(listed: Sequence[Mapping[str, Any]]) -> Ranked:
    return [(each["task"], _label(each["label"]), _number(each["probability"])) for each in listed]


def _label(value: Any) -> Any:
    """A label; of a multilabel task, or of a regression of several numbers, a tuple, as the library has it."""
    return tuple(value) if isinstance(value, list) else value


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)


def _score(record: Mapping[str, Any]) -> float:
    if record["ood_score"] is None and record["task"] is None and not record["ran"]["tasks"]:
        return math.inf
    return _number(record["ood_score"])


def _objects(values: Sequence[Any]) -> np.ndarray:
    array = np.full(len(values), None, dtype=object)
    for place, value in enumerate(values):
        array[place] = value
    return array


def _plain(labels: np.ndarray) -> np.ndarray:
    """An array of bool, int64 or float64 where all labels are of one of these kinds, as the library's are."""
    kinds = {type(label) for label in labels.tolist()}
    if kinds == {bool}:
        return labels.astype(np.bool_)
    if kinds == {int} and all(-(2**63) <= label < 2**63 for label in labels):
        return labels.astype(np.int64)
    return labels.astype(np.float64) if kinds == {float} else labels


def unread_record(reason: str, others: list[dict[str, Any]]) -> dict[str, Any]:
    """What a server says of an input that cannot be read, of one that was not sent."""
    nothing: dict[str, Any] = {"tasks": [], "sources": [], "weights": 0, "of": others[0]["ran"]["of"] if others else 0}
    told: dict[str, Any] = {"task": None, "label": None, "confidence": 0.0, "top": [], "ood_score": None, "reason": reason}
    return told | {"ran": nothing, "modality": None}


def renumbered(text: str, places: Sequence[int]) -> str:
    """What a server says of an input, by its place in the whole batch.

    Args:
        places: of the inputs that the server was sent.
    """

    def name(match: re.Match[str]) -> str:
        return f"{match[1]} {places[int(match[2])]}" if int(match[2]) < len(places) else match[0]

    return PLACE.sub(name, text)
