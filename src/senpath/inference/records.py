"""Answers as JSON values, in the one shape that the command line writes and a server sends."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from senpath.arrays import json_value
from senpath.inference.explanation import Explanation
from senpath.inference.multimodal import MultimodalPrediction
from senpath.inference.prediction import Prediction, Routes
from senpath.inputs.modalities.plans import plans_of
from senpath.inputs.modalities.table import table_columns
from senpath.pathways import Activation
from senpath.snapshot.task_info import task_info
from senpath.snapshot.view import View
from senpath.types import DataType

Record = dict[str, Any]
"""An object of JSON: names to JSON values."""
TOP = 5
"""Labels that are listed for an input, unless told."""
RAN: WeakKeyDictionary[View, dict[tuple[int, ...], Record]] = WeakKeyDictionary()
"""What was counted for the candidates of a version's inputs: many have the same, and to count it takes long beside one small answer."""
MOST_KEPT = 10_000
"""Of these for a version."""


def answer_records(view: View, answers: Prediction | MultimodalPrediction, top: int = TOP) -> list[Record]:
    """One record per input: `task`, `label`, `confidence`, `top`, `ood_score`, `reason`, `ran`, `modality`.

    A row with cells that something had to stand in for, see `Prediction.gaps`, has `gaps`: the names of their columns.
    A thing that is told in several modalities has no `ood_score`; it has a `concept`, its `task` is the first that answered, and `senses`
    has the record of each modality by itself. Numbers that are not finite are None.

    Args:
        view: of the version that answered.
        answers: what it answered.
        top: list so many of the likeliest labels.
    """
    inputs, confidence = range(len(answers)), json_value(answers.confidence)
    each = answers.modalities.values() if isinstance(answers, MultimodalPrediction) else [answers]
    routes = Routes.together([own.routes for own in each])
    shared = zip(json_value(answers.label), confidence, _ran_records(view, routes), strict=True)
    reasons = {row: answers.reason[row] for row in inputs if not confidence[row]}
    if isinstance(answers, MultimodalPrediction):
        alone = {modality: answer_records(view, own, top) for modality, own in answers.modalities.items()}
        told = zip(inputs, shared, answers.tasks, answers.concept, map(ranked_records, answers.top(top)), strict=True)
        return [
            _record(tasks[0] if tasks else None, label, confidence, ran, ranked, None, reasons.get(row), None)
            | {"concept": concept, "senses": {modality: own[row] for modality, own in alone.items()}}
            for row, (label, confidence, ran), tasks, concept, ranked in told
        ]
    modality = {task: view.types[path.data_type].modality for task, path in answers.probabilities.paths.items()}
    own = zip(inputs, shared, answers.task, answers.candidates, _likeliest(answers, top), json_value(answers.ood_score), strict=True)
    records = [
        _record(task, label, confidence, ran, ranked, score, reasons.get(row), modality[names[0]] if names else None)
        for row, (label, confidence, ran), task, names, ranked, score in own
    ]
    for row, columns in answers.gaps.items():
        records[row]["gaps"] = columns
    return records


def _ran_records(view: View, routes: Routes) -> list[Record]:
    """For each input what ran, as `ran_record` says it."""
    of_version = routes.sizes is view.sizes
    kept = RAN.get(view, {}) if of_version else {}
    kept = kept if len(kept) <= MOST_KEPT else {}  # another one: other threads go on with theirs
    keys = [*map(tuple, np.column_stack([routes.candidates, routes.dispatcher]).tolist())]
    new = {key: row for row, key in enumerate(keys) if key not in kept}
    if new:
        counted = routes.picked(np.array([*new.values()])).activated()
        kept |= zip(new, (ran_record(ran, view.weights["total"]) for ran in counted), strict=True)
        if of_version:
            RAN[view] = kept
    return [kept[key] for key in keys]


def _likeliest(answers: Prediction, top: int) -> list[list[Record]]:
    """What `Prediction.top` says, of all inputs at once."""
    entries: list[list[Record]] = [[] for _ in range(len(answers))]
    for task, part in answers.probabilities.parts.items():
        path, rows = answers.probabilities.paths[task], part.rows.tolist()
        if not path.task_kind.has_labels:
            labels, joint = json_value(path.task_kind.answers(part.values, path.classes)), json_value(part.probabilities)
            for row, label, probability in zip(rows, labels, joint, strict=True):
                entries[row].append({"task": task, "label": label, "probability": probability})
            continue
        places = np.argsort(-part.values, axis=1, kind="stable")[:, :top]
        probabilities = json_value(np.take_along_axis(part.values, places, 1) * part.probabilities[:, None])
        classes = json_value(path.classes)
        for row, best, joint in zip(rows, places.tolist(), probabilities, strict=True):
            entries[row] += [{"task": task, "label": classes[place], "probability": p} for place, p in zip(best, joint, strict=True)]
    for row, names in enumerate(answers.candidates):
        if len(names) > 1:  # the likelier candidate's come first where they are alike
            entries[row].sort(key=lambda entry: (-(entry["probability"] or 0.0), names.index(entry["task"])))
        del entries[row][top:]
    return entries


