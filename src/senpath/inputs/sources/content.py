"""What the columns of a table hold beside its labels: files, texts, pictures, sounds, clips, or rows of numbers and words."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from senpath.errors import InputError
from senpath.inputs.limits import may_name
from senpath.inputs.modalities import modality_of_file
from senpath.inputs.modalities.columns import MAX_WORDS, Column, Rows, is_missing, read_column, wrong_value
from senpath.inputs.modalities.in_memory import signed
from senpath.inputs.modalities.plans import choose_plan, described
from senpath.inputs.sources.dataset import ErrorPolicy, counted
from senpath.inputs.sources.files import FileBytes, Source, inspect_files
from senpath.inputs.sources.guesses import TEXT_COLUMNS
from senpath.inputs.sources.raw_table import RawTable

FILE_COLUMNS = ("file_name", "filename", "file", "path", "file_path", "image", "picture", "audio", "sound", "video", "clip")
"""Names of columns that may hold names of files."""
NAMED = 10
"""Columns that a description names at most."""
EXPECTED_COLUMNS = {
    "image": "pictures or their files",
    "audio": "sounds or their files",
    "video": "clips or their files",
    "text": "texts",
}
"""What a column of each modality holds."""


@dataclass(frozen=True)
class Content:
    """The inputs in a table.

    Args:
        modality: of the inputs.
        rows: the rows that they come from, ascending.
        items: one input for each row.
        about: a description.
    """

    modality: str
    rows: Sequence[int]
    items: Any
    about: str


Reader = Callable[[RawTable, str, Sequence[int], ErrorPolicy], Content]


def read_content(table: RawTable, names: Sequence[str], rows: Sequence[int], modality: str | None, policy: ErrorPolicy) -> Content:
    """Find out what columns hold, and read it.

    Args:
        names: of the columns to consider.
        rows: the rows to read.
        modality: what the columns hold, if that is known.

    Raises:
        InputError: if they hold nothing that can be learned, or nothing of this modality.
    """
    chosen = _input_column(table, names, modality)
    if chosen is None and modality not in (None, "table"):
        do = f"The columns are {', '.join(map(repr, names)) or 'none'}"
        raise InputError(table.name, expected=f"a column of {EXPECTED_COLUMNS[modality]}", got="none", do=do)
    if chosen is None:
        return _read_rows(table, names, rows, policy)
    name, read = chosen
    content = read(table, name, rows, policy)
    others = [repr(other) for other in names if other != name]
    whole = " (modality='table' reads all)" if content.modality == "text" else ""
    ignored = f"; left out: {few(others)}{whole}" if others else ""
    return Content(content.modality, content.rows, content.items, f"{content.about} in column {name!r}{ignored}")


def held_modality(table: RawTable, names: Sequence[str]) -> str | None:
    """What `read_content` takes one of these columns to hold, if it is not told; None where the rows themselves are the inputs."""
    chosen = _input_column(table, names, None)
    if chosen is None:
        return None
    name, read = chosen
    first = _first(table.columns[name])
    if isinstance(read, partial):
        return str(read.keywords["modality"])
    return "text" if read is _read_texts else "image" if len(first) and isinstance(first[0], list | np.ndarray) else "table"


def _input_column(table: RawTable, names: Sequence[str], modality: str | None) -> tuple[str, Reader] | None:
    """The one column that holds the inputs, and its reader; None where the rows themselves are the inputs."""
    if modality == "table":
        return None
    for name in names:
        held = _file_modality(table, name, modality, alone=len(names) == 1)
        if held is not None and modality in (None, held):
            return name, partial(_read_files, modality=held)
    named = [name for name in names if name.lower() in TEXT_COLUMNS]
    if modality in (None, "text"):
        texts = [name for name in named if _is_text(table.columns[name], named=True)][:1]
        if not texts and (len(names) == 1 or modality == "text"):
            texts = [name for name in names if name not in named and _is_text(table.columns[name], named=False)]
        if len(texts) == 1:
            return texts[0], _read_texts
    if len(names) == 1 and modality != "text" and isinstance(_first(table.columns[names[0]]), list | np.ndarray):
        return names[0], _read_nested
    return None


def _file_modality(table: RawTable, name: str, asked: str | None, *, alone: bool) -> str | None:
    """The modality of the files that a column names or holds, judged by the first of them.

    Args:
        alone: whether there is no other column.
    """
    first = _first(table.columns[name])
    if isinstance(first, dict) and {"bytes", "path"} <= first.keys():
        by_ending = modality_of_file(Path(str(first["path"] or "")), asked)
        return by_ending or _modality_of(first["bytes"])
    if isinstance(first, bytes) and signed(first) is not None:
        return _modality_of(first)
    if not isinstance(first, str | Path):
        return None
    held = modality_of_file(Path(first), asked)
    if held is None or isinstance(first, Path) or name.lower() in FILE_COLUMNS:
        return held
    file = _named_file(table, first)
    if file is not None and os.path.isfile(file):
        return held
    if not alone or held == "text" or name.lower() in TEXT_COLUMNS:
        return None
    words = [value for value in table.columns[name].tolist() if not is_missing(value)]
    return held if all(isinstance(word, str) and modality_of_file(Path(word), asked) == held for word in words) else None


def _named_file(table: RawTable, name: str | Path) -> Path | None:
    """The place of a file that a table names, which may not be there; None if it may not name it. On Windows names have backslashes."""
    if not str(name) or "\0" in str(name):
        return None
    file = table.folder / name
    if not may_name(file):
        return None
    posix = table.folder / str(name).replace("\\", "/")
    return posix if not os.path.isfile(file) and may_name(posix) and os.path.isfile(posix) else file


def _first(values: np.ndarray) -> Any:
    """The first value that is not missing."""
    return next((value for value in values.flat if not is_missing(value)), None)


def _modality_of(content: Any) -> str:
    """What the bytes of a file hold, if they are one."""
    known = signed(content) if isinstance(content, bytes) else None
    return "image" if known is None else known[0]


def _is_text(values: np.ndarray, *, named: bool) -> bool:
    """Whether values are words, and either the column's name says that they are texts or they are too varied for categories."""
    present = [value for value in values.tolist() if not is_missing(value)]
    if not present or not all(isinstance(value, str) for value in present):
        return False
    if not named and 2 * sum(any(map(str.isalpha, value)) for value in present) <= len(present):  # dates, prices
        return False
    distinct = len({*present})
    words = read_column("text", np.array(present, dtype=object)).form == "words"
    return words and (named or distinct > MAX_WORDS or 2 * distinct > len(present))


