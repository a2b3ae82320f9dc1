"""One label for each input, in whatever form users have them."""

from __future__ import annotations

import tracemalloc
import unicodedata
from decimal import Decimal
from enum import Enum, IntEnum
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import coo_matrix, csr_array, csr_matrix

from senpath.errors import InputError
from senpath.tasks import read_targets, task_kind
from senpath.tasks.labels import match_labels
from tests.raising import raises_error

WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\x00\ufeff"), max_size=5)
LABELS = st.one_of(
    st.lists(st.integers(-(2**60), 2**60), min_size=2, max_size=30),
    st.lists(WORDS.map(lambda word: unicodedata.normalize("NFC", word)), min_size=2, max_size=30),  # as labels are read
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
        ([0.5, 1.0], 2, r"labels y: expected whole numbers or strings, got float 0\.5 of input 0"),
        ([np.nan, 1.0], 2, "labels y: expected whole numbers or strings, got no label of input 0"),
        ([1.0, 1e300], 2, r"labels y: expected whole numbers or strings, got float 1e\+300 of input 1"),
        ([None, "a"], 2, "labels y: expected whole numbers or strings, got no label of input 0. Leave out"),
        ([[1], [2, 3]], 2, r"labels y: expected one label per input"),
        ([[1, 2], [3, 4]], 2, r"labels y: expected one label per input, got shape \(2, 2\)"),
        (["a", "\udcff"], 2, r"label .*udcff'.*: expected text that UTF-8 can hold"),
    ],
)
def test_labels_that_cannot_be_used(labels: Any, inputs: int, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_targets(labels, inputs, "classification")


class Mood(str, Enum):  # noqa: UP042 - as people wrote it before there was StrEnum
    GOOD = "good"
    BAD = "bad, and long"


class Level(IntEnum):
    LOW = 3
    HIGH = 5


class Plain(Enum):
    A = 1
    B = 2


FORMS: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "members that are strings": ([Mood.GOOD, Mood.BAD], ("bad, and long", "good")),
    "members that are numbers": ([Level.LOW, Level.HIGH], (3, 5)),
    "a NUL at the end": (["a", "a\0"], ("a", "a\0")),
    "objects that are numbers": (np.array([1, 0], dtype=object), (0, 1)),
    "numbers of numpy": ([np.int8(1), np.float32(2)], (1, 2)),
    "arrays without axes": ([np.array(1), np.array(2)], (1, 2)),
    "tensors without axes": ([torch.tensor(1), torch.tensor(2)], (1, 2)),
    "truth values": ([True, np.False_], (False, True)),
    "decimals": ([Decimal(1), Decimal("2.0")], (1, 2)),
    "categories": (pd.Categorical(["b", "a"]), ("a", "b")),
    "categories of numbers": (pd.Series([7, 5], dtype="category"), (5, 7)),
    "an arrow column": (pa.chunked_array([["b"], ["a"]]), ("a", "b")),
    "an arrow dictionary": (pa.array(["b", "a"]).dictionary_encode(), ("a", "b")),
    "polars": (pl.Series(["b", "a"]), ("a", "b")),
    "polars categories": (pl.Series(["b", "a"], dtype=pl.Categorical), ("a", "b")),
    "large numbers": ([2**63, 1], (1, 2**63)),
}


@pytest.mark.parametrize(("labels", "classes"), FORMS.values(), ids=FORMS)
def test_labels_come_back_as_they_were_given(labels: Any, classes: tuple[Any, ...]) -> None:
    read = read_targets(labels, 2)
    assert read.classes == classes
    assert [type(label) for label in read.classes] == [type(label) for label in classes]
    given = labels if isinstance(labels, list) else np.asarray(labels).tolist()
    assert [read.classes[place] for place in read.values] == given


NOT_LABELS: dict[str, tuple[Any, str, str]] = {
    "members of a plain Enum": ([Plain.A, Plain.B], "Plain <Plain.A: 1> of input 0", "member.value"),
    "dates": (np.array(["2020-01-01", "2021-01-01"], dtype="datetime64[ns]"), "datetime64", "Give their text"),
    "dates of pandas": (pd.Series(pd.to_datetime(["2020-01-01", "2021-01-01"])), "datetime64", "Give their text"),
    "a gap in categories": (pd.Categorical(["a", None]), "no label of input 1", "Leave out"),
    "a gap in nullable numbers": (pd.Series([1, pd.NA], dtype="Int64"), "no label of input 1", "Leave out"),
    "a masked label": (np.ma.array([1, 2], mask=[True, False]), "no label of input 0", "Leave out"),
    "fractions": ([Decimal("0.5"), Decimal(1)], "Decimal Decimal('0.5') of input 0", "regression"),
}


@pytest.mark.parametrize(("labels", "got", "do"), NOT_LABELS.values(), ids=NOT_LABELS)
def test_what_is_no_label_is_named(labels: Any, got: str, do: str) -> None:
    with raises_error(InputError, "labels y", expected="whole numbers or strings", got=got, do=do):
        read_targets(labels, 2)


def test_a_long_label_takes_its_own_room_alone() -> None:
    labels = ["a", "b" * 2**20] * 2_000  # 16 GB, were each as wide as the longest
    tracemalloc.start()
    assert len(read_targets(labels, len(labels)).classes) == 2
    assert tracemalloc.get_traced_memory()[1] < 2**24
    tracemalloc.stop()


