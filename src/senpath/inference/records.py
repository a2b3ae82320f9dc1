"""Answers as JSON values, in the one shape that the command line writes and a server sends."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from senpath.inference.multimodal import MultimodalPrediction
from senpath.inference.prediction import Explanation, Prediction
from senpath.pathways import Activation
from senpath.snapshot.view import View, task_info

Record = dict[str, Any]
"""An object of JSON: names to JSON values."""
TOP = 5
"""Labels that are listed for an input, unless told."""


def answer_records(view: View, answers: Prediction | MultimodalPrediction, top: int = TOP) -> list[Record]:
    """One record per input: `task`, `label`, `confidence`, `top`, `ood_score`, `reason`, `ran`, `modality`.

    A thing that is told in several modalities has no `ood_score`; it has a `concept`, its `task` is the first that answered, and `senses`
    has the record of each modality by itself. Numbers that are not finite are None.

    Args:
        view: of the version that answered.
        answers: what it answered.
        top: list so many of the likeliest labels.
    """
    of = view.weights["total"]
    if isinstance(answers, MultimodalPrediction):
        alone = {modality: answer_records(view, own, top) for modality, own in answers.modalities.items()}
        return [
            _record(tasks[0] if tasks else None, label, confidence, ranked, None, reason, ran, of)
            | {"modality": None, "concept": concept, "senses": {modality: own[row] for modality, own in alone.items()}}
            for row, (concept, tasks, label, confidence, ranked, reason, ran) in enumerate(
                zip(
                    answers.concept,
                    answers.tasks,
                    _labels(answers),
                    answers.confidence,
                    answers.top(top),
                    answers.reason,
                    answers.activated,
                    strict=True,
                )
            )
        ]
    return [
        _record(task, label, confidence, ranked, score, reason, ran, of) | {"modality": _modality(view, names)}
        for task, label, confidence, ranked, score, reason, ran, names in zip(
            answers.task,
            _labels(answers),
            answers.confidence,
            answers.top(top),
            answers.ood_score,
            answers.reason,
            answers.activated,
            answers.candidates,
            strict=True,
        )
    ]


def explanation_record(view: View, why: Explanation) -> Record:
    """Why one input got its answer: `answer`, as `answer_records` has it; the `tasks` that came into question; the `links` that ran."""
    answer = _record(why.task, why.label, why.confidence, why.top, why.ood_score, why.reason, why.activated, view.weights["total"])
    links = [
        {
            "from": use.source,
            "output": json_value(use.output),
            "label": json_value(use.transfer.source) if use.transfer else None,
            "similarity": json_value(use.transfer.share) if use.transfer else None,
            "added": json_value(use.added),
        }
        for use in why.links
    ]
    tasks = [
        {"task": name, "score": score, "probability": score, "candidate": name in why.candidates, "ran": name in why.activated.tasks}
        for name, score in why.scores.items()
    ]
    return {"answer": answer | {"modality": _modality(view, why.candidates)}, "tasks": tasks, "links": links}


def task_record(view: View, name: str) -> Record:
    """What a version knows of one of its tasks; `run` counts the weights that run when it answers, dispatcher and encoder included."""
    info = task_info(view, name)
    data_type = view.types[info.data_type]
    besides = view.encoder_weights.get(info.data_type, 0) + view.dispatcher_weights(info.data_type)
    return {
        "name": name,
        "kind": info.kind,
        "modality": data_type.modality,
        "type": {"key": data_type.key, "modality": data_type.modality, "shape": [*data_type.shape], "encoder": data_type.encoder},
        "classes": json_value(info.classes_),
        "examples": info.examples,
        "links": [*dict.fromkeys(source for source, _ in info.transfers)],
        "method": info.method,
        "weights": info.weights,
        "run": info.run_weights + besides,
        "concept": info.concept,
        "version": info.version,
    }


def json_value(value: Any) -> Any:
    """What JSON has for a label, a number or several of them: lists for tuples, None for what is not finite."""
    if isinstance(value, dict):
        return {str(name): json_value(part) for name, part in value.items()}
    if isinstance(value, tuple | list):
        return [json_value(part) for part in value]
    if hasattr(value, "tolist"):
        return json_value(value.tolist())
    return None if isinstance(value, float) and not math.isfinite(value) else value


def ranked_records(ranked: Iterable[tuple[str, Any, float]]) -> list[Record]:
    """(task, label, probability) of each, as objects."""
    return [{"task": task, "label": json_value(label), "probability": json_value(probability)} for task, label, probability in ranked]


def ran_record(ran: Activation, of: int) -> Record:
    """Which pathways ran, which tasks' layers their links read, and how many of all weights that was."""
    return {"tasks": [*ran.tasks], "sources": [*ran.sources], "weights": int(ran.total), "of": of}


def _record(
    task: str | None, label: Any, confidence: float, ranked: Iterable[tuple[str, Any, float]], score: Any, reason: Any, ran: Any, of: int
) -> Record:
    return {
        "task": task,
        "label": json_value(label),
        "confidence": json_value(float(confidence)),
        "top": ranked_records(ranked),
        "ood_score": json_value(score),
        "reason": reason,
        "ran": ran_record(ran, of),
    }


def _labels(answers: Prediction | MultimodalPrediction) -> list[Any]:
    labels: list[Any] = answers.label.tolist()
    return labels


def _modality(view: View, candidates: tuple[str, ...]) -> str | None:
    """Of the tasks that were candidates, which are of one type; None where none could read the input."""
    return view.types[view.pathway(candidates[0]).data_type].modality if candidates else None
