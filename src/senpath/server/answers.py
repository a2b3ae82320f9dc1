"""What the library answers, as JSON values."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from senpath.inference.multimodal import MultimodalPrediction
from senpath.inference.prediction import Explanation, Prediction
from senpath.snapshot.view import View


def as_plain(label: Any) -> Any:
    """A label, or several, as JSON has it."""
    if isinstance(label, np.generic):
        return label.item()
    return [as_plain(part) for part in label] if isinstance(label, tuple | list) else label


def answer_records(view: View, answers: Prediction | MultimodalPrediction, top: int) -> list[dict[str, Any]]:
    """The answer to each input of a prediction.

    Args:
        view: the version that answered.
        top: how many of the likeliest answers to tell.
    """
    of = view.weights["total"]
    likely = _likeliest(answers, top) if isinstance(answers, Prediction) else [_ranked(best) for best in answers.top(top)]
    ran = [
        {"tasks": activation.tasks, "sources": activation.sources, "weights": activation.total, "of": of}
        for activation in answers.activated
    ]
    shared = zip(as_plain(answers.label.tolist()), answers.confidence.tolist(), likely, ran, strict=True)
    if isinstance(answers, MultimodalPrediction):
        alone = {name: answer_records(view, own, top) for name, own in answers.modalities.items()}
        told = zip(shared, answers.tasks, answers.concept, answers.reason, strict=True)
        return [
            _record(tasks[0] if tasks else None, same, None, reason, None)
            | {"concept": concept, "senses": {name: own[row] for name, own in alone.items()}}
            for row, (same, tasks, concept, reason) in enumerate(told)
        ]
    modality = {task: view.types[path.data_type].modality for task, path in answers.probabilities.paths.items()}
    own = zip(shared, answers.task, answers.ood_score.tolist(), answers.candidates, strict=True)
    records = [_record(task, same, score, None, modality[names[0]] if names else None) for same, task, score, names in own]
    for row in np.flatnonzero(answers.task == None).tolist():  # noqa: E711 - of an array, item by item
        records[row]["reason"] = answers.reason[row]
    return records


def unread_record(view: View, reason: str) -> dict[str, Any]:
    """The answer to an input that could not be read."""
    nothing = {"tasks": (), "sources": (), "weights": 0, "of": view.weights["total"]}
    return _record(None, (None, 0.0, [], nothing), None, reason, None)


def _record(task: str | None, shared: tuple[Any, ...], score: float | None, reason: str | None, modality: str | None) -> dict[str, Any]:
    label, confidence, top, ran = shared
    told = {"task": task, "label": label, "confidence": confidence, "top": top, "ood_score": score, "reason": reason}
    return told | {"ran": ran, "modality": modality}


def _ranked(best: Iterable[tuple[str, Any, float]]) -> list[dict[str, Any]]:
    return [{"task": name, "label": as_plain(label), "probability": probability} for name, label, probability in best]


def _likeliest(answers: Prediction, top: int) -> list[list[dict[str, Any]]]:
    """What `Prediction.top` says, from whole columns."""
    entries: list[list[dict[str, Any]]] = [[] for _ in range(len(answers))]
    for task, part in answers.probabilities.parts.items():
        classes, rows = answers.probabilities.classes.get(task), part.rows.tolist()
        if classes is None:
            path = answers.probabilities.paths[task]
            said = path.task_kind.answers(part.values, path.classes)
            for row, answer, probability in zip(rows, said, part.probabilities.tolist(), strict=True):
                entries[row].append({"task": task, "label": as_plain(answer), "probability": probability})
            continue
        order = np.argsort(-part.values, axis=1, kind="stable")[:, :top]
        joint = np.take_along_axis(part.values, order, 1) * part.probabilities[:, None]
        for row, places, values in zip(rows, order.tolist(), joint.tolist(), strict=True):
            entries[row] += [{"task": task, "label": classes[place], "probability": p} for place, p in zip(places, values, strict=True)]
    for row, names in enumerate(answers.candidates):
        if len(names) > 1:
            entries[row] = sorted(entries[row], key=lambda entry: -entry["probability"])[:top]
        del entries[row][top:]
    return entries


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
