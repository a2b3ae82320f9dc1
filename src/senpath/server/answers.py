"""What the library answers, as JSON values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from senpath.inference.multimodal import MultimodalPrediction
from senpath.inference.prediction import Explanation, Prediction
from senpath.pathways import Activation
from senpath.server.batcher import Reply
from senpath.types import DataType, Label

NOTHING_RAN = {"tasks": [], "sources": [], "weights": 0}


def as_plain(label: Any) -> Any:
    """A label, or several, as JSON has it."""
    if isinstance(label, np.generic):
        return label.item()
    return [as_plain(part) for part in label] if isinstance(label, tuple | list) else label


def answers_of(reply: Reply, count: int, top: int) -> list[dict[str, Any]]:
    """The answer to each of a request's inputs, in their order.

    Args:
        count: of the inputs.
        top: how many of the likeliest answers to tell.
    """
    answers: list[dict[str, Any]] = [{}] * count
    types, of = reply.snapshot.view.types, reply.snapshot.weights
    for part in reply.parts:
        make = _of_things if isinstance(part.prediction, MultimodalPrediction) else _of_inputs
        for place, answer in zip(part.places, make(part.prediction, part.rows, top, types, of), strict=True):  # type: ignore[arg-type]
            answers[place] = answer
    for place, reason in reply.unread.items():
        answers[place] = _answer(None, None, 0.0, [], None, reason=reason, ran=NOTHING_RAN | {"of": of}, modality=None)
    return answers


def _answer(task: str | None, label: Any, confidence: float, top: list[Any], ood_score: float | None, **more: Any) -> dict[str, Any]:
    return {"task": task, "label": label, "confidence": confidence, "top": top, "ood_score": ood_score, **more}


def _ran(activation: Activation, of: int) -> dict[str, Any]:
    return {"tasks": activation.tasks, "sources": activation.sources, "weights": activation.total, "of": of}


def _of_inputs(prediction: Prediction, rows: Sequence[int], top: int, types: Mapping[str, DataType], of: int) -> list[dict[str, Any]]:
    likeliest = _likeliest(prediction, rows, top)
    answers = []
    for row in rows:
        task, candidates = prediction.task[row], prediction.candidates[row]
        modality = types[prediction.probabilities.paths[candidates[0]].data_type].modality if candidates else None
        reason = prediction.reason[row] if task is None else None
        ran = _ran(prediction.activated[row], of)
        label, confidence, score = as_plain(prediction.label[row]), float(prediction.confidence[row]), float(prediction.ood_score[row])
        answers.append(_answer(task, label, confidence, likeliest[row], score, reason=reason, ran=ran, modality=modality))
    return answers


def _likeliest(prediction: Prediction, rows: Sequence[int], top: int) -> dict[int, list[dict[str, Any]]]:
    """Of each input the most probable answers, most probable first; those that `Prediction.top` would give."""
    probabilities, first, stop = prediction.probabilities, min(rows, default=0), max(rows, default=-1) + 1
    entries: dict[int, list[dict[str, Any]]] = {row: [] for row in rows}
    for task, part in probabilities.parts.items():
        start, end = np.searchsorted(part.rows, (first, stop))
        for place in range(start, end):
            row = int(part.rows[place])
            values, probability = part.values[place], float(part.probabilities[place])
            if row not in entries:
                continue
            if task not in probabilities.classes:
                answer = probabilities.paths[task].task_kind.answers(values[None], probabilities.paths[task].classes)[0]
                entries[row].append({"task": task, "label": as_plain(answer), "probability": probability})
                continue
            classes: Sequence[Label] = probabilities.classes[task]
            for best in np.argsort(-values, kind="stable")[:top].tolist():
                entries[row].append({"task": task, "label": classes[best], "probability": float(values[best]) * probability})
    for of_row in entries.values():
        of_row.sort(key=lambda entry: -entry["probability"])
        del of_row[top:]
    return entries


def _of_things(
    prediction: MultimodalPrediction, rows: Sequence[int], top: int, types: Mapping[str, DataType], of: int
) -> list[dict[str, Any]]:
    senses = {name: _of_inputs(alone, range(len(alone)), top, types, of) for name, alone in prediction.modalities.items()}
    ranked = prediction.top(top)
    answers = []
    for row in rows:
        concept, tasks = prediction.concept[row], prediction.tasks[row]
        likely = [{"task": name, "label": as_plain(label), "probability": probability} for name, label, probability in ranked[row]]
        label, confidence = as_plain(prediction.label[row]), float(prediction.confidence[row])
        ran, reason = _ran(prediction.activated[row], of), prediction.reason[row]
        answer = _answer(tasks[0] if tasks else None, label, confidence, likely, None, reason=reason, ran=ran, modality=None)
        answers.append(answer | {"concept": concept, "senses": {name: told[row] for name, told in senses.items()}})
    return answers


def in_words(told: Explanation, of: int) -> str:
    """An explanation as lines of text."""
    lines = ["nothing fits" if told.task is None else f"task {told.task!r}, label {told.label!r}, confidence {100 * told.confidence:.1f} %"]
    lines += [told.reason] if told.reason is not None else []
    for name, score in told.scores.items():
        lines.append(f"P(task {name!r}) {100 * score:.2f} %{', runs' if name in told.candidates else ''}")
    lines.append(f"ood_score {told.ood_score:.2f} (above 1 nothing fits)")
    for use in told.links:
        copied = f" from {use.transfer.source!r} (similarity {use.transfer.share:.2f})" if use.transfer else ""
        lines.append(f"link to {use.source!r}{copied} added {use.added:+.2f} to {use.output!r}")
    lines.append(f"{100 * told.share:.1f} % of the network's {of:,} weights ran")
    return "\n".join(lines)
