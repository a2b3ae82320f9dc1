"""Folders, tables and data sets as competitions, spreadsheets and other libraries leave them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pandas as pd
import pytest
import torch
from openpyxl import Workbook
from openpyxl.chart import BarChart, Reference
from PIL import Image
from sklearn.datasets import load_iris

import senpath as sp
from tests.raising import raises_error

PIXELS = np.random.default_rng(0).integers(0, 256, (6, 8, 8), dtype=np.uint8)


def pictures(folder: Path, *names: str, pixels: np.ndarray = PIXELS[0]) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(folder / name)
    return folder


@pytest.mark.parametrize(("train", "test"), [("seg_train", "seg_test"), ("training_set", "test_set"), ("Train Data", "Test Data")])
def test_parts_whose_names_have_a_further_word_are_no_classes(tmp_path: Path, train: str, test: str) -> None:
    pictures(tmp_path, *(f"{part}/{part}/{name}/1.png" for part in (train, test) for name in ("cat", "dog")), "seg_pred/3.png")
    data = sp.read(tmp_path)
    assert [*data.y] == ["cat", "dog"]
    assert "part 'train' of 'test', 'train', left out 'seg_pred'" in data.about
    assert [*sp.read(tmp_path, split="test").y] == ["cat", "dog"]


def test_classes_may_have_a_word_of_a_part(tmp_path: Path) -> None:
    pictures(tmp_path / "one", "training course/1.png", "test tube/1.png", "bus/1.png")
    assert [*sp.read(tmp_path / "one").y] == ["bus", "test tube", "training course"]
    pictures(
        tmp_path / "other", "train/cat/1.png", "test/cat/1.png", "train_masks/cat/1.png", "test_masks/cat/1.png", "val_masks/cat/1.png"
    )
    assert sp.read(tmp_path / "other").about.endswith("left out 'test_masks', 'train_masks', 'val_masks'")


def test_pictures_beside_the_folders_of_classes_are_named(tmp_path: Path) -> None:
    about = sp.read(pictures(tmp_path, "cat/1.png", "dog/1.png", "loose.png")).about
    assert about == "2 pictures (PNG, 8×8, grey) in 2 folders; 1 picture in no folder (loose.png) left out"


@pytest.mark.parametrize("place", ["", "train/"])
def test_a_table_of_labels_that_names_no_file_is_not_learned_for_the_pictures_beside_it(tmp_path: Path, place: str) -> None:
    pictures(tmp_path, *(f"{place}{name:04}.png" for name in range(4)))
    (tmp_path / "labels.csv").write_text("id,breed\n0000,pug\n0001,collie\n0002,pug\n0003,collie\n")
    with raises_error(sp.InputError, "labels.csv", expected="a column that names the files beside it", do="file_name"):
        sp.read(tmp_path)
    assert sp.read(tmp_path, modality="table").modality == "table"
    assert sp.read(tmp_path / "labels.csv").modality == "table"


def test_a_folder_of_tables_is_told_to_name_one(tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": [1.0, 2.0, 3.0, 4.0], "label": ["x", "y", "x", "y"]})
    frame.to_parquet(tmp_path / "t", partition_cols=["label"])
    with raises_error(sp.InputError, "folder", got="2 files of other kinds", do="Name a table itself"):
        sp.read(tmp_path / "t")


@pytest.mark.parametrize("kind", ["files", "pictures"])
@pytest.mark.parametrize(("bits", "white"), [(16, 4095), (8, 16)])
def test_pictures_that_are_all_dark_are_warned_of(tmp_path: Path, kind: str, bits: int, white: int) -> None:
    pixels = (PIXELS / 255 * white).astype(np.uint16 if bits == 16 else np.uint8)
    for place, each in enumerate(pixels):
        pictures(tmp_path, f"{'ab'[place % 2]}/{place}.png", pixels=each)
    data = sp.read(tmp_path)
    x = data.x if kind == "files" else [Image.open(path) for path in data.x]
    net = sp.Network()
    with pytest.warns(sp.SenpathWarning, match=r"none of these pictures has a place brighter than 6\.\d% of white"):
        net.learn("t", x, data.y, epochs=1)


def test_the_first_sheet_that_is_seen_is_read(tmp_path: Path) -> None:
    book = Workbook()
    book.active.title = "lists"
    for row in (["x", "label"], [1, "z"], [2, "w"], [3, "w"]):
        book.active.append(row)
    book.active.sheet_state = "hidden"
    sheet = book.create_sheet("data")
    for row in (["p", "label"], [1, "a"], [2, "b"]):
        sheet.append(row)
    chart = BarChart()
    chart.add_data(Reference(sheet, min_col=1, min_row=2, max_row=3))
    book.create_chartsheet("chart", 0).add_chart(chart)
    book.active = 2
    book.save(tmp_path / "t.xlsx")
    data = sp.read(tmp_path / "t.xlsx")
    assert (data.x.columns, [*data.y]) == (["p"], ["a", "b"])
    assert data.about.endswith("sheet 'data' of 3")


@pytest.mark.parametrize(
    ("name", "content", "do"),
    [
        ("t.csv", b"p,q,label\r1,2,a\r3,4,b\r", "line ends of Windows or Unix"),
        ("t.json", b'{"a": 1, "label": "x"}\n{"a": 2, "label": "y"}\n', ".jsonl"),
        ("t.jsonl", b'[{"a": 1, "label": "x"}, {"a": 2, "label": "y"}]', ".json"),
        ("n.jsonl", b'{"a": {"b": 1}, "label": "x"}\n{"a": {"b": 2}, "label": "y"}\n', "json_normalize"),
    ],
)
def test_files_under_anothers_name_are_told_what_to_do(tmp_path: Path, name: str, content: bytes, do: str) -> None:
    (tmp_path / name).write_bytes(content)
    with raises_error(sp.InputError, name, do=do):
        sp.read(tmp_path / name)


class Dicts(torch.utils.data.Dataset[Any]):
    def __len__(self) -> int:
        return 4

    def __getitem__(self, place: int) -> dict[str, Any]:
        return {"pixel_values": PIXELS[place], "labels": place % 2}


@pytest.mark.parametrize(
    ("x", "y", "do"),
    [
        (load_iris(), None, "x.data, x.target"),
        (Dicts(), None, "learn(task, [item['…'] for item in data]"),
        ([{"text": "a day", "label": 0}, {"text": "a night", "label": 1}], "label", "pandas.DataFrame(rows)"),
        ({"a": [1.0, 2.0], "b": [3.0, 4.0]}, [0, 1], "pandas.DataFrame(…)"),
        (pd.Series(["a day", None]), [0, 1], "Leave out inputs without a value"),
        ([(PIXELS[0, 0] / 255, 16000), (PIXELS[0, 1] / 255, 16000)], [0, 1], "Audio(samples, rate)"),
        ([["5.1", "red"], ["4.9", "blue"]], [0, 1], "pandas.DataFrame(rows)"),
        (pd.DataFrame({"a": [1.0, 2.0], "b": [b"red", b"blue"]}), [0, 1], "str.decode"),
        (pd.DataFrame({"a": [1.0, 2.0], "p": pd.period_range("2020", periods=2, freq="Y")}), [0, 1], "dt.to_timestamp()"),
    ],
)
def test_what_other_libraries_hold_is_told_what_to_do(x: Any, y: Any, do: str) -> None:
    with raises_error(sp.InputError, do=do):
        sp.Network().learn("t", x, y)


def test_marks_of_one_class_are_told_what_to_do() -> None:
    with raises_error(sp.InputError, "labels y", do="y.argmax(1)"):
        sp.Network().learn("t", PIXELS, np.eye(3)[[0, 1, 2, 0, 1, 2]], kind="classification")


@pytest.mark.parametrize(
    ("model", "do"),
    [
        (torch.compile(torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 8)), backend="eager"), "as it was before torch.compile"),
        (torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 8)), "Put it into a module of a class of your own"),
    ],
)
def test_modules_of_torch_itself_are_told_what_to_do(model: Any, do: str) -> None:
    with raises_error(sp.InputError, "model", do=do):
        sp.Network().learn("t", PIXELS, [0, 1, 0, 1, 0, 1], model=model)


def test_it_is_said_that_a_transform_is_left_out() -> None:
    data = datasets.Dataset.from_dict({"text": ["a day", "a night"], "label": ["x", "y"]})
    changed = data.with_transform(lambda batch: {"text": ["another"] * len(batch["text"]), "label": batch["label"]})
    assert sp.read(data).about == "2 texts in column 'text'; label 'label'"
    assert sp.read(changed).about == "2 texts in column 'text'; label 'label'; read as it is stored, without its transform"


@pytest.mark.parametrize("label", [None, "species"])
def test_labels_that_stand_there_twice_are_warned_of(label: str | None) -> None:
    iris = load_iris(as_frame=True)
    frame = iris.frame.assign(species=iris.target_names[iris.target])
    with pytest.warns(sp.SenpathWarning, match="column '(species|target)' has a value of its own for each label: .* leave them out"):
        sp.read(frame, label)
    assert len(sp.read(frame.drop(columns="species")).y) == 150  # without a warning
