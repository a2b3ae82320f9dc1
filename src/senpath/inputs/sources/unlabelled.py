"""Inputs to predict, from files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from senpath.errors import InputError
from senpath.inputs.sources.arrays import read_arrays
from senpath.inputs.sources.content import read_content
from senpath.inputs.sources.found import Refusals
from senpath.inputs.sources.labels import LABEL_COLUMN
from senpath.inputs.sources.media import MODALITY, look
from senpath.inputs.sources.read import TABLES
from senpath.inputs.sources.sheet import Sheet


def read_unlabelled(files: Sequence[Path], tables: Sequence[Sequence[str]] = ()) -> tuple[list[str], list[Any]]:
    """Inputs to predict from files, with a name for each.

    Args:
        files: pictures, sounds, texts; or tables and arrays that hold several inputs.
        tables: columns of tables that are known. Of a table that has all of one's columns these alone are taken; of any other one all
            but a column "label". A .npz file's labels are left out.

    Raises:
        InputError: if a file is missing, of another kind, or cannot be read.
        MissingExtraError: for a sound or a Parquet file without the extra that reads it.
    """
    names: list[str] = []
    items: list[Any] = []
    alike = {name for name, count in Counter(file.name for file in files).items() if count > 1}
    for file in files:
        name = str(file) if file.name in alike else file.name
        if not file.is_file():
            do = f"Give the files in it: {file / '*'}" if file.is_dir() else ""
            raise InputError(f"file {file}", expected="a file", got="a folder" if file.is_dir() else "nothing of that name", do=do)
        ending = file.suffix.lower()
        if ending in TABLES or ending == ".npz":
            found = list(_inputs(TABLES[ending](file, Refusals()), tables) if ending in TABLES else read_arrays(file, labels=False)[0])
            names += [f"{name}[{index}]" for index in range(len(found))]
            items += found
        else:
            if ending in MODALITY:  # a network without tasks of its type would never open it
                look([(name, str(file), file)], MODALITY[ending], Refusals())
            names.append(name)
            items.append(file)
    return names, items


def _inputs(sheet: Sheet, tables: Sequence[Sequence[str]]) -> Any:
    known = [columns for columns in tables if {*columns} <= sheet.columns.keys()]
    if known:
        return read_content(sheet, max(known, key=len), range(len(sheet)), "table", Refusals()).items
    names = [name for name in sheet.columns if name != LABEL_COLUMN]
    return read_content(sheet, names, range(len(sheet)), None, Refusals()).items