def _read_files(table: RawTable, name: str, rows: Sequence[int], policy: ErrorPolicy, *, modality: str) -> Content:
    values = table.columns[name]
    file_rows, files = [], []
    for row in rows:
        value, where = values[row], f"{table.name}, {table.place(row)}"
        try:
            file = _file(table, name, value, modality, where)
        except InputError as error:
            policy.reject(table.place(row), error)
            continue
        title = (value.get("path") or "its content") if isinstance(value, dict) else "its content" if isinstance(value, bytes) else value
        files.append((table.place(row), f"{where}: {title}", file))
        file_rows.append(row)
    kept, items, about = inspect_files(files, modality, policy)
    return Content(modality, [file_rows[index] for index in kept], items, about)


def _file(table: RawTable, name: str, value: Any, modality: str, where: str) -> Source:
    """The file that a value names or holds."""
    content = value.get("bytes") if isinstance(value, dict) else value
    if isinstance(content, bytes):
        return FileBytes(content)
    title = value.get("path") if isinstance(value, dict) else value
    file = _named_file(table, title) if isinstance(title, str | Path) else None
    if file is None or not os.path.isfile(file):
        got = f"{str(title)!r}, of which there is none in {table.folder}" if isinstance(title, str | Path) and str(title) else "no value"
        do = "modality='table' takes names of files as words"
        raise InputError(f"{where}, column {name!r}", expected="the name of a file", got=got, do=do)
    if modality_of_file(file, modality) != modality:
        raise InputError(f"{where}, column {name!r}", expected=f"files that hold {modality} data as the others", got=repr(title))
    return file


