"""The page of the command line, made of what `--help` is made of."""

from __future__ import annotations

import re
from typing import Any

import typer

from senpath.cli.main import CODES, app


def commands_page() -> str:
    """Every command, with its arguments, options and their defaults, as Markdown."""
    root = typer.main.get_command(app)
    lines = ["# The command line", str(root.help), "", CODES, "", "`senpath COMMAND --help` says the same in a terminal.", ""]
    lines += ["## senpath", "", *_parameters(root, "senpath")]
    for path, command in commands_below(root, "senpath"):
        lines += [f"## {path}", "", *_text(command.help), "", *_parameters(command, path)]
    return "\n".join(lines) + "\n"


def commands_below(group: Any, path: str) -> list[tuple[str, Any]]:
    """All commands below, each followed by its own."""
    entries = []
    for name, command in group.commands.items():
        place = f"{path} {name}"
        entries += commands_below(command, place) if hasattr(command, "commands") else [(place, command)]
    return entries


def _text(text: str | None) -> list[str]:
    return [line.strip() for line in (text or "").replace("\b", "").splitlines()]


def _parameters(command: Any, path: str) -> list[str]:
    """How it is called, and a table of what it takes."""
    context = command.make_context(path, [], resilient_parsing=True)
    usage = " ".join([path, *command.collect_usage_pieces(context)])
    rows = []
    for parameter in command.get_params(context):
        entry = parameter.get_help_record(context)
        if entry is not None:
            rows.append(f"| {_cell(f'`{entry[0]}`')} | {_cell(entry[1])} |")
    return ["```", usage, "```", "", "| argument or option | what |", "| --- | --- |", *rows, ""]


def _cell(text: str) -> str:
    """Text in a cell of a table; a document that it names is linked."""
    text = text.replace("|", r"\|").replace("\n", " ")
    return text if text.startswith("`") else re.sub(r"\bdocs/([\w/-]+\.md)", r"[\g<0>](../\1)", text.replace("<", r"\<"))
