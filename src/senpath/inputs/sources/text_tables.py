"""Tables in files of text: .csv and .tsv, JSON lines, JSON, and a label and a text on each line."""

from __future__ import annotations

import csv
import json
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain, count, repeat
from pathlib import Path
from typing import Any

import numpy as np

from senpath.arrays import as_word, object_array
from senpath.errors import InputError
from senpath.inputs.limits import LINE_BYTES, TABLE_FILE_BYTES, TABLE_VALUES, TEXT_BYTES, require_few_columns, require_plain_file
from senpath.inputs.sources.dataset import ErrorPolicy
from senpath.inputs.sources.decimal_commas import has_decimal_comma, with_points
from senpath.inputs.sources.raw_table import RawTable, column_array, require_header

DELIMITERS = "\t;|,"
"""Between values; of two that come as often the one that names hold less often."""
SEP = re.compile('"?sep=([;,\\t|])"?\\s*', re.IGNORECASE)
"""A line that spreadsheets put before the header."""
QUOTED = re.compile('"[^"]*"')
REMEMBERED = 2**10
"""Different values of a column of which one object each is kept."""
BLANK_LINES = 2**22
"""Of a table in text, at most: a small zip file may unfold to nothing else."""
PACKED_ROWS, PACKED_CHARACTERS = 2**12, 2**22
"""Rows of a table in text that are packed together."""
SEPARATOR = "\0"
"""No word has it: lines with NUL bytes are refused."""
JSON_SHARE = 4
"""A value of JSON takes as much memory as so many of a .csv."""
CSV_LIMIT = threading.Lock()
"""Held while the csv module's limit, which is the process's, is changed."""


def read_delimited(path: Path, policy: ErrorPolicy) -> RawTable:
    """Read a .csv or .tsv file with a header line; its values stay words.

    Raises:
        InputError: if it is no such file, or a line has another number of values than the header.
    """
    what = f"table {path}"
    lines = text_lines(path, what, "a .csv in UTF-8 with a header line")
    delimiter, lines = _delimited(lines, path.suffix.lower() == ".tsv")
    with _long_values():
        records = _records(lines, delimiter, what)
        names = [as_word(name) for name in next((record for _, record in records if record), [])]
        # Spreadsheets write columns without anything behind the last.
        nameless = [place for place, name in enumerate(names) if place and not name] if names.count("") > 1 else []
        kept = [place for place in range(len(names)) if place not in nameless]
        require_header([names[place] for place in kept], what)
        places, columns = list[int](), PackedColumns([names[place] for place in kept])
        for line, row in records:
            if len(row) == len(names) and not any(row[place].strip() for place in nameless):
                places.append(line)
                _require_values(len(places) * len(names), what)
                columns.add([row[place] for place in kept] if nameless else row)
            elif len(row) == len(names):
                got = next(f"none above {row[place]!r:.60}" for place in nameless if row[place].strip())
                policy.reject(f"line {line}", InputError(f"{what}, line {line}", expected="a name above each value", got=got))
            elif row:
                policy.reject(f"line {line}", InputError(f"{what}, line {line}", expected=f"{len(names)} values", got=len(row)))
    if len(names) > 1:  # pandas writes the numbers of rows in front, under no name
        columns.drop("")
    if delimiter != ",":
        _point_decimals(columns, usual=delimiter == ";")
    return RawTable(what, columns, places, folder=path.parent, from_line=True)


def _delimited(lines: Iterator[str], tabs: bool) -> tuple[str, Iterator[str]]:
    """What stands between values, as the header says; and all lines, of which one that only says this is blank.

    Where the header has several such characters, as "speed, km/h;wind" has, that is meant of which the next line has as many.

    Args:
        tabs: whether it is a tab, if the header has one.
    """
    header, blank, said = next(lines, ""), 0, None
    while header and (not header.strip() or SEP.fullmatch(header)):
        header, blank, said = next(lines, ""), blank + 1, SEP.fullmatch(header) or said
    second = next(lines, "")
    bare, below = QUOTED.sub("", header), QUOTED.sub("", second)
    among = "\t" if tabs and "\t" in bare else [each for each in DELIMITERS if 0 < bare.count(each) == below.count(each)]
    delimiter = max(among or DELIMITERS, key=bare.count)
    if not bare.count(delimiter):  # of one column
        delimiter = ","
    return said[1] if said else delimiter, chain(repeat("\n", blank), [header, second], lines)


