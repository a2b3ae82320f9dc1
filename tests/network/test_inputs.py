"""The same data in every form that people have it in teaches the same; and networks of other choices."""

from __future__ import annotations

import csv
import gc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader, TensorDataset

import senpath as sp

Labelled = tuple[np.ndarray, np.ndarray]
Given = tuple[Any, Any]
COLUMNS = ["sepal length", "sepal width", "petal length", "petal width"]


def as_dataset(x: np.ndarray, y: np.ndarray) -> TensorDataset:
    return TensorDataset(torch.from_numpy(x.copy()), torch.from_numpy(y))


def as_folder(x: np.ndarray, y: np.ndarray, folder: Path) -> Path:
    for index, (image, label) in enumerate(zip(x, y, strict=True)):
        (folder / str(label)).mkdir(exist_ok=True)
        Image.fromarray(image).save(folder / str(label) / f"{index:04}.png")
    return folder


def as_npz(x: np.ndarray, y: np.ndarray, folder: Path) -> Path:
    np.savez(folder / "data.npz", x=x, y=y)
    return folder / "data.npz"


def as_csv(x: np.ndarray, y: np.ndarray, folder: Path, encoding: str = "utf-8") -> Path:
    with open(folder / "data.csv", "w", newline="", encoding=encoding) as file:
        csv.writer(file).writerows([["label", *COLUMNS], *([label, *map(float, row)] for row, label in zip(x, y, strict=True))])
    return folder / "data.csv"


IMAGE_FORMS: dict[str, Callable[[np.ndarray, np.ndarray, Path], Given]] = {
    "list": lambda x, y, _: (list(x), y.tolist()),
    "floats": lambda x, y, _: ((x / 255).astype(np.float32), y.astype(np.float64)),
    "channel last": lambda x, y, _: (x[..., None], y),
    "tensor": lambda x, y, _: (torch.from_numpy(x.copy())[:, None], torch.from_numpy(y)),
    "pictures": lambda x, y, _: ([Image.fromarray(image) for image in x], y),
    "data set": lambda x, y, _: (as_dataset(x, y), None),
    "loader": lambda x, y, _: (DataLoader(as_dataset(x, y), batch_size=7), None),
    "folder": lambda x, y, folder: (as_folder(x, y, folder), None),
    "npz": lambda x, y, folder: (as_npz(x, y, folder), None),
    "path as text": lambda x, y, folder: (str(as_npz(x, y, folder)), None),
}
TABLE_FORMS: dict[str, Callable[[np.ndarray, np.ndarray, Path], Given]] = {
    "dicts": lambda x, y, _: ([dict(zip(COLUMNS, row, strict=True)) for row in x.tolist()], y),
    "csv": lambda x, y, folder: (as_csv(x, y, folder), None),
    "csv of a spreadsheet": lambda x, y, folder: (as_csv(x, y, folder, "utf-8-sig"), None),
    "frame of objects": lambda x, y, _: (pd.DataFrame(x, columns=COLUMNS, dtype=object), pd.Series(y, index=y[::-1])),
}
ROW_FORMS: dict[str, Callable[[np.ndarray, np.ndarray, Path], Given]] = {
    "rows": lambda x, y, _: (list(x), y),
    "lists": lambda x, y, _: (x.tolist(), y.tolist()),
    "tensor": lambda x, y, _: (torch.from_numpy(x.copy()), y),
    "tensors": lambda x, y, _: (list(torch.from_numpy(x.copy())), y),
    "data set": lambda x, y, _: (as_dataset(x, y), None),
    "npz": lambda x, y, folder: (as_npz(x, y, folder), None),
}


def sorted_by_class(data: Labelled) -> Labelled:
    """As a folder of classes has them, so that every form gives the same order."""
    order = np.argsort(data[1], kind="stable")[::3]
    return data[0][order], data[1][order]


@pytest.fixture(scope="module")
def shared() -> sp.Network:
    """A network in which the forms are compared: its types and their feature maps are made once."""
    return sp.Network()


def assert_teaches_the_same(net: sp.Network, kind: str, plain: Given, form: Given) -> None:
    """Each learned in the network under a name of its own comes to the same weights."""
    if kind not in net.tasks:
        net.learn(kind, *plain, model="mlp", epochs=2, hidden=8, links="none")
    name = f"{kind} {len(net.tasks)}"
    net.learn(name, *form, model="mlp", epochs=2, hidden=8, links="none")
    first, second = net.view.pathway(kind), net.view.pathway(name)
    assert second.components == first.components
    assert [str(label) for label in second.classes] == [str(label) for label in first.classes]
    assert second.data_type == first.data_type


