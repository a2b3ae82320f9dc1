"""`senpath methods`: how a network can be taught and changed, and the settings of each way."""

from __future__ import annotations

from inspect import getdoc
from typing import Annotated, Any

import typer

from senpath.cli.show import console, table
from senpath.methods import REVISIONS, find_method, known_methods
from senpath.settings import Settings


def methods(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="Of a method or a revision, or package:Class; by default all.")] = None,
) -> None:
    """List the ways to learn a task and to change one, or show the settings of one of them."""
    if name is not None:
        _show_settings(name, REVISIONS.get(name) or find_method(name))
        return
    rows = [[method, "learns tasks", _first_line(find_method(method))] for method in known_methods()]
    rows += [[revision, "changes a task", _first_line(kind)] for revision, kind in REVISIONS.items()]
    table(None, ["name", "what it does", "how"], rows)
    console.print("`senpath methods NAME` shows the settings of one, for `--set NAME=VALUE`", highlight=False)


def _show_settings(name: str, kind: Any) -> None:
    console.print(f"{name}: {_first_line(kind)}", highlight=False)
    settings = getattr(kind, "settings_class", None)
    if not (isinstance(settings, type) and issubclass(settings, Settings)):
        console.print(f"\n{getdoc(kind) or 'Nothing is said of its settings.'}", highlight=False)
        return
    for setting in settings.describe():
        default = "" if setting.default is None else f", by default {setting.default}"
        console.print(f"\n{setting.name}: {setting.takes}{default}", highlight=False)
        console.print(setting.about, highlight=False)


def _first_line(kind: Any) -> str:
    return (getdoc(kind) or "").partition("\n")[0]
