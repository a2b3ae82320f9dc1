"""Tables in workbooks of Excel: .xlsx and .xlsm, whose first sheet is read."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from senpath.arrays import as_word
from senpath.errors import InputError
from senpath.inputs.limits import TABLE_FILE_BYTES, TABLE_VALUES, require_plain_file
from senpath.inputs.sources.dataset import ErrorPolicy
from senpath.inputs.sources.raw_table import RawTable, column_array, require_header
from senpath.plugins import import_extra

ROWS = 2**20
"""Of a sheet, at most, as Excel has it; a row may claim to be at any place."""
NO_CELLS = {"#NULL!", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#N/A", "#GETTING_DATA"}
"""What formulas show that have no value."""
TAKES_PART = (".xml", ".rels")


def read_workbook(path: Path, policy: ErrorPolicy) -> RawTable:
    """Read the first sheet; its first row that is not empty names the columns.

    Of formulas the values are read that were last computed. Columns without a name and rows without a value are left out.

    Raises:
        InputError: if it cannot be read, unfolds to more than `TABLE_FILE_BYTES`, has too many rows, or its names are none.
        MissingExtraError: without openpyxl or defusedxml.
    """
    openpyxl, _ = (import_extra(module, "workbooks of Excel", "excel") for module in ("openpyxl", "defusedxml"))
    what = f"table {path}"
    require_plain_file(path, what)
    try:
        _require_size(path, what)
        with path.open("rb") as file:
            book = openpyxl.load_workbook(file, read_only=True, data_only=True, keep_links=False)
            try:
                if not book.worksheets:
                    raise InputError(what, expected="a sheet with a table", got="none")
                sheet = book.worksheets[0]
                note = f"sheet {sheet.title!r} of {len(book.sheetnames)}" if len(book.sheetnames) > 1 else ""
                return _read_sheet(path, what, sheet.iter_rows(values_only=True), note)
            finally:
                book.close()
    except InputError:
        raise
    except Exception as error:  # openpyxl raises whatever it trips over in a damaged file
        raise InputError(what, expected="a readable .xlsx file", got=f"{type(error).__name__}: {error}") from error


def _require_size(path: Path, what: str) -> None:
    """Refuse what unfolds to too much: zipfile reads no more of a part than its entry says."""
    try:
        with zipfile.ZipFile(path) as packed:
            size = sum(entry.file_size for entry in packed.infolist() if entry.filename.lower().endswith(TAKES_PART))
    except (zipfile.BadZipFile, zlib.error, NotImplementedError) as error:
        raise InputError(what, expected="a readable .xlsx file", got=str(error)) from error
    if size > TABLE_FILE_BYTES:
        do = "Larger tables are read from .parquet files"
        raise InputError(what, expected=f"at most {TABLE_FILE_BYTES / 2**30:g} GiB unpacked", got=f"{size / 2**30:.1f} GiB", do=do)


def _read_sheet(path: Path, what: str, rows: Iterator[tuple[Any, ...]], note: str) -> RawTable:
    numbered = _filled(rows, what)
    line, header = next(numbered, (0, ()))
    names = ["" if cell is None else as_word(str(cell)) for cell in header]
    kept = [place for place, name in enumerate(names) if name]
    require_header([names[place] for place in kept], what)
    places, columns = [], [list[Any]() for _ in kept]
    for line, row in numbered:
        beyond = next((place for place, cell in enumerate(row) if cell is not None and (place >= len(names) or not names[place])), None)
        if beyond is not None:
            raise InputError(f"{what}, row {line}", expected="a name above each value", got=f"none above {row[beyond]!r:.60}")
        places.append(line)
        for column, place in zip(columns, kept, strict=True):
            column.append(row[place] if place < len(row) else None)
    named = {names[place]: column_array(column) for place, column in zip(kept, columns, strict=True)}
    return RawTable(what, named, places, "row", path.parent, note=note)


def _filled(rows: Iterator[tuple[Any, ...]], what: str) -> Iterator[tuple[int, tuple[Any, ...]]]:
    """Rows that hold something, with their numbers; of what has no value None."""
    values = 0
    for line, row in enumerate(rows, start=1):
        values += max(1, len(row))
        if line > ROWS or values > TABLE_VALUES:
            do = "Larger tables are read from .parquet files"
            raise InputError(what, expected=f"at most {ROWS:,} rows and {TABLE_VALUES:,} values", got="more", do=do)
        cells = tuple(None if isinstance(cell, str) and (cell in NO_CELLS or not cell.strip()) else cell for cell in row)
        if any(cell is not None for cell in cells):
            yield line, cells
