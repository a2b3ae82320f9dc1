"""The public interface as one text file, docs/public-api.txt: `python -m tools.public_api` writes it anew, a test compares.

So a change of a public name, of a signature, a command, an option, a route or a variable of the environment shows up in review. Public is
what the reference describes (`tools.site.public`).
"""

from __future__ import annotations

import inspect
import re
import tempfile
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, ForwardRef

import typer

from senpath.cli.main import CODES, app
from senpath.network import Network
from senpath.server.app import create_app
from tools.site.commands import commands_below
from tools.site.public import PAGES

ROOT = Path(__file__).resolve().parent.parent
FILE = ROOT / "docs" / "public-api.txt"
ADDRESS = re.compile(r" at 0x[0-9a-f]+")
WIDTH = 140
OWN = ("senpath", "builtins", "abc", "typing")
VARIABLE = re.compile(r"\bSENPATH_[A-Z_]+\b")
"""Of the environment; one that begins with `_` is between senpath's own processes."""
HEAD = "The public interface of senpath, which docs/compatibility.md promises to keep. Written by `python -m tools.public_api`.\n"


def listing() -> str:
    """The whole text."""
    parts = {"Python": python_names(), "Command line": command_lines(), "HTTP": routes(), "Environment": variables()}
    return HEAD + "".join(f"\n# {title}\n" + "".join(f"{line}\n" for line in lines) for title, lines in parts.items())


def python_names() -> Iterator[str]:
    """Each public name with its signature, the members of classes below it."""
    things = {name: thing for page in PAGES for name, thing in page.objects().items()}
    for name, thing in sorted(things.items()):
        if inspect.isclass(thing):
            yield from class_lines(name, thing, {*filter(inspect.isclass, things.values())} - {thing})
        elif callable(thing):
            yield called(name, thing)
        else:
            known = f": {', '.join(thing)}" if isinstance(thing, dict) and all(isinstance(key, str) for key in thing) else ""
            yield f"{name}  {type(thing).__name__}{known}"


def class_lines(name: str, kind: type, listed: set[type]) -> Iterator[str]:
    """A class and its public members, but for those that come from another class of the list."""
    bases = ", ".join(base.__name__ for base in kind.__bases__ if base is not object)
    yield called(name, kind, f"  is {bases}" if bases else "")
    own = [base for base in reversed(kind.__mro__) if base.__module__.startswith("senpath") and base not in listed]
    members = {member: value for base in own for member, value in vars(base).items() if not member.startswith("_")}
    for member, value in sorted(members.items()):
        function = value.__func__ if isinstance(value, classmethod | staticmethod) else value
        if isinstance(value, property):
            yield f"  .{member} -> {annotation(value.fget.__annotations__.get('return', ''))}"
        elif isinstance(value, cached_property):
            yield f"  .{member} -> {annotation(value.func.__annotations__.get('return', ''))}"
        elif inspect.isfunction(function):
            yield called(f"  .{member}", function)


def called(name: str, thing: Any, rest: str = "") -> str:
    """How something is called: on one line where that is short, else each parameter on a line of its own, so that a change is one line."""
    if inspect.isclass(thing) and made_elsewhere(thing):
        return f"{name}(…){rest}"
    try:
        signature = inspect.signature(thing)
    except ValueError:  # an exception that has no constructor of its own
        return f"{name}(…){rest}"
    texts = []
    for parameter in signature.parameters.values():
        if parameter.name == "self":
            continue
        if parameter.kind is parameter.KEYWORD_ONLY and "*" not in texts and not any(text.startswith("*") for text in texts):
            texts.append("*")
        star = {parameter.VAR_POSITIONAL: "*", parameter.VAR_KEYWORD: "**"}.get(parameter.kind, "")
        kind = "" if parameter.annotation is parameter.empty else f": {annotation(parameter.annotation)}"
        default = "" if parameter.default is parameter.empty else f" = {value_of(parameter.default)}"
        texts.append(f"{star}{parameter.name}{kind}{default}")
    answer = (
        "" if inspect.isclass(thing) or signature.return_annotation is signature.empty else f" -> {annotation(signature.return_annotation)}"
    )
    line = f"{name}({', '.join(texts)}){answer}{rest}"
    if len(line) <= WIDTH:
        return line
    indent = " " * (len(name) - len(name.lstrip()) + 4)
    return f"{name}(\n" + "".join(f"{indent}{text},\n" for text in texts) + f"{indent[:-4]}){answer}{rest}"


def made_elsewhere(kind: type) -> bool:
    """Whether another package says how objects of this class are made; that package may be read, or stood in for."""
    homes = [base.__module__.partition(".")[0] for base in kind.__mro__ if "__init__" in vars(base) or "__new__" in vars(base)]
    foreign = any(base.__module__.partition(".")[0] not in OWN for base in kind.__mro__)
    return homes[0] not in OWN or (foreign and homes[0] == "builtins")


def annotation(kind: Any) -> str:
    return kind if isinstance(kind, str) else kind.__forward_arg__ if isinstance(kind, ForwardRef) else inspect.formatannotation(kind)


def value_of(default: Any) -> str:
    """A default as it is written; a function by its name."""
    return str(default.__name__) if inspect.isroutine(default) else ADDRESS.sub("", repr(default))


def command_lines() -> Iterator[str]:
    """Each command with its arguments and options, and the exit codes."""
    root = typer.main.get_command(app)
    for path, command in [("senpath", root), *commands_below(root, "senpath")]:
        context = command.make_context(path, [], resilient_parsing=True)
        yield path
        for parameter in command.get_params(context):
            entry = parameter.get_help_record(context)
            if entry is not None and parameter.name != "help":
                yield f"  {' '.join(entry[0].split())}{'  required' if parameter.required else ''}"
    yield CODES


def routes() -> list[str]:
    """Each path of the server with its methods."""
    with tempfile.TemporaryDirectory() as folder:
        paths = create_app(Network(Path(folder) / "n.sen").path).openapi()["paths"]
    return sorted(f"{path}  {', '.join(method.upper() for method in sorted(methods))}" for path, methods in paths.items())


def variables() -> list[str]:
    """What of the environment is read."""
    texts = [file.read_text(encoding="utf-8") for file in (ROOT / "src" / "senpath").rglob("*.py")]
    return sorted({name for text in texts for name in VARIABLE.findall(text)})


if __name__ == "__main__":
    FILE.write_text(listing(), encoding="utf-8")
