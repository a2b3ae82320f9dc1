"""Asking: POST /predict and /explain."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, Any, Literal

import orjson
from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from senpath.errors import InputError, printable
from senpath.inference.explain import explain_one
from senpath.inference.records import explanation_record, explanation_text
from senpath.isolation import isolation
from senpath.server.auth import needs, require_role
from senpath.server.bodies import media_type, read_body, read_form
from senpath.server.errors import EVERYWHERE, Refusal, declared, too_large
from senpath.server.inbox import offer
from senpath.server.inputs import read_file, read_input
from senpath.server.settings import ServerSettings
from senpath.serving.batcher import Asked, Senses
from senpath.snapshot.view import View

if TYPE_CHECKING:
    from senpath.server.app import Server

router = APIRouter(tags=["ask"])
INLINE_BYTES = 2**16
"""Of a body that is read at once; a larger one is read in a thread."""
DECODED = {"image", "audio", "video", "senses"}
"""Forms of inputs that take time to read, however few bytes they are."""


class Options(BaseModel):
    """What may be said besides the inputs."""

    model_config = ConfigDict(extra="forbid", strict=True)

    task: str | None = None
    concept: str | None = None
    candidates: Literal[1, 2] = 2
    reject: bool = True
    version: Annotated[int, Field(ge=0)] | None = None
    errors: Literal["raise", "none", "skip"] = "none"
    top: Annotated[int, Field(ge=0, le=1000)] = 5

    @property
    def asked(self) -> Asked:
        """The same for the batcher."""
        return Asked(self.task, self.concept, self.version, self.errors, self.candidates, None, self.reject, False, self.top)


USUAL = Options()


class Question(Options):
    """One input or several, of any types."""

    input: Any = None
    inputs: list[Any] = []


class Likely(BaseModel):
    """One of the likeliest answers."""

    task: str
    label: Any
    probability: float | None


class Ran(BaseModel):
    """What ran for an answer: tasks, those whose layers their links read, and weights of all that the network has."""

    tasks: list[str]
    sources: list[str]
    weights: int
    of: int


class Answer(BaseModel):
    """The answer to one input; task and label are null where nothing fits, and the reason says why."""

    task: str | None
    label: Any
    confidence: float | None
    top: list[Likely]
    ood_score: float | None
    reason: str | None
    ran: Ran
    modality: str | None = None
    concept: str | None = None
    senses: dict[str, Answer] | None = None


class PredictAnswer(BaseModel):
    """Answers in the order of the inputs, all of one version."""

    version: int
    answers: list[Answer]


Asking = tuple[list[Any], Options, list[Any]]
"""A request's inputs as the library takes them, where an `InputError` stands for one that cannot be read; its options; what was sent."""


async def read_question(server: Server, request: Request) -> Asking:
    """What a request asks. Only what takes no time is read here and not in a thread.

    Raises:
        InputError, Refusal: if the request is none.
    """
    media = media_type(request)
    if media == "multipart/form-data":
        return await _read_upload(server, request)
    if media not in ("application/json", ""):
        raise Refusal(415, "input", "Content-Type", expected="application/json or multipart/form-data", got=media)
    body = await request.body()
    large = len(body) > INLINE_BYTES
    options, values = await asyncio.to_thread(_read_question, body) if large else _read_question(body)
    limits = server.settings
    if len(values) > limits.inputs:
        raise too_large("inputs", expected=f"at most {limits.inputs:,}", got=f"{len(values):,}")
    if large or any(isinstance(value, dict) and not DECODED.isdisjoint(value) for value in values):
        return await asyncio.to_thread(_read_values, values, limits), options, values
    return _read_values(values, limits), options, values


def _read_question(body: bytes) -> tuple[Options, list[Any]]:
    """The options and the inputs of a question in JSON; where there are inputs alone, there is nothing else to check."""
    with suppress(orjson.JSONDecodeError):  # what is wrong, pydantic says
        alone = orjson.loads(body)
        if type(alone) is dict and len(alone) == 1:
            if "input" in alone:
                return USUAL, [alone["input"]]
            if type(alone.get("inputs")) is list:
                return USUAL, alone["inputs"]
    question = read_body(Question, body)
    given = question.model_fields_set & {"input", "inputs"}
    if len(given) != 1:
        raise InputError("body", expected='either "input" or "inputs"', got="both" if given else "none")
    return question, question.inputs if "inputs" in given else [question.input]


