"""Columns of names, whatever they look like; and values that Python or numpy take for other numbers than they are."""

from __future__ import annotations

import datetime as dt
import sqlite3
from contextlib import closing
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import senpath as sp
from senpath.inputs.modalities.plans import plans_of
from senpath.testing import ConstantMethod
from tests.raising import raises_error

CODES = [3, 11, 3, 7] * 3
LABELS = ["x", "y"] * 6
NUMBERS = np.arange(12.0)


def learned(x: Any, y: Any = None) -> tuple[sp.Network, dict[str, str], dict[str, list[str]]]:
    """A network with one task, what its columns became, and the words of those that have some."""
    net = sp.Network()
    net.learn("t", x, y, method=ConstantMethod())
    (kind,) = net.view.types.values()
    return net, {plan.name: plan.form for plan in plans_of(kind.options)}, kind.options.get("categories", {})


PLACES = pd.DataFrame({"code": pd.Categorical(CODES), "n": NUMBERS, "label": LABELS})
FORMS: dict[str, Any] = {
    "pandas": lambda _: PLACES,
    "parquet": lambda folder: PLACES.to_parquet(folder / "t.parquet") or folder / "t.parquet",
    "pyarrow": lambda _: pa.Table.from_pandas(PLACES),
    "a dictionary of pyarrow": lambda _: pa.table({"code": pa.array(CODES).dictionary_encode(), "n": NUMBERS, "label": LABELS}),
    "words of pandas": lambda _: PLACES.assign(code=pd.Categorical([*map(str, CODES)])),
    "words in parquet": lambda folder: (
        PLACES.assign(code=pd.Categorical([*map(str, CODES)])).to_parquet(folder / "t.parquet") or folder / "t.parquet"
    ),
    "polars": lambda _: pl.DataFrame({"code": pl.Series([*map(str, CODES)], dtype=pl.Categorical), "n": NUMBERS, "label": LABELS}),
    "a type of polars": lambda _: pl.DataFrame(
        {"code": pl.Series([*map(str, CODES)], dtype=pl.Enum(["3", "7", "11"])), "n": NUMBERS, "label": LABELS}
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_numbers_that_are_categories_are_names(tmp_path: Path, form: str) -> None:
    net, forms, words = learned(FORMS[form](tmp_path))
    assert (forms, words) == ({"code": "words", "n": "numbers"}, {"code": ["11", "3", "7"]})
    encoded = net.encode(PLACES).batches[0].inputs
    for same in (PLACES.astype({"code": int}), PLACES.astype({"code": float}), PLACES[["n", "code"]].to_dict("records")):
        assert net.encode(same).batches[0].inputs.equal(encoded)


def test_categories_beside_their_labels_and_with_gaps() -> None:
    codes = pd.Categorical([*CODES[:-1], None])
    _, forms, words = learned(PLACES[["n"]].assign(code=codes, bins=pd.cut(NUMBERS, 2)), LABELS)
    assert forms == {"n": "numbers", "code": "words", "bins": "words"}
    assert words == {"code": ["11", "3", "7"], "bins": ["(-0.011, 5.5]", "(5.5, 11.0]"]}


@pytest.mark.parametrize("form", ["pandas", "parquet"])
def test_what_is_measured_stays_so(tmp_path: Path, form: str) -> None:
    frame = pd.DataFrame(
        {
            "grade": pd.Categorical(CODES, ordered=True),
            "paid": pd.Categorical([True, False] * 6),
            "day": pd.Categorical(pd.date_range("2020-01-01", periods=12)),
            "label": LABELS,
        }
    )
    if form == "parquet":
        frame.to_parquet(tmp_path / "t.parquet")
    assert learned(frame if form == "pandas" else tmp_path / "t.parquet")[1] == {"grade": "numbers", "paid": "numbers", "day": "times"}


def test_labels_that_are_categories_of_numbers_are_numbers() -> None:
    net, _, _ = learned(PLACES[["n"]].assign(label=pd.Categorical(CODES)))
    assert net.tasks["t"].classes_ == (3, 7, 11)


@pytest.mark.parametrize("wrap", [np.array, lambda codes: pd.Series(codes), lambda codes: np.array(codes, dtype=object)])
def test_digits_with_underscores_are_words(wrap: Any) -> None:
    codes = wrap(["1_23", "12_3", "1_23", "7"] * 3)
    _, forms, words = learned(pd.DataFrame({"code": codes, "label": LABELS}))
    assert (forms, words) == ({"code": "words"}, {"code": ["12_3", "1_23", "7"]})


MINUTES = [5, 60, 7, 8] * 3
DURATIONS: dict[str, list[Any]] = {
    "pandas": [pd.Timedelta(minutes=each) for each in MINUTES],
    "Python": [dt.timedelta(minutes=each) for each in MINUTES],
    "numpy": [np.timedelta64(each, "m") for each in MINUTES],
    "numpy, nanoseconds": [np.timedelta64(each * 60 * 10**9, "ns") for each in MINUTES],
}


@pytest.mark.parametrize("form", DURATIONS)
def test_durations_in_rows_are_seconds_as_in_a_frame(form: str) -> None:
    frame = pd.DataFrame({"d": pd.to_timedelta(MINUTES, unit="m"), "n": NUMBERS})
    net, _, _ = learned(frame, LABELS)
    rows = [{"d": duration, "n": number} for duration, number in zip(DURATIONS[form], NUMBERS, strict=True)]
    assert net.encode(rows).batches[0].inputs.equal(net.encode(frame).batches[0].inputs)
    assert learned(rows, LABELS)[0].encode(frame).batches[0].inputs.equal(net.encode(frame).batches[0].inputs)


def test_days_in_rows_are_days_whatever_their_unit() -> None:
    days = pd.date_range("2020-01-01", periods=12)
    net, _, _ = learned(pd.DataFrame({"day": days, "n": NUMBERS}), LABELS)
    encoded = net.encode(pd.DataFrame({"day": days, "n": NUMBERS})).batches[0].inputs
    for unit in ("D", "s", "ns"):
        rows = [{"day": day, "n": number} for day, number in zip(days.to_numpy().astype(f"datetime64[{unit}]"), NUMBERS, strict=True)]
        assert net.encode(rows).batches[0].inputs.equal(encoded)
        assert learned(rows, LABELS)[1] == {"day": "times", "n": "numbers"}


def test_one_row_of_what_was_read_is_that_row(tmp_path: Path) -> None:
    times = pd.date_range("2020-01-01 06:00", periods=12, freq="7h", unit="ns")
    frame = pd.DataFrame({"d": pd.to_timedelta(MINUTES, unit="m"), "day": times, "n": NUMBERS, "label": LABELS})
    frame.to_parquet(tmp_path / "t.parquet")
    data = sp.read(tmp_path / "t.parquet")
    net, _, _ = learned(data)
    encoded = net.encode(data).batches[0].inputs
    for row in (data.x[3], frame.drop(columns="label").iloc[3], frame.iloc[3].to_dict()):
        assert net.encode(row).batches[0].inputs[0].equal(encoded[3])


def test_rows_as_a_database_gives_them() -> None:
    rows = [
        (number, "red" if place % 3 else "blue", None if place % 4 == 0 else place, dt.date(2020, 1, 2))
        for place, number in enumerate(NUMBERS)
    ]
    net, forms, words = learned(rows, LABELS)
    assert (forms, words) == ({"x0": "numbers", "x1": "words", "x2": "numbers", "x3": "times"}, {"x1": ["blue", "red"]})
    assert net.encode([list(row) for row in rows]).batches[0].inputs.equal(net.encode(np.array(rows, dtype=object)).batches[0].inputs)


def test_one_row_with_a_gap() -> None:
    net, _, _ = learned([[1.0, None], [2.0, 3.0], [4.0, 5.0]] * 4, LABELS)
    assert net.encode([4.0, None]).batches[0].inputs.equal(net.encode([{"x0": 4.0, "x1": np.nan}]).batches[0].inputs)
    with pytest.raises(sp.InputError, match="input 0: expected an array, str"):
        sp.Network().learn("t", [["a", "b"], ["c", None]], [0, 1])


def test_columns_may_be_called_anything() -> None:
    frame = pd.DataFrame(
        {name: NUMBERS + place for place, name in enumerate(["named", "collect", "columns", "index_", "dtype", "samples", "rate"])}
    )
    net, _, _ = learned(frame, LABELS)
    assert net.encode(frame).batches[0].inputs.equal(net.encode(frame.to_dict("records")).batches[0].inputs)


def test_a_batch_of_arrow_is_a_table() -> None:
    values = {"n": [1, None, 3] * 4, "word": ["u", "v", None] * 4, "when": [dt.datetime(2020, 1, 2), None, dt.datetime(2021, 1, 2)] * 4}
    table, batch = pa.table({**values, "label": LABELS}), pa.RecordBatch.from_pydict({**values, "label": LABELS})
    net, forms, _ = learned(batch, "label")
    assert forms == {"n": "numbers", "word": "words", "when": "times"}
    assert net.encode(batch).batches[0].inputs.equal(net.encode(table).batches[0].inputs)


def test_a_sparse_matrix_that_is_a_dictionary_too() -> None:
    from scipy.sparse import csr_matrix, dok_matrix

    x = csr_matrix(np.eye(12) + np.arange(12))
    net, _, _ = learned(x, LABELS)
    assert net.predict(dok_matrix(x)).label.tolist() == net.predict(x).label.tolist()


def test_rows_one_by_one_have_their_names() -> None:
    frame = pd.DataFrame({"a": NUMBERS, "b": NUMBERS % 3})
    net, _, _ = learned(frame, LABELS)
    encoded = net.encode(frame).batches[0].inputs
    with closing(sqlite3.connect(":memory:")) as database:
        database.row_factory = sqlite3.Row
        frame.to_sql("t", database, index=False)
        stored = database.execute("SELECT * FROM t").fetchall()
    for rows in (stored, [row for _, row in frame.iterrows()], [MappingProxyType(row) for row in frame.to_dict("records")]):
        assert net.encode(rows).batches[0].inputs.equal(encoded)
        assert learned(rows, LABELS)[0].encode(frame).batches[0].inputs.equal(encoded)


@pytest.mark.parametrize("wrap", [lambda frame: frame, pl.from_pandas])
def test_a_column_that_is_the_labels_is_no_input(wrap: Any) -> None:
    frame = wrap(pd.DataFrame({"a": NUMBERS, "b": NUMBERS % 3, "kind": LABELS}))
    assert learned(frame, frame["kind"])[1] == {"a": "numbers", "b": "numbers"}
    net, _, _ = learned(frame[["a", "b"]], frame["kind"])
    assert sp.evaluate(net, {"t": (frame, frame["kind"])}).scores["t"].examples == 12
    several = sp.Network()
    several.learn("t", frame[["a", "b"]], frame[["b"]], kind="regression", method=ConstantMethod())
    assert several.predict(frame[["a"]]).task.tolist() == ["t"] * 12
    renamed = frame["kind"].rename("a") if isinstance(frame, pd.DataFrame) else frame["kind"].alias("a")
    assert learned(frame[["a", "b"]], renamed)[1] == {"a": "numbers", "b": "numbers"}


@pytest.mark.parametrize(
    "wrap", [np.array, lambda x: pd.DataFrame(x, columns=["a", "b"]), lambda x: pd.DataFrame(x, columns=["a", "b"]).astype(str)]
)
def test_numbers_that_are_too_large_are_called_so(wrap: Any) -> None:
    with raises_error(sp.InputError, expected="up to ±3.4e38", got="1e+44", do="larger unit"):
        sp.Network().learn("t", wrap([[1e44, 1.0], [2.0, 3.0], [1.0, 2.0], [4.0, 1.0]]), [0, 1, 0, 1], method=ConstantMethod())


def test_a_guess_of_the_labels_is_told_where_it_was_wrong() -> None:
    frame = pd.DataFrame({"a": NUMBERS, "kind": LABELS, "other": ["u", "v", "w"] * 4})
    net, _, _ = learned(frame, "kind")
    with raises_error(sp.InputError, "test data of 't'", got="'other' missing", do="The column of the labels was guessed"):
        sp.evaluate(net, {"t": frame})
    assert sp.evaluate(net, {"t": (frame, "kind")}).scores["t"].examples == 12


def test_strings_of_any_length_as_numpy_has_them() -> None:
    strings = np.dtypes.StringDType()
    net, forms, words = learned(np.array([["u", "1.5"], ["v", "2"]] * 6, dtype=strings), np.array(LABELS, dtype=strings))
    assert (forms, words, net.tasks["t"].classes_) == ({"x0": "words", "x1": "numbers"}, {"x0": ["u", "v"]}, ("x", "y"))
    texts = np.array(["a good day", "a bad night"] * 6, dtype=strings)
    net = sp.Network()
    net.learn("t", texts, LABELS, method=ConstantMethod())
    assert net.predict(texts).label.tolist() == net.predict(texts.tolist()).label.tolist()


class Foreign:
    """An array of another library, as JAX has them: numpy can read it, and it is none of numpy's."""

    def __init__(self, values: np.ndarray) -> None:
        self.values, self.shape, self.dtype, self.ndim = values, values.shape, values.dtype, values.ndim

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.asarray(self.values, dtype)

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, index: Any) -> Foreign:
        return Foreign(self.values[index])


@pytest.mark.parametrize("shape", [(12, 3), (12, 8, 8)])
def test_arrays_of_other_libraries(shape: tuple[int, ...]) -> None:
    x = np.random.default_rng(0).random(shape)
    net, again = sp.Network(), sp.Network()
    net.learn("t", Foreign(x), Foreign(np.array([0, 1] * 6)), method=ConstantMethod())
    again.learn("t", x, [0, 1] * 6, method=ConstantMethod())
    for asked in (Foreign(x), [Foreign(each) for each in x]):
        assert net.encode(asked).batches[0].inputs.equal(again.encode(x).batches[0].inputs)
    assert len(net.predict(Foreign(x[0]))) == 1


def test_what_is_told_of_other_containers() -> None:
    with raises_error(sp.InputError, "array of inputs", do="pandas.DataFrame(x)"):
        learned(np.rec.fromarrays([NUMBERS, NUMBERS], names="a,b"), LABELS)
    with raises_error(sp.InputError, "array of inputs", do="x.reshape(-1, 1)"):
        learned(NUMBERS, LABELS)
    for once in ({"a": [1.0]}.values(), iter([[1.0]]), ([number] for number in NUMBERS)):
        with raises_error(sp.InputError, "inputs", do="Make a list"):
            learned(once, LABELS)


def test_known_words_as_other_programs_write_them(tmp_path: Path) -> None:
    answers = pd.Series([True, False, "maybe", "often", "never", "seldom"] * 2, dtype=object)
    frame = PLACES.assign(answer=answers)
    net, forms, _ = learned(frame)
    encoded = net.encode(frame).batches[0].inputs
    assert (forms["code"], forms["answer"]) == ("words", "words")
    frame.astype({"code": float}).to_csv(tmp_path / "t.csv", index=False)
    assert "3.0,0.0,x,True" in (tmp_path / "t.csv").read_text()
    for same in (tmp_path / "t.csv", frame.astype({"code": float}).astype(str).drop(columns="label")):
        assert net.encode(same).batches[0].inputs.equal(encoded)
        assert learned(same, None if isinstance(same, Path) else LABELS)[1]["answer"] == "words"
    assert net.explain({"code": "3.0", "n": 1.0, "answer": "true"}).notes == ()
    assert "1 new word, such as '3.5'" in net.explain({"code": "3.5", "n": 1.0, "answer": "maybe"}).notes[0]
    both, _, words = learned(pd.DataFrame({"code": [*CODES[:8], "3.0", "A", "B", "C"], "n": NUMBERS}).astype({"code": "category"}), LABELS)
    assert "3.0" in words["code"] and "3" in words["code"]  # noqa: PT018 - which are two words then
    ask = pd.DataFrame({"code": ["3", "3.0", "3."], "n": 0.0})
    first, second, third = both.encode(ask).batches[0].inputs[:, : len(words["code"])]
    assert (first.sum(), second.sum(), third.sum(), first.equal(second)) == (1, 1, 0, False)
