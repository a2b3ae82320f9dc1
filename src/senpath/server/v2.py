"""The Open Inference Protocol V2, for clients that know nothing of senpath: the network is a model, and so is each of its tasks.

A model's versions are the network's. The network's model finds the task of an input; a task's model answers as that task. What a task with
the network's name says is asked of the network's model, with the parameter `task`.
"""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from fastapi import APIRouter, Depends, Header, Request, Response
from pydantic import BaseModel
from pydantic_core import from_json

from senpath import __version__
from senpath.arrays import object_array
from senpath.errors import InputError
from senpath.inference import Prediction
from senpath.inputs.modalities.table import table_columns
from senpath.server import watch
from senpath.server.auth import needs
from senpath.server.errors import EVERYWHERE, ErrorDetail, Refusal, too_large
from senpath.server.inbox import offer
from senpath.server.inputs import clip_of, picture_of, read_input, recording_of, sound_of
from senpath.server.settings import ServerSettings
from senpath.server.tensors import HEADER, InferRequest, read_request, write_response
from senpath.serving.batcher import Reply, Senses
from senpath.snapshot.view import View
from senpath.types import Audio, DataType, Video

if TYPE_CHECKING:
    from senpath.server.app import Server

INPUTS = {"image": "image", "audio": "audio", "video": "video", "text": "text", "table": "row"}
"""What the input of each modality is called."""
MODALITIES = {name: modality for modality, name in INPUTS.items()}
OF_FILES: dict[str, Callable[[bytes, str, ServerSettings], Any]] = {"image": picture_of, "audio": sound_of, "video": clip_of}
"""What reads the files that inputs may be."""
OF_NETWORK = {"task": "BYTES", "label": "BYTES", "confidence": "FP64", "ood_score": "FP64", "reason": "BYTES"}
"""Outputs of the network's model: texts are empty where an input fits nothing."""
Outputs = dict[str, tuple[str, np.ndarray]]
"""By name the data type and the values."""
BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": InferRequest.model_json_schema()},
            "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
        },
    }
}


class ProtocolError(BaseModel):
    """Every answer that is an error: the message, as the protocol has it, and its parts."""

    error: str
    detail: ErrorDetail


ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"model": ProtocolError, "description": HTTPStatus(status).phrase} for status in (404, 415, *map(int, EVERYWHERE))
}
router = APIRouter(prefix="/v2", tags=["Open Inference Protocol V2"], responses=ERRORS)
READ = [Depends(needs("read"))]


@router.get("")
async def server_metadata() -> dict[str, Any]:
    """Name, version and protocol extensions of the server."""
    return {"name": "senpath", "version": __version__, "extensions": ["binary_tensor_data", "classification", "model_repository"]}


@router.get("/health/live")
async def live() -> dict[str, bool]:
    """Whether the process answers at all."""
    return {"live": True}


@router.get("/health/ready")
async def ready(request: Request) -> dict[str, bool]:
    """Whether to send requests here."""
    await watch.ready(request)
    return {"ready": True}


@router.post("/repository/index", dependencies=READ)
async def index(request: Request) -> list[dict[str, str]]:
    """The models: the network and its tasks."""
    server: Server = request.app.state.server
    view = server.live.current
    names = dict.fromkeys([server.name, *view.tasks])
    return [{"name": name, "version": str(view.version), "state": "READY", "reason": ""} for name in names]


@router.get("/models/{name:path}/ready", dependencies=READ)
@router.get("/models/{name:path}/versions/{version}/ready", dependencies=READ)
def model_ready(request: Request, name: str, version: int | None = None) -> dict[str, Any]:
    """Whether there is such a model, in such a version."""
    _model(request.app.state.server, name, version)
    return {"name": name, "ready": True}


@router.get("/models/{name:path}", dependencies=READ)
@router.get("/models/{name:path}/versions/{version}", dependencies=READ)
def model_metadata(request: Request, name: str, version: int | None = None) -> dict[str, Any]:
    """The inputs and outputs of a model; of a task's also its kind and its classes, in the order of the probabilities."""
    server: Server = request.app.state.server
    view, task = _model(server, name, version)
    types = _types(view, task)
    inputs = [_tensor(INPUTS[modality], "BYTES") for modality in dict.fromkeys(kind.modality for kind in types)]
    about: dict[str, Any] = {}
    outputs = [_tensor(output, kind) for output, kind in OF_NETWORK.items()]
    if task is not None:
        pathway = view.pathway(task)
        values = "probabilities" if pathway.task_kind.has_labels else "values"
        outputs = [_tensor("label", "BYTES"), _tensor(values, "FP64", len(pathway.classes))]
        about = {"parameters": {"kind": pathway.kind, "classes": [*pathway.classes]}}
        if inputs[0]["name"] == "row" and not {"categories", "forms"} & types[0].options.keys():
            columns = table_columns(types[0])
            inputs = [_tensor("row", "FP64", len(columns)) | {"parameters": {"columns": columns}}]
    first = 0 if task is None else view.tasks[task].version
    versions = [str(number) for number in dict.fromkeys((*server.live.network.versions, view.version)) if number >= first]
    return {"name": name, "versions": versions, "platform": "senpath", "inputs": inputs, "outputs": outputs, **about}


