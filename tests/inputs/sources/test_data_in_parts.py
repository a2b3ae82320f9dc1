"""Data that comes in parts, in archives and in the files of MNIST: which part is read, and how that is said."""

from __future__ import annotations

import gzip
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from data_files import idx_bytes
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from sklearn.datasets import load_digits

import senpath as sp
from senpath.errors import InputError
from senpath.inputs.sources import read_unlabelled
from senpath.inputs.sources.parts import PARTS, WantedPart, choose, split_name
from senpath.testing import ConstantMethod
from tests.raising import raises_error

DIGITS = load_digits()
X, Y = (DIGITS.images * 15).astype(np.uint8), DIGITS.target
HALF = {"train": (X[:30], Y[:30]), "test": (X[30:50], Y[30:50])}
NAMES = [("x_{}", "y_{}"), ("{}_images", "{}_labels"), ("X-{}", "Y-{}"), ("data.{}", "targets.{}")]


@pytest.mark.parametrize("names", NAMES)
def test_arrays_in_parts(tmp_path: Path, names: tuple[str, str]) -> None:
    named = {name.format(part): held for part, pair in HALF.items() for name, held in zip(names, pair, strict=True)}
    np.savez(tmp_path / "digits.npz", **named, folds=Y)
    for split, part in ((None, "train"), ("train", "train"), ("test", "test"), ("Testing", "test")):
        data = sp.read(tmp_path / "digits.npz", split=split)
        assert (data.x.tolist(), data.y.tolist()) == tuple(held.tolist() for held in HALF[part])
        assert f"part {part!r}" in data.about
    with raises_error(InputError, "digits.npz", expected="a part 'val'", got="the parts 'train', 'test'"):
        sp.read(tmp_path / "digits.npz", split="val")
    with raises_error(InputError, "digits.npz", expected="a .npz with x", got="the arrays", do="by themselves, as x"):
        read_unlabelled([tmp_path / "digits.npz"])


@pytest.mark.parametrize("names", [("X", "y"), ("images", "labels"), ("data", "target")])
def test_arrays_by_other_names(tmp_path: Path, names: tuple[str, str]) -> None:
    np.savez(tmp_path / "a.npz", **dict(zip(names, (X[:9], Y[:9, None]), strict=True)))
    data = sp.read(tmp_path / "a.npz")
    assert (data.x.tolist(), data.y.tolist()) == (X[:9].tolist(), Y[:9].tolist())
    assert len(read_unlabelled([tmp_path / "a.npz"])[1]) == 9


def write_mnist(folder: Path, packed: bool = True) -> Path:
    folder.mkdir(exist_ok=True)
    for prefix, part in (("train", "train"), ("t10k", "test")):
        for held, axes, array in zip(("images", "labels"), (3, 1), HALF[part], strict=True):
            content = idx_bytes(array)
            name = f"{prefix}-{held}-idx{axes}-ubyte" + (".gz" if packed else "")
            (folder / name).write_bytes(gzip.compress(content) if packed else content)
    return folder


@pytest.mark.parametrize("packed", [True, False])
def test_files_of_mnist_have_their_labels_beside(tmp_path: Path, packed: bool) -> None:
    folder = write_mnist(tmp_path / "mnist", packed)
    assert sp.read(folder).y.tolist() == Y[:30].tolist()
    assert sp.read(folder, split="test").x.tolist() == X[30:50].tolist()
    images = next(folder.glob("t10k-images*"))
    assert sp.read(images).y.tolist() == Y[30:50].tolist()
    assert len(read_unlabelled([images])[1]) == 20
    next(folder.glob("t10k-labels*")).unlink()
    with raises_error(InputError, "t10k-labels-idx1-ubyte"):
        sp.read(images)


def test_a_header_that_claims_more_than_there_is_takes_no_memory(tmp_path: Path) -> None:
    for size in (2**31, 2**22):
        header = bytes([0, 0, 8, 3]) + b"".join(number.to_bytes(4, "big") for number in (size, 28, 28))
        (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(header + bytes(2**23)))
        with raises_error(InputError, "idx file"):
            sp.read(tmp_path / "train-images-idx3-ubyte.gz")


def test_a_folder_of_parts_is_read_for_training_and_measured_for_testing(tmp_path: Path) -> None:
    for part, (x, y) in HALF.items():
        for place, (image, label) in enumerate(zip(x, y, strict=True)):
            (tmp_path / "data" / part / f"{label}").mkdir(parents=True, exist_ok=True)
            Image.fromarray(image).save(tmp_path / "data" / part / f"{label}" / f"{place}.png")
    assert (len(sp.read(tmp_path / "data")), len(sp.read(tmp_path / "data", split="test"))) == (30, 20)
    net = sp.Network()
    net.learn("digits", tmp_path / "data", method=ConstantMethod())
    assert net.tasks["digits"].examples == 30
    assert sp.evaluate(net, {"digits": tmp_path / "data"}).scores["digits"].examples == 20


