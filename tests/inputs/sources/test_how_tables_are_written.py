"""Tables as programs of all countries write them: what stands between values, before decimals and thousands, and above the header."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import senpath as sp
from senpath.testing import ConstantMethod
from tests.raising import raises_error

LABELS = ["x", "y", "x"]
WRITTEN: dict[str, tuple[str, str, list[float]]] = {
    "thousands beside decimals": ("t.csv", "a;label\n1.234,50;x\n999,00;y\n2.000;x\n", [1234.5, 999, 2000]),
    "thousands beside another column": ("t.csv", "a;b;label\n1.234;1,5;x\n999;2,5;y\n2.000.000;1;x\n", [1234, 999, 2e6]),
    "points among decimal commas": ("t.csv", "a;b;label\n48.137;1,5;x\n48.1;2,5;y\n4.125;1;x\n", [48.137, 48.1, 4.125]),
    "English numbers": ("t.csv", "a;label\n1,234;x\n1,234.5;y\n5;x\n", [1234, 1234.5, 5]),
    "French thousands": ("t.csv", "a;label\n1\u202f234,5;x\n12\u00a0345,5;y\n1 000;x\n", [1234.5, 12345.5, 1000]),
    "Swiss thousands": ("t.csv", "a;label\n1'234,5;x\n1,5;y\n12\u2019000;x\n", [1234.5, 1.5, 12000]),
    "tabs": ("t.tsv", "a\tlabel\n1,5\tx\n1.234,5\ty\n\tx\n4\tx\n", [1.5, 1234.5, 4]),
    "tabs, English numbers": ("t.tsv", "a\tlabel\n1,234\tx\n12\ty\n1,234,567\tx\n", [1234, 12, 1_234_567]),
    "bars": ("t.csv", "a|label\n1,5|x\n-2,25|y\n3|x\n", [1.5, -2.25, 3]),
}


@pytest.mark.parametrize("name", WRITTEN)
def test_numbers_as_other_countries_write_them(tmp_path: Path, name: str) -> None:
    file, text, values = WRITTEN[name]
    (tmp_path / file).write_text(text, encoding="utf-8")
    read = sp.read(tmp_path / file, bad="skip")  # a row without a value
    assert (read.x.column("a").tolist(), list(read.y)) == (values, LABELS)


def test_words_with_commas_are_no_numbers(tmp_path: Path) -> None:
    (tmp_path / "t.tsv").write_text("sizes\tlabel\n1,5\tx\n2,3,4\ty\nnone, yet\tx\n")
    assert sp.read(tmp_path / "t.tsv").x.column("sizes").tolist() == ["1,5", "2,3,4", "none, yet"]


DELIMITED: dict[str, tuple[str, str, list[str]]] = {
    "a comma in a name": ("t.csv", "speed, km/h;label\n3,5;x\n4,5;y\n5,5;x\n", ["speed, km/h"]),
    "more commas than values": ("t.csv", "speed (km/h, mean, dry);label\n3,5;x\n4,5;y\n5,5;x\n", ["speed (km/h, mean, dry)"]),
    "commas between tabs": ("t.tsv", "speed, km/h, mean\tlabel\n3\tx\n4\ty\n5\tx\n", ["speed, km/h, mean"]),
    "a semicolon in a name": ("t.csv", "a,b; c,label\n3,1,x\n4,1,y\n5,1,x\n", ["a", "b; c"]),
    "Excel says it": ("t.csv", "sep=;\na;b;label\n3;1;x\n4;1;y\n5;1;x\n", ["a", "b"]),
    "Excel says it, two columns": ("t.csv", "sep=;\na;label\n3;x\n4;y\n5;x\n", ["a"]),
    "blank lines first": ("t.csv", "\n \na,label\n3,x\n4,y\n5,x\n", ["a"]),
    "columns without anything": ("t.csv", "a,label,,\n3,x,,\n4,y, ,\n5,x,,\n", ["a"]),
    "an index, and columns without anything": ("t.csv", ",a,label,,\n0,3,x,,\n1,4,y,,\n2,5,x,,\n", ["a"]),
}


@pytest.mark.parametrize("name", DELIMITED)
def test_what_stands_between_values(tmp_path: Path, name: str) -> None:
    file, text, columns = DELIMITED[name]
    (tmp_path / file).write_text(text)
    read = sp.read(tmp_path / file)
    assert (read.x.columns, read.y.tolist()) == (columns, LABELS)


def test_values_without_a_name_are_not_lost(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,label,,\n3,x,,\n4,y,7,\n")
    with raises_error(sp.InputError, "line 3", expected="a name above each value", got="none above '7'"):
        sp.read(tmp_path / "t.csv")


@pytest.mark.parametrize("ending", ["json", "jsonl"])
def test_what_an_object_does_not_name_has_no_value(tmp_path: Path, ending: str) -> None:
    frame = pd.DataFrame({"a": [1, 2, 3], "label": LABELS, "b": [None, 5, None]})
    objects = [{name: value for name, value in row.items() if value == value} for row in frame.to_dict("records")]
    pd.Series(objects).to_json(tmp_path / f"t.{ending}", orient="records", lines=ending == "jsonl")
    read = sp.read(tmp_path / f"t.{ending}")
    assert (read.x.columns, "values missing: 'b' 2" in read.about) == (["a", "b"], True)


def test_objects_of_ever_other_names_take_no_memory(tmp_path: Path) -> None:
    (tmp_path / "t.jsonl").write_text("".join(f'{{"{place}": 1}}\n' for place in range(20_000)))
    with raises_error(sp.InputError, expected="at most 67,108,864 values"):
        sp.read(tmp_path / "t.jsonl")


def test_a_workbook_with_the_index_of_pandas(tmp_path: Path) -> None:
    pd.DataFrame({"a": [3.5, 4, 5], "label": LABELS}).to_excel(tmp_path / "t.xlsx")
    assert sp.read(tmp_path / "t.xlsx").x.columns == ["a"]


YEARS = pd.DataFrame(np.random.default_rng(0).normal(2000, 300, (20, 3)), columns=["2019", "2020", "2021"])


def test_names_that_are_numbers_are_asked_about_as_they_were_learned(tmp_path: Path) -> None:
    net = sp.Network()
    net.learn("sales", YEARS, [0, 1] * 10, method=ConstantMethod())
    YEARS.to_csv(tmp_path / "t.csv", index=False)
    for form in (YEARS, pl.from_pandas(YEARS), pa.Table.from_pandas(YEARS), tmp_path / "t.csv"):
        assert len(net.predict(form)) == 20
    YEARS.assign(**{"2022": LABELS[:2] * 10}).to_csv(tmp_path / "t.csv", index=False)
    assert sp.read(tmp_path / "t.csv", "2022").x.columns == [*YEARS.columns]


@pytest.mark.parametrize("label", [2, ("y", "kind")])
def test_labels_by_a_name_that_is_no_word(label: int | tuple[str, str]) -> None:
    names = pd.MultiIndex.from_tuples([("x", "a"), ("x", "b"), label]) if isinstance(label, tuple) else [0, 1, label]
    frame = pd.DataFrame([[1.0, 2.0, "u"], [2.0, 1.0, "v"]] * 5, columns=names)
    net = sp.Network()
    net.learn("t", frame, label, method=ConstantMethod())
    assert net.tasks["t"].classes_ == ("u", "v")
    assert net.predict(frame, task="t").label.tolist() == ["u", "v"] * 5


@pytest.mark.parametrize("order", [slice(None), [3, 0, 4, 1, 5, 2]])
def test_an_index_in_another_order_is_no_input(order: list[int] | slice) -> None:
    frame = pd.DataFrame({"a": np.arange(6.0), "label": ["x", "y"] * 3}).iloc[order].reset_index()
    assert sp.read(frame).x.columns == ["a"]


def test_columns_of_arrays_are_rows() -> None:
    vectors = np.random.default_rng(0).normal(size=(6, 4))
    labels = ["x", "y"] * 3
    frames = pd.DataFrame({"vector": [*vectors], "label": labels}), pl.DataFrame({"vector": vectors, "label": labels})
    for frame in frames:
        np.testing.assert_array_equal(sp.read(frame).x, vectors)
        net = sp.Network()
        net.learn("t", frame, method=ConstantMethod())
        assert len(net.predict(frame[["vector"]])) == 6