@router.post("/models/{name:path}/infer", dependencies=READ, openapi_extra=BODY)
@router.post("/models/{name:path}/versions/{version}/infer", dependencies=READ, openapi_extra=BODY)
async def infer(
    request: Request, name: str, version: int | None = None, inference_header_content_length: Annotated[str | None, Header()] = None
) -> Response:
    """The answers of a model to one or more inputs, as tensors; in binary form where that is asked for."""
    server: Server = request.app.state.server
    body = await request.body()
    question, inputs, task = await asyncio.to_thread(_read, server, name, version, body, inference_header_content_length)
    options = question.parameters
    errors = options.errors if task is None or "errors" in options.model_fields_set else "raise"
    asked = replace(options.asked, errors=errors, version=options.version if version is None else version, top=0)
    reply = await server.batcher.ask(inputs, asked if task is None else replace(asked, task=task))
    answers = reply.records
    if server.state.inbox.on and task is None:
        await asyncio.to_thread(lambda: offer(server.state.inbox, [_in_json(given) for given in inputs], reply))
    server.metrics.answered(request, reply.view.version, answers)
    outputs = _of_network(answers) if task is None else _of_task(answers, reply, task)
    outputs, binary = _wanted(question, outputs, () if task is None else reply.view.pathway(task).classes)
    head = {"model_name": name, "model_version": str(reply.view.version)} | ({} if question.id is None else {"id": question.id})
    content, json_length = write_response(head, outputs, binary)
    headers = {"Senpath-Version": str(reply.view.version)}
    if json_length is None:
        return Response(content, headers=headers, media_type="application/json")
    return Response(content, headers=headers | {HEADER: str(json_length)}, media_type="application/octet-stream")


def _model(server: Server, name: str, version: int | None) -> tuple[View, str | None]:
    """The view of a model's version, and its task; None for the network."""
    view = server.live.at(version)
    if name == server.name:
        return view, None
    task = view.task_name(name)
    if task not in view.tasks:
        raise Refusal(404, "not_found", f"model {name!r}", expected=f"{server.name!r} or the name of a task", got="another name")
    return view, task


def _types(view: View, task: str | None) -> list[DataType]:
    """The types of data that a model reads."""
    return [*view.types.values()] if task is None else [view.types[view.pathway(task).data_type]]


def _tensor(name: str, datatype: str, *more: int) -> dict[str, Any]:
    return {"name": name, "datatype": datatype, "shape": [-1, *more]}


def _read(
    server: Server, name: str, version: int | None, body: bytes, json_length: str | None
) -> tuple[InferRequest, list[Any], str | None]:
    """The request, the things that it asks about, and the model's task."""
    question, tensors = read_request(body, json_length)
    view, task = _model(server, name, question.parameters.version if version is None else version)
    types = _types(view, task)
    known = [*MODALITIES] if task is None else [INPUTS[types[0].modality]]
    counts = {name: len(tensor) if tensor.ndim else 1 for name, tensor in tensors.items()}
    if len({*counts.values()}) > 1:
        raise InputError("inputs", expected="equally many of each", got=", ".join(f"{count} of {name}" for name, count in counts.items()))
    if max(counts.values()) > server.settings.inputs:
        raise too_large("inputs", expected=f"at most {server.settings.inputs:,}", got=f"{max(counts.values()):,}")
    things: dict[str, list[Any]] = {}
    for name, tensor in tensors.items():
        if name not in known:
            raise InputError(f"input {name!r}", expected=f"one of {', '.join(known)}", got="another name")
        tables = [table_columns(kind) for kind in types if kind.modality == "table"]
        fitting = [columns for columns in tables if name == "row" and [len(columns)] == [*tensor.shape[1:]]]
        columns = fitting[0] if len(fitting) == 1 else None
        things[name] = _items(name, tensor, columns, question.parameters.rate, server.settings)
    if len(things) == 1:
        return question, next(iter(things.values())), task
    return question, [_senses(dict(zip(things, row, strict=True))) for row in zip(*things.values(), strict=True)], task


def _senses(values: Mapping[str, Any]) -> Any:
    """Several senses of one thing; the error of the first that cannot be read stands for all."""
    error = next((value for value in values.values() if isinstance(value, InputError)), None)
    return error or Senses({MODALITIES[name]: value for name, value in values.items()})


