"""Layers of Vision Transformers and of EfficientNet, and adapters, answer under onnxruntime as they do here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import nn

import senpath as sp
from senpath.components import build
from senpath.export.graph import Graph
from senpath.export.layers import LAYERS
from senpath.inputs.modalities import MODALITIES

Labelled = tuple[np.ndarray, np.ndarray]
PATCHES = {"channels": 3, "side": 16, "patch": 8, "width": 6}
STEM = {"channels": 3, "filters": 4, "kernel": 3, "stride": 2, "side": None, "mean": 0.5, "std": 0.25}
BLOCK = {"inputs": 4, "outputs": 4, "kernel": 3, "stride": 1, "expand": 2}
ONCE: dict[str, Any] = {"method": "munet", "generations": 1, "children": 1, "cycles": 1, "examples": 40, "validation": 10, "clone": "none"}
RELATIVE = 1e-4


def filled(kind: str, config: dict[str, Any]) -> nn.Module:
    """A brick in which no weight is 0 or 1, as some are at first."""
    torch.manual_seed(0)
    module = build(kind, config).eval().requires_grad_(False)
    for name, values in module.state_dict().items():
        values.uniform_(0.5, 1.5) if name.endswith("variance") else values.normal_(std=0.5)
    return module


@pytest.mark.parametrize(
    ("kind", "config", "shape"),
    [
        pytest.param("patches.v1", PATCHES, (3, 16, 16), id="patches"),
        pytest.param("patches.v1", PATCHES, (1, 16, 16), id="patches of grey"),
        pytest.param("patches.v1", PATCHES, (3, 9, 12), id="patches of smaller images"),
        pytest.param("patches.v1", PATCHES, (1, 40, 33), id="patches of larger images"),
        pytest.param("patches.v1", PATCHES, (3, 50, 7), id="patches of high images"),
        pytest.param("class-token.v1", {"width": 6}, (5, 6), id="class token"),
        pytest.param("positions.v1", {"tokens": 5, "width": 6}, (5, 6), id="positions"),
        pytest.param("transformer.v1", {"width": 12, "heads": 3, "hidden": 20}, (5, 12), id="transformer"),
        pytest.param("class-norm.v1", {"width": 6}, (5, 6), id="class norm"),
        pytest.param("adapter.v1", {"features": 6, "hidden": 3}, (6,), id="adapter of vectors"),
        pytest.param("adapter.v1", {"features": 6, "hidden": 3}, (5, 6), id="adapter of tokens"),
        pytest.param("adapter.v1", {"features": 6, "hidden": 3, "axis": 1}, (6, 4, 5), id="adapter of maps"),
        pytest.param("conv-stem.v1", STEM, (3, 9, 12), id="stem"),
        pytest.param("conv-stem.v1", STEM, (1, 8, 7), id="stem of grey"),
        pytest.param("conv-stem.v1", {**STEM, "side": 12}, (3, 30, 14), id="stem of larger images"),
        pytest.param("mbconv.v1", BLOCK, (4, 6, 5), id="block"),
        pytest.param("mbconv.v1", {**BLOCK, "expand": 1, "outputs": 3}, (4, 6, 5), id="narrow block"),
        pytest.param("mbconv.v1", {**BLOCK, "kernel": 5, "stride": 2}, (4, 8, 7), id="block of stride 2"),
        pytest.param("mbconv.v1", {**BLOCK, "kernel": 5, "stride": 2}, (4, 1, 2), id="block of small maps"),
        pytest.param("conv-tail.v1", {"inputs": 4, "outputs": 7}, (4, 3, 2), id="tail"),
    ],
)
def test_a_layer_answers_the_same(kind: str, config: dict[str, Any], shape: tuple[int, ...]) -> None:
    module, inputs = filled(kind, config), torch.rand(3, *shape, generator=torch.Generator().manual_seed(1))
    expected = module(inputs)
    model = alone(kind, module, shape, expected.shape[1:])
    for count in (1, 3):
        same(model.run(None, {"input": inputs[:count].numpy()})[0], expected[:count].numpy())


def alone(kind: str, module: nn.Module, shape: tuple[int, ...], answer: torch.Size) -> onnxruntime.InferenceSession:
    """A model of one layer."""
    graph, values = Graph(onnx), onnx.helper.make_tensor_value_info
    graph.shapes["input"] = shape
    graph.sum([LAYERS[kind](graph, module, "input")], "output")
    ends = [values(name, onnx.TensorProto.FLOAT, ["n", *sizes]) for name, sizes in (("input", shape), ("output", answer))]
    made = onnx.helper.make_graph(graph.nodes, "layer", ends[:1], ends[1:], graph.weights)
    model = onnx.helper.make_model_gen_version(made, opset_imports=[onnx.helper.make_opsetid("", 18)])
    onnx.checker.check_model(model, full_check=True)
    return onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])


def same(found: np.ndarray, expected: np.ndarray) -> None:
    np.testing.assert_allclose(found, expected, rtol=0, atol=RELATIVE * np.abs(expected).max())


@pytest.mark.parametrize(
    ("settings", "kinds"),
    [
        pytest.param(
            {"root": "vit", "adapters": "all", "layers": False},
            {"patches.v1", "class-token.v1", "positions.v1", "transformer.v1", "adapter.v1", "class-norm.v1", "linear.v1"},
            id="vit",
        ),
        pytest.param({"root": "mlp", "adapters": "all", "layers": False}, {"mlp.v1", "adapter.v1", "linear.v1"}, id="mlp"),
        pytest.param(
            {"root": "efficientnet-lite0", "adapters": "all", "layers": False},
            {"conv-stem.v1", "mbconv.v1", "adapter.v1", "conv-tail.v1", "linear.v1"},
            id="efficientnet-lite0",
        ),
    ],
)
def test_a_task_of_munet_answers_the_same(digits: Labelled, tmp_path: Path, settings: dict[str, Any], kinds: set[str]) -> None:
    (x, y), net = digits, sp.Network(tmp_path / "net.sen", image_shape=(3, 32, 32))
    net.learn("digits", x[:100], y[:100], work=tmp_path / "work", **ONCE, **settings)
    assert {net.view.component(name).kind for name in net.view.pathway("digits").components} == kinds
    same_as_exported(net, "digits", x[100:120], tmp_path / "digits.onnx")


def test_a_task_that_borrows_from_one_of_munet_answers_the_same(digits: Labelled, tmp_path: Path) -> None:
    (x, y), net = digits, sp.Network(tmp_path / "net.sen")
    net.learn("digits", x[:300], y[:300], work=tmp_path / "work", **{**ONCE, "root": "mlp", "adapters": "all", "examples": 1_000})
    net.learn("borrows", x[300:], y[300:], hidden=8, epochs=3, augment=0, threshold=0.0, min_separability=0)
    assert len(net.view.pathway("borrows").links[0].reads) > 2
    same_as_exported(net, "borrows", x[:20], tmp_path / "borrows.onnx")


def same_as_exported(net: sp.Network, task: str, x: np.ndarray, path: Path) -> None:
    net.export_onnx(task, path)
    inputs = MODALITIES["image"].encode(x, net.view.manifest.types["image"].data_type)
    expected = net.view.logits(task, inputs)
    logits, probabilities = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"]).run(None, {"input": inputs.numpy()})
    same(logits, expected.numpy())
    np.testing.assert_allclose(probabilities, expected.softmax(1), rtol=0, atol=RELATIVE)
