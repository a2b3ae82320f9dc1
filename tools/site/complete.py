"""What the reference needs of a public name: words, every argument, shapes, errors, the source of a method, and an example."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from typing import Any

from senpath.methods import METHODS, REVISIONS
from tools.site.public import PAGES, docstring_of

SECTION = re.compile(r"^(Args|Attributes|Raises|Returns|Example):\n((?:[ ]{4}.*\n?|\n)*)", re.MULTILINE)
ENTRY = re.compile(r"^ {4}([\w*, ]+):", re.MULTILINE)
SOURCE = re.compile(r"\(.*\b(?:19|20)\d\d\b|\bAlgorithm\b|\bet al\.")
ARRAY = re.compile(r"\bndarray\b|\bTensor\b")
SHAPE = re.compile(r"\(\w*,|\(n\b|shape|axis|axes|\bindex")
ELSEWHERE = re.compile(
    r"(?:are\s+those|are as|and errors as)\s+(?:of|for) `|; see `(?:senpath\.)?Network\.\w+`|^The answer to .*; see `\w+`", re.IGNORECASE
)
"""Arguments that are told where something of the same form is told."""
IN_DETAIL = ("senpath.Network", "senpath.Client")
"""Classes whose methods are told as functions are."""
AT_CLASS = "senpath.Client."
"""Methods without examples of their own: the class has one, and those of `Network` are alike."""


def public_things() -> dict[str, Any]:
    """Every public name, and the methods of the classes that are told in detail."""
    things: dict[str, Any] = {}
    for page in PAGES:
        for name, thing in page.objects().items():
            things[name] = thing
            if name in IN_DETAIL:
                members = {f"{name}.{member}": value for member, value in vars(thing).items() if not member.startswith("_")}
                things |= {member: _function_of(value) for member, value in members.items() if _is_told(value)}
    return things


def _is_told(value: Any) -> bool:
    return isinstance(value, property | classmethod | staticmethod) or inspect.isfunction(value)


def _function_of(value: Any) -> Any:
    return value.fget if isinstance(value, property) else getattr(value, "__func__", value)


def faults(name: str, thing: Any) -> Iterator[str]:
    """What is missing where a public name is described."""
    text = docstring_of(name, thing)
    sections = {match[1]: match[2] for match in SECTION.finditer(text + "\n")}
    if not text:
        yield "says nothing"
        return
    if not name.startswith(AT_CLASS) and ">>> " not in sections.get("Example", ""):
        yield "has no example"
    listed = {
        word.strip(" *")
        for title in ("Args", "Attributes")
        for entry in ENTRY.findall(sections.get(title, ""))
        for word in entry.split(",")
    }
    for parameter in [] if ELSEWHERE.search(text) else _parameters(thing):
        told = parameter.name in listed or f"`{parameter.name}`" in text
        if not told:
            yield f"does not say what {parameter.name} is"
    for entry in re.findall(r"^ {4}(\w+): (.*(?:\n {8}.*)*)", sections.get("Args", "") + sections.get("Attributes", ""), re.MULTILINE):
        if ARRAY.search(_annotation(thing, entry[0])) and not SHAPE.search(entry[1]):
            yield f"does not say which shape {entry[0]} has"
    if inspect.isfunction(thing) and "Raises" not in sections and _raises(thing):
        yield "does not say what it raises"
    if inspect.isclass(thing) and thing in {*METHODS.values(), *REVISIONS.values()} and not SOURCE.search(text):
        yield "does not say where it comes from"


def _parameters(thing: Any) -> list[inspect.Parameter]:
    """What a function or class is called with; a protocol is not called, and an error is raised by senpath alone."""
    if (
        not (inspect.isclass(thing) or inspect.isroutine(thing))
        or getattr(thing, "_is_protocol", False)
        or (inspect.isclass(thing) and issubclass(thing, Exception))
    ):
        return []
    names = ("self", "cls", "args", "kwargs")
    return [parameter for parameter in inspect.signature(thing).parameters.values() if parameter.name not in names]


def _annotation(thing: Any, name: str) -> str:
    return str(getattr(thing, "__annotations__", {}).get(name, ""))


def _raises(function: Any) -> bool:
    """Whether its own lines raise an error, which is the least that can be known of what it raises."""
    return bool(re.search(r"^\s+raise \w", inspect.getsource(function), re.MULTILINE))
