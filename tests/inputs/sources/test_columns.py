"""Tables in every form: what their columns are taken for, and that it is said."""

from __future__ import annotations

import csv
import json
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import soundfile
from PIL import Image

import senpath as sp
from senpath.testing import ConstantMethod
from tests.raising import raises_error

FLOWERS = pd.DataFrame({"width": [1.5, 2.0, 3.25, 4.0], "colour": ["red", "white", "red", "white"], "species": ["u", "v", "u", "v"]})
TEXTS = pd.DataFrame({"question": ["how are you", "see you later", "hello there", "bye bye"], "intent": ["hi", "bye", "hi", "bye"]})


def as_file(ending: str, write: Callable[[pd.DataFrame, Path], Any]) -> Callable[[pd.DataFrame, Path], Path]:
    def save(frame: pd.DataFrame, folder: Path) -> Path:
        write(frame, folder / f"data{ending}")
        return folder / f"data{ending}"

    return save


FORMS: dict[str, Callable[[pd.DataFrame, Path], Any]] = {
    "csv": as_file(".csv", lambda frame, path: frame.to_csv(path, index=False)),
    "csv of pandas, with its index": as_file(".csv", lambda frame, path: frame.to_csv(path)),
    "csv of a spreadsheet": as_file(
        ".CSV", lambda frame, path: frame.to_csv(path, index=False, encoding="utf-8-sig", lineterminator="\r\n")
    ),
    "csv in German": as_file(".csv", lambda frame, path: frame.to_csv(path, index=False, sep=";", decimal=",")),
    "tsv": as_file(".tsv", lambda frame, path: frame.to_csv(path, index=False, sep="\t")),
    "parquet": as_file(".parquet", lambda frame, path: frame.to_parquet(path)),
    "json": as_file(".json", lambda frame, path: frame.to_json(path, orient="records")),
    "json lines": as_file(".jsonl", lambda frame, path: frame.to_json(path, orient="records", lines=True)),
    "ndjson": as_file(".ndjson", lambda frame, path: frame.to_json(path, orient="records", lines=True)),
    "pandas": lambda frame, _: frame,
    "polars": lambda frame, _: pl.from_pandas(frame),
    "datasets": lambda frame, _: datasets.Dataset.from_pandas(frame),
}


@pytest.mark.parametrize("form", FORMS)
def test_rows_of_numbers_and_words(tmp_path: Path, form: str) -> None:
    found = sp.read(FORMS[form](FLOWERS, tmp_path))
    assert found.modality == "table"
    assert list(found.x) == FLOWERS[["width", "colour"]].to_dict("records")
    assert list(found.y) == ["u", "v", "u", "v"]
    assert found.about == "4 rows, 1 column of numbers and 1 column of words; label 'species' (the last column)"


@pytest.mark.parametrize("form", FORMS)
def test_one_column_of_texts(tmp_path: Path, form: str) -> None:
    found = sp.read(FORMS[form](TEXTS, tmp_path))
    assert (found.modality, found.x, list(found.y)) == ("text", [*TEXTS["question"]], [*TEXTS["intent"]])
    assert found.about == "4 texts in column 'question'; label 'intent' (the last column)"


@pytest.mark.parametrize("form", FORMS)
def test_the_label_is_told(tmp_path: Path, form: str) -> None:
    data = FORMS[form](FLOWERS, tmp_path)
    found = sp.read(data, "colour")
    assert (found.x[1], list(found.y)) == ({"width": 2.0, "species": "v"}, ["red", "white", "red", "white"])
    assert "(the last column)" not in found.about
    net = sp.Network()
    net.learn("colours", data, "colour", model="mlp", epochs=1, hidden=2)
    assert net.tasks["colours"].classes_ == ("red", "white")
    with pytest.raises(sp.InputError, match="expected a column 'size' of labels, got the columns 'width', 'colour', 'species'"):
        sp.read(data, "size")


