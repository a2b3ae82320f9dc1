"""`senpath methods`: how a network can be taught and changed, what experiments compare it with, and the settings of each."""

from __future__ import annotations

from inspect import getdoc
from typing import Annotated, Any

import typer

from senpath.cli.emit import Result
from senpath.cli.show import note, say, table

BASELINE = "is compared with"
"""What a baseline does: it learns no task of a network, but those of an experiment."""


def methods(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="Of a method or a revision, or package:Class; by default all.")] = None,
) -> Result:
    """List the ways to learn a task, to change one, and the baselines of experiments, or show the settings of one of them."""
    from senpath.evaluation.baselines import BASELINES
    from senpath.methods import REVISIONS, find_method, known_methods

    if name in BASELINES:
        known = BASELINES[name]
        record = {"name": name, "what": BASELINE, "how": known.about, "settings": [*known.settings]}
        own = f"Settings of its own: {', '.join(known.settings) or 'none'}; all others are those of sen"
        return Result([record], lambda: say(f"{name}: {known.about}\n{own}"))
    if name is not None:
        kind = REVISIONS.get(name) or find_method(name)
        return Result(_settings(kind), lambda: _show_settings(name, kind))
    rows = [[method, "learns tasks", _first_line(find_method(method))] for method in known_methods()]
    rows += [[revision, "changes a task", _first_line(kind)] for revision, kind in REVISIONS.items()]

    rows += [[baseline, BASELINE, known.about] for baseline, known in BASELINES.items()]

    def show() -> None:
        table(None, ["name", "what it does", "how"], rows)
        note("`senpath methods NAME` shows the settings of one, for `--set NAME=VALUE`")

    return Result([{"name": name, "what": what, "how": how} for name, what, how in rows], show)


def _settings(kind: Any) -> list[dict[str, Any]]:
    return [
        {"name": setting.name, "takes": setting.takes, "default": setting.default, "about": setting.about} for setting in _described(kind)
    ]


def _described(kind: Any) -> list[Any]:
    from senpath.settings import Settings

    settings = getattr(kind, "settings_class", None)
    return settings.describe() if isinstance(settings, type) and issubclass(settings, Settings) else []


def _show_settings(name: str, kind: Any) -> None:
    about = _first_line(kind)
    say(f"{name}: {about}" if about else name)
    described = _described(kind)
    if not described:
        say(f"\n{getdoc(kind) or 'Nothing is said of its settings: its class has no settings_class.'}")
    for setting in described:
        default = "" if setting.default is None else f", by default {setting.default}"
        say(f"\n{setting.name}: {setting.takes}{default}")
        say(setting.about)


def _first_line(kind: Any) -> str:
    return (getdoc(kind) or "").partition("\n")[0]
