"""Files that somebody made to stop whoever reads them, small and whole by their checksums: refused in senpath's words, and soon."""

from __future__ import annotations

import io
import struct
import time
import unicodedata
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from openpyxl import Workbook
from PIL import Image
from raising import raises_error

import senpath as sp
from senpath.arrays import composed
from senpath.inputs.modalities import MODALITIES
from senpath.inputs.sources.unlabelled import unlabelled_items

SECONDS = 5
"""Of the processor: each of these took longer than anybody waits, if it did not end in an error of Python's."""
LABELS = ["u", "v", "u", "v"]


@contextmanager
def in_time() -> Iterator[None]:
    start = time.process_time()
    yield
    assert time.process_time() - start < SECONDS


@pytest.mark.parametrize(
    "marks", ["\u0300\u0327", "\u0f73", "\u0344\u0316", "\u0338\u0345\u05b0", "\U0001e944\u0316", "\U0001d165\U0001d15e\u0323\U0001f600"]
)
@pytest.mark.parametrize("count", [1, 40, 100])
def test_marks_on_a_letter_are_composed_as_ever(marks: str, count: int) -> None:
    text = f"x é{marks * count}ö {marks[::-1] * count}a"
    assert composed(text) == unicodedata.normalize("NFC", text)


def test_very_many_marks_on_a_letter_take_no_time() -> None:
    with in_time():
        text = composed("e" + "\u0300\u0327" * 150_000)
    assert text == "\u0229" + "\u0327" * 149_999 + "\u0300" * 150_000  # ȩ, for a cedilla comes before an accent


def zipped(path: Path, names: list[str], how: int = zipfile.ZIP_STORED, content: bytes = b"hello there") -> Path:
    with zipfile.ZipFile(path, "w", how) as archive:
        for name in names:
            archive.writestr(name, content)
    return path


@pytest.mark.parametrize("names", [["a/" * 40 + "1.txt", "b/1.txt"], ["a/" + "\u0300\u0327" * 16_000 + ".txt", "b/1.txt"]])
def test_names_in_a_zip_file_that_lead_deep_or_are_long(tmp_path: Path, names: list[str]) -> None:
    path = zipped(tmp_path / "x.zip", names)
    for read in (sp.read, unlabelled_items):
        with in_time(), raises_error(sp.InputError, expected="at most 32 deep"):
            read(path)


