"""What is asked of a network that is served, and what it answers, as JSON: questions, answers, and what teaches."""

from __future__ import annotations

from codecs import BOM_UTF8
from collections.abc import Iterable
from contextlib import suppress
from functools import cached_property
from typing import Annotated, Any, Literal, TypeVar

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError, WithJsonSchema

from senpath.errors import InputError
from senpath.serving.batcher import Asked

Scalar = bool | Annotated[str, Field(max_length=1_000)] | Annotated[int, Field(ge=-(2**63), lt=2**64)] | float
Label = Scalar | Annotated[list[Scalar], Field(max_length=10_000)]
LABEL_SCHEMA = {
    "anyOf": [
        {"type": "string"},
        {"type": "number"},
        {"type": "boolean"},
        {"type": "array", "items": {"type": ["string", "number", "boolean"]}},
    ]
}
EXAMPLE_SCHEMA = {"type": "object", "required": ["input", "label"], "properties": {"input": {}, "label": LABEL_SCHEMA}}
Body = TypeVar("Body", bound=BaseModel)


class Strict(BaseModel):
    """A body that may have nothing else in it."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Options(Strict):
    """What may be said besides the inputs."""

    task: str | None = None
    concept: str | None = None
    candidates: Literal[1, 2] = 2
    reject: bool = True
    version: Annotated[int, Field(ge=0)] | None = None
    errors: Literal["raise", "none", "skip"] = "none"
    top: Annotated[int, Field(ge=0, le=1000)] = 5

    @cached_property
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
    gaps: list[str] = Field(default=[], description="Of a row, the columns without a value, where none was missing as its type was learned")


class PredictAnswer(BaseModel):
    """Answers in the order of the inputs, all of one version."""

    version: int
    answers: list[Answer]


class Example(Strict):
    """One input, as for a prediction, and its label: a word or a number, or several."""

    input: Any
    label: Label


Examples = Annotated[list[Example], WithJsonSchema({"type": "array", "items": EXAMPLE_SCHEMA})]


class Given(Strict):
    """Labelled data: examples, or a draft, or beside an uploaded file neither."""

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


def read_body(model: type[Body], body: bytes) -> Body:
    """JSON as the model has it.

    Raises:
        InputError: if it is no JSON, or another.
    """
    try:
        return model.model_validate_json(body.removeprefix(BOM_UTF8))  # with which editors on Windows begin a file
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or "body"
        raise InputError(where, expected="JSON as /openapi.json describes it", got=first["msg"]) from None


def read_question(body: bytes) -> tuple[Options, list[Any]]:
    """The options and the inputs of a question in JSON; where there are inputs alone, there is nothing else to check.

    Raises:
        InputError: if it is none.
    """
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


def require_no_options(parameters: Iterable[str]) -> None:
    """Refuse options among the parameters of the address, where they would say nothing; what else a gateway puts there is left alone."""
    names = [name for name in parameters if name in Question.model_fields]
    if names:
        got = f"it as a parameter of the address, ?{names[0]}=…"
        raise InputError(f"{names[0]!r}", expected="a name in the body's JSON, or in the part options of a form", got=got)
