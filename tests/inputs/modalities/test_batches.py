"""Mixed batches are sorted by what their inputs are, and nothing is lost; labels find their classes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from senpath.errors import InputError
from senpath.inputs.modalities import split_by_modality, texts_of, type_key
from senpath.types import Audio

SINGLE: dict[str, tuple[str, Any]] = {
    "grey array": ("image", np.zeros((8, 8))),
    "colour array": ("image", np.zeros((8, 8, 3))),
    "image tensor": ("image", torch.zeros(3, 8, 8)),
    "picture": ("image", Image.new("L", (4, 4))),
    "picture file": ("image", Path("a.PNG")),
    "recording": ("audio", Audio(np.zeros(9, np.float32), 8000)),
    "sound file": ("audio", Path("a.flac")),
    "row": ("table", np.zeros(4)),
    "row tensor": ("table", torch.zeros(4)),
    "row list": ("table", [1, 2.5]),
    "row with names": ("table", {"a": 1}),
    "text": ("text", "hello"),
    "numpy text": ("text", np.str_("hello")),
}


@settings(deadline=None, max_examples=100)
@given(st.lists(st.sampled_from(sorted(SINGLE)), max_size=12))
def test_a_mixture_keeps_every_input_and_its_place(names: list[str]) -> None:
    batch = [SINGLE[name][1] for name in names]
    groups = split_by_modality(batch)
    rows = np.concatenate([group.rows for group in groups]) if groups else np.zeros(0)
    assert sorted(rows.tolist()) == list(range(len(batch)))
    assert len({group.title for group in groups}) == len(groups)
    for group in groups:
        assert group.rows.dtype == np.int64
        assert (np.diff(group.rows) > 0).all()
        assert {SINGLE[names[row]][0] for row in group.rows} == {group.modality}
        for row, item in zip(group.rows, group.items, strict=True):
            assert item is batch[row] or list(item) == batch[row]


def test_rows_of_different_columns_are_different_types() -> None:
    rows = [{"a": 1, "b": 2}, {"c": 3}, {"b": 4, "a": 5}]
    first, second = split_by_modality(rows)
    assert (first.rows.tolist(), second.rows.tolist()) == ([0, 2], [1])
    assert (first.title, second.title) == ("table (a, b)", "table (c)")
    assert type_key(first) != type_key(second)


@pytest.mark.parametrize("name", SINGLE)
def test_each_input_speaks_for_itself(name: str) -> None:
    modality, item = SINGLE[name]
    (group,) = split_by_modality([item])
    assert group.modality == modality
    if modality != "table":
        assert type_key(group) == modality


@pytest.mark.parametrize(
    ("batch", "modality"),
    [
        (np.zeros((5, 4)), "table"),
        (torch.zeros(5, 4), "table"),
        (np.zeros((5, 8, 8)), "image"),
        (torch.zeros(5, 3, 8, 8), "image"),
        (pd.DataFrame({"a": range(5)}), "table"),
        (np.array(["a"] * 5), "text"),
        (np.array(["a"] * 5, dtype=object), "text"),
        (pd.Series(["a"] * 5), "text"),
        (("a", "b", "c", "d", "e"), "text"),
    ],
)
def test_whole_batches(batch: Any, modality: str) -> None:
    (group,) = split_by_modality(batch)
    assert (group.modality, group.rows.tolist()) == (modality, [0, 1, 2, 3, 4])


def test_a_text_file_is_the_text_in_it(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("grüße", encoding="utf-8")
    assert texts_of([tmp_path / "a.txt"]) == ["grüße"]
    (tmp_path / "a.txt").write_bytes(b"\xff\xfe\xfa")
    with pytest.raises(InputError, match=r"file .*a.txt: expected a text in UTF-8"):
        texts_of([tmp_path / "a.txt"])
    with (tmp_path / "a.txt").open("wb") as file:
        file.truncate(10 * 2**30)
    with pytest.raises(InputError, match=r"file .*a.txt: expected a text of at most 16 MiB, got NUL bytes"):
        texts_of([tmp_path / "a.txt"])


@pytest.mark.parametrize(
    ("batch", "message"),
    [
        ("one text", "inputs: expected .*, got str. Put a single input into a list"),
        ({"a": 1}, "inputs: expected .*, got dict. Put a single input into a list"),
        (b"bytes", "inputs: expected .*, got bytes"),
        (7, "inputs: expected .*, got int"),
        ((value for value in "ab"), "inputs: expected .*, got generator"),
        (np.zeros(3), r"array of inputs: expected .*got shape \(3,\)"),
        (np.zeros((1, 2, 2, 2, 2)), r"array of inputs: expected .*got shape \(1, 2, 2, 2, 2\)"),
        (np.array(3.0), r"array of inputs: expected .*got shape \(\)"),
        (["text", 3.5], "input 1: expected an array, str, Audio, Video, path, bytes, dict or PIL image, got float"),
        ([b"bytes"], "input 0: expected the bytes of a picture, a sound or a clip, got 5 bytes of another kind"),
        ([None], "input 0: expected .*, got NoneType"),
        ([[]], "input 0: expected .*, got list"),
        ([["a", "b"]], "input 0: expected .*, got list"),
        ([np.zeros((1, 2, 2, 2))], r"input: expected a row .*got shape \(1, 2, 2, 2\)"),
        ([Path("a.doc")], r"file a.doc: expected one of .png, .*, got .doc"),
        ([Path("a")], "file a: expected one of .*, got no ending"),
    ],
)
def test_what_cannot_be_told_is_refused(batch: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        split_by_modality(batch)


def test_the_name_of_a_picture_as_a_text_is_asked_about(tmp_path: Path) -> None:
    file = tmp_path / "photo.png"
    assert split_by_modality([str(file), "a" * 10_000 + ".png"])[0].modality == "text"  # no such files: texts, if odd ones
    Image.new("L", (4, 4)).save(file)
    with pytest.raises(InputError, match=r"input 1: expected a Path, for a file, got the text '.*photo\.png'. Write Path"):
        split_by_modality(["a text", str(file)])
