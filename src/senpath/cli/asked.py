"""What is asked about, as the commands take it: files, texts, and whatever comes on standard input."""

from __future__ import annotations

import csv
import json
import re
import sys
import tempfile
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePath
from typing import Any

from senpath.arrays import as_word
from senpath.cli.show import note
from senpath.client import Client
from senpath.errors import InputError
from senpath.inputs.limits import TEXT_BYTES
from senpath.inputs.modalities import MODALITY_BY_ENDING
from senpath.inputs.modalities.in_memory import signed
from senpath.inputs.modalities.table import table_columns
from senpath.inputs.sources import read_unlabelled
from senpath.inputs.sources.first_bytes import table_ending
from senpath.inputs.sources.read import ENDINGS
from senpath.network import Network
from senpath.types import DataType

STDIN = "-"
STDIN_BYTES = 2**28
DELIMITERS = ",\t;|"


@contextmanager
def asked(
    net: Network | Client, inputs: Sequence[str], task: str | None = None, *, skip: bool = False
) -> Iterator[tuple[list[str], list[Any]]]:
    """The inputs that the arguments of a command stand for, with a name for each.

    A name of a file stands for what it holds, "-" for standard input, anything else for itself as a text, which is said.

    Args:
        task: if it is known, only its type comes into question.
        skip: whether what is broken is left to be refused one by one.

    Raises:
        InputError: for a file that cannot be read, or an argument that looks like a path where nothing is.
    """
    known = _known_types(net, task)
    names: list[str] = []
    items: list[Any] = []
    with tempfile.TemporaryDirectory(prefix="senpath-") as folder:
        for argument in inputs:
            if argument == STDIN:
                new_names, new_items = _from_stdin(Path(folder), known, _tables(net, known), skip)
            elif is_file(argument):
                _require(argument)
                new_names, new_items = read_unlabelled([Path(argument)], known, skip=skip)
                if sum(PurePath(other).name == PurePath(argument).name for other in inputs) > 1:
                    new_names = [argument + name.removeprefix(PurePath(argument).name) for name in new_names]
            else:
                note(f"{argument!r}: no file has this name, so it is read as a text")
                new_names, new_items = [argument], [as_text(argument)]
            names += new_names
            items += list(new_items)
        yield names, items


def is_file(argument: str) -> bool:
    """Whether an argument names a file, or at least looks as if: a path that is mistyped is no text to be classified."""
    try:
        if Path(argument).exists():
            return True
    except (OSError, ValueError):  # longer than names may be, or with a NUL
        return False
    ending = PurePath(argument).suffix.lower()
    return ending in MODALITY_BY_ENDING or ending in ENDINGS or re.fullmatch(r"\S*[/\\]\S*", argument) is not None


def _require(argument: str) -> None:
    if not Path(argument).exists():
        do = "A text that looks like a path comes on standard input, as -"
        raise InputError(f"file {argument}", expected="a file", got="nothing of that name", do=do)


def as_text(text: str) -> str:
    """The library would take a text that ends as a file's name does for one, if there is such a file."""
    return f"{text} " if PurePath(text[-16:]).suffix else text


def _known_types(net: Network | Client, task: str | None) -> list[DataType]:
    if isinstance(net, Client):
        return []  # the server knows them
    view = net.view
    return [*view.types.values()] if task is None else [view.types[view.pathway(task).data_type]]


def _tables(net: Network | Client, known: Collection[DataType]) -> list[set[str]]:
    """The columns of each type of table."""
    if isinstance(net, Client):
        columns = [task["type"].get("columns") for task in net.tasks.values() if task["modality"] == "table"]
        return [{column["name"] for column in each} for each in columns if each]
    return [{*table_columns(data_type)} for data_type in known if data_type.modality == "table"]


def _from_stdin(folder: Path, known: Collection[DataType], tables: list[set[str]], skip: bool) -> tuple[list[str], list[Any]]:
    content = sys.stdin.buffer.read(STDIN_BYTES + 1)
    if len(content) > STDIN_BYTES:
        raise InputError("standard input", expected=f"at most {STDIN_BYTES // 2**20} MiB", got="more", do="Put it into a file")
    known_file = signed(content)
    ending = known_file[1] if known_file else table_ending(content)
    lines = [] if ending else _lines(content)
    if lines and ending is None:
        ending = ".json" if _is_list(lines) else ".jsonl" if _is_object(lines[0]) else ".csv" if _has_header(lines, tables) else None
    if ending is None:
        return lines, [as_text(line) for line in lines]
    path = folder / f"stdin{ending}"
    if path.exists():
        raise InputError("standard input", expected="- once", got="it twice")
    path.write_bytes(content)
    try:
        names, items = read_unlabelled([path], known, skip=skip)
    except InputError as error:
        _rename(error, path)
        raise
    for item in items:
        if isinstance(item, InputError):
            _rename(item, path)
    return [STDIN + name.removeprefix(path.name) for name in names], items


def _rename(error: InputError, path: Path) -> None:
    """What standard input held was put into a file of no interest."""
    for said in (str(path), path.name):
        error.rename(said, "standard input")


def _lines(content: bytes) -> list[str]:
    """The texts, one a line; a line without a word keeps its place, to be refused with its number."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        expected = "texts in UTF-8, one a line, or a picture, sound, clip or table that senpath reads"
        raise InputError("standard input", expected=expected, got=error.reason) from None
    lines = text.replace("\r\n", "\n").removesuffix("\n").split("\n")
    long = next((number for number, line in enumerate(lines, 1) if len(line) > TEXT_BYTES), None)
    if long is not None:
        raise InputError(f"standard input, line {long}", expected=f"at most {TEXT_BYTES:,} characters", got="more")
    if not text.strip():
        raise InputError("standard input", expected="texts, one a line, or a picture, sound, clip or table", got="nothing")
    return lines


def _is_list(lines: Sequence[str]) -> bool:
    """Whether these lines are a list of objects in JSON, as services answer."""
    first = next((line for line in lines if line.strip()), "")
    if re.match(r"\s*\[\s*($|\{)", first) is None:
        return False
    try:
        content = json.loads("\n".join(lines))
    except (ValueError, RecursionError):
        return False
    return bool(content) and all(isinstance(each, dict) for each in content)


def _is_object(line: str) -> bool:
    try:
        return line.lstrip().startswith("{") and isinstance(json.loads(line), dict)
    except ValueError:
        return False


def _has_header(lines: Sequence[str], tables: list[set[str]]) -> bool:
    """Whether the first line names the columns of a table that the network knows; before it may stand blank ones and sep=;."""
    line = next((line for line in lines if line.strip() and not line.lower().startswith("sep=")), "")
    named = [{as_word(name.strip()) for row in csv.reader([line], delimiter=delimiter) for name in row} for delimiter in DELIMITERS]
    return any(columns <= names for columns in tables for names in named)
