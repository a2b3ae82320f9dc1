"""The Open Inference Protocol V2, for clients that know nothing of senpath: see `senpath.serving.protocol`."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Request, Response
from pydantic import BaseModel

from senpath import __version__
from senpath.server import watch
from senpath.server.auth import Served, needs
from senpath.server.errors import EVERYWHERE, ErrorDetail
from senpath.server.predict import note
from senpath.serving.inputs import in_json
from senpath.serving.protocol import Model
from senpath.serving.served import ServedNetwork, addressed
from senpath.serving.tensors import HEADER, InferRequest, read_request

CONTENT = {"application/json": InferRequest.model_json_schema(), "application/octet-stream": {"type": "string", "format": "binary"}}
BODY = {"requestBody": {"required": True, "content": {media: {"schema": schema} for media, schema in CONTENT.items()}}}


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
async def ready(server: Served) -> dict[str, bool]:
    """Whether to send requests here."""
    return await watch.ready(server)


@router.post("/repository/index", dependencies=READ)
async def index(server: Served) -> list[dict[str, str]]:
    """The models: the network and its tasks."""
    view = server.live.current
    names = dict.fromkeys([server.name, *view.tasks])
    return [{"name": name, "version": str(view.version), "state": "READY", "reason": ""} for name in names]


@router.get("/models/{name:path}/ready", dependencies=READ)
@router.get("/models/{name:path}/versions/{version}/ready", dependencies=READ)
def model_ready(server: Served, name: str, version: int | None = None) -> dict[str, Any]:
    """Whether there is such a model, in such a version."""
    name, version = addressed(server, name, version)
    _model(server, name, version)
    return {"name": name, "ready": True}


@router.get("/models/{name:path}", dependencies=READ)
@router.get("/models/{name:path}/versions/{version}", dependencies=READ)
def model_metadata(server: Served, name: str, version: int | None = None) -> dict[str, Any]:
    """The inputs and outputs of a model; of a task's also its kind and its classes, in the order of the probabilities."""
    return _model(server, *addressed(server, name, version)).metadata(server.live.network.versions)


@router.post("/models/{name:path}/infer", dependencies=READ, openapi_extra=BODY)
@router.post("/models/{name:path}/versions/{version}/infer", dependencies=READ, openapi_extra=BODY)
async def infer(
    request: Request,
    server: Served,
    name: str,
    version: int | None = None,
    inference_header_content_length: Annotated[str | None, Header()] = None,
) -> Response:
    """The answers of a model to one or more inputs, as tensors; in binary form where that is asked for."""
    body = await request.body()
    name, version = addressed(server, name, version)

    def read() -> tuple[InferRequest, Model, list[Any]]:
        question, tensors = read_request(body, inference_header_content_length)
        model = _model(server, name, question.parameters.version if version is None else version)
        return question, model, model.read(question, tensors, server.settings)

    question, model, inputs = await asyncio.to_thread(read)
    options = question.parameters
    errors = options.errors if model.task is None or "errors" in options.model_fields_set else "raise"
    asked = replace(options.asked, errors=errors, version=options.version if version is None else version, top=0)
    reply = await server.batcher.ask(inputs, asked if model.task is None else replace(asked, task=model.task))
    keeps = server.state.inbox.on and model.task is None
    await note(server, request, reply, await asyncio.to_thread(lambda: [*map(in_json, inputs)]) if keeps else None)
    content, json_length = model.write(question, reply)
    headers = {"Senpath-Version": str(reply.view.version)} | ({} if json_length is None else {HEADER: str(json_length)})
    return Response(content, 200, headers, "application/json" if json_length is None else "application/octet-stream")


def _model(server: ServedNetwork, name: str, version: int | None) -> Model:
    view = server.live.at(version)
    return Model(name, view, None if name == server.name else view.task_name(name))
