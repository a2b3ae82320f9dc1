"""Tasks of µ2Net, of Vision Transformers and of EfficientNet, answer under onnxruntime as they do here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest

import senpath as sp
from senpath.inputs.modalities import MODALITIES
from senpath.methods.munet.roots import Root, efficientnet

Labelled = tuple[np.ndarray, np.ndarray]
ONCE: dict[str, Any] = {
    "method": "munet",
    "schedule": "once",
    "generations": 1,
    "children": 1,
    "cycles": 1,
    "examples": 40,
    "clone": "none",
}
RELATIVE = 1e-4
OF_MANY_LAYERS = pytest.mark.slow("torch takes seconds to export many layers")


SHAPE = (3, 32, 32)


def shortest() -> Root:
    """EfficientNet without the layers that a path may do without: torch takes a second to export each."""
    layers = efficientnet(sp.DataType("image", SHAPE), None, 0).layers
    return Root("the shortest EfficientNet", tuple(layer for layer in layers if not layer.optional))


def same(found: np.ndarray, expected: np.ndarray) -> None:
    np.testing.assert_allclose(found, expected, rtol=0, atol=RELATIVE * np.abs(expected).max())


@pytest.mark.parametrize(
    ("settings", "kinds"),
    [
        pytest.param(
            {"root": "vit", "adapters": "all", "layers": False},
            {"patches.v1", "class-token.v1", "positions.v1", "transformer.v1", "adapter.v1", "class-norm.v1", "linear.v1"},
            id="vit",
            marks=OF_MANY_LAYERS,
        ),
        pytest.param({"root": "cnn", "blocks": 1}, {"pointwise.v1", "conv-pair.v2", "mlp.v1", "linear.v1"}, id="cnn", marks=OF_MANY_LAYERS),
        pytest.param({"root": "mlp", "adapters": "all", "layers": False}, {"mlp.v1", "adapter.v1", "linear.v1"}, id="mlp"),
        pytest.param(
            {"root": shortest, "adapters": "all", "layers": False},
            {"conv-stem.v1", "mbconv.v1", "adapter.v1", "conv-tail.v1", "linear.v1"},
            id="efficientnet-lite0",
            marks=OF_MANY_LAYERS,
        ),
    ],
)
def test_a_task_of_munet_answers_the_same(digits: Labelled, tmp_path: Path, settings: dict[str, Any], kinds: set[str]) -> None:
    (x, y), net = digits, sp.Network(tmp_path / "net.sen", image_shape=SHAPE)
    if settings["root"] is shortest:
        settings = {**settings, "root": shortest()}
    net.learn("digits", x[:100], y[:100], work=tmp_path / "work", **ONCE, **settings)
    assert {net.view.component(name).kind.name for name in net.view.pathway("digits").components} == kinds
    same_as_exported(net, "digits", x[100:120], tmp_path / "digits.onnx")


@OF_MANY_LAYERS
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
