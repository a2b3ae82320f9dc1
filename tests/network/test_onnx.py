"""A task's pathway as an ONNX model answers under onnxruntime as it does here, and says what a program has to know of it."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from sklearn.datasets import load_iris

import senpath as sp
from senpath.inputs.modalities import MODALITIES

Labelled = tuple[np.ndarray, np.ndarray]
QUICK: dict[str, Any] = {"hidden": 16, "epochs": 3, "augment": 0, "links": "none"}
BORROWS: dict[str, Any] = {"links": "all", "threshold": 0.1, "min_separability": 0}
TASKS = ("digits", "linked", "zero-shot", "pruned", "narrow", "several", "numbers", "convolved", "pooled", "tones", "texts", "iris")
QUICKLY = ("digits", "linked", "pruned", "several", "numbers", "texts", "iris")
"""Those whose answers are compared in the fast tests."""


def tones() -> tuple[list[sp.Audio], list[str]]:
    time = np.arange(1600) / 8000
    pitch = [300 if index % 2 else 1500 for index in range(12)]
    sounds = [sp.Audio(np.sin(2 * np.pi * hertz * (1 + index / 100) * time), 8000) for index, hertz in enumerate(pitch)]
    return sounds, ["low" if hertz < 1000 else "high" for hertz in pitch]


@pytest.fixture(scope="module")
def data(digits: Labelled, iris: Labelled) -> dict[str, tuple[Any, Any]]:
    """What each task is learned from. The images have odd sides, which pooling has to round up."""
    x, y = digits[0][:250, :7, :5], digits[1][:250]
    high = y > 4
    properties = np.stack([y % 2 == 0, y > 4, y > 7], 1)
    texts = [f"{animal} {count}" for animal in ("Kater", "Hündin") for count in range(10)]
    return {
        "digits": (x[~high], y[~high]),
        "linked": (x[high][:50], y[high][:50]),
        "zero-shot": (x[high][:50], y[high][:50]),
        "pruned": (x, y),
        "narrow": (x, y),
        "several": (x, properties),
        "numbers": (x, np.stack([x.mean((1, 2)), 1.7e9 + x[:, 0].mean(1)], 1)),
        "convolved": (x, y),
        "pooled": (x, y),
        "tones": tones(),
        "texts": (texts, [text.split()[0] for text in texts]),
        "iris": (iris[0] * 100, iris[1]),
        "vectors": iris,
    }


@pytest.fixture(scope="module")
def net(data: dict[str, tuple[Any, Any]], tmp_path_factory: pytest.TempPathFactory) -> sp.Network:
    """A network of every kind of pathway that no test may change."""
    net = sp.Network(tmp_path_factory.mktemp("onnx") / "net.sen")
    settings: dict[str, dict[str, Any]] = {
        "digits": {"epochs": 60},
        "linked": BORROWS,
        "zero-shot": {**BORROWS, "epochs": 0},
        "several": BORROWS,
        "numbers": {**BORROWS, "kind": "regression"},
        "convolved": {"model": "cnn"},
        "pooled": {"model": "pooled-cnn"},
        "tones": {"epochs": 1},
        "vectors": {"model": "svm"},
    }
    for task, examples in data.items():
        net.learn(task, *examples, **{**QUICK, **settings.get(task, {})})
    for task, what in (("pruned", "weights"), ("narrow", "units")):
        assert net.prune(task, 0.5, what=what, *data[task], tolerance=1.0, epochs=1).changed  # noqa: B026
    kinds = {net.view.component(name).kind.name for task in TASKS for name in net.view.pathway(task).references}
    assert kinds == {"mlp.v1", "skip.v1", "cnn.v1", "pooled-cnn.v1", "lstm.v1", "linear.v1", "link.v1", "pruned.v1"}
    assert net.view.pathway("several").links
    assert net.view.pathway("numbers").links
    assert not net.view.pathway("zero-shot").components
    return net


def encoded(net: sp.Network, task: str, x: Any) -> torch.Tensor:
    data_type = net.view.manifest.types[net.view.pathway(task).data_type].data_type
    return MODALITIES[data_type.modality].encode(x, data_type)


def session(path: Path) -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])


@pytest.fixture(scope="module")
def exported(net: sp.Network, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """A function: task → its model, written once; no test may change it."""
    folder = tmp_path_factory.mktemp("models")

    def export(task: str) -> Path:
        path = folder / f"{task}.onnx"
        if not path.exists():
            net.export_onnx(task, path)
        return path

    return export


further = pytest.mark.slow("torch takes half a second and more to export each")


@pytest.mark.slow("torch takes a second to export one")
@pytest.mark.parametrize("task", [task if task in QUICKLY else pytest.param(task, marks=further) for task in TASKS])
def test_answers_are_the_same(net: sp.Network, data: dict[str, tuple[Any, Any]], exported: Callable[[str], Path], task: str) -> None:
    onnx.checker.check_model(exported(task), full_check=True)
    model = session(exported(task))
    kind = net.tasks[task].kind
    assert [output.name for output in model.get_outputs()] == (["values"] if kind == "regression" else ["logits", "probabilities"])
    for size in (0, 1, 2, 7):
        inputs = encoded(net, task, data[task][0][-7:])[:size]
        logits, *probabilities = model.run(None, {"input": inputs.numpy()})
        expected, units = net.view.logits(task, inputs), net.view.pathway(task).scale
        if units is not None:
            expected = units.to_numbers(expected)
            answers = net.predict(data[task][0][-7:], task=task).label.tolist()[:size]
            np.testing.assert_allclose(expected, np.array(answers).reshape(size, 2), rtol=0, atol=1e-4)
            np.testing.assert_array_less(np.abs(logits - expected.numpy()), 1e-5 * data[task][1].std(0)[None].repeat(size, 0))
        scale = max(1.0, float(expected.abs().max())) if size else 1.0
        np.testing.assert_allclose(logits, expected, rtol=0, atol=1e-4 * scale)
        if probabilities:
            right = expected.softmax(1) if kind == "classification" else expected.sigmoid()
            np.testing.assert_allclose(probabilities[0], right, rtol=0, atol=1e-4)


def test_a_program_needs_nothing_but_the_file(net: sp.Network, data: dict[str, tuple[Any, Any]], exported: Callable[[str], Path]) -> None:
    model = session(exported("iris"))
    about = model.get_modelmeta().custom_metadata_map
    assert (about["task"], about["kind"], json.loads(about["classes"])) == ("iris", "classification", [0, 1, 2])
    assert about["encoding"].startswith("(values - mean) / scale")
    options = json.loads(about["data_type"])["options"]
    rows = ((data["iris"][0] - options["mean"]) / options["scale"]).astype(np.float32)
    _, probabilities = model.run(None, {"input": rows})
    assert probabilities.argmax(1).tolist() == net.predict(data["iris"][0], task="iris").label.tolist()


def test_what_is_said_of_a_task(exported: Callable[[str], Path]) -> None:
    texts, several = (session(exported(name)).get_modelmeta() for name in ("texts", "several"))
    assert json.loads(texts.custom_metadata_map["classes"]) == ["Hündin", "Kater"]
    assert json.loads(texts.custom_metadata_map["data_type"]) == {"modality": "text", "shape": [4096], "options": {"buckets": 2048}}
    assert several.custom_metadata_map["kind"] == "multilabel"
    assert json.loads(several.custom_metadata_map["data_type"])["shape"] == [1, 7, 5]
    assert several.producer_name == "senpath"


def test_the_same_task_makes_the_same_file(net: sp.Network, exported: Callable[[str], Path], tmp_path: Path) -> None:
    net.export_onnx("several", tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == exported("several").read_bytes()


def test_a_file_that_is_there(
    net: sp.Network, exported: Callable[[str], Path], tmp_path: Path, unchanged: Callable[[Path], AbstractContextManager[None]]
) -> None:
    ours, foreign, text = Path(shutil.copy(exported("iris"), tmp_path)), tmp_path / "foreign.onnx", tmp_path / "notes.onnx"
    model = onnx.load(ours)
    model.producer_name = "pytorch"
    onnx.save(model, foreign)
    text.write_text("nothing of the kind")
    with unchanged(tmp_path):
        with pytest.raises(sp.InputError, match="expected a new name, got one that is there"):
            net.export_onnx("digits", ours)
        for path, got in ((foreign, "something else"), (text, "something else"), (tmp_path, "a folder")):
            with pytest.raises(sp.InputError, match=f"expected an ONNX model that senpath wrote, to be replaced, got {got}"):
                net.export_onnx("digits", path, overwrite=True)
    net.export_onnx("digits", ours, overwrite=True)
    assert session(ours).get_modelmeta().custom_metadata_map["task"] == "digits"
    assert len(list(tmp_path.iterdir())) == 3


@pytest.mark.parametrize(
    ("task", "path", "error", "message"),
    [
        (
            "vectors",
            "x.onnx",
            sp.InputError,
            r"task 'vectors' as an ONNX model: expected .*, got a component of kind estimator\.v1\. .* skl2onnx",
        ),
        ("nothing", "x.onnx", sp.UnknownTaskError, "task 'nothing': expected one that the network has learned"),
        ("iris", "no/where/x.onnx", sp.StoreError, "exporting task 'iris' to .*: expected to be possible, got No such file"),
        ("iris", 3, sp.InputError, "path of the file: expected a str or Path, got 3"),
    ],
)
def test_refusals(net: sp.Network, tmp_path: Path, task: str, path: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        net.export_onnx(task, tmp_path / path if isinstance(path, str) else path)
    assert not list(tmp_path.iterdir())


def test_without_the_extra(net: sp.Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(sp.MissingExtraError, match=r"ONNX models: expected onnx, got not installed\. pip install 'senpath\[onnx\]'"):
        net.export_onnx("iris", tmp_path / "iris.onnx")
    assert not list(tmp_path.iterdir())


def test_a_temperature_is_part_of_the_probabilities(tmp_path: Path) -> None:
    found = load_iris()
    net = sp.Network()
    net.learn("iris", found.data, found.target, concept="flower", model="mlp", epochs=20, hidden=8)
    assert net.view.pathway("iris").temperature != 1
    net.export_onnx("iris", tmp_path / "iris.onnx")
    logits, probabilities = session(tmp_path / "iris.onnx").run(None, {"input": encoded(net, "iris", found.data).numpy()})
    np.testing.assert_allclose(probabilities, net.predict(found.data, task="iris").probabilities["iris"], atol=1e-4)
    np.testing.assert_allclose(logits, net.view.logits("iris", encoded(net, "iris", found.data)).numpy(), atol=1e-3)
