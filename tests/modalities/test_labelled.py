"""Labelled data as people have it: arrays, torch's Datasets and DataLoaders, folders, .csv and .npz files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader, IterableDataset, TensorDataset

from senpath.errors import InputError
from senpath.modalities import read_labelled, read_unlabelled, split_by_modality

PLACES = torch.arange(24.0).reshape(6, 4) / 24
PICTURES = torch.arange(96.0).reshape(6, 4, 4) / 96
TARGETS = torch.tensor([0, 1, 2, 0, 1, 2])


def rows_of(x: Any) -> np.ndarray:
    return np.stack([np.asarray(row) for row in x])


@pytest.mark.parametrize("inputs", [PLACES, PICTURES], ids=["rows", "images"])
@pytest.mark.parametrize("wrap", [lambda data: data, lambda data: DataLoader(data, batch_size=4)], ids=["Dataset", "DataLoader"])
def test_torchs_own_containers(inputs: torch.Tensor, wrap: Callable[[Any], Any]) -> None:
    x, y = read_labelled(wrap(TensorDataset(inputs, TARGETS)))
    np.testing.assert_array_equal(rows_of(x), inputs.numpy())
    assert list(y) == TARGETS.tolist()
    assert split_by_modality(x)[0].modality == ("table" if inputs is PLACES else "image")


def test_a_pair_is_taken_as_it_is() -> None:
    x, y = np.zeros((2, 3)), ["a", "b"]
    assert read_labelled(x, y) == (x, y)


def test_a_folder_with_a_subfolder_per_class(tmp_path: Path) -> None:
    for name in ("cat/b.png", "cat/a.JPG", "dog/c.wav", "dog/notes.md", ".git/x.png", "d.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    x, y = read_labelled(str(tmp_path))
    assert [path.name for path in x] == ["a.JPG", "b.png", "c.wav"]
    assert list(y) == ["cat", "cat", "dog"]


@pytest.mark.parametrize(
    "written", ["label,a,b\nu,1,2\nv,3,x\n", "\ufefflabel,a,b\r\nu,1,2\r\n\r\nv,3,x\r\n\r\n", 'label,a,b\n"u","1",2\nv,3,x']
)
def test_a_table_with_a_column_of_labels(tmp_path: Path, written: str) -> None:
    (tmp_path / "t.csv").write_bytes(written.encode())
    x, y = read_labelled(tmp_path / "t.csv")
    assert x == [{"a": 1.0, "b": 2.0}, {"a": 3.0, "b": "x"}]
    assert list(y) == ["u", "v"]


def test_without_that_column_the_last_one_is_it(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,b,kind\n1,2,u\n3,4,v\n")
    x, y = read_labelled(tmp_path / "t.csv")
    assert (x, list(y)) == ([{"a": 1.0, "b": 2.0}, {"a": 3.0, "b": 4.0}], ["u", "v"])


def test_a_column_of_texts(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text('text,label\n"one, two",u\nthree,v\n')
    assert read_labelled(tmp_path / "t.csv")[0] == ["one, two", "three"]
    assert read_unlabelled([tmp_path / "t.csv"]) == (["t.csv[0]", "t.csv[1]"], ["one, two", "three"])


def test_arrays_in_a_file(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=PICTURES, y=TARGETS)
    x, y = read_labelled(tmp_path / "a.npz")
    np.testing.assert_array_equal(x, PICTURES)
    assert y.tolist() == TARGETS.tolist()
    np.savez(tmp_path / "b.npz", x=PICTURES)
    names, items = read_unlabelled([tmp_path / "b.npz", tmp_path / "a.npz"])
    assert (len(items), names[0], names[-1]) == (12, "b.npz[0]", "a.npz[5]")


def test_single_files_keep_their_names(tmp_path: Path) -> None:
    Image.new("L", (4, 4)).save(tmp_path / "p.png")
    assert read_unlabelled([tmp_path / "p.png"]) == (["p.png"], [tmp_path / "p.png"])


class Endless(IterableDataset[Any]):
    def __iter__(self) -> Any:
        return iter([(torch.zeros(2), 0)])


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (np.zeros((2, 3)), None, "labels y: expected one label per input, got None. Pass y, or a folder"),
        (TensorDataset(PLACES, TARGETS), [1], "labels y: expected None beside TensorDataset, which holds its own labels, got list"),
        ("somewhere", [1], "labels y: expected None beside a path"),
        ("nowhere.csv", None, "data nowhere.csv: expected a folder or file, got nothing of that name"),
        (Endless(), None, "torch Dataset: expected one with a length, got Endless without. Put it into a DataLoader"),
    ],
)
def test_what_holds_no_labels_is_refused(x: Any, y: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_labelled(x, y)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("t.csv", b"", r"table .*t.csv: expected a .*header"),
        ("t.csv", b"a,label\n1\n", r"table .*t.csv, line 2: expected 2 values, got 1"),
        ("t.csv", b"a,label\n1,u\n\n1,u,3\n", r"table .*t.csv, line 4: expected 2 values, got 3"),
        ("t.csv", b"\xff\xfe\x00a", r"table .*t.csv: expected a .csv in UTF-8"),
        ("a.npz", b"", r"arrays .*a.npz: expected a .npz with x and y"),
        ("a.npz", b"no archive", r"arrays .*a.npz: expected a .npz with x and y"),
        ("a.npz", b"PK\x03\x04 cut", r"arrays .*a.npz: expected a .npz with x and y"),
        ("a.npy", b"", r"data .*a.npy: expected a folder with a subfolder per class, a .csv or a .npz file, got .npy"),
        ("plain", b"", r"data .*plain: expected a folder .*, got no ending"),
    ],
)
def test_files_that_cannot_be_read(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=message):
        read_labelled(tmp_path / name)


@pytest.mark.parametrize("arrays", [{"x": PLACES}, {"a": PLACES}, {"x": np.array([{}], dtype=object), "y": TARGETS}])
def test_arrays_of_another_kind(tmp_path: Path, arrays: dict[str, Any]) -> None:
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(InputError, match=r"arrays .*a.npz: expected a .npz with x and y, no objects"):
        read_labelled(tmp_path / "a.npz")


def test_an_array_alone_under_the_name_of_several(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", PLACES)
    (tmp_path / "a.npy").rename(tmp_path / "a.npz")
    with pytest.raises(InputError, match=r"arrays .*a.npz: expected a .npz with x and y"):
        read_labelled(tmp_path / "a.npz")


@pytest.mark.parametrize("cut", [10, 200, 600])
def test_a_cut_file_of_arrays(tmp_path: Path, cut: int) -> None:
    np.savez_compressed(tmp_path / "a.npz", x=PICTURES, y=TARGETS)
    (tmp_path / "a.npz").write_bytes((tmp_path / "a.npz").read_bytes()[:cut])
    with pytest.raises(InputError, match=r"arrays .*a.npz: expected a .npz with x and y"):
        read_labelled(tmp_path / "a.npz")


@pytest.mark.parametrize("files", [[], ["cat"], ["cat/notes.md"]])
def test_a_folder_without_anything_to_learn(tmp_path: Path, files: list[str]) -> None:
    for name in files:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    with pytest.raises(InputError, match=r"folder .*: expected a subfolder per class with pictures, sounds or texts, got none"):
        read_labelled(tmp_path)


def test_files_to_predict_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"file .*gone.png: expected a file, got nothing of that name"):
        read_unlabelled([tmp_path / "gone.png"])
    with pytest.raises(InputError, match=r"file .*: expected a file, got a folder"):
        read_unlabelled([tmp_path])
