"""What requests and responses hold: JSON, or a form with files."""

from __future__ import annotations

import json
import shutil
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

import orjson
from fastapi import Request
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse

from senpath.arrays import json_value
from senpath.errors import InputError, printable
from senpath.inputs.sources.read import ENDINGS
from senpath.serving.errors import Refusal
from senpath.serving.requests import Body, Given, read_body

UPLOADS = ENDINGS
"""Endings of files that hold labelled data."""


class Json(JSONResponse):
    """JSON in which numbers that are none are null."""

    def render(self, content: Any) -> bytes:
        return dumps(content)


def dumps(content: Any) -> bytes:
    """JSON in which numbers that are none are null; a label may be a number beyond 64 bits."""
    try:
        return orjson.dumps(content)
    except TypeError:
        return json.dumps(json_value(content), ensure_ascii=False, allow_nan=False).encode()


def body_of(model: type[BaseModel], *, many: bool = False, required: bool = False) -> dict[str, Any]:
    """What the OpenAPI document says of a body that is this in JSON, or a file, or many, with `options`, which FastAPI does not read."""
    schema, file = model.model_json_schema(), {"type": "string", "format": "binary"}
    options = {name: part for name, part in schema["properties"].items() if not many or name not in ("input", "inputs")}
    parts = {"file": {"type": "array", "items": file} if many else file, "options": {**schema, "properties": options}}
    upload = {"type": "object", "required": ["file"], "properties": parts}
    content = {"application/json": {"schema": schema}, "multipart/form-data": {"schema": upload}}
    return {"requestBody": {"required": required, "content": content}}


def media_type(request: Request) -> str:
    """What a request says that its body is."""
    for name, value in request.scope["headers"]:
        if name == b"content-type":
            return value.partition(b";")[0].strip().lower().decode("latin-1")  # type: ignore[no-any-return]
    return ""


def require_json(request: Request) -> None:
    """Refuse a request that says of its body that it is something else than JSON.

    Raises:
        Refusal: 415 if it does.
    """
    media = media_type(request)
    if media not in ("application/json", "") and not media.endswith("+json"):
        expected = "application/json, or where files may come multipart/form-data"
        raise Refusal(415, "input", "Content-Type", expected=expected, got=printable(media)[:100])


async def json_body(request: Request) -> bytes:
    """The body of a request that is to be JSON.

    Raises:
        Refusal: 415 if it says that it is something else.
    """
    require_json(request)
    body = b""
    while True:  # which `request.body` takes four times as long for
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        body += message.get("body", b"")
        if not message.get("more_body", False):
            return bytes(body)


async def read_form(request: Request, model: type[Body], most: int, fields: int = 2) -> tuple[FormData, list[UploadFile], Body]:
    """A multipart body: the form, to be closed after use, its files, and its options.

    Args:
        most: files, at most.
        fields: parts that are no files, at most.

    Raises:
        InputError: if it is another, or has no file.
    """
    try:
        form = await request.form(max_files=most, max_fields=fields, max_part_size=2**20)
    except HTTPException as error:  # starlette's own, of a form that is none
        raise InputError("body", expected="multipart/form-data", got=error.detail) from None
    except UnicodeError as error:  # a charset that names no encoding of texts
        raise InputError("body", expected="multipart/form-data in UTF-8", got=str(error)[:100]) from None
    try:
        files, options = [], b"{}"
        for name, part in form.multi_items():
            if name == "options":
                options = part.encode() if isinstance(part, str) else await part.read()
            elif name == "file" and isinstance(part, UploadFile):
                files.append(part)
            else:
                raise InputError(f"part {printable(name)!r}", expected="file, with a file's name, or options", got="another")
        if not files:
            raise InputError("body", expected="a part named file", got="none")
        return form, files, read_body(model, options)
    except InputError:
        await form.close()
        raise


async def read_contents(request: Request, model: type[Body], most: int, fields: int = 2) -> tuple[list[tuple[str, bytes]], Body]:
    """A multipart body: the names and contents of its files, and its options; otherwise as `read_form`."""
    form, files, options = await read_form(request, model, most, fields)
    try:
        return [(file.filename or "", await file.read()) for file in files], options
    finally:
        await form.close()


async def read_given(request: Request, model: type[Given], folder: Path) -> tuple[Any, str | None]:
    """The body of a request that teaches; an uploaded file is written into the folder.

    Returns:
        The body, and the name of the uploaded file; None if there is none.
    """
    if media_type(request) != "multipart/form-data":
        return await run_in_threadpool(read_body, model, await json_body(request) or b"{}"), None
    form, files, body = await read_form(request, model, 1)
    try:
        ending = PurePosixPath((files[0].filename or "").lower()).suffix
        if ending not in UPLOADS:
            raise InputError("uploaded file", expected=f"one of {', '.join(UPLOADS)}", got=printable(ending)[:50] or "no ending")
        await run_in_threadpool(_copy, files[0].file, folder / f"upload{ending}")
    finally:
        await form.close()
    return body, f"upload{ending}"


def _copy(file: BinaryIO, target: Path) -> None:
    with target.open("xb") as copy:
        shutil.copyfileobj(file, copy, 2**20)