@pytest.mark.parametrize(
    ("columns", "label"),
    [
        (["label", "a"], "label"),
        (["a", "Label", "b"], "Label"),
        (["class", "a"], "class"),
        (["y", "a", "target"], "target"),
        (["a", "b"], "b"),
    ],
)
def test_names_of_labels(columns: list[str], label: str) -> None:
    found = sp.read(pd.DataFrame({name: [place, place + 1] for place, name in enumerate(columns)}))
    assert f"label {label!r}" in found.about
    assert list(found.y) == [columns.index(label), columns.index(label) + 1]
    assert label not in found.x.columns


def test_labels_keep_their_type() -> None:
    assert sp.read(pd.DataFrame({"a": [1, 2], "label": [3, 4]})).y.tolist() == [3, 4]
    assert sp.read(pd.DataFrame({"a": [1, 2], "label": [0.5, 1.5]})).y.tolist() == [0.5, 1.5]


@pytest.mark.parametrize("form", FORMS)
def test_labels_that_are_numbers_are_for_a_regression(tmp_path: Path, form: str) -> None:
    shares = [0.25, 0.75, 1.0, 0.5]
    data = FORMS[form](FLOWERS.assign(species=shares), tmp_path)
    net = sp.Network()
    with pytest.raises(sp.InputError, match=r"labels y: expected whole numbers or strings, got .*kind='regression'"):
        net.learn("shares", data, epochs=1, hidden=2)
    assert np.asarray(sp.read(data).y).tolist() == shares
    net.learn("shares", data, kind="regression", model="mlp", epochs=1, hidden=2)
    assert net.tasks["shares"].kind == "regression"


def test_whole_numbers_in_a_file_are_numbers_as_in_a_data_frame(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a,label\n1,0\n2,-1\n2,12\n")
    assert sp.read(tmp_path / "a.csv").y.tolist() == pd.read_csv(tmp_path / "a.csv").label.tolist()
    (tmp_path / "t.txt").write_text("1\tone\n2\ttwo\n")
    assert sp.read(tmp_path / "t.txt").y.tolist() == [1, 2]
    net = sp.Network()
    net.learn("t", pd.DataFrame({"a": [1.0, 2.0, 3.0]}), ["0", "-1", "12"], method=ConstantMethod())
    net.extend("t", tmp_path / "a.csv")
    assert net.tasks["t"].classes_ == ("-1", "0", "12")


@pytest.mark.parametrize("form", FORMS)
def test_true_and_false_are_so_in_every_file(tmp_path: Path, form: str) -> None:
    data = FORMS[form](FLOWERS.assign(species=[True, False, False, True]), tmp_path)
    assert list(sp.read(data).y) == [True, False, False, True]
    net = sp.Network()
    net.learn("words", FLOWERS.drop(columns="species"), ["True", "False", "False", "True"], method=ConstantMethod())  # as texts were once
    net.extend("words", data)
    assert net.tasks["words"].classes_ == ("False", "True")
    net.learn("truths", data, method=ConstantMethod())
    assert net.tasks["truths"].classes_ == (False, True)
    assert type(net.tasks["truths"].classes_[0]) is bool


@pytest.mark.parametrize(
    "labels", [["true", "no"], ["01", "2"], ["+1", "2"], ["1.0", "2.0"], ["0.5", "x"], ["0.5", "no"], ["1e999", "0.5"]]
)
def test_other_words_stay_classes(tmp_path: Path, labels: list[str]) -> None:
    (tmp_path / "a.csv").write_text(f"a,label\n1,{labels[0]}\n2,{labels[1]}\n")
    assert sp.read(tmp_path / "a.csv").y.tolist() == labels


def test_names_of_classes_are_no_numbers() -> None:
    features = datasets.Features({"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["0.5", "1.5"])})
    data = datasets.Dataset.from_dict({"text": ["a b", "b c"], "label": [0, 1]}, features=features)
    assert sp.read(data).y.tolist() == ["0.5", "1.5"]


@pytest.mark.parametrize("ending", [".csv", ".json", ".jsonl"])
def test_long_texts(tmp_path: Path, ending: str) -> None:
    long = pd.DataFrame({"text": ["word " * 1_000_000, "a\n" * 100_000], "label": ["x", "y"]})
    limit = csv.field_size_limit()
    found = sp.read(FORMS[{".csv": "csv", ".json": "json", ".jsonl": "json lines"}[ending]](long, tmp_path))
    assert found.x == [*long["text"]]
    assert csv.field_size_limit() == limit


def test_several_labels(tmp_path: Path) -> None:
    lines = [{"text": "a storm at sea", "label": ["weather", "ships"]}, {"text": "rain at noon", "label": ["weather"]}]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, lines)))
    found = sp.read(tmp_path / "a.jsonl")
    assert found.y == [["weather", "ships"], ["weather"]]
    net = sp.Network()
    net.learn("news", found, epochs=1, hidden=2)
    assert net.tasks["news"].kind == "multilabel"