def _read_texts(table: RawTable, name: str, rows: Sequence[int], policy: ErrorPolicy) -> Content:
    values = table.columns[name]
    kept = []
    for row in rows:
        if isinstance(values[row], str) and values[row].strip():
            kept.append(row)
            continue
        got = "no value" if is_missing(values[row]) else repr(values[row])
        what = f"{table.name}, {table.place(row)}, column {name!r}"
        policy.reject(table.place(row), InputError(what, expected="a text", got=got))
    return Content("text", kept, [str(values[row]) for row in kept], counted(len(kept), "text"))


def _read_nested(table: RawTable, name: str, rows: Sequence[int], policy: ErrorPolicy) -> Content:
    """Read lists of numbers: rows of a table, or pictures."""
    try:
        items = np.array([table.columns[name][row] for row in rows], dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError(f"{table.name}, column {name!r}", expected="lists of numbers of one shape", got=str(error)) from error
    pictures = items.ndim > 2
    if pictures and items.size and items.max() > 1:  # pixels in 0 … 255, if they are pixels
        items = items.astype(np.int64) if bool((items == items.round()).all()) else items
    about = f"{counted(len(items), 'picture' if pictures else 'row')} of {'×'.join(map(str, items.shape[1:]))} numbers"
    return Content("image" if pictures else "table", rows, items, about)


def _read_rows(table: RawTable, names: Sequence[str], rows: Sequence[int], policy: ErrorPolicy) -> Content:
    """Read rows of numbers and of categories."""
    if not names:
        raise InputError(table.name, expected="at least one column beside the labels", got="none")
    columns, wrong, told = dict[str, Column](), dict[int, InputError](), np.zeros(len(rows), dtype=bool)
    everything = len(rows) == len(table)
    for name in names:
        values = table.columns[name]
        values = values if everything else values[list(rows)]
        with _naming(table):
            columns[name] = column = read_column(name, values)
        for index in column.wrong.tolist():
            wrong.setdefault(index, wrong_value(f"{table.name}, {table.place(rows[index])}", name, column, values[index]))
        if not told.all():
            told |= ~column.missing
    for index in np.flatnonzero(~told).tolist():
        wrong.setdefault(index, InputError(f"{table.name}, {table.place(rows[index])}", expected="at least one value", got="none"))
    for index in sorted(wrong):
        policy.reject(table.place(rows[index]), wrong[index])
    kept = [index for index in range(len(rows)) if index not in wrong]
    if wrong:
        columns = {name: replace(column, values=column.values[kept]) for name, column in columns.items()}
    plans = [choose_plan(name, column) for name, column in columns.items()]
    gaps = [f"{name!r} {int(columns[name].missing.sum()):,}" for name in names if columns[name].missing.any()]
    items = Rows({name: column.values for name, column in columns.items()})
    about = f"{counted(len(items), 'row')}, {described(plans)}" + (f"; values missing: {few(gaps)}" if gaps else "")
    return Content("table", [rows[index] for index in kept], items, about)


def few(names: Sequence[str]) -> str:
    """Up to ten names."""
    return ", ".join(names[:NAMED]) + (" …" if len(names) > NAMED else "")


@contextmanager
def _naming(table: RawTable) -> Iterator[None]:
    """Errors that name a column name its table too."""
    try:
        yield
    except InputError as error:
        error.reword(f"{table.name}, {error.message}", what=f"{table.name}, {error.what}")
        raise