def test_more_folders_than_a_zip_file_may_have(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("senpath.inputs.sources.zipped.ENTRIES", 20)
    path = zipped(tmp_path / "x.zip", [f"{number}/" + "a/" * 20 + "1.txt" for number in range(3)])
    with raises_error(sp.InputError, expected="at most 20 folders"):
        sp.read(path)


def test_a_zip_file_of_zip_files_is_not_unfolded(tmp_path: Path) -> None:
    inner = zipped(tmp_path / "inner.zip", ["1.txt", "2.txt"]).read_bytes()
    path = zipped(tmp_path / "outer.zip", ["1.zip", "2.zip"], content=inner)
    with raises_error(sp.InputError, "outer.zip", got="a zip file in it"):
        unlabelled_items(path)


def damaged(path: Path, how: int, names: list[str], content: bytes) -> Path:
    """A zip file the compressed bytes of whose first member are others."""
    changed = bytearray(zipped(path, names, how, content).read_bytes())
    with zipfile.ZipFile(path) as archive:
        first = archive.infolist()[0]
    start = first.header_offset + 30 + len(first.filename)
    for place in range(start + 12, start + first.compress_size - 2):
        changed[place] ^= 0x5A
    path.write_bytes(changed)
    return path


@pytest.mark.parametrize("how", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_damage_under_any_compression(tmp_path: Path, how: int) -> None:
    numbers = io.BytesIO()
    np.save(numbers, np.random.default_rng(0).normal(size=(50, 4)))
    for name, members in (("x.zip", ["a/1.txt", "b/1.txt"]), ("x.npz", ["x.npy", "y.npy"])):
        with pytest.raises(sp.InputError):
            sp.read(damaged(tmp_path / name, how, members, numbers.getvalue()))


@pytest.mark.parametrize(
    "header",
    [
        b"{'descr': '<f4', (",
        b"  x\n y\n",
        b"{'descr': '<f4', 'fortran_order': False, 'shape': (" + b"9" * 4000 + b", 0), }\n",
    ],
)
def test_headers_of_arrays_that_are_none(tmp_path: Path, header: bytes) -> None:
    array = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + bytes(64)
    path = zipped(tmp_path / "x.npz", ["x.npy", "y.npy"], content=array)
    for read in (sp.read, unlabelled_items):
        with raises_error(sp.InputError, "x.npz", expected="a .npz with x"):
            read(path)


def workbook(path: Path, part: str, change: Callable[[bytes], bytes]) -> Path:
    """A workbook with one of its parts changed."""
    book, whole = Workbook(), io.BytesIO()
    for row in ["a", "b", "label"], *([number, 2 * number, "xy"[number % 2]] for number in range(6)):
        book.active.append(row)
    book.active["B2"].number_format = "0.0[Red]"
    book.save(whole)
    with zipfile.ZipFile(whole) as old, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, change(old.read(name)) if name == part else old.read(name))
    return path


@pytest.mark.parametrize(
    ("part", "old", "new", "expected"),
    [
        ("xl/styles.xml", b"</styleSheet>", b"<a/>" * 200_000 + b"</styleSheet>", "131,072 elements"),
        ("[Content_Types].xml", b"</Types>", b"<a/>" * 200_000 + b"</Types>", "131,072 elements"),
        ("xl/workbook.xml", b"<sheets>", b" " * 2**24 + b"<sheets>", "at most 16 MiB"),
        ("xl/styles.xml", b'formatCode="0.0[Red]"', b'formatCode="' + b"[" * 60_000 + b'"', "at most 300 letters"),
        ("xl/styles.xml", b'formatCode="0.0[Red]"', b'formatCode="' + b"[" * 200 + b'"', "at most 300 letters"),
    ],
)
def test_workbooks_whose_parts_are_out_of_proportion(tmp_path: Path, part: str, old: bytes, new: bytes, expected: str) -> None:
    assert len(sp.read(workbook(tmp_path / "whole.xlsx", part, lambda content: content)).y) == 6
    path = workbook(tmp_path / "x.xlsx", part, lambda content: content.replace(old, new))
    with in_time(), raises_error(sp.InputError, "x.xlsx", expected=expected):
        sp.read(path)


def parquet(path: Path, column: pa.Array, name: str = "a", swap: bytes = b"") -> Path:
    pq.write_table(pa.table({name: column, "label": LABELS}), path, compression="none", store_schema=not swap)
    path.write_bytes(path.read_bytes().replace(swap or b"\0" * 99, b"\xff\xfe\xfa\xff\xff\xff\xff\xff"))
    return path


FAR = 2**62
COLUMNS = {
    "bytes that are no text": pa.array(["hello", "you", "QQQQQQQQ", "me"]),
    "times in lists": pa.array([[FAR], [1], [2], [3]], pa.list_(pa.timestamp("us"))),
    "days in lists": pa.array([[2**31 - 1], [1], [2], [3]], pa.list_(pa.int32())).cast(pa.list_(pa.date32())),
    "a zone that is none": pa.array([[1]] * 4, pa.list_(pa.timestamp("us", tz="Mars/Olympus"))),
    "times of day": pa.Array.from_buffers(pa.time64("us"), 4, [None, pa.py_buffer(np.array([2**60, 1, 2, 3]).tobytes())]),
    "times beyond what has a place": pa.array([FAR, 1, 2, 3], pa.timestamp("ms")),
}


@pytest.mark.parametrize("what", COLUMNS)
def test_values_that_python_cannot_hold(tmp_path: Path, what: str) -> None:
    swap = b"QQQQQQQQ" if what == "bytes that are no text" else b""
    with raises_error(sp.InputError, "x.parquet"):
        sp.read(parquet(tmp_path / "x.parquet", COLUMNS[what], swap=swap))
    if not swap:
        with raises_error(sp.InputError, "column 'a'"):
            sp.read(pa.table({"a": COLUMNS[what], "label": LABELS}))


def test_a_name_that_is_no_text_and_metadata_that_are_none(tmp_path: Path) -> None:
    with raises_error(sp.InputError, "x.parquet", got="UnicodeDecodeError"):
        sp.read(parquet(tmp_path / "x.parquet", pa.array([1.0, 2, 3, 4]), "QQQQQQQQ", b"QQQQQQQQ"))
    table = pa.table({"a": [1.0, 2, 3, 4], "label": LABELS})
    for metadata in ({"pandas": "[" * 100_000}, {"huggingface": '{"info": {"features": {"a": []}}}'}, {"huggingface": "[" * 100_000}):
        assert len(sp.read(table.replace_schema_metadata(metadata)).y) == 4


def test_whole_numbers_of_any_length(tmp_path: Path) -> None:
    many = "1" + "0" * 400
    (tmp_path / "words.json").write_text(f'[{{"a": "x", "y": 1}}, {{"a": "z", "y": 0}}, {{"a": {many}, "y": 1}}]')
    assert sp.read(tmp_path / "words.json", "y").x[2] == {"a": many}
    (tmp_path / "lists.jsonl").write_text("".join(f'{{"a": [{many}, 2], "label": "{label}"}}\n' for label in LABELS))
    with raises_error(sp.InputError, "column 'a'", expected="lists of numbers", got="too large"):
        sp.read(tmp_path / "lists.jsonl")


def test_a_table_of_blank_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "x.csv").write_text("a,label\n" + "\n" * 50 + "1,u\n2,v\n")
    assert len(sp.read(tmp_path / "x.csv").y) == 2
    monkeypatch.setattr("senpath.inputs.sources.text_tables.BLANK_LINES", 49)
    with raises_error(sp.InputError, "x.csv, line 51", expected="at most 49 blank lines"):
        sp.read(tmp_path / "x.csv")


@pytest.mark.parametrize("mode", ["P", "1", "I;16", "L", "RGB"])
def test_large_pictures_of_every_mode_are_averaged_down(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: str) -> None:
    """Half of it in one colour, half in another: seen alike whether it is averaged first or read as it is."""
    picture = Image.new(mode, (64, 64), {"1": 1, "P": 1, "RGB": (200, 0, 0)}.get(mode, 200))
    if mode == "P":
        picture.putpalette([*chain((255, 0, 0), (0, 0, 255))])
    picture.paste({"I;16": 40_000, "RGB": (0, 0, 90)}.get(mode, 0), (0, 0, 64, 32))
    picture.save(tmp_path / "x.png")
    modality = MODALITIES["image"]
    kind = modality.define([tmp_path / "x.png"])
    whole = modality.encode([tmp_path / "x.png"], kind)
    monkeypatch.setattr("senpath.inputs.modalities.image.PICTURE_PIXELS", 32 * 32)
    small = modality.define([tmp_path / "x.png"])
    assert small.shape[1:] == (32, 32)
    averaged = modality.encode([tmp_path / "x.png"], small)
    assert np.allclose(averaged[:, :, :16], whole[:, :, :16, :32], atol=1 / 255)
    assert np.allclose(averaged[:, :, 16:], whole[:, :, 48:, :32], atol=1 / 255)
