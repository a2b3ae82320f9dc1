"""Files to predict."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from senpath.errors import InputError
from senpath.inputs.modalities.columns import Rows
from senpath.inputs.sources import read_unlabelled
from senpath.types import DataType

ROWS = [{"a": 1.0, "b": 2.0}, {"a": 3.0, "b": 4.0}]


@pytest.mark.parametrize("ending", [".csv", ".tsv", ".json", ".jsonl", ".parquet"])
@pytest.mark.parametrize("label", [True, False])
def test_rows_of_every_kind_of_table(tmp_path: Path, ending: str, label: bool) -> None:
    frame = pd.DataFrame(ROWS).assign(**({"label": ["x", "y"]} if label else {}))
    path = tmp_path / f"t{ending}"
    if ending == ".parquet":
        frame.to_parquet(path)
    elif ending.startswith(".json"):
        frame.to_json(path, orient="records", lines=ending == ".jsonl")
    else:
        frame.to_csv(path, index=False, sep="," if ending == ".csv" else "\t")
    assert read_unlabelled([path]) == ([f"t{ending}[0]", f"t{ending}[1]"], ROWS)


def test_columns_of_a_known_table_are_chosen(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("id,b,a,species\n7,2,1,x\n8,4,3,y\n")
    tables = [DataType("table", (len(columns),), {"columns": [*columns]}) for columns in ("c", "a", "ab", "cd")]
    assert read_unlabelled([tmp_path / "t.csv"], tables)[1] == ROWS
    assert read_unlabelled([tmp_path / "t.csv"], [DataType("table", (2,), {"columns": ["a", "c"]})])[1][0].keys() == {
        *"ab",
        "id",
        "species",
    }


def test_texts_and_files(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text('text,label\n"one, two",u\nthree,v\n')
    Image.new("L", (4, 4)).save(tmp_path / "p.png")
    np.savez(tmp_path / "b.npz", x=np.zeros((2, 4, 4)))
    names, items = read_unlabelled([tmp_path / "t.csv", tmp_path / "p.png", tmp_path / "b.npz"])
    assert names == ["t.csv[0]", "t.csv[1]", "p.png", "b.npz[0]", "b.npz[1]"]
    assert items[:3] == ["one, two", "three", tmp_path / "p.png"]


def test_a_row_of_nothing_is_named(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,b\n1,2\n,\n")
    with pytest.raises(InputError, match=r"table .*t.csv, line 3: expected at least one value, got none") as refused:
        read_unlabelled([tmp_path / "t.csv"])
    assert "skip" not in str(refused.value)  # of what is to be predicted nothing is left out


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("p.png", "image .*p.png: expected a readable picture file"),
        ("s.wav", "s.wav: expected a readable sound file"),
        ("t.txt", "file .*t.txt: expected a text in UTF-8"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, name: str, message: str) -> None:
    (tmp_path / name).write_bytes(b"\x89PNG cut")
    with pytest.raises(InputError, match=message):
        read_unlabelled([tmp_path / name])


@pytest.mark.parametrize("ending", [".csv", ".tsv", ".jsonl", ".json", ".xlsx"])
def test_an_error_stands_for_a_broken_line(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"t{ending}"
    if ending == ".xlsx":
        pd.DataFrame([["a", "b", None], [1, 2, None], [3, 4, 5], [3, 4, None]]).to_excel(path, index=False, header=False)
    elif ending == ".json":
        path.write_text('[{"a": 1, "b": 2}, 7, {"a": 3, "b": 4}]')
    elif ending == ".jsonl":
        path.write_text('{"a": 1, "b": 2}\n{"a": 3,\n{"a": 3, "b": 4}\n')
    else:
        path.write_text("a,b\n1,2\n3\n3,4\n".replace(",", "," if ending == ".csv" else "\t"))
    with pytest.raises(InputError, match=f"table .*t{ending}, (line|row) [123]: expected"):
        read_unlabelled([path])
    for known in ([], [DataType("table", (2,), {"columns": ["a", "b"]})]):
        names, (first, broken, last) = read_unlabelled([path], known, skip=True)
        assert names == [f"t{ending}[{place}]" for place in range(3)]
        assert ([float(value) for value in first.values()], [float(value) for value in last.values()]) == ([1, 2], [3, 4])
        assert isinstance(broken, InputError)
        assert f"t{ending}, " in broken.what


@pytest.mark.parametrize(("name", "content"), [("t.json", "[]"), ("t.json", "[{}, {}]"), ("t.jsonl", "\n"), ("t.csv", "label\na\nb\n")])
@pytest.mark.parametrize("known", [[], [DataType("image", (1, 8, 8))], [DataType("table", (1,), {"columns": ["a"]})]])
def test_a_table_without_inputs_is_refused(tmp_path: Path, name: str, content: str, known: list[DataType]) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(InputError, match=r"expected (at least one column|.*header)"):
        read_unlabelled([tmp_path / name], known)
    (error,) = read_unlabelled([tmp_path / name], known, skip=True)[1]
    assert isinstance(error, InputError)
    assert [*Rows({})] == []


def test_an_error_stands_for_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    picture = io.BytesIO()
    Image.new("L", (4, 4)).save(picture, "PNG")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as packed:
        for name, content in [("d/0.png", picture.getvalue()), ("d/1.png", b"\x89PNG cut"), ("t.csv", b"text\none\ntwo\n")]:
            packed.writestr(name, content)
    (tmp_path / "latin.csv").write_bytes(b"a,b\n1,\xe9\n")
    names, items = read_unlabelled([tmp_path / "a.zip", tmp_path / "latin.csv"], skip=True)
    assert names == ["a.zip/d/0.png", "a.zip/d/1.png", "a.zip/t.csv[0]", "a.zip/t.csv[1]", "latin.csv"]
    assert items[2:4] == ["one", "two"]
    assert [type(item) is InputError for item in items] == [False, True, False, False, True]
    assert str(items[1]).startswith(f"image {tmp_path / 'a.zip' / 'd' / '1.png'}: expected a readable picture file")
    assert "senpath-" not in f"{items[1]} {items[1].expected} {items[1].got}", "the folder that it was unpacked into"
    (tmp_path / "all.jsonl").write_text("{\n7\n")
    assert [error.what[-6:] for error in read_unlabelled([tmp_path / "all.jsonl"], skip=True)[1]] == ["line 1", "line 2"]
    with pytest.raises(InputError, match=r"image .*a.zip/d/1.png: expected a readable picture file"):
        read_unlabelled([tmp_path / "a.zip"])


def test_files_of_one_name_are_told_apart(tmp_path: Path) -> None:
    for folder in "ab":
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "note.txt").write_text(folder)
    (tmp_path / "other.txt").write_text("c")
    files = [tmp_path / "a" / "note.txt", tmp_path / "b" / "note.txt", tmp_path / "other.txt"]
    assert read_unlabelled(files)[0] == [str(files[0]), str(files[1]), "other.txt"]
    with pytest.raises(InputError, match=r"file .*a: expected a file, got a folder. Give the files in it: .*a/\*"):
        read_unlabelled([tmp_path / "a"])
