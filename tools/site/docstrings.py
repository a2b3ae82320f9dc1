"""Docstrings as Sphinx reads them: the source is written in Markdown's manner, where `a` is code and a star is a star."""

from __future__ import annotations

import ast
import inspect
import re
from functools import cache
from typing import Any

from tools.site.public import PAGES

CODE = re.compile(r"``[^`]+``|`[^`]+`")
DOCUMENT = re.compile(r"\bdocs/([\w/-]+)\.md")
SPECIAL = re.compile(r"([*|]|(?<=\w)_(?!\w))")


def to_rst(lines: list[str], names: dict[str, str]) -> list[str]:
    """The lines with `a` as code, or as a link where it is a public name; what reStructuredText would take for its own signs is kept."""
    changed = []
    for line in lines:
        if line.lstrip().startswith((">>>", "...")):
            changed.append(line)
            continue
        pieces, end = [], 0
        for code in CODE.finditer(line):
            pieces += [_words(line[end : code.start()]), _code(code[0].strip("`"), names)]
            end = code.end()
        changed.append("".join([*pieces, _words(line[end:])]))
    return changed


def _words(text: str) -> str:
    return DOCUMENT.sub(r":doc:`/\1`", SPECIAL.sub(r"\\\1", text))


def _code(text: str, names: dict[str, str]) -> str:
    whole = names.get(text)
    return f":py:obj:`{text} <{whole}>`" if whole else f"``{text}``"


def signature_of(thing: Any) -> str:
    """How a class or function is called: types without what pydantic checks of them, and "…" for defaults that no code can write."""
    parameters = []
    for parameter in inspect.signature(thing).parameters.values():
        if parameter.name == "self":
            continue
        annotation = parameter.annotation
        if isinstance(annotation, str):
            annotation = _Plain(ast.unparse(_Unchecked().visit(ast.parse(annotation, mode="eval"))))
        elif annotation is not inspect.Parameter.empty:
            annotation = _Plain(getattr(annotation, "__name__", str(annotation)) if isinstance(annotation, type) else str(annotation))
        default = parameter.default
        if default is not inspect.Parameter.empty and not isinstance(default, str | int | float | bool | tuple | None):
            default = _Plain("...")
        parameters.append(parameter.replace(annotation=annotation, default=default))
    return str(inspect.Signature(parameters))


class _Unchecked(ast.NodeTransformer):
    """`Annotated[a, …]` becomes a."""

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        self.generic_visit(node)
        annotated = isinstance(node.value, ast.Name) and node.value.id == "Annotated" and isinstance(node.slice, ast.Tuple)
        return node.slice.elts[0] if annotated and isinstance(node.slice, ast.Tuple) else node


class _Plain:
    """Text that is shown as it is."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return self.text


@cache
def public_names() -> dict[str, str]:
    """The whole name of each public name, of each method of a public class too, by the ways in which docstrings write it."""
    names = {}
    for page in reversed(PAGES):
        for whole, thing in page.objects().items():
            short = whole.rpartition(".")[2]
            members = [f".{name}" for name in vars(thing) if not name.startswith("_")] if isinstance(thing, type) else []
            for member in ["", *members]:
                names |= dict.fromkeys((f"{short}{member}", f"{whole}{member}", f"sp.{short}{member}"), f"{whole}{member}")
    return names


def setup(app: Any) -> None:
    """Called by Sphinx."""
    names = public_names()

    def process(app: Any, what: str, name: str, thing: Any, options: Any, lines: list[str]) -> None:
        lines[:] = to_rst(lines, names)

    def sign(app: Any, what: str, name: str, thing: Any, options: Any, signature: str | None, returned: str | None) -> Any:
        return (signature_of(thing), returned) if signature and ("Annotated" in signature or "<" in signature) else None

    app.connect("autodoc-process-signature", sign)
    app.connect("autodoc-process-docstring", process, priority=100)  # before napoleon, which makes signs of its own
