"""Whole networks of every type of data and kind of task, as ONNX models."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from torch import nn

import senpath as sp
from senpath.routing import Discriminant
from senpath.testing import ConstantMethod, tiny_network, tiny_task
from tests.export.test_whole_network import Model, assert_answers, exported, noise

pytestmark = pytest.mark.slow("torch takes seconds to trace each model")


def test_links_and_numbers(tmp_path: Path) -> None:
    """A task that borrows from another, and one of numbers far from 0, which single precision does not hold."""
    net = tiny_network(tmp_path / "net.sen", tasks=("low", "high"))
    x, y = tiny_task("low")
    net.learn("negative", 1 - x, 1.7e9 + np.stack([x.mean((1, 2)), y], 1), kind="regression", method=ConstantMethod())
    assert net.view.pathway("high").links
    raw = (np.concatenate([x[:40], tiny_task("high")[0][:40], 1 - x[:40], noise(20)]) * 255).round().astype(np.uint8)
    expected = net.predict(raw)
    assert {*expected.task.tolist()} == {"low", "high", "negative", None}
    model = exported(net, tmp_path)
    assert_answers(model, raw[..., None], expected)
    assert_answers(model, raw[:0, ..., None], net.predict(raw[:0]))


def test_rows_of_numbers_and_words(tmp_path: Path) -> None:
    """A table with gaps, words and far numbers, classes and a regression."""
    rows, labels = tiny_task("iris")
    names = ["sepal", "petal"]
    frame = [
        {"length": row[0] if place % 9 else None, "width": row[1], "part": names[place % 2] if place % 7 else None, "third": row[2] * 1e4}
        for place, row in enumerate(rows.tolist())
    ]
    net = sp.Network(tmp_path / "net.sen")
    net.learn("kind", frame, labels, method=ConstantMethod())
    net.learn("size", [{**row, "width": row["width"] + 4} for row in frame], rows[:, 3], kind="regression", method=ConstantMethod())
    model = exported(net, tmp_path)
    assert model.input["columns"] == ["length", "width", "part", "third"]
    places = {word: place for place, word in enumerate(model.input["categories"]["part"])}
    assert set(places) == {*names}
    frame += [{**row, "width": row["width"] + 4} for row in frame[:30]]
    frame += [{**frame[1], "part": "stem"}, {**frame[1], "third": 1e12}, {**frame[1], "length": -1e9}]
    inputs = np.array([[value(places, row[column]) for column in model.input["columns"]] for row in frame])
    expected = net.predict(frame)
    assert {*expected.task.tolist()} == {"kind", "size", None}
    assert_answers(model, inputs, expected)
    assert_answers(model, inputs[:0], net.predict(frame[:0]))


def value(places: dict[str, int], cell: Any) -> float:
    """A cell as the model reads it."""
    return float("nan") if cell is None else places.get(cell, -1) if isinstance(cell, str) else cell


def tones() -> tuple[list[sp.Audio], list[str]]:
    time = np.arange(1600) / 8000
    pitch = [300 if index % 2 else 1500 for index in range(12)]
    sounds = [sp.Audio(np.sin(2 * np.pi * hertz * (1 + index / 100) * time), 8000) for index, hertz in enumerate(pitch)]
    return sounds, ["low" if hertz < 1000 else "high" for hertz in pitch]


@pytest.mark.parametrize("examples", [tones, lambda: tiny_task("weather")], ids=["sounds", "texts"])
def test_encoded_inputs(examples: Callable[[], tuple[Any, Any]], tmp_path: Path) -> None:
    x, y = examples()
    net = sp.Network(tmp_path / "net.sen")
    net.learn("task", x, y, method=ConstantMethod())
    model = exported(net, tmp_path)
    assert (model.input["name"], model.input["dtype"]) == ("input", "float32")
    (batch,) = net.encode(x).batches
    assert_answers(model, batch.inputs.numpy(), net.predict(x))


def test_pictures_of_a_range_of_their_own(tmp_path: Path) -> None:
    x, y = tiny_task("low")
    ranged = (x * 7 - 3).astype(np.float32)
    net = sp.Network(tmp_path / "net.sen")
    net.learn("ranged", ranged, y, method=ConstantMethod())
    model = exported(net, tmp_path)
    assert model.input["dtype"] == "float32"
    assert_answers(model, ranged[..., None], net.predict(ranged))


def test_the_dispatcher_of_small_models(tmp_path: Path) -> None:
    net = tiny_network(tmp_path / "net.sen", tasks=("low", "high"), dispatcher="binary")
    net.set_limit("low", 0.9)
    raw = (np.concatenate([tiny_task("low")[0], tiny_task("high")[0], noise(20)]) * 255).round().astype(np.uint8)
    (batch,) = net.encode(raw).batches
    assert_answers(exported(net, tmp_path, encoded=True), batch.inputs.numpy(), net.predict(raw))


def reader(modality: str, shape: tuple[int, int, int] | None) -> sp.TorchEncoder:
    """An encoder with random weights."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        first = nn.Conv2d(3, 8, 3) if shape else nn.Linear(4, 24)
    inside = nn.Sequential(first, nn.ReLU(), nn.AdaptiveAvgPool2d(3) if shape else nn.Identity())
    pixels: dict[str, Any] = {"mean": 0.5, "std": [0.2, 0.3, 0.4]} if shape else {}
    return sp.TorchEncoder("reader", modality, inside, shape=shape, **pixels)


