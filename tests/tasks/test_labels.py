"""One label for each input, in whatever form users have them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from senpath.errors import InputError
from senpath.tasks import read_targets

LABELS = st.one_of(
    st.lists(st.integers(-(2**60), 2**60), min_size=2, max_size=30),
    st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=5), min_size=2, max_size=30),
).filter(lambda labels: len({*labels}) > 1)


@settings(deadline=None, max_examples=100)
@given(LABELS)
def test_classes_are_sorted_and_targets_point_at_them(labels: list[Any]) -> None:
    found = read_targets(labels, len(labels))
    classes, targets = found.classes, found.values
    assert list(classes) == sorted({*labels})
    assert [classes[target] for target in targets] == labels
    assert targets.dtype == torch.int64
    assert {type(label) for label in classes} == {type(labels[0])}


@pytest.mark.parametrize(
    "labels",
    [
        np.array([3, 1, 3], np.uint8),
        np.array([3.0, 1.0, 3.0]),
        torch.tensor([3, 1, 3]),
        torch.tensor([3.0, 1.0, 3.0]),
        pd.Series([3, 1, 3], index=[7, 8, 9]),
        pd.Series([3, 1, 3], dtype="Int64"),
        (3, 1, 3),
    ],
)
def test_whole_numbers_in_any_form(labels: Any) -> None:
    found = read_targets(labels, 3)
    assert (found.classes, found.values.tolist()) == ((1, 3), [1, 0, 1])
    assert all(type(label) is int for label in found.classes)


@pytest.mark.parametrize(
    ("labels", "inputs", "message"),
    [
        ([1, 2], 3, "labels y: expected 3, one per input, got 2"),
        ([], 0, "inputs: expected at least two, got none"),
        ([4, 4], 2, "labels y: expected two classes or more, got one class, .*4"),
        ([0.5, 1.0], 2, "labels y: expected whole numbers or strings, got dtype float64"),
        ([np.nan, 1.0], 2, "labels y: expected whole numbers or strings, got dtype float64"),
        ([1e300, 1.0], 2, "labels y: expected whole numbers or strings, got dtype float64"),
        ([None, "a"], 2, "labels y: expected whole numbers or strings"),
        ([[1], [2, 3]], 2, r"labels y: expected shape \(n,\)"),
        ([[1, 2], [3, 4]], 2, r"labels y: expected shape \(n,\), got shape \(2, 2\)"),
        (["a", "\udcff"], 2, r"label .*udcff'.*: expected text that UTF-8 can hold"),
    ],
)
def test_labels_that_cannot_be_used(labels: Any, inputs: int, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_targets(labels, inputs, "classification")