def _point_decimals(columns: PackedColumns, *, usual: bool) -> None:
    """Write numbers with decimal commas with points.

    Args:
        usual: whether such numbers are usual in this file, as between semicolons.
    """
    others = usual and any(map(has_decimal_comma, columns.values()))
    for name in columns:
        words = columns[name].tolist()
        pointed = with_points(words, usual=usual, others=others)
        if pointed is not words:
            columns.replace(name, pointed)


def read_json_lines(path: Path, policy: ErrorPolicy) -> RawTable:
    """Read a .jsonl file, an object on each line; what an object does not name has no value.

    Raises:
        InputError: if a line is no object, or there are too many names.
    """
    what = f"table {path}"
    objects: list[tuple[int, Any]] = []
    values = 0
    for line, text in enumerate(text_lines(path, what, "JSON lines in UTF-8"), start=1):
        if not text.strip():
            continue
        values += _require_json(text, what, values)
        try:
            objects.append((line, json.loads(text)))
        except (ValueError, RecursionError) as error:
            policy.reject(f"line {line}", InputError(f"{what}, line {line}", expected="a JSON object", got=str(error)))
    return _from_objects(path, objects, "line", policy)


def read_json(path: Path, policy: ErrorPolicy) -> RawTable:
    """Read a .json file, a list of objects; what an object does not name has no value.

    Raises:
        InputError: if it is none, or there are too many names.
    """
    what, expected = f"table {path}", "a JSON list of objects"
    try:
        text = "".join(text_lines(path, what, "JSON in UTF-8", max_bytes=TABLE_FILE_BYTES + 1))
        _require_json(text, what)
        content = json.loads(text)
    except InputError:
        raise
    except (ValueError, RecursionError) as error:
        do = "A file with an object on each line is called .jsonl" if str(error).startswith("Extra data: line") else ""
        raise InputError(what, expected=expected, got=str(error), do=do) from error
    if not isinstance(content, list):
        do = 'pandas writes one as frame.to_json(path, orient="records")'
        raise InputError(what, expected=expected, got=f"a JSON {type(content).__name__}", do=do)
    return _from_objects(path, [*enumerate(content)], "row", policy)


def read_labelled_lines(path: Path, policy: ErrorPolicy) -> RawTable:
    """Read a .txt file with a label, a tab and a text on each line.

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
            policy.reject(f"line {line}", error)
    return RawTable(what, {"label": object_array(labels), "text": object_array(texts)}, places, folder=path.parent)


def text_lines(path: Path, what: str, expected: str, max_bytes: int = LINE_BYTES) -> Iterator[str]:
    """Yield the lines of a text file with their line ends, one in memory at a time.

    Args:
        max_bytes: every line is shorter.

    Raises:
        InputError: if the file or a line is too long, or not UTF-8.
    """
    require_plain_file(path, what)
    blank = 0
    try:
        size = path.stat().st_size
        if size > TABLE_FILE_BYTES:
            do = "Larger tables are read from .parquet or .npz files"
            raise InputError(what, expected=f"at most {TABLE_FILE_BYTES / 2**30:g} GiB", got=f"{size / 2**30:.1f} GiB", do=do)
        with path.open("rb") as file:
            for number in count(1):
                line = file.readline(max_bytes)
                if not line:
                    return
                where = f"{what}, line {number}"
                blank += line.isspace()
                if blank > BLANK_LINES:
                    raise InputError(where, expected=f"at most {BLANK_LINES:,} blank lines", got="more")
                if b"\0" in line or len(line) == max_bytes:
                    got = "NUL bytes" if b"\0" in line else f"a line of more than {max_bytes // 2**20} MiB"
                    raise InputError(where, expected=expected, got=got, do="Save it as UTF-8" if b"\0" in line else "")
                try:
                    yield line.decode("utf-8-sig" if number == 1 else "utf-8")  # spreadsheets put a byte order mark first
                except UnicodeDecodeError as error:
                    raise InputError(where, expected=expected, got=str(error), do="Save it as UTF-8") from error
    except OSError as error:
        raise InputError(what, expected=expected, got=str(error)) from error


class PackedColumns(Mapping[str, np.ndarray]):
    """The words of a table's columns, held as text: as objects they take four times as much. Each column is an array when it is asked for.

    Args:
        names: of the columns, each once.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self._packed: dict[str, list[bytes]] = {name: [] for name in names}
        self._names = [*names]
        self._rows: list[list[str]] = []
        self._characters = 0
        self._last: tuple[str, np.ndarray] | None = None

    def add(self, row: list[str]) -> None:
        """Add a row's words, in the order of the names; none may have a NUL character."""
        self._rows.append(row)
        self._characters += sum(map(len, row))
        if len(self._rows) >= PACKED_ROWS or self._characters > PACKED_CHARACTERS:
            self._pack()

    def drop(self, name: str) -> None:
        """Forget a column, if there is one of this name."""
        self._pack()
        self._packed.pop(name, None)

    def replace(self, name: str, words: Sequence[str]) -> None:
        """Put other words into a column, one for each of its own."""
        starts = range(0, len(words), PACKED_ROWS)
        self._packed[name] = [SEPARATOR.join(words[start : start + PACKED_ROWS]).encode() for start in starts]
        self._last = None

    def __getitem__(self, name: str) -> np.ndarray:
        self._pack()
        if self._last is None or self._last[0] != name:
            words, same = list[str](), _Same()
            for block in self._packed[name]:
                words += map(same.__getitem__, block.decode().split(SEPARATOR))
            self._last = name, object_array(words)
        return self._last[1]

    def __iter__(self) -> Iterator[str]:
        return iter(self._packed)

    def __len__(self) -> int:
        return len(self._packed)

    def _pack(self) -> None:
        if not self._rows:
            return
        for name, words in zip(self._names, zip(*self._rows, strict=True), strict=True):
            self._packed[name].append(SEPARATOR.join(words).encode())
        self._rows, self._characters = [], 0