def _read_values(values: list[Any], limits: ServerSettings) -> list[Any]:
    inputs: list[Any] = []
    for place, value in enumerate(values):
        try:
            inputs.append(read_input(value, f"input {place}", limits))
        except InputError as error:
            inputs.append(error)
    return inputs


async def _read_upload(server: Server, request: Request) -> Asking:
    limits = server.settings
    form, uploads, options = await read_form(request, Options, limits.inputs, fields=4)
    try:
        files = [(upload.filename or "", await upload.read()) for upload in uploads]
    finally:
        await form.close()
    view = await asyncio.to_thread(server.live.at, options.version)
    read = await asyncio.to_thread(_read_files, files, view.types.values(), limits)
    sent = [file for file, inputs in zip(files, read, strict=True) for _ in inputs]
    return [item for inputs in read for item in inputs], options, sent


def _read_files(files: list[tuple[str, bytes]], known: Any, limits: Any) -> list[list[Any]]:
    """The inputs in each file."""
    inputs: list[list[Any]] = []
    for filename, content in files:
        what = printable(filename)[:200] or "file"
        try:
            inputs.append(read_file(filename, content, known, what, limits))
        except InputError as error:
            inputs.append([error])
    count, most = sum(map(len, inputs)), max(limits.inputs, limits.rows)
    if count > most:
        raise too_large("inputs", expected=f"at most {most:,}", got=f"{count:,}")
    return inputs


def respond(view: View, content: Any) -> Response:
    """JSON from this version."""
    return Response(orjson.dumps(content), 200, {"Senpath-Version": str(view.version)}, "application/json")


BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": Question.model_json_schema()},
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "file": {"type": "array", "items": {"type": "string", "format": "binary"}},
                        "options": Options.model_json_schema(),
                    },
                }
            },
        },
    }
}
"""Declared by hand: the body is read once, by `read_question`, and not by FastAPI before it."""
ASKING = EVERYWHERE | declared(404, 409, 415)


async def answer(server: Server, request: Request) -> Response:
    """Answer what a request asks; FastAPI's way here costs as much as small answers do, so the guard comes straight."""
    require_role(request.scope["state"]["caller"], "read")
    inputs, options, sent = await read_question(server, request)
    reply = await server.batcher.ask(inputs, options.asked)
    if server.state.inbox.on:
        await asyncio.to_thread(offer, server.state.inbox, sent, reply)
    server.metrics.answered(request, reply.view.version, reply.records)
    return respond(reply.view, {"version": reply.view.version, "answers": reply.records})


@router.post("/predict", response_model=PredictAnswer, responses=ASKING, openapi_extra=BODY)
async def predict(request: Request) -> Response:
    """Answer for each input, without being told the task."""
    return await answer(request.app.state.server, request)


@router.post("/explain", responses=ASKING, openapi_extra=BODY, dependencies=[Depends(needs("read"))])
async def explain(request: Request) -> Response:
    """Say why one input gets its answer."""
    server: Server = request.app.state.server
    inputs, options, _ = await read_question(server, request)
    if len(inputs) != 1:
        raise InputError("inputs", expected="one", got=len(inputs))
    if isinstance(inputs[0], InputError):
        raise inputs[0]
    if isinstance(inputs[0], Senses):
        raise InputError("input", expected="one modality", got="senses", do="Explain what one of them tells")
    reply = await server.batcher.ask(inputs, options.asked)
    view = reply.view
    (answer,) = reply.records

    def look() -> dict[str, Any]:
        with isolation():
            why = explain_one(view, inputs[0], options.asked.routing, options.errors)
        told = explanation_record(view, why) | {"answer": answer, "text": explanation_text(why, view.weights["total"])}
        return {"version": view.version, "input": answer["modality"], **told}

    return respond(view, await asyncio.to_thread(look))
