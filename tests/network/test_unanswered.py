"""Every None has a reason: inputs that no task reads, that are broken, or too far from all that was learned."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from PIL import Image

import senpath as sp
from senpath.errors import InputError
from senpath.testing import ConstantMethod, tiny_network, tiny_task
from tests.raising import raises_error

COLUMNS = ["length", "width", "petal length", "petal width"]


@pytest.fixture(scope="module")
def flowers() -> pd.DataFrame:
    """Rows with names, and labels beside them."""
    x, y = tiny_task("iris")
    return pd.DataFrame(x, columns=COLUMNS).assign(species=np.array(["a", "b", "c"])[y])


@pytest.fixture(scope="module")
def net(flowers: pd.DataFrame) -> sp.Network:
    """Knows pictures, and a table with names."""
    net = tiny_network(tasks=["low"])
    net.learn("iris", flowers, "species", method=ConstantMethod())
    return net


def test_a_network_that_has_learned_nothing_says_so() -> None:
    empty, (x, _) = sp.Network(), tiny_task("low")
    with raises_error(InputError, "nothing learned yet", do="`learn` comes first"):
        empty.predict(x)
    answers = empty.predict(x, errors="none")
    assert list(answers.reason) == ["nothing learned yet"] * len(x)
    assert len(empty.predict([])) == 0


def test_who_is_answered_has_no_reason(net: sp.Network, flowers: pd.DataFrame) -> None:
    answers = net.predict(flowers, task="iris")
    assert set(answers.reason) == {None}
    assert net.explain(flowers.iloc[0]).reason is None


@pytest.mark.parametrize("errors", ["raise", "none", "skip"])
def test_what_is_further_than_a_tasks_own_examples_is_told_by_how_much(net: sp.Network, flowers: pd.DataFrame, errors: str) -> None:
    far = flowers.assign(length=flowers["length"] + 9)
    answers = net.predict(far, errors=errors)
    assert (answers.ood_score > 1).all()
    score = np.ceil(answers.ood_score[0] * 100) / 100
    assert answers.reason[0] == f"further from 'iris', the likeliest task, than its own examples: {score:.3g} of the limit"
    assert net.explain(far.iloc[0]).reason == answers.reason[0]
    assert set(net.predict(far, reject=False).reason) == {None}


def test_reasons_go_with_copies(net: sp.Network, flowers: pd.DataFrame) -> None:
    answers = net.predict([*flowers[COLUMNS].head(2).to_dict("records"), "a text"], errors="none")
    assert list(copy.deepcopy(answers).reason) == list(answers.reason)
    assert answers.reason[2] == "no task reads text data: expected image or table data"


FORMS: dict[str, Any] = {
    "pandas": lambda frame: frame,
    "polars": pl.from_pandas,
    "records": lambda frame: frame.to_dict("records"),
}


@pytest.mark.parametrize("task", [None, "iris"])
@pytest.mark.parametrize("form", FORMS)
def test_columns_beside_those_learned_are_left_aside(net: sp.Network, flowers: pd.DataFrame, form: str, task: str | None) -> None:
    plain = net.predict(flowers[COLUMNS], task=task)
    more = flowers.assign(number=range(len(flowers)), species="?", note=None)[["note", *reversed(COLUMNS), "species", "number"]]
    answers = net.predict(FORMS[form](more), task=task)
    assert list(answers.label) == list(plain.label)
    assert (answers.confidence == plain.confidence).all()


@pytest.mark.parametrize("task", [None, "iris"])
@pytest.mark.parametrize("form", FORMS)
def test_columns_that_are_missing_are_named(net: sp.Network, flowers: pd.DataFrame, form: str, task: str | None) -> None:
    fewer = FORMS[form](flowers.rename(columns={"width": "breadth"}).head(7)[[*COLUMNS[:1], "breadth", *COLUMNS[2:]]])
    who = "no task reads this table" if task is None else "task 'iris' does not read this table"
    with raises_error(
        InputError, f"input 0 and 6 more: {who}", expected="'length', 'width'", got="columns 'width' missing, 'breadth' unknown"
    ):
        net.predict(fewer, task=task)
    answers = net.predict(fewer, task=task, errors="none")
    assert list(answers.reason) == [f"{who}: columns 'width' missing, 'breadth' unknown"] * 7
    assert list(answers.task) == list(answers.label) == [None] * 7
    assert np.isinf(answers.ood_score).all()


def test_texts_in_a_frame_are_found_beside_their_labels(tmp_path: Path) -> None:
    texts, labels = tiny_task("weather")
    frame = pd.DataFrame({"text": texts, "number": range(len(texts)), "label": labels})
    net = tiny_network(tasks=["iris"])
    net.learn("weather", frame, "label", method=ConstantMethod())
    plain = net.predict(texts)
    for form in (frame, pl.from_pandas(frame), frame.drop(columns="label"), sp.read(frame, "label")):
        assert list(net.predict(form).label) == list(plain.label)
    assert set(plain.task) == {"weather"}
    with raises_error(InputError, "no task reads this table", got="missing, 'number' unknown"):
        net.predict(frame[["number"]])


def test_the_table_of_most_columns_is_meant_and_of_two_neither(flowers: pd.DataFrame) -> None:
    net, method = sp.Network(), ConstantMethod(hidden=4)
    net.learn("two", flowers[COLUMNS[:2]], flowers["species"], method=method)
    net.learn("three", flowers[COLUMNS[:3]], flowers["species"], method=method)
    assert set(net.predict(flowers, reject=False).task) == {"three"}
    assert set(net.predict(flowers[COLUMNS[:2]], reject=False).task) == {"two"}
    assert set(net.predict(flowers, task="two").task) == {"two"}
    net.learn("others", flowers[COLUMNS[1:]], flowers["species"], method=method)
    with raises_error(InputError, "no task reads this table", expected="one table", got="columns of 3 tables", do="Give the task's name"):
        net.predict(flowers)
    assert set(net.predict(flowers, task="others").task) == {"others"}


def test_rows_without_names(net: sp.Network, flowers: pd.DataFrame) -> None:
    rows = flowers[COLUMNS].to_numpy()
    with raises_error(InputError, "no task reads this table", expected="names: 'length'", got="4 numbers without", do="data frame"):
        net.predict(rows)
    plain = tiny_network(tasks=["iris"])
    for wrong in (rows[:, :3], np.c_[rows, rows]):
        with raises_error(InputError, "input 0 and 149 more: no task", expected="4 columns", got=f"rows of {wrong.shape[1]} numbers"):
            plain.predict(wrong)
    with raises_error(InputError, got="columns 'x0', 'x1', 'x2', 'x3' missing", do="frame.to_numpy()"):
        plain.predict(flowers)


def test_one_wrong_row_among_right_ones(net: sp.Network, flowers: pd.DataFrame) -> None:
    gap = flowers.copy()
    gap.loc[gap.index[3], "width"] = np.inf
    whole, answers = net.predict(flowers, reject=False), net.predict(gap, errors="skip", reject=False)
    assert [row for row, reason in enumerate(answers.reason) if reason is not None] == [3]
    assert answers.reason[3].startswith("input 3, column 'width': expected a finite number")
    assert [label for row, label in enumerate(answers.label) if row != 3] == [label for row, label in enumerate(whole.label) if row != 3]
    for errors in ("raise", "none"):
        with raises_error(InputError, "row 3, column 'width'", expected="a finite number", got="inf"):
            net.predict(gap, errors=errors)
    plain = tiny_network(tasks=["iris"])
    rows = [*flowers[COLUMNS].to_numpy()]
    answers = plain.predict([rows[0], rows[1][:3], rows[2], None, rows[3] * np.inf, "text"], errors="skip")
    reasons = [None, "rows of 3 numbers", None, "input 3: expected an array", "input 4: expected finite numbers", "no task reads text data"]
    assert [reason if part is None else part in reason for part, reason in zip(reasons, answers.reason, strict=True)] == [
        None if part is None else True for part in reasons
    ]


def test_one_broken_picture_among_whole_ones(net: sp.Network, tmp_path: Path) -> None:
    x = (tiny_task("low")[0][:40] * 255).astype(np.uint8)
    files = [tmp_path / f"{index}.png" for index in range(len(x))]
    for file, image in zip(files, x, strict=True):
        Image.fromarray(image).save(file)
    whole = net.predict(files)
    files[7].write_bytes(b"\x89PNG cut")
    files[30] = tmp_path / "gone.png"
    answers = net.predict(files, errors="skip")
    others = [row for row in range(len(x)) if row not in (7, 30)]
    assert (answers.label[others] == whole.label[others]).all()
    assert (answers.confidence[others] == whole.confidence[others]).all()
    assert answers.reason[7].startswith(f"input 7: image {files[7]}: expected a readable picture file")
    assert "FileNotFoundError" in answers.reason[30]
    with raises_error(InputError, f"image {files[7]}"):
        net.predict(files, errors="none")
    with raises_error(InputError, f"input 8: image {files[7]}"):  # where places within the pictures are others
        net.predict([{"length": 1.0}, *files], errors="none")


@pytest.mark.parametrize("wrong", ["quiet", None, True, ["skip"]])
def test_other_ways_to_take_errors_are_refused(net: sp.Network, wrong: Any) -> None:
    with raises_error(InputError, "errors", expected="'raise', 'none', 'skip'", got=repr(wrong)):
        net.predict([], errors=wrong)


def test_what_was_encoded_keeps_its_reasons(net: sp.Network, flowers: pd.DataFrame) -> None:
    mixed = [flowers[COLUMNS].iloc[0].to_dict(), "a text", {**flowers[COLUMNS].iloc[1].to_dict(), "width": np.inf}]
    with raises_error(InputError, "input 1: no task reads text data"):
        net.encode(mixed)
    encoded = net.encode(mixed, errors="skip")
    straight, answers = net.predict(mixed, errors="skip"), net.predict(encoded)
    assert list(answers.reason) == list(straight.reason)
    assert list(answers.label) == list(straight.label)
    assert answers.reason[0] is None
    with raises_error(InputError, "input 0: task 'low' does not read table data"):
        net.predict(encoded, task="low")
    assert net.predict(encoded, task="low", errors="none").reason[0].startswith("task 'low' does not read table data")


def test_further_examples_may_have_further_columns(flowers: pd.DataFrame) -> None:
    net = sp.Network()
    net.learn("iris", flowers.head(100), "species", method=ConstantMethod(hidden=8))
    more = flowers.tail(50).assign(number=7)[["number", *reversed(COLUMNS), "species"]]
    assert net.extend("iris", more, "species").changed
    with raises_error(InputError, "inputs", expected="'width'", got="columns 'width' missing, 'number' unknown"):
        net.extend("iris", more.drop(columns="width"), "species")
    assert sp.evaluate(net, {"iris": (more, "species")}).scores["iris"].accuracy > 0.9


def test_things_that_no_modality_tells_have_the_reasons_of_all(net: sp.Network, flowers: pd.DataFrame) -> None:
    things = {"image": [np.eye(8), None], "table": [None, flowers.iloc[0].to_dict() | {"length": 99.0}]}
    answers = net.predict(things)
    assert list(answers.concept) == [None, None]
    far, missing = answers.reason[0].split("; ")
    assert (far.startswith("image: further from 'low', the likeliest task"), missing) == (True, "table: not given")
    assert answers.reason[1].startswith("image: not given; table: further from 'iris'")
    broken = net.predict({"image": [tiny_task("low")[0][0], np.full((8, 8), np.nan)]}, errors="skip")
    assert broken.reason[1].startswith("image: input 1: expected finite numbers")
    assert broken.reason[0] is None
