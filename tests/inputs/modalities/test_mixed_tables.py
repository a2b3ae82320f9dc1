"""Tables with gaps, dates, booleans, many words and texts: what each column becomes, and what is said of it."""

from __future__ import annotations

import datetime as dt
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import senpath as sp
from senpath.errors import InputError
from senpath.inputs.modalities.plans import TIME_NUMBERS, fits_options, plans_of
from senpath.inputs.modalities.table import TableModality, notes_of
from senpath.testing import ConstantMethod
from senpath.types import DataType

TABLE = TableModality()
ROWS = 60
RANDOM = np.random.default_rng(0)
MIXED = pd.DataFrame(
    {
        "age": np.where(RANDOM.random(ROWS) < 0.2, np.nan, RANDOM.normal(40, 9, ROWS)),
        "weight": RANDOM.normal(70, 9, ROWS),
        "port": RANDOM.choice(["C", "Q", "S", None], ROWS),
        "paid": RANDOM.choice([True, False, None], ROWS),
        "came": pd.date_range("2020-01-01 06:00", periods=ROWS, freq="19h"),
        "ticket": [f"PC-{place}" for place in range(ROWS)],
        "note": [f"arrived in cabin number {place}" for place in range(ROWS)],
        "none": [None] * ROWS,
    }
).round({"age": 2, "weight": 2})
FORMS = ["numbers", "numbers", "words", "numbers", "times", "hashed", "texts", "empty"]
LABELS = [*"ab"] * (ROWS // 2)
SOURCES: dict[str, Any] = {
    "pandas": lambda _: MIXED.assign(label=LABELS),
    "polars": lambda _: pl.from_pandas(MIXED.assign(label=LABELS)),
    "csv": lambda folder: MIXED.assign(label=LABELS).to_csv(folder / "t.csv", index=False) or folder / "t.csv",
    "parquet": lambda folder: MIXED.assign(label=LABELS).to_parquet(folder / "t.parquet") or folder / "t.parquet",
    "json": lambda folder: MIXED.assign(label=LABELS).to_json(folder / "t.json", orient="records", date_format="iso") or folder / "t.json",
}


def one(values: Any) -> tuple[DataType, np.ndarray]:
    """The type and the encoding of a table of one column, and a full one beside it."""
    frame = pd.DataFrame({"a": values, "full": np.arange(len(values)) % 2})
    kind = TABLE.define(frame)
    return kind, TABLE.encode(frame, kind).numpy()[:, :-1]


@pytest.mark.parametrize("form", SOURCES)
def test_every_form_of_file_is_the_same_table(tmp_path: Path, form: str) -> None:
    data = sp.read(SOURCES[form](tmp_path))
    kind, plain = TABLE.define(data.x), TABLE.define(MIXED)
    assert [plan.form for plan in plans_of(kind.options)] == FORMS
    assert kind == plain
    np.testing.assert_array_equal(TABLE.encode(data.x, kind), TABLE.encode(MIXED, plain))
    for said in ("3 columns of numbers", "1 column of dates or times", "1 column of texts", "1 column without a value", "'none' 60"):
        assert said in data.about
    assert "'weight'" not in data.about


def test_a_gap_is_the_median_and_marked() -> None:
    kind, encoded = one([1.0, None, 3.0, 8.0])
    assert kind.options["fill"][:2] == [3, 0]
    assert (encoded[1, 0], encoded[:, 1].tolist()) == (encoded[2, 0], [0, 1, 0, 0])
    words, encoded = one(["x", "NA", "y", "x"])
    assert (words.options["categories"], encoded.tolist()) == ({"a": ["x", "y"]}, [[1, 0, 0], [0, 0, 1], [0, 1, 0], [1, 0, 0]])


def test_what_was_never_missing_is_the_median_when_it_is() -> None:
    kind = TABLE.define(pd.DataFrame({"a": [1.0, 2.0, 6.0], "b": [*"xyx"], "c": [1, 2, 3]}))
    rows = [{"a": None, "b": None, "c": 1}, {"a": 2, "b": "z", "c": 1}]
    encoded = TABLE.encode(rows, kind)
    assert encoded[0].equal(encoded[1])
    assert notes_of(rows, kind) == (
        "column 'a': 1 value missing, read as the median, 2, not marked, for none was missing when its type was first learned",
        "column 'b': 1 value missing, not marked, for none was missing when its type was first learned; "
        "1 new word, such as 'z', read as none of those that are known",
    )


MOMENT = dt.datetime(2024, 2, 29, 18, 30)
TIMES: dict[str, Any] = {
    "datetimes": MOMENT,
    "pandas": pd.Timestamp(MOMENT),
    "pandas, a zone": pd.Timestamp(MOMENT, tz="UTC").tz_convert("Asia/Tokyo"),
    "numpy": np.datetime64(MOMENT),
    "ISO": "2024-02-29T18:30:00",
    "a blank": "2024-02-29 18:30",
    "a zone": "2024-02-29T20:30:00.000+02:00",
    "Z": "2024/02/29 18:30:00Z",
}


@pytest.mark.parametrize("form", TIMES)
def test_moments_are_days_and_places_in_circles(form: str) -> None:
    kind, encoded = one([TIMES[form]] * 3)
    assert (kind.options["forms"], encoded.shape) == ({"a": {"form": "times"}}, (3, TIME_NUMBERS))
    turns = (np.arctan2(encoded[0, 1:4], encoded[0, 4:7]) / (2 * np.pi)) % 1
    np.testing.assert_allclose(turns, [59 / 365.2425, 0.0, 18.5 / 24], atol=1e-6)  # a Thursday, as the first day of 1970
    day = kind.options["mean"][0]
    assert day == (MOMENT - dt.datetime(1970, 1, 1)).total_seconds() / 86_400


@pytest.mark.parametrize("value", ["2024-02", dt.date(2024, 2, 1), "2024-02-01", pd.Timestamp("2024-02-01")])
def test_days_and_months(value: Any) -> None:
    assert one([value] * 2)[0].options["mean"][0] == 19_754


@pytest.mark.parametrize("value", ["18:30", "18:30:00", dt.time(18, 30)])
def test_times_of_day(value: Any) -> None:
    assert one([value] * 2)[0].options["mean"][0] == 18.5 / 24


@pytest.mark.parametrize("value", ["2024-02-30", "30.02.2024", "2024-02-01 25:00", "24:99", "2024-W05", "1-2-3"])
def test_what_is_no_time_stays_a_word(value: str) -> None:
    assert one([value, "x", value])[0].options["categories"] == {"a": sorted([value, "x"])}


def test_durations_are_seconds() -> None:
    assert one(pd.to_timedelta([1, None, 3], unit="min"))[0].options["fill"][0] == 120


def test_the_same_word_is_the_same_number_whatever_else_there_is() -> None:
    words = [f"city-{place}" for place in range(40)]
    kind, encoded = one(words)
    assert kind.options["forms"]["a"] == {"form": "hashed", "buckets": 256}
    assert (np.abs(encoded).sum(1) == 1).all()
    later = TABLE.encode(pd.DataFrame({"a": ["city-7", "elsewhere", None], "full": [0, 0, 0]}), kind).numpy()[:, :-1]
    assert later[0].tolist() == encoded[7].tolist()
    assert (np.abs(later[1]).sum(), np.abs(later[2]).sum()) == (1, 0)


def test_many_columns_of_many_words_share_their_room() -> None:
    frame = pd.DataFrame({f"c{place}": [f"{place}-{row}" for row in range(40)] for place in range(64)})
    assert TABLE.define(frame).shape == (64 * 64,)


def test_texts_beside_numbers_are_learned_together() -> None:
    moods = ["a very good thing", "a rather bad thing"] * 40
    frame = pd.DataFrame({"note": [f"{mood} in place {row}" for row, mood in enumerate(moods)], "size": np.arange(80.0) // 2 % 2})
    labels = [f"{mood.split()[2]} {size:g}" for mood, size in zip(moods, frame["size"], strict=True)]
    net = sp.Network()
    net.learn("both", frame, labels)
    assert (net.predict(frame, task="both").label == labels).mean() > 0.95


def test_a_network_keeps_what_each_column_becomes(tmp_path: Path) -> None:
    net = sp.Network(tmp_path / "net")
    learned = net.learn("t", MIXED, LABELS, epochs=3, hidden=4)
    assert [note.split(":")[0] for note in learned.notes] == [f"column {name!r}" for name in ("age", "port", "paid", "none")]
    again = sp.Network(tmp_path / "net")
    again.verify()
    assert again.predict(MIXED).confidence.tolist() == net.predict(MIXED).confidence.tolist()
    row = {**MIXED.iloc[0].to_dict(), "age": None, "came": None, "port": "Z"}
    notes = again.explain(row).notes
    assert "column 'port': 1 new word, such as 'Z'" in " ".join(notes)
    assert any(note.startswith("column 'came': the value is missing, read as the median, 2020-01-24T") for note in notes)


def test_the_reason_of_a_refusal_names_gaps_that_were_never_there_before() -> None:
    random = np.random.default_rng(0)
    size = np.repeat([0.0, 100.0], 60)
    frame = pd.DataFrame({"size": size + random.normal(size=120), "depth": size + random.normal(size=120), "kind": ["a", "b"] * 60})
    frame["label"] = np.where(size > 50, "large", "small")
    net = sp.Network()
    net.learn("sizes", frame, "label", method=ConstantMethod())
    rows = frame.drop(columns="label")[:3].copy()
    rows.loc[0, "size"] = None
    rows.loc[1, "size"] = 5e4
    told = net.predict(rows)
    assert told.task.tolist() == [None, None, "sizes"]
    assert "it has no value in 'size', where none was missing before: what stands for it, such as the median, may be why" in told.reason[0]
    assert told[:1].reason[0] == told.reason[0]
    assert "no value" not in told.reason[1]
    assert told.reason[2] is None
    one = net.predict(rows[:1].to_dict("records"))
    assert one.reason[0] == told.reason[0]
    marked = sp.Network()
    frame.loc[5, "size"] = None
    marked.learn("sizes", frame, "label", method=ConstantMethod())
    assert not marked.predict(rows).gaps


def test_an_answer_in_spite_of_a_gap_that_was_never_there_before_is_warned_of() -> None:
    net = sp.Network()
    frame = pd.DataFrame({"size": [1.0, 2.0, 3.0, 4.0] * 5, "kind": ["a", "b"] * 10})
    net.learn("sizes", frame, ["s", "l"] * 10, method=ConstantMethod())
    rows = frame[:4].copy()
    rows.loc[1, "size"] = None
    rows["kind"] = ["a", "b", "a", None]
    said = "2 inputs, the first at place 1, have no value in 'size', 'kind', where none was missing"
    for form in (rows, rows.to_dict("records")):
        with pytest.warns(sp.SenpathWarning, match=said):
            told = net.predict(form, reject=False)
        assert (told.gaps, told.reason.tolist()) == ({1: ["size"], 3: ["kind"]}, [None] * 4)
    with pytest.warns(sp.SenpathWarning, match="input 0 has no value in 'size'"):
        net.predict({"size": None, "kind": "a"}, task="sizes")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert not net.predict([{"size": 1.0, "kind": "a"}, {"size": "x", "kind": "a"}], errors="skip", reject=False).gaps
        assert not net.predict(frame, reject=False).gaps


def test_types_of_old_folders_refuse_gaps_as_before() -> None:
    frame = pd.DataFrame({"a": [1.0, 2.0], "b": ["x", "NA"]})
    kind = TABLE.define(frame.assign(b=["x", "y"]))
    old = DataType("table", kind.shape, {name: value for name, value in kind.options.items() if name != "fill"})
    assert TABLE.encode(frame, old)[1].tolist() == [1, 0, 0]
    for name in "ab":
        with pytest.raises(InputError, match=f"row 0, column '{name}': expected a .*, got no value. Fill the gap"):
            TABLE.encode(frame.assign(**{name: [None, frame[name][1]]}), old)


@pytest.mark.parametrize(
    "change",
    [
        {"forms": {"a": {"form": "hashed", "buckets": 10**9}}},
        {"forms": {"a": {"form": "hashed"}}},
        {"forms": {"a": {"form": "times", "buckets": 3}}},
        {"forms": {"a": {"form": "code"}}},
        {"forms": {"z": {"form": "times"}}},
        {"forms": ["a"]},
        {"gaps": ["z"]},
        {"gaps": "a"},
        {"forms": {"a": {"form": "times"}}, "categories": {"a": ["x"]}},
    ],
)
def test_what_a_stranger_writes_of_columns_is_checked(change: dict[str, Any]) -> None:
    options = TABLE.define(MIXED[["age", "weight"]]).options | {"columns": ["a", "b"]}
    assert fits_options({**options, "gaps": ["a"]})
    assert not fits_options({**options, **change})


CELLS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(width=32, allow_infinity=False),
    st.sampled_from(["", " ", "x", "NA", "?", "2020-01-01", "12:30", "1,234", "true", "nan"]),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=9),
    st.datetimes(),
    st.dates(),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(CELLS, min_size=1, max_size=8), st.lists(CELLS, min_size=1, max_size=8))
def test_whatever_a_column_holds_is_encoded_or_refused(first: list[Any], later: list[Any]) -> None:
    rows = [{"a": cell, "full": 1.0} for cell in first]
    try:
        kind = TABLE.define(rows)
    except InputError:
        return
    assert fits_options(kind.options)
    encoded = TABLE.encode(rows, kind)
    assert encoded.shape == (len(first), *kind.shape)
    for cell, own in zip(first, encoded, strict=True):  # a row is encoded as it is among others
        assert TABLE.encode([{"a": cell, "full": 1.0}], kind)[0].equal(own)
    for cell in later:
        row = [{"full": 0.0, "a": cell}]
        with suppress(InputError):
            assert bool(np.isfinite(TABLE.encode(row, kind).numpy()).all())
            notes_of(row, kind)
