"""Asking: POST /predict and /explain."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from senpath.errors import InputError, LimitError
from senpath.inference.explain import explain_one
from senpath.inference.records import explanation_record, explanation_text
from senpath.isolation import isolation
from senpath.server.auth import Served, needs
from senpath.server.bodies import Json, body_of, dumps, json_body, media_type, read_contents
from senpath.server.errors import EVERYWHERE, declared
from senpath.serving.batcher import Reply, Senses
from senpath.serving.inputs import as_sent, read_files, read_inputs
from senpath.serving.requests import Options, PredictAnswer, Question, read_question, require_no_options
from senpath.serving.served import ServedNetwork
from senpath.snapshot.view import View

router = APIRouter(tags=["ask"])
PATH = "/predict"
ROUTE = SimpleNamespace(path=PATH)
"""What those who count requests see of one that went past the router."""
JSON = (b"content-type", b"application/json")
INLINE_BYTES = 2**16
"""Of a body that is read at once; a larger one is read in a thread."""
DECODED = {"image", "audio", "video", "senses"}
"""Forms of inputs that take time to read, however few bytes they are."""
ASKING = EVERYWHERE | declared(404, 409, 415)
BODY = body_of(Question, many=True, required=True)
Asking = tuple[list[Any], Options, list[Any]]
"""A request's inputs as the library takes them, where an `InputError` stands for one that cannot be read; its options; what was sent."""


async def _read(server: ServedNetwork, request: Request) -> Asking:
    """What a request asks. Only what takes no time is read here and not in a thread."""
    limits = server.settings
    if request.scope["query_string"]:
        require_no_options(request.query_params)
    if media_type(request) == "multipart/form-data":
        files, options = await read_contents(request, Options, limits.inputs, fields=4)
        view = await asyncio.to_thread(server.live.at, options.version)
        parts = await asyncio.to_thread(read_files, files, view.types.values(), limits, skip=options.errors == "skip")
        sent = [one for file, inputs in zip(files, parts, strict=True) for one in as_sent(file, inputs)]
        return [item for inputs in parts for item in inputs], options, sent
    body = await json_body(request)
    large = len(body) > INLINE_BYTES
    options, values = await asyncio.to_thread(read_question, body) if large else read_question(body)
    if len(values) > limits.inputs:
        raise LimitError("inputs", expected=f"at most {limits.inputs:,}", got=f"{len(values):,}")
    if large or any(isinstance(value, dict) and not DECODED.isdisjoint(value) for value in values):
        return await asyncio.to_thread(read_inputs, values, limits), options, values
    return read_inputs(values, limits), options, values


def respond(view: View, content: Any) -> Response:
    """JSON from this version."""
    return Json(content, 200, {"Senpath-Version": str(view.version)})


async def note(server: ServedNetwork, request: Request, reply: Reply, sent: list[Any] | None) -> None:
    """Count what was answered, say it in the line of log, and keep in the inbox what belongs there of what was sent."""
    if server.state.inbox.on and sent is not None:
        await asyncio.to_thread(server.state.offer, sent, reply)
    tasks = server.metrics.answered(reply.records)[:20]
    request.scope["state"]["answered"] = {"inputs": len(reply.records), "tasks": tasks, "version": reply.view.version}


async def _answer(server: ServedNetwork, request: Request) -> tuple[View, dict[str, Any]]:
    """What one version answers to a request."""
    request.scope["state"]["caller"].require("read")
    inputs, options, sent = await _read(server, request)
    reply = await server.batcher.ask(inputs, options.asked)
    await note(server, request, reply, sent if options.task is None else None)
    return reply.view, {"version": reply.view.version, "answers": reply.records}


class Predicting:
    """What answers a POST to /predict, as an ASGI application of its own."""

    def __init__(self, server: ServedNetwork) -> None:
        self._server = server

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["route"] = ROUTE
        view, answers = await _answer(self._server, Request(scope, receive))
        content = dumps(answers)
        headers = [(b"content-length", b"%d" % len(content)), JSON, (b"senpath-version", b"%d" % view.version)]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": content})


@router.post(PATH, response_model=PredictAnswer, responses=ASKING, openapi_extra=BODY)
async def predict(request: Request, server: Served) -> Response:
    """Answer for each input, without being told the task."""
    return respond(*await _answer(server, request))


@router.post("/explain", responses=ASKING, openapi_extra=BODY, dependencies=[Depends(needs("read"))])
async def explain(request: Request, server: Served) -> Response:
    """Say why one input gets its answer."""
    inputs, options, _ = await _read(server, request)
    if len(inputs) != 1:
        raise InputError("inputs", expected="one", got=len(inputs))
    if isinstance(inputs[0], InputError):
        raise inputs[0]
    if isinstance(inputs[0], Senses):
        raise InputError("input", expected="one modality", got="senses", do="Explain what one of them tells")
    reply = await server.batcher.ask(inputs, options.asked)
    view, (record,) = reply.view, reply.records

    def look() -> dict[str, Any]:
        with isolation():
            why = explain_one(view, inputs[0], options.asked.routing, options.errors, options.task)
        told = explanation_record(view, why) | {"answer": record, "text": explanation_text(why, view.weights["total"])}
        return {"version": view.version, "input": record["modality"], **told}

    return respond(view, await asyncio.to_thread(look))
