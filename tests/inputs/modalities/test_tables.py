"""Rows of numbers come out standardised by the first task's rows, however they are written."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.datasets import load_iris
from sklearn.preprocessing import StandardScaler

import senpath as sp
from senpath.errors import InputError
from senpath.inputs.modalities import MODALITIES, split_by_modality, type_key

TABLE = MODALITIES["table"]
IRIS = load_iris().data
NAMES = ["sepal length", "sepal width", "petal length", "petal width"]
ROWS = st.tuples(st.integers(1, 9), st.integers(1, 5))
NUMBERS = st.floats(-1e6, 1e6, allow_nan=False, width=32)


def encoded(first: Any, then: Any) -> torch.Tensor:
    return TABLE.encode(then, TABLE.define(first))


@settings(deadline=None, max_examples=60)
@given(ROWS.flatmap(lambda shape: hnp.arrays(np.float64, shape, elements=NUMBERS)))
def test_columns_are_standardised(rows: np.ndarray) -> None:
    found = encoded(rows, rows)
    expected = StandardScaler().fit_transform(rows)
    assert found.dtype == torch.float32
    assert found.shape == rows.shape
    steady = rows.std(0) > 1e-3 * np.abs(rows).max(0)
    np.testing.assert_allclose(found.numpy()[:, steady], expected[:, steady], atol=1e-4)


def test_a_constant_column_becomes_zero() -> None:
    rows = np.array([[3.0, 1.0], [3.0, 2.0]])
    assert encoded(rows, rows)[:, 0].tolist() == [0, 0]


DRAW = np.random.default_rng(0)
NEARLY_CONSTANT = {
    "the same number": np.full(150, 14.62),
    "two ways to add": DRAW.choice([0.3, 0.1 + 0.2], 150),
    "totals of shares": DRAW.dirichlet(np.ones(7), 150).cumsum(1)[:, -1],
    "neighbours at 1e9": DRAW.choice([1e9, np.nextafter(1e9, 2e9)], 150),
    "float32": DRAW.choice(np.array([0.3, np.nextafter(np.float32(0.3), np.float32(1))], np.float32), 150),
}


@pytest.mark.parametrize("name", NEARLY_CONSTANT)
def test_a_column_that_is_constant_but_for_rounding_is_not_divided_by_its_spread(name: str) -> None:
    column = NEARLY_CONSTANT[name]
    table = pd.DataFrame({"a": IRIS[:, 0], "b": column})
    defined = TABLE.define(table)
    assert defined.options["scale"][1] == 1
    later = table.assign(b=column * (1 + 1e-5))
    assert TABLE.encode(later, defined)[:, 1].abs().max() <= 1.1e-5 * column.max()


@pytest.mark.parametrize(
    "column", [1.7e9 + DRAW.random(150), np.float32(1e6) + DRAW.integers(0, 5, 150).astype(np.float32)], ids=["times", "1e6"]
)
def test_a_small_spread_that_is_no_rounding_counts(column: np.ndarray) -> None:
    encoded = TABLE.encode(pd.DataFrame({"a": column}), TABLE.define(pd.DataFrame({"a": column})))
    assert float(encoded.std()) == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("cell", [1e6, -999_999_999, 1e30])
def test_a_wrong_cell_does_not_set_its_columns_scale(cell: float) -> None:
    spoilt = IRIS.copy()
    spoilt[7, 2] = cell
    whole, defined = (TABLE.define(rows).options for rows in (IRIS, spoilt))
    np.testing.assert_allclose(defined["mean"], whole["mean"], atol=0.2)
    np.testing.assert_allclose(defined["scale"], whole["scale"], rtol=0.35)
    numbers = encoded(spoilt, spoilt)[:, 2]
    assert 30 < float(numbers[7].abs()) < 100
    assert bool((numbers[7] > 0) == (cell > 0))


def test_values_that_are_rare_but_right_set_the_scale_as_ever() -> None:
    rows = np.where(np.arange(200) % 20 == 0, 1000.0, np.sin(np.arange(200)))[:, None]
    np.testing.assert_allclose(encoded(rows, rows), StandardScaler().fit_transform(rows), atol=1e-5)
    mostly_0 = np.where(np.arange(200) == 7, 1.0, 0.0)[:, None]
    np.testing.assert_allclose(encoded(mostly_0, mostly_0), StandardScaler().fit_transform(mostly_0), atol=1e-5)


def test_numbers_of_another_unit_stay_in_order_and_near() -> None:
    rows = 1e4 * IRIS
    numbers, order = encoded(IRIS, rows).numpy(), rows.argsort(0, kind="stable")
    assert (np.diff(np.take_along_axis(numbers, order, 0), axis=0) >= 0).all()
    assert np.abs(numbers).max() < 50
    kind = TABLE.define(IRIS)
    earlier = replace(kind, options={name: value for name, value in kind.options.items() if name != "straight"})
    np.testing.assert_allclose(TABLE.encode(rows, earlier), StandardScaler().fit(IRIS).transform(rows), rtol=1e-5)


def test_later_rows_are_measured_by_the_first() -> None:
    found = encoded(np.array([[0.0], [2.0]]), np.array([[1.0], [5.0]]))
    assert found.flatten().tolist() == [0, 4]


def test_time_stamps_keep_their_seconds() -> None:
    stamps = 1_700_000_000 + np.arange(10.0)[:, None]
    np.testing.assert_allclose(encoded(stamps, stamps).numpy(), StandardScaler().fit_transform(stamps), atol=1e-5)


def written(rows: np.ndarray) -> dict[str, Any]:
    """The same rows in every form without names of columns."""
    return {
        "array": rows,
        "float32": rows.astype(np.float32),
        "tensor": torch.from_numpy(rows),
        "list of arrays": list(rows),
        "list of lists": rows.tolist(),
        "list of tuples": [tuple(row) for row in rows],
        "list of tensors": list(torch.from_numpy(rows)),
        "list of numpy numbers": [list(row) for row in rows],
    }


@pytest.mark.parametrize("form", written(IRIS[:2]))
def test_every_form_of_rows_is_the_same_table(form: str) -> None:
    group = split_by_modality(written(IRIS)[form])[0]
    assert group.modality == "table"
    assert TABLE.define(group.items).options["columns"] == ["x0", "x1", "x2", "x3"]
    torch.testing.assert_close(encoded(IRIS, group.items), encoded(IRIS, IRIS), rtol=0, atol=1e-5)


def test_data_frames_and_rows_with_names_are_one_type() -> None:
    frame = pd.DataFrame(IRIS, columns=NAMES)
    rows = frame.to_dict("records")
    assert TABLE.define(frame) == TABLE.define(rows)
    torch.testing.assert_close(encoded(frame, rows), encoded(frame, frame))
    shuffled = frame.sample(frac=1, random_state=0)
    torch.testing.assert_close(encoded(frame, shuffled), encoded(frame, frame)[shuffled.index.to_list()])


def test_columns_make_the_type() -> None:
    frame = pd.DataFrame(IRIS, columns=NAMES)
    tables = (frame, IRIS, IRIS[:, :3], frame.to_dict("records"))
    keys = [type_key(split_by_modality(table)[0]) for table in tables]
    assert len({*keys}) == 3
    assert keys[0] == keys[3]
    assert all(key == TABLE.define(table).key for key, table in zip(keys, tables, strict=True))
    with pytest.raises(InputError, match=r"table: expected columns .*petal width.*, got \['x0', 'x1', 'x2', 'x3'\]"):
        encoded(frame, IRIS)


@pytest.mark.parametrize("form", [pd.DataFrame, pl.from_pandas, lambda frame: frame.to_dict("records")])
def test_columns_are_found_by_name(form: Any) -> None:
    frame = pd.DataFrame(IRIS, columns=NAMES)
    turned = form(frame[NAMES[::-1]])
    known = TABLE.define(frame)
    (group,) = split_by_modality(turned)
    assert type_key(group, [known]) == known.key != type_key(group)
    assert torch.equal(TABLE.encode(group.items, known), TABLE.encode(frame, known))


COLOURS = pd.DataFrame({"colour": ["red", "green", "red", "blue"], "size": [1.0, 2.0, 3.0, 4.0], "ripe": [True, False, True, True]})


def test_words_become_ones_among_noughts() -> None:
    known = TABLE.define(COLOURS)
    assert known.shape == (5,)
    assert known.options["categories"] == {"colour": ["blue", "green", "red"]}
    found = TABLE.encode(COLOURS, known)
    assert found[:, :3].tolist() == [[0, 0, 1], [0, 1, 0], [0, 0, 1], [1, 0, 0]]
    torch.testing.assert_close(found[:, 3:], encoded(COLOURS[["size", "ripe"]], COLOURS[["size", "ripe"]]))
    strange = TABLE.encode([{"size": 1, "ripe": "true", "colour": "violet"}, {"size": 1, "ripe": 1.0, "colour": 7}], known)
    assert not strange[:, :3].any()
    assert torch.equal(strange[:, 3:], found[:1, 3:].expand(2, 2))


def test_a_table_of_numbers_has_no_words() -> None:
    assert TABLE.define(IRIS).options.keys() == {"columns", "fingerprint", "mean", "scale", "fill", "straight"}


def test_words_survive_the_folder(tmp_path: Path) -> None:
    net = sp.Network(tmp_path / "net")
    net.learn("fruit", COLOURS, ["a", "b", "a", "b"], epochs=5, hidden=4)
    before = net.predict(COLOURS, reject=False)
    again = sp.Network(tmp_path / "net")
    again.verify()
    assert again.predict(COLOURS[["ripe", "size", "colour"]], reject=False).confidence.tolist() == before.confidence.tolist()
    again.learn("second", COLOURS.iloc[:, ::-1], ["a", "b", "b", "a"], epochs=1, hidden=2)
    again.learn_many({"third": (COLOURS.iloc[:, [1, 0, 2]], ["a", "b", "b", "a"])}, epochs=1, hidden=2)
    assert len({again.view.pathway(task).data_type for task in again.tasks}) == 1


def test_numbers_written_as_words_and_booleans() -> None:
    words = [{"a": "1.5", "b": True}, {"a": "2.5", "b": False}]
    numbers = [{"a": 1.5, "b": 1.0}, {"a": 2.5, "b": 0.0}]
    torch.testing.assert_close(encoded(words, words), encoded(numbers, numbers))


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (np.array([[1.0], [np.inf]]), "row 1: expected finite numbers"),
        (np.array([[1.0], [1e300]]), "row 1: expected a number up to ±3.4e38, the largest in single precision, got 1e\\+300"),
        ([[1.0, 2.0], [1.0]], "rows: expected all of one length"),
        ([{"a": 1}, {"b": 1}], r"row 1: expected columns \['a'\], got \['b'\]"),
        ([{"a": 1}, {"a": 2}, {"a": "red"}], "row 2, column 'a': expected a finite number, as most of the column, got 'red'"),
        (pd.DataFrame({"a": [1, np.inf]}), "row 1, column 'a': expected a finite number, .* got .*inf"),
        ([{"a": [1, 2]}], "column 'a': expected numbers, words or times, got list"),
        (pd.DataFrame({"a": [1j]}), "column 'a': expected numbers, words or times, got dtype complex"),
        ([{"a": None}, {"a": "?"}], "table: expected at least one column with a value, got none"),
        (np.zeros((3, 0)), r"table: expected shape \(rows, columns\), got shape \(3, 0\)"),
    ],
)
def test_what_is_no_table_is_refused(rows: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        TABLE.define(rows)


def test_numbers_of_numpy_among_words() -> None:
    plain = [{"a": 2, "c": 3}, {"a": 1.5, "c": "x"}, {"a": 1, "c": "y"}, {"a": 1, "c": "y"}, {"a": True, "c": 0.5}]
    numpy = [
        {"a": np.int64(2), "c": np.int64(3)},
        {"a": np.float32(1.5), "c": "x"},
        {"a": 1, "c": "y"},
        {"a": 1, "c": "y"},
        {"a": np.bool_(1), "c": np.float32(0.5)},
    ]
    assert TABLE.define(plain).options["categories"] == {"c": ["0.5", "3", "x", "y"]}
    torch.testing.assert_close(encoded(numpy, numpy), encoded(plain, plain))
    torch.testing.assert_close(encoded(plain, numpy[:1]), encoded(plain, plain[:1]))
    assert encoded(plain, [{"a": 1, "c": np.float32("nan")}])[0, 1:].tolist() == [0] * 4