def test_columns_beside_a_text_are_left_out_and_named() -> None:
    found = sp.read(pd.DataFrame({"id": [1, 2], "text": ["a cat", "a cat"], "label": [0, 1]}))
    about = "2 texts in column 'text'; left out: 'id' (modality='table' reads all); label 'label'"
    assert (found.x, found.about) == (["a cat", "a cat"], about)


def test_words_that_come_again_are_no_texts() -> None:
    words = pd.DataFrame({"colour": ["dark red", "light blue"] * 10, "label": [0, 1] * 10})
    assert sp.read(words).modality == "table"
    assert sp.read(words, modality="table").about == "20 rows, 1 column of words; label 'label'"
    different = pd.DataFrame({"name": [f"word{n}" for n in range(40)] * 3, "label": [0, 1] * 60})
    assert sp.read(different).modality == "text"


def test_the_modality_is_told() -> None:
    frame = pd.DataFrame({"n": [1, 2, 3, 4], "said": TEXTS["question"], "label": [0, 1, 0, 1]})
    assert sp.read(frame, modality="text").x == [*TEXTS["question"]]
    with pytest.raises(
        sp.InputError, match=r"data frame: expected a column of pictures or their files, got none. The columns are 'n', 'said'"
    ):
        sp.read(frame, modality="image")
    with pytest.raises(sp.InputError, match="data frame: expected a column of texts, got none"):
        sp.read(FLOWERS[["width", "species"]], modality="text")


def test_lists_of_numbers(tmp_path: Path) -> None:
    pictures = [[[0, 128], [255, 3]], [[7, 8], [9, 10]]]
    for name, values in (("rows", [[1.5, 2], [3, 4]]), ("pictures", pictures)):
        path = tmp_path / f"{name}.jsonl"
        path.write_text("\n".join(json.dumps({"x": value, "label": place}) for place, value in enumerate(values)))
        found = sp.read(path)
        assert np.asarray(found.x).tolist() == values
        assert found.modality == {"rows": "table", "pictures": "image"}[name]