def test_tables_in_parts(tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": np.arange(10.0), "label": [*"xy"] * 5})
    frame.to_csv(tmp_path / "flowers-train.csv", index=False)
    frame[:4].to_csv(tmp_path / "flowers_test.csv", index=False)
    assert "part 'train' of" in sp.read(tmp_path).about
    assert len(sp.read(tmp_path, split="test")) == 4
    frame.to_csv(tmp_path / "more test.csv", index=False)
    with raises_error(InputError, expected="one table", got="flowers_test.csv and more test.csv"):
        sp.read(tmp_path)


@pytest.mark.parametrize("data", [X[:4], [1, 2], pd.DataFrame({"a": [1, 2], "label": [0, 1]})])
def test_what_has_no_parts_says_so(data: Any, tmp_path: Path) -> None:
    with raises_error(InputError, expected="a part 'test'", got="no parts", do="Leave split out"):
        sp.read(data, split="test")
    (tmp_path / "t.csv").write_text("a,label\n1,x\n2,y\n")
    with raises_error(InputError, "t.csv", expected="a part 'test'", got="no parts"):
        sp.read(tmp_path / "t.csv", split="test")


def zip_of(path: Path, *files: Path) -> Path:
    with zipfile.ZipFile(path, "w") as packed:
        for file in files:
            for each in [file] if file.is_file() else sorted(file.rglob("*.*")):
                packed.write(each, each.relative_to(path.parent))
    return path


def test_a_zip_file_is_what_is_in_it(tmp_path: Path) -> None:
    for place in range(6):
        (tmp_path / "pictures" / "ab"[place % 2]).mkdir(parents=True, exist_ok=True)
        Image.fromarray(X[place]).save(tmp_path / "pictures" / "ab"[place % 2] / f"{place}.png")
    packed = zip_of(tmp_path / "pictures.zip", tmp_path / "pictures")
    plain, data = sp.read(tmp_path / "pictures"), sp.read(packed)
    assert (data.about, data.y.tolist()) == (plain.about, plain.y.tolist())
    net = sp.Network()
    net.learn("pictures", packed, method=ConstantMethod())
    assert net.encode(data.x).batches[0].inputs.equal(net.encode(plain.x).batches[0].inputs)
    assert len(net.predict(packed)) == 6
    (tmp_path / "pictures" / "a" / "bad.png").write_bytes(b"none")
    with raises_error(InputError, "pictures.zip/pictures/a/bad.png", expected="a readable picture file"):
        sp.read(zip_of(tmp_path / "pictures.zip", tmp_path / "pictures"))


def test_texts_and_tables_in_a_zip_file(tmp_path: Path) -> None:
    for place in range(4):
        (tmp_path / "texts" / "ab"[place % 2]).mkdir(parents=True, exist_ok=True)
        (tmp_path / "texts" / "ab"[place % 2] / f"{place}.txt").write_text(f"text {place}")
    assert sp.read(zip_of(tmp_path / "t.zip", tmp_path / "texts")).x == ["text 0", "text 2", "text 1", "text 3"]
    (tmp_path / "t.csv").write_text("a,label\n1,x\n2,y\n")
    assert sp.read(zip_of(tmp_path / "t.zip", tmp_path / "t.csv")).y.tolist() == ["x", "y"]
    assert sp.read(zip_of(tmp_path / "m.zip", write_mnist(tmp_path / "mnist")), split="test").y.tolist() == Y[30:50].tolist()


def test_a_zip_file_of_a_stranger(tmp_path: Path) -> None:
    (tmp_path / "secret.png").write_bytes(b"")
    (tmp_path / "labels.csv").write_text(f"file_name,label\n{tmp_path / 'secret.png'},x\n")
    with raises_error(InputError, "t.zip", expected="the name of a file"):
        sp.read(zip_of(tmp_path / "t.zip", tmp_path / "labels.csv"))
    with raises_error(InputError, "u.zip", expected="a folder for each class", got="a zip file in it"):
        sp.read(zip_of(tmp_path / "u.zip", tmp_path / "t.zip"))
    (tmp_path / "v.zip").write_bytes(b"PK cut")
    with raises_error(InputError, "zip file", expected="a whole one"):
        sp.read(tmp_path / "v.zip")


@given(st.sampled_from([*PARTS]), st.text("abcxyz019", min_size=1, max_size=5), st.sampled_from("-_. "))
def test_a_part_is_found_in_a_name_wherever_it_stands(part: str, word: str, between: str) -> None:
    for words in ([part, word], [word, part]):
        assert split_name(between.join(words)) == ("" if word in PARTS else PARTS[part], tuple(words if word in PARTS else [word]))


@given(st.dictionaries(st.sampled_from(["", *PARTS.values()]), st.integers(), min_size=1), st.sampled_from([None, *PARTS]))
def test_the_part_that_is_named_is_taken_or_none(parts: dict[str, int], name: str | None) -> None:
    try:
        chosen, said = choose(parts, WantedPart(name), "data")
    except InputError:
        assert name is None or PARTS[name] not in parts
    else:
        assert chosen in parts.values()
        assert name is None or chosen == parts[PARTS[name]]
        assert said or [*parts] == [""]
