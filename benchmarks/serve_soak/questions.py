"""What a soaked server is asked: every input in every form, with what the library says of it."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from PIL import Image
from sklearn.datasets import load_iris, load_wine

from senpath import Network
from senpath.data import few_shot, load
from senpath.types import Audio

SHOTS, ASKED = 10, 12
"""Examples a class of the tasks that are there from the start, and inputs of each type that are asked about."""


@dataclass(frozen=True)
class Question:
    """Something to ask, in one of the forms that the server takes.

    Args:
        form: what the table calls it.
        path: of the request.
        send: arguments of the request.
        input: the same for the library.
        read: from the answer the task and the label, as texts.
    """

    form: str
    path: str
    send: dict[str, Any]
    input: Any
    read: Callable[[dict[str, Any]], tuple[str, str]]


def make_network(path: Path) -> dict[str, Any]:
    """Learn what is there from the start; returns inputs to ask about, by type."""
    net = Network(path)
    inputs: dict[str, Any] = {}
    for task, source, concept in (("seen", "mnist", "digit"), ("heard", "speech", "digit"), ("asked for", "trec", None)):
        x, y = load(source)
        rows = few_shot(x, y, SHOTS, 0)
        net.learn(task, _some(x, rows), np.asarray(y)[rows], concept=concept, random_state=0)
        later, labels = load(source, "test")
        order = np.argsort(np.asarray(labels), kind="stable") if source != "trec" else np.arange(len(labels))
        inputs[task] = _some(later, order[:: max(1, len(order) // ASKED)][:ASKED])
    for name, bunch in (("iris", load_iris()), ("wine", load_wine())):
        named = [dict(zip(map(str, bunch.feature_names), row, strict=True)) for row in bunch.data.tolist()]
        rows = [*range(0, len(named), 3)]
        net.learn(name, [named[row] for row in rows], [str(bunch.target_names[bunch.target[row]]) for row in rows], random_state=0)
        inputs[name] = named[1 :: max(1, len(named) // ASKED)][:ASKED]
    return inputs


def _some(x: Any, rows: Any) -> Any:
    return x[rows] if isinstance(x, np.ndarray) else [x[row] for row in rows]


def questions_of(inputs: dict[str, Any]) -> list[Question]:
    """Every input in every form."""
    questions: list[Question] = []
    for picture, sound in zip(inputs["seen"], inputs["heard"], strict=True):
        png, wav, samples = _png(picture), _wav(sound), {"samples": sound.samples.tolist(), "rate": sound.rate}
        spoken = _tensor("audio", "FP64", sound.samples[None].astype(float)) | {"parameters": {"rate": sound.rate}}
        together = {"image": [picture], "audio": [sound]}
        drawn, heard = Image.open(io.BytesIO(png)), _recorded(wav)
        questions += [
            _asked("picture, array", {"array": picture.tolist()}, picture),
            _asked("picture, base64", {"image": base64.b64encode(png).decode()}, drawn),
            Question("picture, file", "/predict", {"files": {"file": ("a.png", png)}}, drawn, plain),
            Question("picture, V2", "/v2/models/team/infer", {"json": _tensor("image", "UINT8", picture[None])}, picture, _protocol),
            _asked("sound, samples", {"audio": samples}, sound),
            Question("sound, V2", "/v2/models/team/infer", {"json": spoken}, sound, _protocol),
            Question("sound, file", "/predict", {"files": {"file": ("a.wav", wav)}}, heard, plain),
            _asked("two senses", {"senses": {"image": {"array": picture.tolist()}, "audio": samples}}, together),
        ]
    for text in inputs["asked for"]:
        questions.append(_asked("text", text, text))
        tensor = {"inputs": [{"name": "text", "datatype": "BYTES", "shape": [1], "data": [text]}]}
        questions.append(Question("text, V2", "/v2/models/team/infer", {"json": tensor}, text, _protocol))
    return [*questions, *(_asked("row", row, row) for name in ("iris", "wine") for row in inputs[name])]


def _asked(form: str, value: Any, given: Any) -> Question:
    return Question(form, "/predict", {"json": {"input": value}}, given, plain)


def _tensor(name: str, datatype: str, values: np.ndarray) -> dict[str, Any]:
    return {"inputs": [{"name": name, "datatype": datatype, "shape": [*values.shape], "data": values.ravel().tolist()}]}


def plain(body: dict[str, Any]) -> tuple[str, str]:
    (answer,) = body["answers"]
    return answer.get("concept") or answer["task"] or "", _text(answer["label"])


def _protocol(body: dict[str, Any]) -> tuple[str, str]:
    said = {output["name"]: output["data"][0] for output in body["outputs"]}
    return said["task"], said["label"]


def _text(label: Any) -> str:
    return "" if label is None else str(label)


def _png(picture: np.ndarray) -> bytes:
    content = io.BytesIO()
    Image.fromarray(picture).save(content, "png")
    return content.getvalue()


def _wav(sound: Audio) -> bytes:
    content = io.BytesIO()
    soundfile.write(content, sound.samples, sound.rate, format="WAV", subtype="FLOAT")
    return content.getvalue()


def _recorded(content: bytes) -> Audio:
    samples, rate = soundfile.read(io.BytesIO(content), dtype="float32")
    return Audio(samples, rate)


def expected(net: Network, questions: list[Question]) -> list[tuple[str, str]]:
    """What the library answers to each question at the version that it shows."""
    answers: list[tuple[str, str]] = []
    for question in questions:
        several = question.form == "two senses"
        told: Any = net.predict(question.input if several else [question.input], errors="none")
        task = told.concept[0] if several else told.task[0]
        answers.append((task or "", _text(told.label.tolist()[0])))
    return answers
