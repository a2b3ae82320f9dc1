"""Rows of numbers come out standardised by the first task's rows, however they are written."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.datasets import load_iris
from sklearn.preprocessing import StandardScaler

from senpath.errors import InputError
from senpath.modalities import MODALITIES, split_by_modality, type_key

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


def test_the_order_of_columns_makes_the_type() -> None:
    frame = pd.DataFrame(IRIS, columns=NAMES)
    turned = frame[NAMES[::-1]]
    keys = [type_key(split_by_modality(table)[0]) for table in (frame, turned, IRIS, IRIS[:, :3], frame.to_dict("records"))]
    assert len({*keys}) == 4
    assert keys[0] == keys[4]
    assert all(key == TABLE.define(table).key for key, table in zip(keys, (frame, turned, IRIS, IRIS[:, :3]), strict=False))
    with pytest.raises(InputError, match=r"table: expected columns .*petal width"):
        encoded(frame, turned)


def test_numbers_written_as_words_and_booleans() -> None:
    words = [{"a": "1.5", "b": True}, {"a": "2.5", "b": False}]
    numbers = [{"a": 1.5, "b": 1.0}, {"a": 2.5, "b": 0.0}]
    torch.testing.assert_close(encoded(words, words), encoded(numbers, numbers))


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (np.array([[1.0, np.nan], [1.0, 2.0]]), r"row 0: expected finite numbers, got NaN or infinity \(1 of 2 inputs\)"),
        (np.array([[1.0], [np.inf]]), "row 1: expected finite numbers"),
        (np.array([[1.0], [1e300]]), "row 1: expected finite numbers"),
        ([[1.0, 2.0], [1.0]], "rows: expected all of one length"),
        ([{"a": 1}, {"b": 1}], r"row 1: expected columns \['a'\], got \['b'\]"),
        ([{"a": "red"}], "column 'a': expected numbers, got .*Encode words as numbers first"),
        (pd.DataFrame({"a": [1, None], "b": ["x", "y"]}), "column 'b': expected numbers"),
        (np.zeros((3, 0)), r"table: expected shape \(rows, columns\), got shape \(3, 0\)"),
    ],
)
def test_what_is_no_table_is_refused(rows: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        TABLE.define(rows)
