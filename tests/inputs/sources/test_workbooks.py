"""Workbooks of Excel: what is in the cells, and workbooks that are no such thing or unfold to too much."""

from __future__ import annotations

import datetime as dt
import sys
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from openpyxl import Workbook

import senpath as sp
from senpath.errors import InputError
from senpath.inputs.modalities.plans import plans_of
from senpath.inputs.modalities.table import TableModality
from senpath.inputs.sources import workbooks
from tests.raising import raises_error

ROWS = [
    ["age", "port", "came", "fare", None, "label"],
    [31, "C", dt.datetime(2020, 1, 2, 3), 1.5, None, "yes"],
    [None, "Q", dt.datetime(2020, 2, 1), "#N/A", None, "no"],
    [None] * 6,
    [40.5, " C ", None, 2, None, "no"],
]


def write(path: Path, rows: list[list[object]], *more: str) -> Path:
    book = Workbook()
    for row in rows:
        book.active.append(row)
    for name in more:
        book.create_sheet(name).append(["another"])
    book.save(path)
    return path


def test_cells_are_what_they_hold(tmp_path: Path) -> None:
    data = sp.read(write(tmp_path / "t.xlsx", ROWS, "notes"))
    assert (data.x.columns, data.y.tolist()) == (["age", "port", "came", "fare"], ["yes", "no", "no"])
    assert [plan.form for plan in plans_of(TableModality().define(data.x).options)] == ["numbers", "words", "times", "numbers"]
    assert data.about == (
        "3 rows, 2 columns of numbers, 1 column of words and 1 column of dates or times; values missing: 'age' 1, 'came' 1, 'fare' 1; "
        "label 'label'; sheet 'Sheet' of 2"
    )
    assert sp.read(tmp_path / "t.xlsx", "port").y.tolist() == ["C", "Q", "C"]


def test_a_workbook_of_pandas_is_learned_and_asked(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    frame = pd.DataFrame({"a": random.normal(size=40).round(3), "b": random.choice(["u", "v"], 40)}).assign(label=[0, 1] * 20)
    frame["a"] += 3 * frame.label
    frame.to_excel(tmp_path / "t.xlsx", index=False)
    net = sp.Network()
    net.learn("t", tmp_path / "t.xlsx", epochs=20)
    assert net.tasks["t"].classes_ == (0, 1)
    assert (net.predict(tmp_path / "t.xlsx").label == net.predict(frame).label).all()


def test_what_is_no_table(tmp_path: Path) -> None:
    with raises_error(InputError, "t.xlsx, row 3", expected="a name above each value", got="none above 7"):
        sp.read(write(tmp_path / "t.xlsx", [["a", None, "label"], [1, None, "x"], [2, 7, "y"]]))
    with raises_error(InputError, "t.xlsx", expected="a header line", got="none"):
        sp.read(write(tmp_path / "t.xlsx", []))
    (tmp_path / "t.xlsx").write_bytes(b"PK cut")
    with raises_error(InputError, "t.xlsx", expected="a readable .xlsx file"):
        sp.read(tmp_path / "t.xlsx")


def changed(path: Path, part: str, content: bytes) -> Path:
    """The workbook with another content of a part."""
    with zipfile.ZipFile(path) as packed:
        parts = {name: packed.read(name) for name in packed.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, held in (parts | {part: content}).items():
            packed.writestr(name, held)
    return path


SHEET = "xl/worksheets/sheet1.xml"
HEAD = b'<?xml version="1.0"?><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (HEAD + b" " * 2**24 + b"</sheetData></worksheet>", "GiB unpacked"),
        (
            HEAD + b'<row r="1"/><row r="2000000000"><c r="A2"><v>1</v></c></row></sheetData></worksheet>',
            "at most",
        ),
        (b'<!DOCTYPE a [<!ENTITY b "bb">]>' + HEAD + b'<row r="1"><c r="A1"><v>&b;</v></c></row></sheetData></worksheet>', "readable"),
        (HEAD + b'<row r="x"/>', "a readable .xlsx file"),
    ],
)
def test_workbooks_of_strangers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes, expected: str) -> None:
    monkeypatch.setattr(workbooks, "TABLE_FILE_BYTES", 2**24)
    monkeypatch.setattr(workbooks, "ROWS", 2**10)
    path = changed(write(tmp_path / "t.xlsx", ROWS), SHEET, content)
    with raises_error(InputError, "t.xlsx", expected=expected):
        sp.read(path)


def test_without_its_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "t.xlsx", ROWS)
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    with raises_error(sp.MissingExtraError, "workbooks of Excel", do="senpath[excel]"):
        sp.read(tmp_path / "t.xlsx")