@pytest.mark.parametrize("task", ["low", "iris"])
def test_an_encoder_is_part_of_the_model(task: str, tmp_path: Path) -> None:
    x, y = tiny_task(task)
    pictures = task == "low"
    encoder = reader("image", (3, 16, 16)) if pictures else reader("table", None)
    net = sp.Network(tmp_path / "net.sen", encoders={encoder.modality: encoder})
    net.learn(task, x, y, method=ConstantMethod())
    model = exported(net, tmp_path)
    raw = (np.concatenate([x[:40], noise(10)]) * 255).round().astype(np.uint8) if pictures else x
    assert model.input["name"] == ("pictures" if pictures else "rows")
    assert_answers(model, raw[..., None] if pictures else raw, net.predict(raw))


def test_an_encoder_that_no_graph_can_hold(tmp_path: Path) -> None:
    """What a foreign module does that cannot be traced happens before the model."""

    class Turns(nn.Module):
        def forward(self, rows: torch.Tensor) -> torch.Tensor:
            return torch.stack([row if float(row.sum()) > 0 else -row for row in rows])

    x, y = tiny_task("iris")
    net = sp.Network(tmp_path / "net.sen", encoders={"table": sp.TorchEncoder("turns", "table", Turns())})
    net.learn("iris", x, y, method=ConstantMethod())
    model = exported(net, tmp_path)
    assert model.input["name"] == "input"
    (batch,) = net.encode(x).batches
    assert_answers(model, batch.inputs.numpy(), net.predict(x))


def test_a_folder_holds_a_model_for_each_type(tmp_path: Path) -> None:
    net = tiny_network(tmp_path / "net.sen", tasks=("weather", "iris"))
    files = net.export_all(tmp_path / "models")
    assert sorted(files) == sorted((tmp_path / "models").iterdir())
    models = {Model(file).tasks[0]["name"]: Model(file) for file in files}
    rows = tiny_task("iris")[0]
    assert_answers(models["iris"], rows, net.predict(rows))
    with pytest.raises(sp.InputError, match="expected a new name, got one that is there"):
        net.export_all(tmp_path / "models")
    assert net.export_all(tmp_path / "models", overwrite=True) == files


def test_many_tasks(tmp_path: Path) -> None:
    """So many columns that they are looked up; two pathways of a structure are traced, and the others take their places."""
    bunch, random = load_digits(), np.random.default_rng(0)
    x, y = bunch.images[:800] / 16, bunch.target[:800]
    turned = [x[:, random.permutation(8)][:, :, random.permutation(8)] for _ in range(40)]
    net = sp.Network(tmp_path / "net.sen")
    net.learn_many({f"task {place}": (pictures, y) for place, pictures in enumerate(turned)}, method=ConstantMethod())
    dispatcher = net.view.dispatcher("image")
    assert isinstance(dispatcher, Discriminant)
    assert dispatcher.indexed
    raw = (np.concatenate([*(pictures[::80] for pictures in turned), noise(20)]) * 255).round().astype(np.uint8)
    expected = net.predict(raw)
    assert len({*expected.task.tolist()}) > 35
    assert_answers(exported(net, tmp_path), raw[..., None], expected)
