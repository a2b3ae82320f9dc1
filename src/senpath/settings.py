"""Settings: a dataclass whose annotations say what each field takes, in one place for checks, error messages and help."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import MISSING, Field, dataclass, fields
from inspect import getdoc
from pathlib import PurePath
from types import NoneType, UnionType
from typing import Annotated, Any, ClassVar, Literal, Union, dataclass_transform, get_args, get_origin, get_type_hints

import annotated_types
import numpy as np
import pydantic
from pydantic.dataclasses import dataclass as pydantic_dataclass
from pydantic_core import core_schema

from senpath.errors import InputError

CONFIG = pydantic.ConfigDict(strict=True, allow_inf_nan=False, arbitrary_types_allowed=True)
NAMES: Mapping[Any, str] = {bool: "True or False", int: "a whole number", float: "a number", str: "a string"}
LIMITS = (
    (annotated_types.Ge, "from", "ge"),
    (annotated_types.Gt, "above", "gt"),
    (annotated_types.Le, "to", "le"),
    (annotated_types.Lt, "below", "lt"),
)
"""Bounds of a number, how they are said, and the attribute that has them."""

Seed = Annotated[int, pydantic.Field(ge=0, le=2**32 - 1)]
"""Type of a setting that is a seed: a whole number from 0 to 2³² − 1.

Example:
    >>> from senpath.settings import Seed
    >>> sp.SenSettings(random_state=7).random_state
    7
