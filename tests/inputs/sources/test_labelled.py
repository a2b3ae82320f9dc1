"""Labelled data in one thing or two: pairs, torch's Datasets and DataLoaders, .npz files; and what holds no labels."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader, IterableDataset, TensorDataset

import senpath as sp
from senpath.errors import InputError
from senpath.inputs.modalities import split_by_modality
from senpath.inputs.sources import read_labelled, read_unlabelled
from senpath.testing import ConstantMethod
from tests.raising import raises_error

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


def test_data_stands_for_both() -> None:
    found = sp.read(np.zeros((4, 3)), ["a", "b", "a", "b"])
    assert (found.modality, found.about, found.skipped, len(found)) == ("table", "4 rows, 3 columns", (), 4)
    x, y = read_labelled(found)
    assert x is found.x
    assert y is found.y
    assert sp.read(found) is found
    with pytest.raises(InputError, match="labels y: expected None beside Data, which holds its own labels, got list"):
        read_labelled(found, [1])


def test_it_is_learned_and_measured_as_it_is(digits: tuple[np.ndarray, np.ndarray]) -> None:
    data = sp.read(digits[0][:40], digits[1][:40])
    assert data.about == "40 pictures of 8×8"
    net = sp.Network()
    net.learn("digits", data, epochs=1, hidden=2)
    net.learn_many({"again": data}, epochs=1, hidden=2)
    assert net.tasks["again"].examples == 40
    assert sp.evaluate(net, {"digits": data}).scores["digits"].examples == 40


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
        (np.zeros((2, 3)), None, "labels y: expected one label per input, got None. Pass y, or what holds both: a folder"),
        (TensorDataset(PLACES, TARGETS), [1], "labels y: expected None beside TensorDataset, which holds its own labels, got list"),
        ("somewhere", [1], "labels y: expected None beside a path"),
        ("x" * 5000, None, "data x.*: expected a folder or file that can be read, got .*File name too long"),
        (np.zeros((2, 3)), "species", "labels y: expected one label per input, got 'species'"),
        (pl.LazyFrame({"a": [1]}), None, r"data: expected a data frame, got a LazyFrame. Call collect\(\) first"),
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
        ("a.npz", b"", r"arrays .*a.npz: expected a .npz file, a zip of arrays"),
        ("a.npz", b"no archive", r"arrays .*a.npz: expected a .npz file, a zip of arrays"),
        ("a.npz", b"PK\x03\x04 cut", r"arrays .*a.npz: expected a .npz file, a zip of arrays"),
        ("a.npy", b"", r"data .*a.npy: expected a folder with a subfolder per class, or a file .csv, .* or .zip, got .npy"),
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
    with pytest.raises(InputError, match=r"arrays .*a.npz: expected a .npz file, a zip of arrays"):
        read_labelled(tmp_path / "a.npz")


@pytest.mark.parametrize("cut", [10, 200, 600])
def test_a_cut_file_of_arrays(tmp_path: Path, cut: int) -> None:
    np.savez_compressed(tmp_path / "a.npz", x=PICTURES, y=TARGETS)
    (tmp_path / "a.npz").write_bytes((tmp_path / "a.npz").read_bytes()[:cut])
    with pytest.raises(InputError, match=r"arrays .*a.npz: expected a .npz file, a zip of arrays"):
        read_labelled(tmp_path / "a.npz")


def test_files_to_predict_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"file .*gone.png: expected a file, got nothing of that name"):
        read_unlabelled([tmp_path / "gone.png"])
    with pytest.raises(InputError, match=r"file .*: expected a file, got a folder"):
        read_unlabelled([tmp_path])


@pytest.mark.parametrize("claimed", [2**30, 2**40])
def test_what_a_header_claims_is_not_believed(tmp_path: Path, claimed: int) -> None:
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f8", "fortran_order": False, "shape": (claimed,)})
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("x.npy", header.getvalue())
        archive.writestr("y.npy", header.getvalue())
    with pytest.raises(InputError, match=rf"arrays .*a.npz, x: expected at most 1 GiB in memory, got {claimed * 8 // 2**30:,}.0 GiB"):
        sp.read(tmp_path / "a.npz")


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"modality": "smell"}, "modality: expected one of image, audio, video, table, text, or None, got 'smell'"),
        ({"bad": "ignore"}, "bad: expected 'error' or 'skip', got 'ignore'"),
        ({"modality": "image"}, "inputs: expected image data, got table"),
    ],
)
def test_options_that_there_are_not(how: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        sp.read(np.zeros((2, 3)), [0, 1], **how)


def test_rows_of_pandas_are_not_paired_by_place_against_their_indexes() -> None:
    x, y = pd.DataFrame({"a": [1.0, 2.0, 3.0, 4.0]}), pd.Series([*"uvuv"])
    named = x.set_axis([*"abcd"]), y.set_axis([*"dbca"])
    for inputs, labels in ((x, y[::-1]), (x["a"].map(str), y.sample(4, random_state=1)), named, (x, pd.DataFrame({"u": y == "u"})[::-1])):
        with raises_error(sp.InputError, "labels y", got=re.compile("indexes in another order: row 0 is "), do="y.reindex(x.index)"):
            sp.read(inputs, labels)
    with raises_error(sp.InputError, "labels y", got="indexes of other rows: row 0 is 1 in x, 2 in y", do="pass arrays"):
        sp.Network().learn("a", x[1:3], y[2:4])
    net = sp.Network()
    net.learn("a", x, y, method=ConstantMethod())
    for use in (net.extend, lambda task, *data: sp.evaluate(net, {task: data})):
        with raises_error(sp.InputError, "labels y", got="indexes in another order"):
            use("a", x, y[::-1])
    for inputs, labels in ((x[1:3], y[1:3]), (x[2:], y[:2]), (x[:2], y[2:]), (x, y[::-1].to_numpy()), (x.to_numpy(), y[::-1])):
        assert sp.read(inputs, labels).y is labels  # a slice beside rows that were counted anew
