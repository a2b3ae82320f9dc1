"""What the columns of a table hold beside its labels: files, texts, pictures, sounds, or rows of numbers and words."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from senpath.errors import InputError
from senpath.inputs.modalities.columns import MOST_WORDS, different_words, is_missing, read_column, wrong_value
from senpath.inputs.modalities.rows import Rows
from senpath.inputs.sources.found import Refusals, counted
from senpath.inputs.sources.media import MODALITY, Encoded, look
from senpath.inputs.sources.sheet import Sheet

FILES = ("file_name", "filename", "file", "path", "file_path", "image", "picture", "audio", "sound")
"""Names of columns that may hold names of files."""
TEXTS = ("text", "sentence", "utterance", "question", "query", "review", "comment", "content")
"""Names of columns that hold texts, if their values are words."""


@dataclass(frozen=True)
class Content:
    """The inputs in a table.

    Args:
        modality: what they are.
        rows: the rows that they are from, ascending.
        items: one input of each row.
        about: what they are, in words.
    """

    modality: str
    rows: Sequence[int]
    items: Any
    about: str


Read = Callable[[Sheet, str, Sequence[int], Refusals], Content]


def read_content(sheet: Sheet, names: Sequence[str], rows: Sequence[int], modality: str | None, refusals: Refusals) -> Content:
    """Find out what some columns hold and read it.

    Args:
        names: the columns that may count.
        rows: the rows to read.
        modality: what they hold, if it is known.

    Raises:
        InputError: if they hold nothing that can be learned, or nothing of this modality.
    """
    chosen = _special(sheet, names, modality)
    if chosen is None and modality not in (None, "table"):
        do = f"The columns are {', '.join(map(repr, names)) or 'none'}"
        raise InputError(sheet.name, expected=f"a column of {MODALITY_COLUMNS[modality]}", got="none", do=do)
    if chosen is None:
        return _rows(sheet, names, rows, refusals)
    name, read = chosen
    found = read(sheet, name, rows, refusals)
    others = [other for other in names if other != name]
    left = f"; left out: {', '.join(map(repr, others[:10]))}" + (" …" if len(others) > 10 else "") if others else ""
    return Content(found.modality, found.rows, found.items, f"{found.about} in column {name!r}{left}")


MODALITY_COLUMNS = {"image": "pictures or their files", "audio": "sounds or their files", "text": "texts"}
"""What a column of each modality holds."""


def _special(sheet: Sheet, names: Sequence[str], modality: str | None) -> tuple[str, Read] | None:
    """The one column that holds the inputs, and how it is read; None where they are rows of a table."""
    if modality == "table":
        return None
    for name in names:
        kind = _kind(name, sheet.columns[name])
        if kind is not None and modality in (None, kind):
            return name, _files
    texts = [name for name in names if name.lower() in TEXTS or len(names) == 1 or modality == "text"]
    texts = [name for name in texts if _is_text(sheet.columns[name], named=name.lower() in TEXTS)] if modality in (None, "text") else []
    named = [name for name in texts if name.lower() in TEXTS]
    if named or len(texts) == 1:
        return (named or texts)[0], _texts
    if len(names) == 1 and modality != "text" and isinstance(_first(sheet.columns[names[0]]), list):
        return names[0], _nested
    return None


def _kind(name: str, values: np.ndarray) -> str | None:
    """The modality of the files that a column names or holds, by the first of them."""
    first = _first(values)
    if isinstance(first, dict) and {"bytes", "path"} <= first.keys():
        return MODALITY.get(Path(str(first["path"] or "")).suffix.lower()) or ("audio" if _is_sound(first["bytes"]) else "image")
    if name.lower() in FILES and isinstance(first, str):
        return MODALITY.get(Path(first).suffix.lower())
    return None


def _first(values: np.ndarray) -> Any:
    """The first value that is there."""
    return next((value for value in values.flat if not is_missing(value)), None)


def _is_sound(content: Any) -> bool:
    return isinstance(content, bytes) and content[:4] in (b"RIFF", b"fLaC", b"OggS") and content[8:12] != b"WEBP"


def _is_text(values: np.ndarray, *, named: bool) -> bool:
    """Whether values are words, and too many different ones to be categories or in a column whose name says so."""
    present = [value for value in values.tolist() if not is_missing(value)]
    if not present or not all(isinstance(value, str) for value in present):
        return False
    different = len({*present})
    return read_column("text", np.array(present, dtype=object)).words and (named or different > MOST_WORDS or 2 * different > len(present))


def _files(sheet: Sheet, name: str, rows: Sequence[int], refusals: Refusals) -> Content:
    values = sheet.columns[name]
    modality = _kind(name, values) or "image"
    places, files = [], []
    for row in rows:
        where = f"{sheet.name}, {sheet.where(row)}"
        try:
            file = _file(sheet, name, values[row], modality, where)
            files.append((sheet.where(row), f"{where}: {_title(values[row])}", file))
            places.append(row)
        except InputError as error:
            refusals.refuse(sheet.where(row), error)
    kept, items, about = look(files, modality, refusals)
    return Content(modality, [places[place] for place in kept], items, about)


def _title(value: Any) -> str:
    return str(value.get("path") or "its content") if isinstance(value, dict) else str(value)


def _file(sheet: Sheet, name: str, value: Any, modality: str, where: str) -> Path | Encoded:
    """What a value of a column of files stands for."""
    if isinstance(value, dict) and isinstance(value.get("bytes"), bytes):
        return Encoded(value["bytes"])
    title = value.get("path") if isinstance(value, dict) else value
    found = sheet.folder / title if isinstance(title, str) and title and "\0" not in title else None
    if found is None or not found.is_file():
        got = "no value" if found is None else f"{title!r}, of which there is none in {sheet.folder}"
        raise InputError(f"{where}, column {name!r}", expected="the name of a file", got=got)
    if MODALITY.get(found.suffix.lower()) != modality:
        raise InputError(f"{where}, column {name!r}", expected=f"files that hold {modality} data as the others", got=repr(title))
    return found


def _texts(sheet: Sheet, name: str, rows: Sequence[int], refusals: Refusals) -> Content:
    values = sheet.columns[name]
    kept = []
    for row in rows:
        if isinstance(values[row], str) and values[row].strip():
            kept.append(row)
            continue
        where = f"{sheet.name}, {sheet.where(row)}"
        got = "no value" if is_missing(values[row]) else repr(values[row])
        refusals.refuse(sheet.where(row), InputError(f"{where}, column {name!r}", expected="a text", got=got))
    return Content("text", kept, [str(values[row]) for row in kept], counted(len(kept), "text"))


def _nested(sheet: Sheet, name: str, rows: Sequence[int], refusals: Refusals) -> Content:
    """Lists of numbers: rows of a table, or pictures."""
    try:
        items = np.array([sheet.columns[name][row] for row in rows], dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"{sheet.name}, column {name!r}", expected="lists of numbers of one shape", got=str(error)) from error
    pictures = items.ndim > 2
    if pictures and items.size and items.max() > 1:  # pixels in 0 … 255, if they are pixels
        items = items.astype(np.int64) if bool((items == items.round()).all()) else items
    about = f"{counted(len(items), 'picture' if pictures else 'row')} of {'×'.join(map(str, items.shape[1:]))} numbers"
    return Content("image" if pictures else "table", rows, items, about)


def _rows(sheet: Sheet, names: Sequence[str], rows: Sequence[int], refusals: Refusals) -> Content:
    """Rows of numbers and of words of few values."""
    if not names:
        raise InputError(sheet.name, expected="at least one column beside the labels", got="none")
    columns, wrong = {}, dict[int, InputError]()
    for name in names:
        values = sheet.columns[name][list(rows)]
        with _within(sheet):
            columns[name] = column = read_column(name, values)
        for place in column.wrong.tolist():
            wrong.setdefault(place, wrong_value(f"{sheet.name}, {sheet.where(rows[place])}", name, column, values[place]))
    for place in sorted(wrong):
        refusals.refuse(sheet.where(rows[place]), wrong[place])
    kept = [place for place in range(len(rows)) if place not in wrong]
    found = Rows({name: column.values[kept] for name, column in columns.items()})
    words = [name for name in names if columns[name].words]
    for name in words:
        with _within(sheet):
            different_words(name, found.column(name).tolist())
    kinds = [(len(names) - len(words), "numbers"), (len(words), "words")]
    about = " and ".join(f"{counted(count, 'column')} of {kind}" for count, kind in kinds if count)
    return Content("table", [rows[place] for place in kept], found, f"{counted(len(kept), 'row')}, {about}")


@contextmanager
def _within(sheet: Sheet) -> Iterator[None]:
    """Errors that name a column name its table too."""
    try:
        yield
    except InputError as error:
        raise InputError(f"{sheet.name}, {error.message}") from error
