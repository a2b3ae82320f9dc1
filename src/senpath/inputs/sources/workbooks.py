"""Tables in workbooks of Excel: .xlsx and .xlsm, whose first sheet that is not hidden is read."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

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
PART_BYTES, ELEMENTS = 2**24, 2**17
"""Unpacked bytes and elements of a part that openpyxl holds as a whole (names, styles), at most: each element becomes an object."""
STYLES = "xl/styles.xml"
FORMAT_LETTERS, FORMAT_BRACKETS = 300, 32
"""Of a format of numbers, at most. Excel takes 255; openpyxl takes the square of the brackets, once for each style."""


def read_workbook(path: Path, policy: ErrorPolicy) -> RawTable:
    """Read the first sheet that is not hidden; its first row that is not empty names the columns.

    Of formulas the values are read that were last computed. Columns without a name and rows without a value are left out, and so is a first
    column without a name that has values, as pandas writes an index.

    Raises:
        InputError: if it cannot be read, unfolds to more than `TABLE_FILE_BYTES`, has too many rows, or its names are none.
        MissingExtraError: without openpyxl or defusedxml.
    """
    modules = ("openpyxl", "openpyxl.reader.excel", "defusedxml.ElementTree")
    _, excel, xml = (import_extra(module, "workbooks of Excel", "excel") for module in modules)
    what = f"table {path}"
    require_plain_file(path, what)
    try:
        _require_size(path, what)
        with path.open("rb") as file:
            reader = excel.ExcelReader(file, read_only=True, data_only=True, keep_links=False)
            reader.archive.close()
            reader.archive = _Parts(file, what, xml)
            reader.read()
            book = reader.wb
            try:
                if not book.worksheets:
                    raise InputError(what, expected="a sheet with a table", got="none")
                seen = [each for each in book.worksheets if each.sheet_state == "visible"]
                sheet = (seen or book.worksheets)[0]
                note = f"sheet {sheet.title!r} of {len(book.sheetnames)}" if len(book.sheetnames) > 1 else ""
                return _read_sheet(path, what, sheet.iter_rows(values_only=True), note, policy)
            finally:
                book.close()
    except InputError:
        raise
    except Exception as error:  # openpyxl raises whatever it trips over in a damaged file
        if isinstance(error.__cause__, InputError):  # of a part, which openpyxl says to be something else
            raise error.__cause__ from None
        raise InputError(what, expected="a readable .xlsx file", got=f"{type(error).__name__}: {error}") from error


class _Parts(zipfile.ZipFile):
    """A workbook's parts. Rows and words are read bit by bit, through `open`; what is held as a whole, through `read`, has to be small.

    Args:
        what: errors call it.
        xml: defusedxml's reader of elements.
    """

    def __init__(self, file: IO[bytes], what: str, xml: Any) -> None:
        super().__init__(file)
        self._what, self._xml = what, xml

    def read(self, name: str | zipfile.ZipInfo, pwd: bytes | None = None) -> bytes:
        """A whole part.

        Raises:
            InputError: if it is too large, or has formats of numbers that nobody writes.
        """
        size = self.getinfo(name).file_size if isinstance(name, str) else name.file_size
        content = super().read(name, pwd) if size <= PART_BYTES else b""
        if size > PART_BYTES or content.count(b"<") > ELEMENTS:
            expected = f"at most {PART_BYTES // 2**20} MiB and {ELEMENTS:,} elements"
            raise InputError(f"{self._what}, part {name}", expected=expected, got="more", do="Save the sheet as .csv")
        if name == STYLES:
            formats = (element.get("formatCode", "") for element in self._xml.fromstring(content).iter())
            if any(len(text) > FORMAT_LETTERS or text.count("[") > FORMAT_BRACKETS for text in formats):
                raise InputError(f"{self._what}, its styles", expected=f"formats of at most {FORMAT_LETTERS} letters", got="a longer one")
        return content


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


def _read_sheet(path: Path, what: str, rows: Iterator[tuple[Any, ...]], note: str, policy: ErrorPolicy) -> RawTable:
    numbered = _filled(rows, what)
    line, header = next(numbered, (0, ()))
    names = ["" if cell is None else as_word(str(cell)) for cell in header]
    kept = [place for place, name in enumerate(names) if name]
    require_header([names[place] for place in kept], what)
    places, columns = [], [list[Any]() for _ in kept]
    for line, row in numbered:
        nameless = (place for place, cell in enumerate(row) if cell is not None and (place >= len(names) or not names[place]))
        beyond = next((place for place in nameless if place), None)  # in front pandas writes the index, under no name
        if beyond is not None:
            got = f"none above {row[beyond]!r:.60}"
            policy.reject(f"row {line}", InputError(f"{what}, row {line}", expected="a name above each value", got=got))
            continue
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
