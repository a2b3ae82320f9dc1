"""What the standard library writes is read back equal."""

from __future__ import annotations

import csv
import json
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import senpath as sp
from senpath.arrays import as_word
from senpath.inputs.sources import read_unlabelled

LETTERS = st.characters(codec="utf-8", exclude_characters="\0\ufeff")
WORDS = st.text(LETTERS, min_size=1, max_size=8).map(lambda word: unicodedata.normalize("NFC", f"w{word}w"))
"""Words that nothing takes for a number, composed as they are read, with quotes, commas and ends of lines in them."""
NUMBERS = st.floats(-1e30, 1e30) | st.integers(-(2**53), 2**53)
TABLES = st.tuples(st.lists(WORDS.map(str.strip), min_size=1, max_size=4, unique=True), st.integers(1, 6)).flatmap(
    lambda shape: st.tuples(st.just(shape[0]), st.lists(st.tuples(*[NUMBERS] * len(shape[0])), min_size=shape[1], max_size=shape[1]))
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("written")


def write(path: Path, names: list[str], rows: list[Any], delimiter: str) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, delimiter=delimiter, quoting=csv.QUOTE_ALL).writerows([names, *rows])


@settings(deadline=None, max_examples=60)
@given(TABLES, st.sampled_from(",;\t"), st.data())
def test_rows_of_numbers_in_a_csv(folder: Path, table: tuple[list[str], list[Any]], delimiter: str, data: st.DataObject) -> None:
    names, rows = table
    labels = data.draw(st.lists(WORDS, min_size=len(rows), max_size=len(rows)))
    write(folder / "t.csv", ["label", *names], [[label, *row] for label, row in zip(labels, rows, strict=True)], delimiter)
    found = sp.read(folder / "t.csv")
    assert list(found.x) == [dict(zip(names, map(float, row), strict=True)) for row in rows]
    assert list(found.y) == labels


@settings(deadline=None, max_examples=60)
@given(st.lists(WORDS, min_size=1, max_size=6), st.sampled_from([".csv", ".jsonl", ".json"]))
def test_texts(folder: Path, texts: list[str], ending: str) -> None:
    path = folder / f"t{ending}"
    rows = [{"text": text, "label": f"l{place}"} for place, text in enumerate(texts)]
    if ending == ".csv":
        write(path, ["text", "label"], [[row["text"], row["label"]] for row in rows], ",")
    else:
        path.write_text(json.dumps(rows) if ending == ".json" else "\n".join(map(json.dumps, rows)), encoding="utf-8")
    found = sp.read(path)
    assert (found.modality, found.x, list(found.y)) == ("text", texts, [row["label"] for row in rows])
    assert read_unlabelled([path])[1] == texts


@settings(deadline=None, max_examples=60)
@given(TABLES, st.sampled_from([".jsonl", ".json"]))
def test_rows_of_numbers_in_json(folder: Path, table: tuple[list[str], list[Any]], ending: str) -> None:
    names, rows = table
    objects = [{**dict(zip(names, row, strict=True)), "label": place} for place, row in enumerate(rows)]
    path = folder / f"t{ending}"
    path.write_text(json.dumps(objects) if ending == ".json" else "\n".join(map(json.dumps, objects)), encoding="utf-8")
    found = sp.read(path)
    assert list(found.x) == [dict(zip(map(as_word, names), map(float, row), strict=True)) for row in rows]
    assert list(found.y) == [*range(len(rows))]


def read_or_refuse(path: Path, bad: str) -> tuple[sp.Data | None, str]:
    try:
        return sp.read(path, bad=bad), ""
    except sp.InputError as error:
        return None, str(error)


@settings(deadline=None, max_examples=150)
@given(
    st.binary(max_size=200) | st.text('ab,;"\n\r\t01.', max_size=60).map(str.encode), st.sampled_from([".csv", ".jsonl", ".json", ".txt"])
)
def test_any_content_is_read_or_refused(folder: Path, content: bytes, ending: str) -> None:
    path = folder / f"any{ending}"
    path.write_bytes(content)
    for bad in ("error", "skip"):
        found, refusal = read_or_refuse(path, bad)
        assert str(path) in refusal or (found is not None and len(found.x) == len(found.y) > 0)
