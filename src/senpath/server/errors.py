"""Every error as one JSON object, with the library's what, expected, got and do."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from pydantic_core import to_json
from starlette.exceptions import HTTPException
from starlette.responses import Response

from senpath.errors import (
    BusyError,
    ConflictError,
    FullError,
    InputError,
    LimitError,
    MissingError,
    MissingExtraError,
    SenpathError,
    StoreError,
    TaskExistsError,
    UnknownTaskError,
    printable,
)
from senpath.server.document import methods_of

AGAIN = ((FullError, 10), (BusyError, 1))
"""Seconds after which it makes sense to ask again."""


class Refusal(SenpathError):
    """A request that is refused for a reason of the server's, not of the library's.

    Args:
        status: of the response.
        code: what the error is called.
        retry: seconds after which it makes sense to ask again; None where it does not.
    """

    def __init__(
        self, status: int, code: str, what: str, *, expected: object = None, got: object = None, do: str = "", retry: int | None = None
    ) -> None:
        super().__init__(what, expected=expected, got=got, do=do)
        self.status, self.code, self.retry = status, code, retry


def too_large(what: str, *, expected: object, got: object) -> Refusal:
    """The refusal of more than the server takes."""
    return Refusal(413, "too_large", what, expected=expected, got=got)


def busy(what: str, *, expected: object = None, got: object = None) -> Refusal:
    """The refusal of what might be answered a little later."""
    return Refusal(503, "busy", what, expected=expected, got=got, do="Ask again a little later", retry=1)


KINDS: tuple[tuple[type[SenpathError], int, str], ...] = (
    (UnknownTaskError, 404, "unknown_task"),
    (TaskExistsError, 409, "task_exists"),
    (MissingError, 404, "not_found"),
    (LimitError, 413, "too_large"),
    (InputError, 422, "input"),
    (FullError, 429, "too_many"),
    (BusyError, 503, "busy"),
    (ConflictError, 409, "conflict"),
    (MissingExtraError, 415, "missing_extra"),
    (StoreError, 500, "store"),
)
CODES = {401: "no_key", 403: "not_permitted", 404: "not_found", 405: "method_not_allowed", 408: "timeout", 413: "too_large", 415: "input"}
CODES |= {409: "conflict", 422: "input", 429: "too_many", 503: "busy"}


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


EVERYWHERE = declared(401, 403, 408, 413, 422, 429, 500, 503)
"""What any operation may answer."""


def hide_paths(text: str, network: Path | None) -> str:
    """A text in which no folder of this machine is named."""
    hidden = {str(network.resolve()): network.name, str(network): network.name} if network is not None else {}
    hidden |= {tempfile.gettempdir(): "…", os.getcwd(): "…", str(Path.home()): "…"}
    for path in sorted(hidden, key=len, reverse=True):
        if len(path) > 1:
            text = text.replace(path, hidden[path])
    return text


def describe(error: Exception, network: Path | None, request_id: str = "") -> tuple[int, dict[str, Any], dict[str, str]]:
    """The status, the error as JSON and the headers of an error; a bug says no more than that it is one."""
    headers: dict[str, str] = {}
    if isinstance(error, Refusal):
        status, code = error.status, error.code
        headers = {} if error.retry is None else {"Retry-After": str(error.retry)}
        headers |= {"Connection": "close"} if status == 408 else {}
    elif isinstance(error, SenpathError):
        headers = next(({"Retry-After": str(seconds)} for kind, seconds in AGAIN if isinstance(error, kind)), {})
        status, code = next(((status, code) for kind, status, code in KINDS if isinstance(error, kind)), (500, "internal"))
    elif isinstance(error, RequestValidationError):
        error, status, code = _invalid(error), 422, "input"
    elif isinstance(error, HTTPException) and error.status_code == 400:  # a body that is not even UTF-8
        error, status, code = InputError("body", expected="JSON", got="something else"), 422, "input"
    elif isinstance(error, HTTPException):
        status, code = error.status_code, CODES.get(error.status_code, "input" if error.status_code < 500 else "internal")
        headers = dict(error.headers or {})
        error = SenpathError(str(error.detail))
    else:
        error, status, code = SenpathError("internal error", do="The server's log has what it was"), 500, "internal"
    parts = {"message": error.message, "what": error.what, "expected": error.expected, "got": error.got, "do": error.do}
    shown = {name: None if part is None else hide_paths(part, network) for name, part in parts.items()}
    return status, {"code": code, **shown, "request_id": request_id}, headers


def _invalid(error: RequestValidationError) -> InputError:
    """The first thing that a request's parameters or body have wrong."""
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    return InputError(where, expected=first["msg"], got=_short(first.get("input")))


def _short(value: Any) -> str:
    text = printable(repr(value))
    return text if len(text) <= 100 else f"{text[:100]} …"


def error_response(error: Exception, scope: Mapping[str, Any], network: Path | None) -> Response:
    """The response to a request that failed."""
    status, detail, headers = describe(error, network, scope.get("state", {}).get("request_id", ""))
    of_protocol = scope.get("path", "").startswith("/v2")  # its clients expect a text
    body = {"error": detail["message"], "detail": detail} if of_protocol else {"error": detail}
    return Response(to_json(body), status, headers, "application/json")


def install(app: FastAPI, network: Path) -> None:
    """Let the application answer errors in this shape."""

    async def answer(request: Request, error: Exception) -> Response:
        if isinstance(error, HTTPException) and error.status_code == 405:  # the router says only what one route takes
            error.headers = {"Allow": ", ".join(methods_of(app, request.url.path))}
        return error_response(error, request.scope, network)

    for kind in (SenpathError, RequestValidationError, HTTPException):
        app.add_exception_handler(kind, answer)
