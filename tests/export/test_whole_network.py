"""A whole network as ONNX models answers raw inputs without a task label under onnxruntime as it does here."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest

import senpath as sp
from senpath.testing import ConstantMethod, tiny_network, tiny_task

Answers = dict[str, np.ndarray]
TOLERANCE = 1e-4


class Model:
    """A model under onnxruntime, with what it says of itself."""

    def __init__(self, path: Path) -> None:
        onnx.checker.check_model(path, full_check=True)
        self.session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        self.about = self.session.get_modelmeta().custom_metadata_map
        self.tasks = json.loads(self.about["tasks"])
        self.input = json.loads(self.about["input"])

    def __call__(self, inputs: np.ndarray) -> Answers:
        names = [output.name for output in self.session.get_outputs()]
        return dict(zip(names, self.session.run(None, {self.input["name"]: inputs}), strict=True))


def assert_answers(model: Model, inputs: np.ndarray, expected: sp.Prediction, close: float = TOLERANCE) -> None:
    """The answers are those of `predict`: tasks, labels, confidence, ood scores, and what the answering tasks say in numbers."""
    answers = model(inputs)
    assert [model.tasks[task]["name"] if task >= 0 else None for task in answers["task"]] == expected.task.tolist()
    np.testing.assert_allclose(answers["confidence"], expected.confidence, rtol=0, atol=close)
    np.testing.assert_allclose(answers["ood_score"], expected.ood_score, rtol=TOLERANCE, atol=1e-6)
    for row, place in enumerate(answers["task"].tolist()):
        label, probabilities = expected.label[row], answers["probabilities"][row]
        if place < 0:
            assert label is None
            assert answers["label"][row] == -1
            assert not probabilities.any()
            continue
        task = model.tasks[place]
        classes, share = task["classes"], answers["task_probability"][row]
        if task["kind"] == "regression":
            numbers = answers["numbers"][row][: len(classes)]
            np.testing.assert_allclose(numbers, np.reshape(label, -1), rtol=TOLERANCE, atol=TOLERANCE)
            continue
        told = expected.probabilities[task["name"]][row]
        np.testing.assert_allclose(probabilities[: len(classes)] * share, told, rtol=0, atol=close)
        assert not probabilities[len(classes) :].any()
        if task["kind"] == "classification":
            assert classes[answers["label"][row]] == label
        else:
            assert tuple(np.array(classes)[probabilities[: len(classes)] > 0.5].tolist()) == label


def exported(net: sp.Network, folder: Path, **options: Any) -> Model:
    (path,) = net.export_all(folder / "all.onnx", **options)
    return Model(path)


def noise(count: int) -> np.ndarray:
    return np.random.default_rng(0).random((count, 8, 8))


def grown(folder: Path) -> sp.Network:
    """A network of pictures: digits, and which properties turned ones have."""
    net = tiny_network(folder, tasks=("low",))
    x, y = tiny_task("low")
    net.learn(
        "turned", np.rot90(x, axes=(1, 2)), [{"even"} if label % 2 == 0 else {"odd", "small"} for label in y], method=ConstantMethod()
    )
    return net


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> sp.Network:
    """A network that no test may change."""
    return grown(tmp_path_factory.mktemp("whole") / "pictures.sen")


@pytest.fixture(scope="module")
def model(pictures: sp.Network, tmp_path_factory: pytest.TempPathFactory) -> Model:
    return exported(pictures, tmp_path_factory.mktemp("onnx"))


@pytest.fixture(scope="module")
def raw() -> np.ndarray:
    """Pictures of its tasks, and of none: uint8 (n, 8, 8)."""
    low, high = (tiny_task(name)[0][:40] for name in ("low", "high"))
    parts = [low, np.rot90(low, axes=(1, 2)), high, 1 - low, noise(20)]
    return (np.concatenate(parts) * 255).round().astype(np.uint8)


@pytest.mark.slow("torch takes seconds to export a network")
def test_pictures_of_classes_of_labels_and_of_none(pictures: sp.Network, model: Model, raw: np.ndarray) -> None:
    expected = pictures.predict(raw)
    assert {*expected.task.tolist()} == {"low", "turned", None}
    assert_answers(model, raw[..., None], expected)
    for count in (0, 1, 2):
        assert_answers(model, raw[:count, ..., None], pictures.predict(raw[:count]))


def test_pictures_of_other_sizes_and_colours(pictures: sp.Network, model: Model, raw: np.ndarray) -> None:
    large = np.repeat(np.repeat(raw[::7], 3, 1), 2, 2)
    coloured = np.random.default_rng(0).integers(0, 256, (20, 11, 9, 3), dtype=np.uint8)
    assert_answers(model, large[..., None], pictures.predict(large))
    assert_answers(model, np.repeat(large[..., None], 3, 3), pictures.predict(np.repeat(large[..., None], 3, 3)))
    assert_answers(model, coloured, pictures.predict(coloured))
    masks = (raw > 100).astype(np.uint8)  # pictures of 0s and 1s are taken as they are
    assert_answers(model, masks[..., None], pictures.predict(masks))


def test_what_a_model_says_of_itself(pictures: sp.Network, model: Model) -> None:
    assert [(task["name"], task["kind"]) for task in model.tasks] == [("low", "classification"), ("turned", "multilabel")]
    assert [task["classes"] for task in model.tasks] == [[0, 1, 2, 3, 4], ["even", "odd", "small"]]
    assert (model.input["name"], model.input["dtype"]) == ("pictures", "uint8")
    assert (model.about["senpath"], model.about["opset"]) == (sp.__version__, "18")
    assert (model.about["network"], int(model.about["version"])) == (pictures.view.network_id, pictures.version)


ALONE = """
import json, sys
import numpy, onnxruntime
sys.modules["torch"] = sys.modules["senpath"] = None
model = onnxruntime.InferenceSession(sys.argv[1], providers=["CPUExecutionProvider"])
tasks = json.loads(model.get_modelmeta().custom_metadata_map["tasks"])
task, label, confidence, *_ = model.run(None, {"pictures": numpy.load(sys.argv[2])})
print(json.dumps([(tasks[t]["name"], tasks[t]["classes"][l] if l >= 0 else None) if t >= 0 else (None, None) for t, l in zip(task, label)]))
"""


@pytest.mark.slow("starts another Python")
def test_a_program_needs_neither_senpath_nor_torch(pictures: sp.Network, raw: np.ndarray, tmp_path: Path) -> None:
    (path,) = pictures.export_all(tmp_path / "all.onnx")
    np.save(tmp_path / "raw.npy", raw[..., None])
    end = subprocess.run([sys.executable, "-c", ALONE, path, tmp_path / "raw.npy"], capture_output=True, text=True, check=True)
    expected = pictures.predict(raw)
    single = [label if not isinstance(label, tuple) else None for label in expected.label.tolist()]
    assert json.loads(end.stdout) == [[*pair] for pair in zip(expected.task.tolist(), single, strict=True)]


def test_refusals(tmp_path: Path, unchanged: Callable[[Path], AbstractContextManager[None]]) -> None:
    net = sp.Network()
    target = tmp_path / "all.onnx"
    (tmp_path / "notes").write_text("mine")
    with unchanged(tmp_path):
        with pytest.raises(sp.InputError, match="network to export: expected at least one task, got none"):
            net.export_all(target)
        net.learn("iris", *tiny_task("iris"), model="svm")
        with pytest.raises(sp.InputError, match=r"task 'iris' as an ONNX model: expected torch components, got .* estimator\.v1\. Learn"):
            net.export_all(target)
        with pytest.raises(sp.InputError, match=r"notes: expected a folder, or a name that ends in \.onnx, got a file"):
            net.export_all(tmp_path / "notes")
        net.learn("low", *tiny_task("low"), method=ConstantMethod())
        with pytest.raises(sp.InputError, match=r"types of data in one ONNX model: expected one, got 2: table-.*, image\. Name a folder"):
            net.export_all(target)