def test_a_label_and_a_text_on_each_line(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("good\ta fine film\r\n\nbad\tdull, and long\ttoo\n")
    found = sp.read(tmp_path / "a.txt")
    assert (found.x, list(found.y)) == (["a fine film", "dull, and long\ttoo"], ["good", "bad"])
    (tmp_path / "a.txt").write_text("good\ta fine film\nbad dull\n")
    with pytest.raises(sp.InputError, match=r"texts .*a.txt, line 2: expected a label, a tab and a text, got 'bad dull' without a tab"):
        sp.read(tmp_path / "a.txt")
    assert sp.read(tmp_path / "a.txt", bad="skip").skipped[0][0] == "line 2"
    with pytest.raises(sp.InputError, match="column of labels: expected none of lines of text, which has no columns, got 'x'"):
        sp.read(tmp_path / "a.txt", "x")


def data_set(column: str, values: list[Any], feature: Any) -> datasets.Dataset:
    features = datasets.Features({column: feature, "label": datasets.ClassLabel(names=["no", "yes"])})
    return datasets.Dataset.from_dict({column: values, "label": [0, 1] * (len(values) // 2)}, features=features)


def test_a_data_set_of_texts_and_classes(tmp_path: Path) -> None:
    data = data_set("sentence", ["a b c", "d e f"], datasets.Value("string"))
    for form in (data, saved(data, tmp_path)):
        found = sp.read(form)
        assert (found.modality, found.x, list(found.y)) == ("text", ["a b c", "d e f"], ["no", "yes"])


def test_a_data_set_of_pictures(tmp_path: Path) -> None:
    pictures = [Image.fromarray(np.full((6, 5, 3), 40 * place, np.uint8)) for place in range(4)]
    data = data_set("picture", pictures, datasets.Image())
    for form in (data, saved(data, tmp_path)):
        found = sp.read(form)
        assert (found.modality, list(found.y)) == ("image", ["no", "yes"] * 2)
        assert found.about == "4 pictures (PNG, 5×6, colour) in column 'picture'; label 'label'"
        assert [np.asarray(picture).max() for picture in found.x] == [0, 40, 80, 120]
        sp.Network().learn("pictures", found, epochs=1, hidden=2)


def test_a_data_set_of_sounds(tmp_path: Path) -> None:
    wave = (0.5 * np.sin(np.arange(4000) / 5)).astype(np.float32)
    soundfile.write(tmp_path / "a.wav", wave, 8000, subtype="FLOAT")
    stored = {"bytes": (tmp_path / "a.wav").read_bytes(), "path": None}
    kept = {"bytes": datasets.Value("binary"), "path": datasets.Value("string")}
    data = data_set("audio", [stored, {"bytes": None, "path": str(tmp_path / "a.wav")}], kept).cast_column("audio", datasets.Audio())
    for form in (data, saved(data, tmp_path)):
        found = sp.read(form)
        assert (found.modality, found.x[0].rate, found.about) == (
            "audio",
            8000,
            "2 sounds (WAV, 8,000 Hz) in column 'audio'; label 'label'",
        )
        np.testing.assert_array_equal(found.x[0].samples, wave)


def saved(data: datasets.Dataset, folder: Path) -> Path:
    datasets.disable_progress_bars()
    data.to_parquet(str(folder / "data.parquet"))
    return folder / "data.parquet"


def test_a_data_set_without_labels_for_some() -> None:
    features = datasets.Features({"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["no", "yes"])})
    data = datasets.Dataset.from_dict({"text": ["a b", "b c", "c d"], "label": [0, -1, 1]}, features=features)
    with pytest.raises(sp.InputError, match="data set Dataset, row 1, column 'label': expected a label, got no value"):
        sp.read(data)
    found = sp.read(data, bad="skip")
    assert (found.x, [where for where, _ in found.skipped]) == (["a b", "c d"], ["row 1"])


def test_data_sets_of_several_parts_or_without_end() -> None:
    data = data_set("text", ["a b", "b c"], datasets.Value("string"))
    with pytest.raises(sp.InputError, match=r"data set DatasetDict: .* got the parts 'train', 'test'. Choose one, such as data\['train'\]"):
        sp.read(datasets.DatasetDict({"train": data, "test": data}))
    with pytest.raises(sp.InputError, match="data set IterableDataset: expected one with a length, got a stream"):
        sp.read(data.to_iterable_dataset())


@pytest.mark.parametrize("wrap", [pd.DataFrame, pl.from_pandas])
def test_a_frame_and_its_labels(wrap: Callable[[pd.DataFrame], Any]) -> None:
    frame = wrap(FLOWERS)
    found = sp.read(frame[["width", "colour"]], frame["species"])
    assert found.about == "4 rows, 2 columns"
    net = sp.Network()
    net.learn("flowers", frame[["width", "colour"]], frame["species"], epochs=1, hidden=2)
    net.learn("more", frame, epochs=1, hidden=2)
    assert net.tasks["more"].data_type == net.tasks["flowers"].data_type


@pytest.mark.parametrize("written", [False, True])
def test_lists_of_classes_have_their_names(tmp_path: Path, written: bool) -> None:
    tags = datasets.List(datasets.ClassLabel(names=["red", "round", "soft"]))
    columns: dict[str, Any] = {"size": datasets.Value("float32"), "tags": tags}
    rows = {"size": [1.0, 2.0, 3.0, 4.0], "tags": [[0, 1], [2], [], [1]]}
    data: Any = datasets.Dataset.from_dict(rows, features=datasets.Features(columns))
    if written:
        data.to_parquet(tmp_path / "tags.parquet")
        data = tmp_path / "tags.parquet"
    assert sp.read(data, "tags").y == [["red", "round"], ["soft"], [], ["round"]]


def test_one_long_label_does_not_widen_the_others(tmp_path: Path) -> None:
    lines = [f"{number},{'x' * 2**20 if number == 5 else 'ab'[number % 2]}" for number in range(2_000)]
    (tmp_path / "long.csv").write_text("\n".join(["size,label", *lines]))
    sp.read(tmp_path / "long.csv")  # what it imports is not the table's
    tracemalloc.start()
    labels = sp.read(tmp_path / "long.csv").y
    assert tracemalloc.get_traced_memory()[1] < 2**28  # 8 GB, were each as wide as the longest
    tracemalloc.stop()
    assert {len(label) for label in labels} == {1, 2**20}


@pytest.mark.parametrize("form", ["data frame", "strings", "categories", "polars", "arrow", "parquet"])
def test_labels_that_are_words_by_type_stay_words(form: str, tmp_path: Path) -> None:
    frame = pd.DataFrame({"width": [1.5, 2.0, 3.25, 4.0], "label": ["1", "0", "1", "0"]})
    made: dict[str, Callable[[], Any]] = {
        "data frame": lambda: frame,
        "strings": lambda: frame.astype({"label": "string"}),
        "categories": lambda: frame.astype({"label": "category"}),
        "polars": lambda: pl.from_pandas(frame),
        "arrow": lambda: pa.Table.from_pandas(frame, preserve_index=False),
        "parquet": lambda: as_file(".parquet", lambda data, path: data.to_parquet(path))(frame, tmp_path),
    }
    assert [*sp.read(made[form](), "label").y] == ["1", "0", "1", "0"]


def test_a_label_column_is_named_by_what_the_frame_calls_it() -> None:
    frame = pd.DataFrame(np.c_[np.eye(4)[:, :2], [1, 0, 1, 0]])
    data = sp.read(frame, frame.columns.to_numpy()[-1])  # a number of numpy
    assert ([*data.y], data.about) == ([1, 0, 1, 0], "4 rows, 2 columns of numbers; label '2'")


@pytest.mark.parametrize("kind", ["category", "string"])
def test_labels_of_another_type_than_their_column_are_no_input(kind: str) -> None:
    net = sp.Network()
    net.learn("t", FLOWERS, FLOWERS["species"].astype(kind), method=ConstantMethod())
    assert next(iter(net.view.types.values())).options["columns"] == ["width", "colour"]


def test_labels_without_a_name_that_are_a_column_are_warned_of() -> None:
    frame = pd.concat([FLOWERS.drop(columns="colour")] * 5, ignore_index=True)
    with pytest.warns(sp.SenpathWarning, match="column 'species' has a value of its own for each label"):
        sp.Network().learn("t", frame, frame["species"].to_list(), method=ConstantMethod())


def test_a_first_line_of_a_text_and_its_label_is_no_header(tmp_path: Path) -> None:
    lines = [f"this is text number {number} about things,{'glad' if number % 2 else 'sad'}" for number in range(1, 13)]
    (tmp_path / "t.csv").write_text("\n".join(lines), encoding="utf-8")
    with raises_error(sp.InputError, expected="a header line", got="a first line that looks like the others"):
        sp.read(tmp_path / "t.csv")


def test_classes_may_be_called_like_fractions_where_classes_are_asked_for(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,grade\n1,1.0\n2,1.3\n3,1.7\n4,1.0\n", encoding="utf-8")
    net = sp.Network()
    net.learn("marks", tmp_path / "t.csv", "grade", kind="classification", method=ConstantMethod())
    assert net.tasks["marks"].classes_ == ("1.0", "1.3", "1.7")
    (tmp_path / "more.csv").write_text("a,grade\n1,1.3\n2,1.7\n", encoding="utf-8")
    assert sp.evaluate(net, {"marks": (tmp_path / "more.csv", "grade")}).scores["marks"].examples == 2
    assert sp.read(tmp_path / "t.csv", "grade").y.tolist() == [1.0, 1.3, 1.7, 1.0]
