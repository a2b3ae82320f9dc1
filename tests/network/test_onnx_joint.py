"""Tasks that were learned together answer under onnxruntime as they do here, what is inside of composite components included."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from sklearn.datasets import load_diabetes, load_iris

import senpath as sp
from senpath.components import build, freeze
from senpath.snapshot import MethodResult

Labelled = tuple[np.ndarray, np.ndarray]
WINES = ["a dry red", "an oaky red, from Spain, of 1998 or later", "a light red", "a crisp white", "a sweet white", "an old one"]
SEVEN = ("3x3", "5x5", "7x7", "1x7", "max", "avg", "identity")
IMAGES: dict[str, Any] = {"method": "allocation", "layers": 3, "components": SEVEN, "steps": 30, "width": 8, "strides": (2, 1, 2)}
TEXTS: dict[str, Any] = {"method": "moe", "blocks": 4, "least_steps": 20, "epochs": 1, "keep": 0.0}


@pytest.fixture(scope="module")
def net(tmp_path_factory: pytest.TempPathFactory, digits: Labelled) -> sp.Network:
    """A network of tasks that were learned together, of images, of a table and of texts, which no test may change."""
    net = sp.Network(tmp_path_factory.mktemp("onnx") / "net.sen", encoders={"text": "random-tokens"})
    x, y = digits[0][:, :7, :5], digits[1]
    net.learn_many({"low": (x[y < 5], y[y < 5]), "high": (x[y >= 5], y[y >= 5])}, **IMAGES)
    table, values = load_diabetes(return_X_y=True)
    net.learn_many({"illness": (table, values)}, kind="regression", method="allocation", layers=2, steps=30)
    net.learn_many({"wine": (WINES, [0, 0, 0, 1, 1, 1]), "length": (WINES, [0, 1, 0, 0, 0, 0])}, **TEXTS)
    net.learn("later", WINES * 2, [0, 0, 0, 1, 1, 1] * 2, epochs=2)
    return net


@pytest.fixture
def examples(net: sp.Network, digits: Labelled) -> Callable[[str], torch.Tensor]:
    """A function: task → some encoded inputs."""
    inputs: dict[str, Any] = {"image": digits[0][:5, :7, :5], "text": [*WINES, "tea"], "table": load_diabetes().data[:6]}

    def encode(task: str) -> torch.Tensor:
        data_type = net.view.manifest.types[net.view.pathway(task).data_type].data_type
        return net.view.encode(inputs[data_type.modality], data_type)

    return encode


def answers(net: sp.Network, task: str, path: Path, inputs: torch.Tensor) -> np.ndarray:
    if not path.exists():
        net.export_onnx(task, path)
    model = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    found: np.ndarray = model.run(None, {"input": inputs.numpy()})[0]
    return found


of_many_layers = pytest.mark.slow("torch takes seconds to export many layers")


@pytest.mark.slow("torch takes a second to export one")
@pytest.mark.parametrize("task", ["illness", *(pytest.param(task, marks=of_many_layers) for task in ("low", "high", "wine", "later"))])
def test_answers_are_the_same(net: sp.Network, examples: Callable[[str], torch.Tensor], tmp_path: Path, task: str) -> None:
    inputs = examples(task)
    for count in (0, 1, len(inputs)):
        logits, units = net.view.logits(task, inputs[:count]), net.view.pathway(task).scale
        expected = (logits if units is None else units.to_numbers(logits)).numpy()
        scale = np.abs(expected).max(initial=0)
        np.testing.assert_allclose(answers(net, task, tmp_path / "task.onnx", inputs[:count]), expected, rtol=1e-4, atol=1e-4 * scale)


def test_every_kind_is_in_some_of_them(net: sp.Network) -> None:
    kinds = {net.view.component(name).kind.name for path in net.view.paths for name in path.references}
    routed = {"pointwise.v1", "conv-pair.v2", "pool.v1", "identity.v1", "dense.v1", "flatten.v1", "mean.v1", "normed.v1", "projection.v1"}
    assert routed | {"attention.v1", "encoder-block.v1", "experts.v2", "token-mean.v1", "pooled-skip.v1"} <= kinds


def test_a_layer_that_uses_nothing_answers_zeros(tmp_path: Path) -> None:
    class Nothing(sp.Allocation):
        """Its last layer has no component, and no normalisation."""

        def propose_many(self, view: sp.View, tasks: Any, progress: Any = None) -> dict[str, MethodResult]:
            ((task, result),) = super().propose_many(view, tasks).items()
            config = {"children": [], "shape": [8]}
            empty = freeze("mean.v1", config, build("mean.v1", config))
            return {task: replace(result, chain=(*result.chain[:-3], empty, result.chain[-1]))}

    net = sp.Network(tmp_path / "net.sen")
    x, y = load_iris(return_X_y=True)
    net.learn_many({"iris": (x, y)}, method=Nothing(layers=2, steps=5, width=8))
    net.verify()
    inputs = net.view.encode(x[:4], net.view.manifest.types[net.view.pathway("iris").data_type].data_type)
    head = net.view.component(net.view.pathway("iris").components[-1]).module
    expected = head.bias.expand(4, -1).numpy()
    np.testing.assert_allclose(net.view.logits("iris", inputs).numpy(), expected)
    np.testing.assert_allclose(answers(net, "iris", tmp_path / "task.onnx", inputs), expected)
    onnx.checker.check_model(tmp_path / "task.onnx", full_check=True)
