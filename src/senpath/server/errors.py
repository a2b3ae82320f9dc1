"""Every error as one JSON object, and its status."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from orjson import dumps
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.responses import Response

from senpath.errors import InputError, SenpathError, printable
from senpath.server.bodies import require_json
from senpath.serving.errors import Refusal, describe
from senpath.serving.headers import methods_of
from senpath.store import Place

STATUS = {"input": 422, "unknown_task": 404, "task_exists": 409, "not_found": 404, "too_large": 413, "conflict": 409, "missing_extra": 415}
STATUS |= {"too_many": 429, "busy": 503}
"""By an error's code; of any other it is 500."""
AGAIN = {"too_many": "10", "busy": "1"}
"""Seconds after which it makes sense to ask again."""
CODES = {401: "no_key", 403: "not_permitted", 404: "not_found", 408: "timeout", 413: "too_large", 503: "busy"}
"""Of errors that Starlette raises; of others below 500 it is "input"."""


class ErrorDetail(BaseModel):
    """What is wrong, what was expected, what came, and what to do about it."""

    code: str
    message: str
    what: str
    expected: str | None
    got: str | None
    do: str | None
    request_id: str


class ErrorAnswer(BaseModel):
    """Every answer that is an error."""

    error: ErrorDetail


def declared(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The errors of these statuses, for the OpenAPI document."""
    return {status: {"model": ErrorAnswer, "description": HTTPStatus(status).phrase} for status in statuses}


EVERYWHERE = declared(401, 403, 408, 413, 415, 422, 429, 500, 503)
"""What any operation may answer."""


def answer_of(error: Exception, network: Place | None, request_id: str = "") -> tuple[int, dict[str, str], dict[str, Any]]:
    """The status, the headers and the JSON of an error."""
    headers = dict(error.headers) if isinstance(error, Refusal) else {}
    if isinstance(error, RequestValidationError):
        first = error.errors()[0]
        got = printable(repr(first.get("input")))
        error = InputError(".".join(map(str, first["loc"])), expected=first["msg"], got=got if len(got) <= 100 else f"{got[:100]} …")
    elif isinstance(error, HTTPException) and error.status_code == 400:  # a body that is not even UTF-8
        error = InputError("body", expected="JSON", got="something else")
    elif isinstance(error, HTTPException):
        status, headers = error.status_code, dict(error.headers or {})
        error = Refusal(status, CODES.get(status, "input" if status < 500 else "internal"), str(error.detail))
    detail = describe(error, network, request_id)
    code = detail["code"]
    headers |= {"Retry-After": AGAIN[code]} if code in AGAIN else {"Connection": "close"} if code == "timeout" else {}
    return error.status if isinstance(error, Refusal) else STATUS.get(code, 500), headers, detail


def error_response(error: Exception, scope: Mapping[str, Any], network: Place | None) -> Response:
    """The response to a request that failed."""
    status, headers, detail = answer_of(error, network, scope.get("state", {}).get("request_id", ""))
    of_protocol = scope.get("path", "").startswith("/v2")  # its clients expect a text
    body = {"error": detail["message"], "detail": detail} if of_protocol else {"error": detail}
    return Response(dumps(body), status, headers, "application/json")


def install(app: FastAPI, network: Place) -> None:
    """Let the application answer errors in this shape."""

    async def answer(request: Request, error: Exception) -> Response:
        if isinstance(error, HTTPException) and error.status_code == 405:  # the router says only what one route takes
            allowed = ", ".join(methods_of(app.openapi()["paths"], request.url.path))
            parts = {"expected": allowed, "got": request.method, "do": "GET /openapi.json tells what each is for"}
            error = Refusal(405, "method_not_allowed", "method", **parts, headers={"Allow": allowed})
        if isinstance(error, RequestValidationError) and error.errors()[0]["loc"][0] == "body":
            try:
                require_json(request)  # else the text of a form, say, is told to be no object
            except Refusal as refusal:
                error = refusal
        return error_response(error, request.scope, network)

    for kind in (SenpathError, RequestValidationError, HTTPException):
        app.add_exception_handler(kind, answer)
