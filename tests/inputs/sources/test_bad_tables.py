"""Tables that cannot be read: the file, the line and the column are named, and nothing large is loaded."""

from __future__ import annotations

import csv
import resource
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet

import senpath as sp

BAD: dict[str, tuple[str, bytes, str]] = {
    "empty": ("t.csv", b"", r"table .*t.csv: expected a header line of names that differ, got none"),
    "an empty line": ("t.csv", b"\n", r"table .*t.csv: expected a header line"),
    "only a header": ("t.csv", b"a,label\n", r"table .*t.csv: expected rows to learn from, got none"),
    "only labels": ("t.csv", b"label\nx\ny\n", r"table .*t.csv: expected at least one column beside the labels, got none"),
    "a name twice": ("t.csv", b"a,a,label\n1,2,x\n", r"table .*t.csv: .* names that differ, got \['a', 'a', 'label'\]"),
    "too few values": ("t.csv", b"a,label\n1,x\n1\n", r"table .*t.csv, line 3: expected 2 values, got 1"),
    "too many values": ("t.csv", b"a,label\n1,u\n\n1,u,3\n", r"table .*t.csv, line 4: expected 2 values, got 3"),
    "an open quote": ("t.csv", b'a,label\n1,x\n"2,x\n3,y\n', r"table .*t.csv, line 3: .* got unexpected end of data"),
    "latin-1": (
        "t.csv",
        "a,label\n1,x\n2,é\n".encode("latin-1"),
        r"table .*t.csv, line 3: expected a .csv in UTF-8 .*0xe9.* Save it as UTF-8",
    ),
    "utf-16": ("t.csv", "a,label\n1,x\n".encode("utf-16"), r"table .*t.csv, line 1: expected a .csv in UTF-8 .* got NUL bytes"),
    "a NUL byte": ("t.csv", b"a,label\n1,x\n\0,y\n", r"table .*t.csv, line 3: .* got NUL bytes"),
    "an endless line": ("t.csv", b"a,label\n" + b"1," * 2**24, r"table .*t.csv, line 2: .* got a line of more than 32 MiB"),
    "an endless value": (
        "t.csv",
        b'a,label\n1,x\n"' + (b"1" * 1023 + b"\n") * (2**14 + 1),
        r"table .*t.csv, line 3: expected values as a .csv has them, got field larger than field limit \(16777216\)",
    ),
    "JSON of nothing": ("t.json", bytes(2**23), r"table .*t.json, line 1: expected JSON in UTF-8, got NUL bytes"),
    "nothing": ("t.csv", b"a,b,label\n1,2,x\n,,y\n4,5,x\n", r"t.csv, line 3: expected at least one value, got none"),
    "a word among numbers": ("t.csv", b"a,label\n1,x\n2,y\nno,x\n", r"t.csv, line 4, column 'a': expected a finite number, .* got 'no'"),
    "a word among times": (
        "t.csv",
        b"a,label\n2020-01-01,x\n2020-01-02,y\nsoon,x\n",
        r"t.csv, line 4, column 'a': expected a date or time, as most of the column, got 'soon'",
    ),
    "infinity": ("t.csv", b"a,label\n1,x\ninf,y\n", r"t.csv, line 3, column 'a': expected a finite number, .* got 'inf'"),
    "a gap among labels": ("t.csv", b"a,label\n1,\n2,y\n", r"t.csv, line 2, column 'label': expected a label, got no value"),
    "a gap among texts": ("t.csv", b"text,label\na b,x\n,y\nc d,x\n", r"t.csv, line 3, column 'text': expected a text, got no value"),
    "no JSON": ("t.jsonl", b'{"a": 1, "label": "x"}\n{"a": 1', r"table .*t.jsonl, line 2: expected a JSON object, got Expecting"),
    "another name": (
        "t.jsonl",
        b'{"a": 1, "label": 0}\n{"b": 1}',
        r"t.jsonl, line 2, column 'label': expected a label, got no value",
    ),
    "no names": ("t.jsonl", b"{}", r"t.jsonl: expected a column of labels, and one beside it, got none"),
    "no object": ("t.jsonl", b'{"a": 1, "label": 0}\n[1]', r"t.jsonl, line 2: expected an object of values by name, got a list"),
    "a missing name": (
        "t.jsonl",
        b'{"a": 1, "label": 0}\n{"label": 1}',
        r"t.jsonl, line 2: expected at least one value, got none",
    ),
    "no list": ("t.json", b'{"a": [1]}', r"table .*t.json: expected a JSON list of objects, got a JSON dict"),
    "deep": ("t.json", b"[" * 100_000, r"table .*t.json: expected a JSON list of objects, got .*recursion"),
    "broken": ("t.json", b"[{]", r"table .*t.json: expected a JSON list of objects, got Expecting"),
    "lists among numbers": (
        "t.json",
        b'[{"a": 1, "b": [1], "label": 0}]',
        r"table .*t.json, column 'b': expected numbers, words or times, got list",
    ),
    "odd files": (
        "t.jsonl",
        b'{"image": {"bytes": 1, "path": 2}, "label": 0}',
        r"t.jsonl, line 1, column 'image': expected the name of a file",
    ),
    "no parquet": ("t.parquet", b"PAR1 cut", r"table .*t.parquet: expected a readable .parquet file, got ArrowInvalid"),
    "no lines": ("t.txt", b"", r"texts .*t.txt: expected rows to learn from, got none"),
}