def _items(name: str, tensor: np.ndarray, columns: list[str] | None, rate: int | None, limits: ServerSettings) -> list[Any]:
    """The inputs in a tensor; an error stands for one that cannot be read."""
    axes = {"image": (3, 4), "audio": (2,), "video": (4, 5), "row": (2,), "text": ()}[name]
    if tensor.dtype == object:
        if tensor.size != tensor.shape[0] if tensor.ndim else True:
            raise InputError(f"input {name!r}", expected="shape [n] or [n, 1]", got=f"{[*tensor.shape]}")
        return [_element(name, value, f"input {place}", limits) for place, value in enumerate(tensor.ravel())]
    if tensor.ndim not in axes:
        expected = " or ".join(f"{count} axes of numbers" for count in axes) or "BYTES"
        raise InputError(f"input {name!r}", expected=expected, got=f"numbers of shape {[*tensor.shape]}")
    if tensor.dtype == np.float16:
        tensor = tensor.astype(np.float32)
    if name == "audio":
        if rate is None:
            raise InputError("parameter 'rate'", expected="samples a second, beside samples", got="none")
        return [recording_of(samples.astype(np.float64), rate, "input 'audio'", limits) for samples in tensor]
    if name == "video":
        return [Video(frames) for frames in tensor]
    return [*tensor] if columns is None else [dict(zip(columns, row, strict=True)) for row in tensor.tolist()]


def _element(name: str, value: str | bytes, what: str, limits: ServerSettings) -> Any:
    """One input in an element of BYTES: a file, which JSON has in base64, or a text; a row is JSON."""
    try:
        if isinstance(value, bytes) and name in OF_FILES:
            return OF_FILES[name](value, what, limits)
        if name == "row":
            return read_input({name: from_json(value)}, what, limits)
        return read_input({name: value if isinstance(value, str) else value.decode()}, what, limits)
    except InputError as error:
        return error
    except ValueError as error:  # no JSON, or not UTF-8
        return InputError(what, expected="JSON" if name == "row" else "UTF-8", got=str(error)[:100])


def _in_json(given: Any) -> Any:
    """An input as /predict takes it, which is how the inbox keeps it."""
    if isinstance(given, Senses):
        return {"senses": {name: _in_json(value) for name, value in given.items()}}
    if isinstance(given, Audio):
        return {"audio": {"samples": given.samples.tolist(), "rate": given.rate}}
    if isinstance(given, Video):
        return {"video": given.frames.tolist()}
    if isinstance(given, np.ndarray):
        return {"array": given.tolist()}
    return {"row": given} if isinstance(given, dict) else given


def _of_network(answers: Sequence[Mapping[str, Any]]) -> Outputs:
    """Which task answers each input, and what."""
    kinds = {"BYTES": _texts, "FP64": _numbers}
    return {name: (kind, kinds[kind](answer[name] for answer in answers)) for name, kind in OF_NETWORK.items()}


def _of_task(answers: Sequence[Mapping[str, Any]], reply: Reply, task: str) -> Outputs:
    """What a task answers; of an input that it cannot read an empty label, and NaN."""
    pathway = reply.view.pathway(task)
    values = np.full((len(answers), len(pathway.classes)), np.nan)
    for part in reply.parts:
        own = part.prediction.probabilities.parts.get(task) if isinstance(part.prediction, Prediction) else None
        said = {} if own is None else dict(zip(own.rows.tolist(), own.values, strict=True))
        for row, place in zip(part.rows, part.places, strict=True):
            values[place] = said.get(row, np.nan)
    name = "probabilities" if pathway.task_kind.has_labels else "values"
    return {"label": ("BYTES", _texts(answer["label"] for answer in answers)), name: ("FP64", values)}


def _texts(values: Iterable[Any]) -> np.ndarray:
    return object_array([_text(value) for value in values])


def _text(value: Any) -> str:
    """A name or a label; one that is no text, or several, as JSON has it."""
    return "" if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _numbers(values: Iterable[float | None]) -> np.ndarray:
    return np.array([np.nan if value is None or not math.isfinite(value) else value for value in values])


def _wanted(question: InferRequest, outputs: Outputs, classes: Sequence[Any]) -> tuple[Outputs, dict[str, bool]]:
    """The outputs that are asked for, and which of them in binary form."""
    default = question.parameters.binary_data_output
    if not question.outputs:
        return outputs, dict.fromkeys(outputs, default)
    chosen, binary = {}, {}
    for output in question.outputs:
        if output.name not in outputs:
            raise InputError(f"output {output.name!r}", expected=f"one of {', '.join(outputs)}", got="another name")
        chosen[output.name] = outputs[output.name]
        most = output.parameters.classification
        if most is not None:
            chosen[output.name] = "BYTES", _most_probable(output.name, outputs[output.name][1], classes, most)
        wants = output.parameters.binary_data
        binary[output.name] = default if wants is None else wants
    return chosen, binary


def _most_probable(name: str, values: np.ndarray, classes: Sequence[Any], most: int) -> np.ndarray:
    """Of each row the most probable classes, as "probability:place:class"; see the protocol's extension."""
    if name != "probabilities":
        raise InputError("classification", expected="of the output probabilities", got=f"of {name}")
    order = np.argsort(-values, axis=1, kind="stable")[:, :most]
    said = [f"{row[place]:.6f}:{place}:{_text(classes[place])}" for row, places in zip(values, order, strict=True) for place in places]
    return object_array(said).reshape(order.shape)