class _Same(dict[str, str]):
    """One object for all values that are equal, of which a column may have many."""

    def __missing__(self, value: str) -> str:
        if len(self) < REMEMBERED:
            self[value] = value
        return value


def _require_values(count: int, what: str) -> None:
    if count > TABLE_VALUES:
        do = "Larger tables are read from .parquet or .npz files"
        raise InputError(what, expected=f"at most {TABLE_VALUES:,} values", got="more", do=do)


def _require_json(text: str, what: str, before: int = 0) -> int:
    """How many values there are in JSON at most; refuses too many, before any takes memory."""
    values = text.count(",") + text.count("[") + text.count("{")
    _require_values(JSON_SHARE * (before + values), what)
    return values


@contextmanager
def _long_values() -> Iterator[None]:
    """Let the csv module read values as long as a text may be."""
    with CSV_LIMIT:
        before = csv.field_size_limit(TEXT_BYTES)
        try:
            yield
        finally:
            csv.field_size_limit(before)


def _records(lines: Iterator[str], delimiter: str, what: str) -> Iterator[tuple[int, list[str]]]:
    """Each record, and the line on which it begins."""
    reader = csv.reader(lines, delimiter=delimiter, strict=True, skipinitialspace=True)
    while True:
        start = reader.line_num + 1
        try:
            record = next(reader, None)
        except csv.Error as error:
            old = "new-line character" in str(error)
            got, do = ("lines that end as on old Macs", "Save it with line ends of Windows or Unix") if old else (str(error), "")
            raise InputError(f"{what}, line {start}", expected="values as a .csv has them", got=got, do=do) from error
        if record is None:
            return
        yield start, record


def _from_objects(path: Path, objects: list[tuple[int, Any]], line: str, policy: ErrorPolicy) -> RawTable:
    what = f"table {path}"
    objects = [(place, _named(item)) for place, item in objects]
    names, places, rows = dict[str, None](), list[int](), list[dict[str, Any]]()
    for place, item in objects:
        if isinstance(item, dict):
            places.append(place)
            rows.append(item)
            names |= dict.fromkeys(item)
            continue
        do = "A list of objects is called .json" if isinstance(item, list) and line == "line" else ""
        error = InputError(f"{what}, {line} {place}", expected="an object of values by name", got=f"a {type(item).__name__}", do=do)
        policy.reject(f"{line} {place}", error)
    require_few_columns(what, len(names))
    _require_values(len(names) * len(rows), what)
    columns = {name: column_array([row.get(name) for row in rows]) for name in names}
    return RawTable(what, columns, places, line, path.parent)


def _named(item: Any) -> Any:
    """An object with its names in their one form."""
    return {as_word(name): value for name, value in item.items()} if isinstance(item, dict) else item