@pytest.mark.parametrize(("name", "content", "message"), BAD.values(), ids=BAD)
def test_they_are_refused(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    limit = csv.field_size_limit()
    with pytest.raises(sp.InputError, match=message):
        sp.read(tmp_path / name)
    assert csv.field_size_limit() == limit


SKIPPED: dict[str, tuple[bytes, list[str]]] = {
    "values": (b"a,b,label\n1,2,x\n1,y\n3,4,y\n", ["line 3"]),
    "nothing": (b"a,b,label\n1,2,x\n,,x\n5,6,\n7,8,z\n", ["line 4", "line 3"]),
    "words": (b"a,b,label\n1,2,x\n1,u,y\n3,4,y\n", ["line 3"]),
    "lines within quotes": (b'a,b,label\n"1",2,"x\nx"\n3,u,y\n4,5,z\n', ["line 4"]),
}


@pytest.mark.parametrize("name", SKIPPED)
def test_rows_are_left_out_and_listed(tmp_path: Path, name: str) -> None:
    content, lines = SKIPPED[name]
    (tmp_path / "t.csv").write_bytes(content)
    found = sp.read(tmp_path / "t.csv", bad="skip")
    assert [where for where, _ in found.skipped] == lines
    assert all("t.csv, " + where in why for where, why in found.skipped)
    assert (len(found.x), len(found.y)) == (2, 2)
    assert found.about.startswith("2 rows, 2 columns of numbers")


def test_all_left_out_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,b,label\n1,inf,x\n,,y\n2,inf,z\n,inf,x\n")
    with pytest.raises(
        sp.InputError, match=r"t.csv: expected at least one input that can be read, got none: all 4 were left out, line 2 because of"
    ):
        sp.read(tmp_path / "t.csv", bad="skip")


def test_gaps_of_a_data_frame() -> None:
    frame = pd.DataFrame({"a": [1, None, 3], "label": ["x", "y", None]})
    with pytest.raises(sp.InputError, match="data frame, row 2, column 'label': expected a label, got no value"):
        sp.read(frame)
    found = sp.read(frame, bad="skip")
    assert (list(found.y), [where for where, _ in found.skipped]) == (["x"], ["row 2", "row 1"])


@pytest.mark.parametrize("name", ["z.csv", "z.tsv", "z.txt", "z.json", "z.jsonl", "z.npz", "z.parquet", "a/z.png", "a/z.wav", "a/z.txt"])
def test_ten_gigabytes_of_nothing(tmp_path: Path, name: str) -> None:
    path = tmp_path / "data" / name
    path.parent.mkdir(parents=True)
    with path.open("wb") as file:
        file.truncate(10 * 2**30)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(sp.InputError, match=name):
        sp.read(tmp_path / "data" if "/" in name else path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000  # KiB


def test_a_small_parquet_file_of_many_rows(tmp_path: Path) -> None:
    parquet.write_table(pa.table({"a": pa.nulls(600_000_000)}), tmp_path / "t.parquet", row_group_size=2**30)
    assert (tmp_path / "t.parquet").stat().st_size < 2**20
    with pytest.raises(sp.InputError, match=r"table .*t.parquet: expected at most 1 GiB in memory, got 4.5 GiB"):
        sp.read(tmp_path / "t.parquet")


def test_parquet_without_its_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pd.DataFrame({"a": [1, 2], "label": [0, 1]}).to_parquet(tmp_path / "t.parquet")
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(sp.MissingExtraError, match=r"Parquet files: expected pyarrow, got not installed. pip install 'senpath\[tables\]'"):
        sp.read(tmp_path / "t.parquet")
