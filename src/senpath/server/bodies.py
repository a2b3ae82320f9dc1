"""What requests hold: JSON or a form with files; of those that teach examples, a draft, or an uploaded file."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, BinaryIO, Literal, TypeVar

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError, WithJsonSchema
from pydantic_core import to_json
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from senpath.errors import InputError, printable
from senpath.inputs.sources.read import ENDINGS
from senpath.server.errors import Refusal
from senpath.server.inputs import read_input
from senpath.server.settings import ServerSettings
from senpath.serving.batcher import Senses

UPLOADS = ENDINGS
"""Endings of files that hold labelled data."""
Scalar = Annotated[str, Field(max_length=1_000)] | Annotated[int, Field(ge=-(2**53), le=2**53)] | float
Label = Scalar | Annotated[list[Scalar], Field(max_length=10_000)]
Body = TypeVar("Body", bound=BaseModel)


class PlainResponse(JSONResponse):
    """JSON in which numbers that are none are null."""

    def render(self, content: Any) -> bytes:
        return to_json(content, inf_nan_mode="null")


class Example(BaseModel):
    """One input, as for /predict, and its label: a word or a number, or several."""

    model_config = ConfigDict(extra="forbid", strict=True)
    input: Any
    label: Label


LABEL_SCHEMA = {"anyOf": [{"type": "string"}, {"type": "number"}, {"type": "array", "items": {"type": ["string", "number"]}}]}
EXAMPLE_SCHEMA = {"type": "object", "required": ["input", "label"], "properties": {"input": {}, "label": LABEL_SCHEMA}}
Examples = Annotated[list[Example], WithJsonSchema({"type": "array", "items": EXAMPLE_SCHEMA})]


class Given(BaseModel):
    """Labelled data: examples, or a draft, or beside an uploaded file neither."""

    model_config = ConfigDict(extra="forbid", strict=True)
    examples: Examples | None = Field(default=None, description="Inputs with their labels")
    draft: str | None = Field(default=None, description="The draft that holds the examples")
    label: str | None = Field(default=None, description="Of an uploaded table: the column of labels")
    modality: Literal["image", "audio", "video", "table", "text"] | None = Field(
        default=None, description="Of an uploaded folder or table, where the guess would be wrong"
    )
    settings: dict[str, Any] = Field(default={}, description="Of the method or revision")
    seed: int | None = Field(default=None, ge=0, le=2**32 - 1, description="What everything drawn follows from")


class Learning(Given):
    """What to learn a new task from, and how."""

    method: str = "sen"
    kind: Literal["classification", "multilabel", "regression"] | None = Field(default=None, description="By default as the labels look")
    concept: str | None = Field(default=None, description="A name shared by tasks of several modalities")


class Pruning(Given):
    """How much of a task's pathway stays."""

    keep: float = Field(gt=0, lt=1)


def one_input(value: Any, what: str, limits: ServerSettings) -> Any:
    """An input in JSON as the library takes it; several senses of one thing are no example of one task.

    Raises:
        InputError, Refusal: as for `read_input`.
    """
    given = read_input(value, what, limits)
    if isinstance(given, Senses):
        raise InputError(what, expected="an input of one modality", got="several senses", do="Teach a task of each, with one concept")
    return given


def body_of(model: type[BaseModel]) -> dict[str, Any]:
    """What the OpenAPI document says of a body that is this in JSON, or a file with this as `options`."""
    schema = model.model_json_schema()
    parts = {"file": {"type": "string", "format": "binary"}, "options": schema}
    upload = {"type": "object", "required": ["file"], "properties": parts}
    return {"requestBody": {"content": {"application/json": {"schema": schema}, "multipart/form-data": {"schema": upload}}}}


def media_type(request: Request) -> str:
    """What a request says that its body is."""
    given = next((value for name, value in request.scope["headers"] if name == b"content-type"), b"")
    return given.partition(b";")[0].strip().lower().decode("latin-1")


async def read_json(request: Request, model: type[Body]) -> Body:
    """A body in JSON.

    Raises:
        InputError: if it is none, or another.
        Refusal: 415 if it says that it is something else.
    """
    if media_type(request) not in ("application/json", ""):
        expected = "application/json, or where a file may come multipart/form-data"
        raise Refusal(415, "input", "Content-Type", expected=expected, got=printable(media_type(request)))
    body = await request.body() or b"{}"
    return await run_in_threadpool(read_body, model, body)


def read_body(model: type[Body], body: bytes) -> Body:
    """JSON as the model has it.

    Raises:
        InputError: if it is no JSON, or another.
    """
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or "body"
        raise InputError(where, expected="JSON as /openapi.json describes it", got=first["msg"]) from None


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
    files: list[UploadFile] = []
    options = b"{}"
    for name, part in form.multi_items():
        if name == "options":
            options = part.encode() if isinstance(part, str) else await part.read()
        elif name == "file" and isinstance(part, UploadFile):
            files.append(part)
        else:
            await form.close()
            raise InputError(f"part {printable(name)!r}", expected="file, with a file's name, or options", got="another")
    try:
        if not files:
            raise InputError("body", expected="a part named file", got="none")
        return form, files, read_body(model, options)
    except InputError:
        await form.close()
        raise


async def read_given(request: Request, model: type[Given], folder: Path) -> tuple[Any, str | None]:
    """The body of a request that teaches; an uploaded file is written into the folder.

    Returns:
        The body, and the name of the uploaded file; None if there is none.
    """
    if media_type(request) != "multipart/form-data":
        return await read_json(request, model), None
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


def write_examples(file: Path, examples: Iterable[tuple[Any, Any]]) -> int:
    """Write inputs in JSON with their labels, one a line; returns how many."""
    count = 0
    with file.open("x", encoding="utf-8") as lines:
        for value, label in examples:
            lines.write(json.dumps({"input": value, "label": label}) + "\n")
            count += 1
    return count
