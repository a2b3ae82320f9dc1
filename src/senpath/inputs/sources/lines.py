"""Tables in files of text: .csv and .tsv, JSON lines, JSON, and a label and a text on each line."""

from __future__ import annotations

import csv
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain, count
from pathlib import Path
from typing import Any

import numpy as np

from senpath.errors import InputError
from senpath.inputs.modalities.text import LONGEST
from senpath.inputs.sources.found import Refusals
from senpath.inputs.sources.sheet import Sheet, as_values, require_header

LARGEST = 2**29
"""Bytes of a table in text, which takes ten times as many in memory."""
LONGEST_LINE = 2 * LONGEST
"""Bytes of a line: the longest text, and what stands beside it."""
DELIMITERS = ",;\t"
QUOTED = re.compile('"[^"]*"')
DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+")
CSV_LIMIT = threading.Lock()
"""Held while csv's limit, of which a process has one, is another than it was."""


def read_delimited(path: Path, refusals: Refusals) -> Sheet:
    """A .csv or .tsv file with a header line; its values stay words.

    Raises:
        InputError: if it is no such file, or has a line of another number of values.
    """
    what = f"table {path}"
    lines = text_lines(path, what, "a .csv in UTF-8 with a header line")
    first = next(lines, "")
    delimiter = _delimiter(first)
    with _long_values():
        header, *records = [*_records(chain([first], lines), delimiter, what)] or [(1, [])]
    names = [name.strip() for name in header[1]]
    require_header(names, what)
    places, rows = [], []
    for line, row in records:
        if len(row) == len(names):
            places.append(line)
            rows.append(row)
        elif row:
            refusals.refuse(f"line {line}", InputError(f"{what}, line {line}", expected=f"{len(names)} values", got=len(row)))
    values = [[_point(row[place]) if delimiter == ";" else row[place] for row in rows] for place in range(len(names))]
    columns = {name: np.array(column, dtype=object) for name, column in zip(names, values, strict=True)}
    return Sheet(what, _without_index(columns), places, folder=path.parent)


def read_json_lines(path: Path, refusals: Refusals) -> Sheet:
    """A .jsonl file, an object on each line.

    Raises:
        InputError: if a line is no object, or has other names than the first.
    """
    what = f"table {path}"
    objects: list[tuple[int, Any]] = []
    for line, text in enumerate(text_lines(path, what, "JSON lines in UTF-8"), start=1):
        if not text.strip():
            continue
        try:
            objects.append((line, json.loads(text)))
        except (ValueError, RecursionError) as error:
            refusals.refuse(f"line {line}", InputError(f"{what}, line {line}", expected="a JSON object", got=str(error)))
    return _from_objects(path, objects, "line", refusals)


def read_json(path: Path, refusals: Refusals) -> Sheet:
    """A .json file, a list of objects.

    Raises:
        InputError: if it is none, or an object has other names than the first.
    """
    what = f"table {path}"
    try:
        content = json.loads("".join(text_lines(path, what, "JSON in UTF-8", longest=LARGEST + 1)))
    except (ValueError, RecursionError) as error:
        raise error if isinstance(error, InputError) else InputError(what, expected="a JSON list of objects", got=str(error)) from error
    if not isinstance(content, list):
        raise InputError(what, expected="a JSON list of objects", got=f"a JSON {type(content).__name__}")
    return _from_objects(path, [*enumerate(content)], "row", refusals)


def read_labelled_lines(path: Path, refusals: Refusals) -> Sheet:
    """A .txt file with a label, a tab and a text on each line.

    Raises:
        InputError: if a line has no tab.
    """
    what = f"texts {path}"
    places, labels, texts = [], [], []
    for line, text in enumerate(text_lines(path, what, "a .txt in UTF-8"), start=1):
        label, tab, rest = text.strip("\r\n").partition("\t")
        if tab:
            places.append(line)
            labels.append(label)
            texts.append(rest)
        elif text.strip():
            error = InputError(f"{what}, line {line}", expected="a label, a tab and a text", got=f"{text.strip()!r:.60} without a tab")
            refusals.refuse(f"line {line}", error)
    return Sheet(what, {"label": np.array(labels, dtype=object), "text": np.array(texts, dtype=object)}, places, folder=path.parent)


def text_lines(path: Path, what: str, expected: str, longest: int = LONGEST_LINE) -> Iterator[str]:
    """The lines of a file of text, their ends included, one in memory at a time.

    Args:
        longest: bytes that no line reaches.

    Raises:
        InputError: if the file or a line is too long, or no text in UTF-8.
    """
    try:
        size = path.stat().st_size
        if size > LARGEST:
            do = "Larger tables are read from .parquet or .npz files"
            raise InputError(what, expected=f"at most {LARGEST / 2**30:g} GiB", got=f"{size / 2**30:.1f} GiB", do=do)
        with path.open("rb") as file:
            for number in count(1):
                line = file.readline(longest)
                if not line:
                    return
                where = f"{what}, line {number}"
                if b"\0" in line or len(line) == longest:
                    got = "NUL bytes" if b"\0" in line else f"a line of more than {longest // 2**20} MiB"
                    raise InputError(where, expected=expected, got=got)
                try:
                    yield line.decode("utf-8-sig" if number == 1 else "utf-8")  # spreadsheets put a mark before the first column
                except UnicodeDecodeError as error:
                    raise InputError(where, expected=expected, got=str(error), do="Save it as UTF-8") from error
    except OSError as error:
        raise InputError(what, expected=expected, got=str(error)) from error


@contextmanager
def _long_values() -> Iterator[None]:
    """Let csv read values as long as a text may be."""
    with CSV_LIMIT:
        before = csv.field_size_limit(LONGEST)
        try:
            yield
        finally:
            csv.field_size_limit(before)


def _records(lines: Iterator[str], delimiter: str, what: str) -> Iterator[tuple[int, list[str]]]:
    """Each record, and the line on which it begins."""
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        start = reader.line_num + 1
        try:
            record = next(reader, None)
        except csv.Error as error:
            raise InputError(f"{what}, line {start}", expected="values as a .csv has them", got=str(error)) from error
        if record is None:
            return
        yield start, record


def _delimiter(header: str) -> str:
    """What divides the header, quoted names aside, most often."""
    bare = QUOTED.sub("", header)
    return max(DELIMITERS, key=bare.count)


def _point(value: str) -> str:
    """A number with the point of English; where commas are in numbers, semicolons are between them."""
    return value.replace(",", ".") if DECIMAL_COMMA.fullmatch(value) else value


def _without_index(columns: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Without the numbers of rows that pandas writes in front, under no name."""
    return {name: values for name, values in columns.items() if name or len(columns) == 1}


def _from_objects(path: Path, objects: list[tuple[int, Any]], line: str, refusals: Refusals) -> Sheet:
    what = f"table {path}"
    first = next((found for _, found in objects if isinstance(found, dict)), {})
    names = [str(name) for name in first]
    kept = []
    for place, found in objects:
        if isinstance(found, dict) and found.keys() <= first.keys():
            kept.append((place, found))
            continue
        expected, got = f"an object with {names}", list(found) if isinstance(found, dict) else f"a {type(found).__name__}"
        refusals.refuse(f"{line} {place}", InputError(f"{what}, {line} {place}", expected=expected, got=got))
    columns = {name: as_values([found.get(name) for _, found in kept]) for name in names}
    return Sheet(what, columns, [place for place, _ in kept], line, path.parent)