"""
Share = Annotated[float, pydantic.Field(ge=0, le=1)]
LearningRate = Annotated[float, pydantic.Field(ge=1e-8, le=10)]


@dataclass(frozen=True)
class Expected:
    """In `Annotated`: what a field takes in words, where its type does not say it, and a test that values have to pass."""

    words: str
    test: Callable[[Any], bool] = lambda value: True

    def __get_pydantic_core_schema__(self, source: Any, handler: pydantic.GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.no_info_after_validator_function(self._require, handler(source))

    def _require(self, value: Any) -> Any:
        if not self.test(value):
            raise ValueError(self.words)
        return value


@dataclass(frozen=True)
class OfMachine:
    """In `Annotated`: a field that names something of the machine it works on (a place, an address) or takes what is its (processes).

    Who may teach a server may not set it, and it decides nothing of what is learned. A field that takes any `str`, or a `Path`, counts as
    one without being marked, for what it says may lead anywhere.
    """


def all_differ(values: Collection[Any]) -> bool:
    """Whether no value is there twice."""
    return len({*values}) == len(values)


@dataclass(frozen=True)
class Setting:
    """One field of a settings class, for help.

    Attributes:
        takes: what it may be, in words.
        default: as Python writes it; None if it has to be given.
        about: what it is for, as the docstring of the class says.
        of_machine: whether it is of the machine, see `OfMachine`.
    """

    name: str
    takes: str
    default: str | None
    about: str
    of_machine: bool


@dataclass_transform(frozen_default=True, kw_only_default=True)
class Settings:
    """Base of settings. A subclass annotates its fields and describes each under `Args:` in its docstring.

    A subclass is a frozen pydantic dataclass, checked strictly: True is no number and "1" neither. Numbers of numpy are fine, and so are
    lists for tuples, as JSON and the command line give them. Checks of several fields go into `__post_init__`.

    Args:
        owner: in `class X(Settings, owner=…)`: whose settings they are, for messages.

    Raises:
        InputError: where a subclass is made with an unknown name, which lists the known ones, or a value that its field does not take.

    Example:
        >>> from typing import Annotated
        >>> from pydantic import Field
        >>> from senpath.settings import Settings
        >>> class MySettings(Settings, owner="method mine"):
        ...     rate: Annotated[float, Field(gt=0)] = 0.1
        >>> MySettings(rate=0.5).rate
        0.5
        >>> MySettings(rate=0)
        Traceback (most recent call last):
            ...
        senpath.errors.InputError: setting 'rate': expected a number above 0, got 0
    """

    owner: ClassVar[str]

    def __init_subclass__(cls, owner: str) -> None:
        cls.owner = owner
        pydantic_dataclass(cls, frozen=True, kw_only=True, config=CONFIG)
        check = cls.__init__

        @functools.wraps(check)
        def make(self: Settings, **given: Any) -> None:
            given = {name: value.item() if isinstance(value, np.generic) else value for name, value in given.items()}
            known = [field.name for field in _fields(cls)]
            for name in sorted({*given} - {*known}):
                raise InputError(f"setting {name!r} of {owner}", expected=f"one of {', '.join(known)}", got="another name")
            try:
                check(self, **{name: tuple(value) if isinstance(value, list) else value for name, value in given.items()})
            except pydantic.ValidationError as error:
                raise _input_error(cls, given, error) from None

        cls.__init__ = make  # type: ignore[assignment]

    def to_json(self) -> dict[str, Any]:
        """The fields by name, as JSON has them."""
        values = {field.name: getattr(self, field.name) for field in _fields(type(self))}
        return {
            name: list(value) if isinstance(value, tuple) else dict(value) if isinstance(value, Mapping) else value
            for name, value in values.items()
        }

    @classmethod
    def describe(cls) -> list[Setting]:
        """Every setting: what it takes, its default and what it is for."""
        takes, about, own = _takes(cls), _descriptions(cls), cls.of_machine()
        return [
            Setting(field.name, takes[field.name], _default(field), about.get(field.name, ""), field.name in own) for field in _fields(cls)
        ]

    @classmethod
    def of_machine(cls) -> frozenset[str]:
        """Names of the settings that are of the machine, see `OfMachine`."""
        return frozenset(name for name, annotation in get_type_hints(cls, include_extras=True).items() if _is_of_machine(annotation))


def _input_error(kind: type[Settings], given: Mapping[str, Any], error: pydantic.ValidationError) -> InputError:
    first = error.errors(include_url=False)[0]
    raised = first.get("ctx", {}).get("error")
    if isinstance(raised, InputError):  # by `__post_init__`
        return raised
    name = str(first["loc"][0])
    return InputError(f"setting {name!r}", expected=_takes(kind)[name], got=repr(given[name]) if name in given else "nothing")


def _fields(kind: type[Settings]) -> tuple[Field[Any], ...]:
    return fields(kind)  # type: ignore[arg-type]


def _takes(kind: type[Settings]) -> dict[str, str]:
    return {name: _words(annotation) for name, annotation in get_type_hints(kind, include_extras=True).items()}


def _words(annotation: Any) -> str:
    """What an annotation takes, in words."""
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        said = next((each.words for each in annotation.__metadata__ if isinstance(each, Expected)), None)
        return said or _words(parts[0]) + _range(annotation)
    if origin in (Union, UnionType):
        return ", or ".join(["None" if part is NoneType else _words(part) for part in parts])
    if origin is Literal:
        return f"one of {', '.join(map(str, parts))}"
    return NAMES.get(annotation, str(annotation))


def _is_of_machine(annotation: Any) -> bool:
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return any(isinstance(each, OfMachine) for each in annotation.__metadata__) or _is_of_machine(parts[0])
    if origin in (Union, UnionType):
        return any(map(_is_of_machine, parts))
    return isinstance(annotation, type) and issubclass(annotation, str | PurePath)


def _range(annotation: Any) -> str:
    limits: dict[type, Any] = {}
    for field in annotation.__metadata__:
        limits |= {type(limit): limit for limit in getattr(field, "metadata", ())}
    parts = [f"{word} {getattr(limits[kind], attribute)}" for kind, word, attribute in LIMITS if kind in limits]
    return f" {' and '.join(parts)}".replace(" and to ", " to ") if parts else ""


def _descriptions(kind: type[Settings]) -> dict[str, str]:
    """What the docstring says of each field under `Args:`."""
    _, _, arguments = (getdoc(kind) or "").partition("Args:\n")
    entries = re.findall(r"^    (\w+(?:, \w+)*): (.*(?:\n {8}.*)*)", arguments, re.MULTILINE)
    return {name: " ".join(text.split()) for names, text in entries for name in names.split(", ")}


def _default(field: Field[Any]) -> str | None:
    if field.default_factory is not MISSING:
        return repr(field.default_factory())
    return None if field.default is MISSING else repr(field.default)