@pytest.mark.parametrize("form", IMAGE_FORMS)
def test_forms_of_images(shared: sp.Network, digits: Labelled, tmp_path: Path, form: str) -> None:
    x, y = sorted_by_class(digits)
    assert_teaches_the_same(shared, "images", (x, y), IMAGE_FORMS[form](x, y, tmp_path))


@pytest.mark.parametrize("form", TABLE_FORMS)
def test_forms_of_tables(shared: sp.Network, iris: Labelled, tmp_path: Path, form: str) -> None:
    x, y = sorted_by_class(iris)
    assert_teaches_the_same(shared, "table", (pd.DataFrame(x, columns=COLUMNS), y), TABLE_FORMS[form](x, y, tmp_path))


@pytest.mark.parametrize("form", ROW_FORMS)
def test_forms_of_rows(shared: sp.Network, iris: Labelled, tmp_path: Path, form: str) -> None:
    x, y = sorted_by_class(iris)
    assert_teaches_the_same(shared, "rows", (x, y), ROW_FORMS[form](x, y, tmp_path))


def test_texts_are_found_by_place(shared: sp.Network, tmp_path: Path) -> None:
    texts, labels = ["good, great", "bad, awful", "great fun", "awful, dull"], ["good", "bad", "good", "bad"]
    shuffled = pd.Series(texts, index=[3, 1, 2, 0])
    assert_teaches_the_same(shared, "texts", (texts, labels), (shuffled, pd.Series(labels, index=shuffled.index)))
    (tmp_path / "data.csv").write_text("text,label\n" + "".join(f'"{text}",{label}\n' for text, label in zip(texts, labels, strict=True)))
    assert_teaches_the_same(shared, "texts", (texts, labels), (tmp_path / "data.csv", None))


def test_a_temporary_network_goes_with_its_object(digits: Labelled) -> None:
    net, other = sp.Network(), sp.Network()
    net.learn("digits", *digits, epochs=1, hidden=8)
    path = net.path
    assert path != other.path
    assert (path / "network.json").exists()
    assert not other.tasks
    del net
    gc.collect()
    assert not path.exists()
    assert other.path.exists()


def test_images_of_other_sizes_and_colours(digits: Labelled) -> None:
    x, y = digits
    net = sp.Network(image_shape=(1, 8, 8))
    net.learn("digits", x, y, hidden=32)
    plain = net.predict(x, task="digits").label
    large = x.repeat(2, 1).repeat(2, 2)
    colour = np.repeat(x[..., None], 3, axis=3)
    mixed = [large[0], colour[1], x[2], np.concatenate([colour[3], np.full((8, 8, 1), 255, np.uint8)], axis=2)]
    assert (net.predict(large, task="digits").label == plain).mean() > 0.95
    assert (net.predict(colour, task="digits").label == plain).all()
    assert list(net.predict(mixed, task="digits").label) == list(plain[:4])


@pytest.mark.parametrize("dispatcher", ["discriminant", "binary"])
def test_both_forms_of_the_dispatcher(tmp_path: Path, digits: Labelled, dispatcher: Any) -> None:
    x, y = digits
    net = sp.Network(tmp_path / "net", dispatcher=dispatcher)
    net.learn("dark", x, y, hidden=16, epochs=5)
    net.learn("bright", 255 - x, y, hidden=16, epochs=5)
    net.verify()
    again = sp.Network(tmp_path / "net")
    assert (again.predict(x, reject=False).task == "dark").mean() > 0.95
    assert (again.predict(255 - x, reject=False).task == "bright").mean() > 0.95
    assert (again.predict(x).confidence == net.predict(x).confidence).all()
    gates = [record.statistics.gate for record in net.view.tasks.values()]
    assert all(gate is not None for gate in gates) == (dispatcher == "binary")
    shown = net.predict(x).activated[0].dispatcher_weights
    held = {net.view.manifest.types["image"].features, *gates} - {None}
    if dispatcher == "binary":
        assert shown == net.weights["dispatcher"] == sum(net.view.component(name).weights for name in held)


def test_real_letters(letters: dict[str, Labelled]) -> None:
    net = sp.Network()
    net.learn("lower", *letters["lower"], epochs=3, hidden=64)
    before = net.predict(letters["lower"][0], task="lower").probabilities["lower"]
    x, y = letters["upper"]
    net.learn("upper", x[:300], y[:300], epochs=3, hidden=64, threshold=0.5)
    net.verify()
    assert (net.predict(letters["lower"][0], task="lower").probabilities["lower"] == before).all()
    answers = net.predict(np.concatenate([letters["lower"][0], x[300:]]), reject=False)
    right = np.array(["lower"] * 1000 + ["upper"] * 700, dtype=object)
    assert (answers.task == right).mean() > 0.75
    assert np.mean([task in names for task, names in zip(right, answers.candidates, strict=True)]) > 0.9