def unread_record(view: View, reason: str) -> Record:
    """The record of an input that could not be read."""
    nothing = {"tasks": [], "sources": [], "weights": 0, "of": view.weights["total"]}
    return _record(None, None, 0.0, nothing, [], None, reason, None)


def explanation_record(view: View, why: Explanation) -> Record:
    """Why one input got its answer.

    `answer`, as `answer_records` has it; the `tasks` that came into question; the `links` that ran; `notes` on what is missing or new.
    """
    ran, top = ran_record(why.activated, view.weights["total"]), ranked_records(why.top)
    score, modality = json_value(why.ood_score), _modality(view, why.candidates)
    answer = _record(why.task, json_value(why.label), json_value(why.confidence), ran, top, score, why.reason, modality)
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
    return {"answer": answer, "tasks": tasks, "links": links, "notes": [*why.notes]}


def explanation_text(why: Explanation, of: int) -> str:
    """An explanation in lines of text.

    Args:
        of: all weights of the network.
    """
    answer = "nothing fits" if why.task is None else f"task {why.task!r}, label {why.label!r}, confidence {100 * why.confidence:.1f} %"
    scores = [f"P(task {name!r}) {100 * score:.2f} %{', runs' if name in why.candidates else ''}" for name, score in why.scores.items()]
    links = [
        f"link to {use.source!r}{f' from {use.transfer.source!r}' if use.transfer else ''} added {use.added:+.2f} to {use.output!r}"
        for use in why.links
    ]
    ran = [f"ood_score {why.ood_score:.2f} (above 1 nothing fits)", f"{100 * why.share:.1f} % of the network's {of:,} weights ran"]
    return "\n".join([answer, *([why.reason] if why.reason else []), *why.notes, *scores, *links, *ran])


def task_record(view: View, name: str) -> Record:
    """What a version knows of one of its tasks; `run` counts the weights that run when it answers, dispatcher and encoder included."""
    info = task_info(view, name)
    data_type = view.types[info.data_type]
    besides = view.encoder_weights.get(info.data_type, 0) + view.dispatcher_weights(info.data_type)
    return {
        "name": name,
        "kind": info.kind,
        "modality": data_type.modality,
        "type": type_record(data_type),
        "classes": json_value(info.classes_),
        "examples": info.examples,
        "links": [*dict.fromkeys(source for source, _ in info.transfers)],
        "method": info.method,
        "weights": info.weights,
        "run": info.run_weights + besides,
        "concept": info.concept,
        "version": info.version,
        "description": info.description,
    }


def type_record(data_type: DataType) -> Record:
    """What inputs of a type are; of a table's columns what each holds, the words that it may have, or the mean of its numbers."""
    options, means = data_type.options, iter(data_type.options.get("mean", ()))
    plans = plans_of(options if "columns" in options else options["reads"]["options"]) if data_type.modality == "table" else []
    columns: list[Record] = []
    for name, plan in zip(table_columns(data_type) if plans else (), plans, strict=True):
        own = [next(means, None) for _ in range(plan.width)]  # a column of words is as many numbers
        mean = own[0] if plan.form == "numbers" else None
        columns.append({"name": name, "form": plan.form, "values": [*plan.words] or None, "mean": mean})
    shape, encoder = [*data_type.shape], data_type.encoder
    return {"key": data_type.key, "modality": data_type.modality, "shape": shape, "encoder": encoder, "columns": columns}


def ranked_records(ranked: Iterable[tuple[str, Any, float]]) -> list[Record]:
    """(task, label, probability) of each, as objects."""
    return [{"task": task, "label": json_value(label), "probability": json_value(probability)} for task, label, probability in ranked]


def ran_record(ran: Activation, of: int) -> Record:
    """Which pathways ran, which tasks' layers their links read, and how many of all weights that was."""
    return {"tasks": [*ran.tasks], "sources": [*ran.sources], "weights": int(ran.total), "of": of}


def _record(
    task: str | None, label: Any, confidence: Any, ran: Record, top: list[Record], score: Any, reason: str | None, modality: str | None
) -> Record:
    told = {"task": task, "label": label, "confidence": confidence, "top": top, "ood_score": score, "reason": reason}
    return told | {"ran": ran, "modality": modality}


def _modality(view: View, candidates: tuple[str, ...]) -> str | None:
    """Of the tasks that were candidates, which are of one type; None where none could read the input."""
    return view.types[view.pathway(candidates[0]).data_type].modality if candidates else None
