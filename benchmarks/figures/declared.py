"""What figures.toml declares."""

from __future__ import annotations

import shlex
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from senpath.errors import InputError

ROOT = Path(__file__).resolve().parents[2]
DECLARED = Path(__file__).with_name("figures.toml")
RESULTS = "docs/results"
NEEDS = ("chromium", "data", "demo", "linux", "peer", "registry", "servers")


@dataclass(frozen=True)
class Figure:
    """A command and what it makes; figures.toml says what each field means."""

    name: str
    what: str
    command: str
    minutes: float
    page: str | None = None
    sections: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    folder: str = "--folder"
    options: str = ""
    over: tuple[str, ...] = ()
    quiet: bool = False
    resumable: bool = True
    by_hand: bool = False
    needs: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    code: tuple[str, ...] = ()

    @property
    def words(self) -> list[str]:
        """The command's, without what it sets in the environment."""
        return [word for word in shlex.split(self.command) if not _sets(word)]

    @property
    def environment(self) -> dict[str, str]:
        """What the command sets in the environment."""
        return dict(word.split("=", 1) for word in shlex.split(self.command) if _sets(word))

    @property
    def paths(self) -> list[str]:
        """Files and folders that it depends on, from the repository's root."""
        return sorted({*self.code, *own_paths(self.words)})


def read_figures(file: Path = DECLARED) -> list[Figure]:
    """All figures, in the file's order, their `code` as paths.

    Raises:
        InputError: if the file says what no figure has, or names two alike.
    """
    content = tomllib.loads(file.read_text(encoding="utf-8"))
    sets: dict[str, list[str]] = content.get("code", {})
    figures = [_figure(entry, sets) for entry in content["figure"]]
    names = [figure.name for figure in figures]
    if twice := {name for name in names if names.count(name) > 1}:
        raise InputError(file.name, expected="a name for each figure", got=f"{', '.join(sorted(twice))} twice")
    for figure in figures:
        if unknown := {*figure.after} - {*names}:
            raise InputError(f"{file.name}, after of {figure.name}", expected="figures", got=", ".join(sorted(unknown)))
    return figures


def chosen(figures: Iterable[Figure], words: Iterable[str]) -> list[Figure]:
    """Those with one of the words as name or as page; all without words.

    Raises:
        InputError: if a word is neither.
    """
    figures, words = [*figures], [*words]
    if unknown := {*words} - {word for figure in figures for word in (figure.name, figure.page)}:
        do = "`python -m benchmarks.figures plan` lists them"
        raise InputError(", ".join(sorted(unknown)), expected="names of figures, or pages as drift.md", got="neither", do=do)
    return [figure for figure in figures if not words or figure.name in words or figure.page in words]


def own_paths(words: list[str]) -> list[str]:
    """Where the code of a command of benchmarks lies: a file or a folder; and the tests that one of pytest runs."""
    if words[:2] != ["python", "-m"]:
        return []
    if words[2] == "pytest":
        return [word for word in words if word.startswith("tests/")]
    path = words[2].replace(".", "/")
    return [path if (ROOT / path).is_dir() else f"{path}.py"]


def _figure(entry: dict[str, Any], sets: dict[str, list[str]]) -> Figure:
    known = {field.name for field in fields(Figure)}
    name = entry.get("name", "a figure without name")
    for wrong, what in (({*entry} - known, "a field of a figure"), ({*entry.get("needs", ())} - {*NEEDS}, f"needs of {', '.join(NEEDS)}")):
        if wrong:
            raise InputError(f"{DECLARED.name}, {name}", expected=what, got=", ".join(sorted(wrong)))
    if missing := {"name", "what", "command", "minutes"} - {*entry}:
        raise InputError(f"{DECLARED.name}, {name}", expected=f"also {', '.join(sorted(missing))}", got="none")
    values: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in entry.items()}
    figure = Figure(**values)
    return replace(figure, code=tuple(path for word in figure.code for path in _paths(figure, word, sets)))


def _paths(figure: Figure, word: str, sets: dict[str, list[str]]) -> list[str]:
    if word in sets:
        return sets[word]
    if not (ROOT / word).exists():
        raise InputError(f"{DECLARED.name}, code of {figure.name}", expected="a set of files or a path", got=repr(word))
    return [word]


def _sets(word: str) -> bool:
    name, equals, _ = word.partition("=")
    return bool(equals) and name.isidentifier() and name.isupper()