MEANT: dict[str, tuple[list[Any], tuple[Any, ...], list[Any]]] = {
    "themselves": (["a", "b"], ("b", "a"), ["a", "b"]),
    "text of numbers": (["0", "1.0", " 2 "], (0, 1, 2), [0, 1, 2]),
    "text of truth values": (["True", "false"], (0, 1), [1, 0]),
    "truth values among more": ([True], (0, 1, 2), [None]),
    "numbers of text": ([0, 1], ("0", "1"), ["0", "1"]),
    "numbers of padded text": ([7], ("007", "008"), ["007"]),
    "either of two": ([7], ("07", "007"), [None]),
    "two for one": (["1", "01"], ("1", "2"), ["1", None]),
    "padded text among numbers": (["007", "+8"], (7, 8), [None, None]),
    "the one as it is written": ([1], ("01", "1", "x"), ["1"]),
    "truth values of text": ([True, False], ("False", "True"), ["True", "False"]),
    "others": (["a", "3"], (0, 1), [None, None]),
}


@pytest.mark.parametrize(("given", "known", "meant"), MEANT.values(), ids=MEANT)
def test_what_a_label_means_in_a_task(given: list[Any], known: tuple[Any, ...], meant: list[Any]) -> None:
    assert match_labels(given, known) == meant


def test_further_labels_are_of_the_task_s_kind() -> None:
    kind = task_kind("classification")
    assert kind.read_more(["10", "1", "9"], 3, (0, 1), new_classes=True).classes == (0, 1, 9, 10)
    assert kind.read_more([10, 1, 9], 3, ("0", "1"), new_classes=True).classes == ("0", "1", "10", "9")
    with raises_error(InputError, "new labels", expected="strings, as the task's other labels are", got="7"):
        kind.read_more([7], 1, ("a", "b"), new_classes=True)
    assert kind.read_more([101], 1, ("007", "012"), new_classes=True).classes == ("007", "012", "101")
    with raises_error(InputError, "new labels", expected="whole numbers, as the task's other labels are", got="'012'"):
        kind.read_more(["012"], 1, (7, 12), new_classes=True)
    several = task_kind("multilabel")
    answers = np.fromiter([("1",), (), ("0", "1")], dtype=object)
    more = several.read_more(answers, 3, (0, 1), new_classes=False)
    assert more.values.tolist() == [[0, 1], [0, 0], [1, 1]]
    with raises_error(InputError, "labels y of a multilabel task", got="no value for input 1", do="empty collection"):
        several.read_more(np.fromiter([("1",), None], dtype=object), 2, (0, 1), new_classes=False)


BITS = np.array([[1, 1], [0, 1], [1, 0], [0, 0]])
COLUMN = np.array([["b"], ["a"], ["b"], ["c"]])


@pytest.mark.parametrize(
    "labels",
    [COLUMN, pd.DataFrame({"y": COLUMN[:, 0]}), pl.DataFrame({"y": COLUMN[:, 0]}), COLUMN.astype(object), [*COLUMN]],
    ids=["array", "pandas", "polars", "objects", "rows"],
)
def test_a_column_of_labels_is_one_for_each_input(labels: Any) -> None:
    read = read_targets(labels, 4)
    assert (read.kind, read.classes, read.values.tolist()) == ("classification", ("a", "b", "c"), [1, 0, 1, 2])


def test_a_column_may_be_of_numbers_with_gaps() -> None:
    for numbers in (torch.tensor([[3], [1], [3]]), np.array([[3.0], [1.0], [3.0]]), pd.DataFrame({"y": pd.array([3, 1, 3], "Int64")})):
        assert read_targets(numbers, 3).classes == (1, 3)
    for gap in (np.ma.array([[1], [2]], mask=[[True], [False]]), pd.DataFrame({"y": pd.array([pd.NA, 1], "Int64")})):
        with raises_error(InputError, "labels y", got="no label of input 0"):
            read_targets(gap, 2)


@pytest.mark.parametrize("wrap", [csr_matrix, csr_array, coo_matrix, pl.DataFrame, pd.DataFrame])
def test_several_labels_in_columns_of_any_kind(wrap: Any) -> None:
    given = wrap(BITS)
    read = read_targets(given, 4)
    assert (read.kind, read.values.tolist()) == ("multilabel", BITS.tolist())
    assert task_kind("multilabel").read_truth(given, 4, read.classes).tolist() == BITS.tolist()


@pytest.mark.parametrize("wrap", [iter, lambda labels: map(str, labels), lambda labels: (label for label in labels)])
def test_what_gives_labels_once_is_made_a_list(wrap: Any) -> None:
    with raises_error(InputError, "labels y", expected="one label per input", do="Make a list"):
        read_targets(wrap(["a", "b"]), 2)


def test_the_way_from_one_hot_columns_to_labels() -> None:
    columns = pd.get_dummies(pd.Series(["u", "v", "u"]))
    with raises_error(InputError, "labels y", got="one-hot rows", do="y.idxmax(axis=1)"):
        read_targets(columns, 3)
    assert read_targets(columns.idxmax(axis=1), 3).classes == ("u", "v")


def test_numbers_to_be_predicted_are_read_as_those_of_columns() -> None:
    read = read_targets(["1,234.5", " 12 ", "1,234,567"], 3, "regression")
    assert read.values.tolist() == [[1234.5], [12], [1_234_567]]
    with raises_error(InputError, "numbers y of a regression", got="could not convert string to float: '1_000'"):
        read_targets(["1_000", "2"], 2, "regression")
