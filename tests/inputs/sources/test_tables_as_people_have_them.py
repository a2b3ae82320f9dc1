"""Tables as pandas, spreadsheets and people write them: with an index, without a header, blanks around words, gaps that are masked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from sklearn.datasets import load_iris

import senpath as sp
from senpath.inputs.sources import read_unlabelled
from senpath.testing import ConstantMethod
from tests.raising import raises_error

IRIS = load_iris()
FLOWERS = pd.DataFrame(IRIS.data, columns=[*"abcd"]).assign(species=IRIS.target_names[IRIS.target])
SOME = FLOWERS[FLOWERS.a > 4.8]
NAMED = SOME.set_index(pd.Index([f"r{place}" for place in range(len(SOME))], name="sample"))
INDEXED: dict[str, Any] = {
    "parquet": lambda folder: SOME.to_parquet(folder / "t.parquet") or folder / "t.parquet",
    "parquet, an index with a name": lambda folder: NAMED.to_parquet(folder / "t.parquet") or folder / "t.parquet",
    "csv": lambda folder: SOME.to_csv(folder / "t.csv") or folder / "t.csv",
    "csv, written twice": lambda folder: (
        SOME.to_csv(folder / "a.csv") or pd.read_csv(folder / "a.csv").to_csv(folder / "t.csv") or folder / "t.csv"
    ),
    "datasets": lambda _: datasets.Dataset.from_pandas(SOME),
    "pyarrow": lambda _: pa.Table.from_pandas(NAMED),
    "a frame, the index reset": lambda _: SOME.reset_index(),
}


@pytest.mark.parametrize("form", INDEXED)
def test_an_index_is_neither_label_nor_input(tmp_path: Path, form: str) -> None:
    data = sp.read(INDEXED[form](tmp_path))
    assert (data.x.columns, data.y.tolist()) == ([*"abcd"], SOME.species.tolist())
    assert "label 'species'" in data.about


def test_an_index_is_no_input_to_predict(tmp_path: Path) -> None:
    NAMED.drop(columns="species").to_parquet(tmp_path / "t.parquet")
    _, items = read_unlabelled([tmp_path / "t.parquet"])
    assert [*items[0]] == [*"abcd"]


def test_an_index_that_is_asked_for_is_the_label() -> None:
    assert sp.read(pa.Table.from_pandas(FLOWERS.set_index("species")), "species").y.tolist() == FLOWERS.species.tolist()
    assert sp.read(pa.Table.from_pandas(FLOWERS.rename(columns={"species": "label"}).set_index("label"))).x.columns == [*"abcd"]


@pytest.mark.parametrize(
    ("column", "got"),
    [
        ({"number": range(60)}, "'number', whose 60 values all differ"),
        ({"who": [f"person {place}" for place in range(60)]}, "'who', whose 60 values all differ"),
        ({"text": ["good", "bad"] * 30}, "'text', which by its name holds texts"),
        ({"id": [*range(40), *range(20)]}, "'id', which by its name holds names of rows"),
    ],
)
def test_a_column_that_can_hardly_hold_labels_is_not_guessed(tmp_path: Path, column: dict[str, Any], got: str) -> None:
    frame = pd.DataFrame({"a": np.arange(60.0), "b": [*"xyz"] * 20}).assign(**column)
    frame.to_csv(tmp_path / "t.csv", index=False)
    for data in (frame, tmp_path / "t.csv"):
        with raises_error(sp.InputError, expected="a column of labels", got=got, do="there are also 'a', 'b'"):
            sp.read(data)
        assert sp.read(data, "b", modality="text" if "who" in column else None).y.tolist() == [*"xyz"] * 20


def test_numbers_to_be_predicted_may_all_differ(tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": np.arange(60.0), "price": np.arange(60)})
    frame.to_csv(tmp_path / "t.csv", index=False)
    net = sp.Network()
    net.learn("prices", tmp_path / "t.csv", kind="regression", method=ConstantMethod())
    assert sp.evaluate(net, {"prices": frame}).scores["prices"].examples == 60


@pytest.mark.parametrize("form", ["csv", "frame", "parquet"])
def test_blanks_around_labels_words_and_names(tmp_path: Path, form: str) -> None:
    frame = pd.DataFrame({" a ": ["u ", " u", "v"] * 4, "label ": [" x", "x ", "\u00a0y"] * 4})
    frame.to_csv(tmp_path / "t.csv", index=False)
    frame.to_parquet(tmp_path / "t.parquet")
    data = sp.read(frame if form == "frame" else tmp_path / f"t.{form}")
    assert (data.x.columns, data.y.tolist()) == (["a"], ["x", "x", "y"] * 4)
    net = sp.Network()
    net.learn("t", data, method=ConstantMethod())
    (known,) = net.view.types.values()
    assert known.options["categories"] == {"a": ["u", "v"]}
    assert net.predict(pd.DataFrame({"a": ["u"]}), task="t").task.tolist() == ["t"]


@pytest.mark.parametrize("word", ["NA", "n/a", "null", "NaN", "nan", "<NA>"])
def test_words_that_stand_for_no_label(tmp_path: Path, word: str) -> None:
    (tmp_path / "t.csv").write_text(f"a,label\n1,x\n2,{word}\n3,y\n")
    with raises_error(sp.InputError, "line 3, column 'label'", expected="a label", got="no value"):
        sp.read(tmp_path / "t.csv")
    assert sp.read(tmp_path / "t.csv", bad="skip").y.tolist() == ["x", "y"]


MASKED = np.ma.masked_array(np.arange(12.0).reshape(4, 3), mask=np.eye(4, 3))


@pytest.mark.parametrize("x", [MASKED, MASKED.astype(int), [*MASKED]])
def test_what_is_masked_is_missing(x: Any) -> None:
    net = sp.Network()
    learned = net.learn("t", x, [0, 1, 0, 1], method=ConstantMethod())
    assert learned.notes[0] == "column 'x0': 1 value missing, read as the median, 6, marked as such"


def test_of_a_picture_nothing_may_be_missing() -> None:
    with raises_error(sp.InputError, "0", expected="finite numbers", got="NaN"):
        sp.Network().learn("t", MASKED[:, :, None].repeat(3, 2) / 12, [0, 1, 0, 1], method=ConstantMethod())


def test_a_mask_of_nothing_changes_nothing() -> None:
    net = sp.Network()
    net.learn("t", np.ma.masked_array(MASKED.data), [0, 1, 0, 1], method=ConstantMethod())
    assert net.encode(np.ma.masked_array(MASKED.data)).batches[0].inputs.equal(net.encode(MASKED.data).batches[0].inputs)


@pytest.mark.parametrize(
    "lines",
    [
        ["5.1,3.5,1.4,setosa", "4.9,3.0,1.4,setosa", "6.3,3.3,6.0,virginica"],
        ["5.1,3.5,0", "4.9,3.0,1", "6.3,3.3,0"],
        ["red,12,yes", "blue,15,no", "red,11,no", "blue,14,yes"],
    ],
)
def test_a_first_row_of_values_is_no_header(tmp_path: Path, lines: list[str]) -> None:
    (tmp_path / "t.csv").write_text("\n".join(lines))
    for data in (tmp_path / "t.csv", pd.read_csv(tmp_path / "t.csv")):
        with raises_error(sp.InputError, expected="a header line", got="looks like the others", do="into the first line"):
            sp.read(data)


@pytest.mark.parametrize("header", ["0,1,2", "1,2,3", "2019,2020,label", "400.5,401.0,label"])
def test_numbers_may_be_names(tmp_path: Path, header: str) -> None:
    (tmp_path / "t.csv").write_text(f"{header}\n0.5,1,0\n1.5,2,1\n2.5,0,2\n")
    assert sp.read(tmp_path / "t.csv").x.columns == header.split(",")[:2]


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ('a,label\n"1,234",x\n"12",y\n"1,234,567.5",x\n', [1234, 12, 1_234_567.5]),
        ("a;label\n1.234,5;x\n12;y\n0,5;x\n", [1234.5, 12, 0.5]),
        ("a|label\n1|x\n2|y\n3|x\n", [1, 2, 3]),
        ('a, "label"\n1, "x"\n2, "y"\n3, "x"\n', [1, 2, 3]),
    ],
)
def test_how_numbers_and_columns_are_written(tmp_path: Path, text: str, values: list[float]) -> None:
    (tmp_path / "t.csv").write_text(text)
    data = sp.read(tmp_path / "t.csv")
    assert (data.x.column("a").tolist(), data.y.tolist()) == (values, ["x", "y", "x"])


@pytest.mark.parametrize("values", [["2020-01-01", "2020-01-02", "2020-02-01"], ["10%", "20%", "30%"], ["$1", "$2", "$3"]])
def test_dates_and_prices_are_no_texts(values: list[str]) -> None:
    assert sp.read(pd.DataFrame({"a": values, "label": [0, 1, 0]})).modality == "table"


def test_tables_of_other_columns_are_other_types() -> None:
    net = sp.Network()
    net.learn("t", pd.DataFrame({"c0": np.arange(8.0)}), [0, 1] * 4, method=ConstantMethod())
    (key,) = net.view.types
    assert len(key.removeprefix("table-")) == 32
    net.learn("u", pd.DataFrame({"a\x1fb": np.arange(8.0)}), [0, 1] * 4, method=ConstantMethod())
    net.learn("v", pd.DataFrame({"a": np.arange(8.0), "b": np.arange(8.0)}), [0, 1] * 4, method=ConstantMethod())
    assert len({net.tasks[name].data_type for name in "tuv"}) == 3
