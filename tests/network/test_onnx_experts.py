"""Transformer blocks with experts answer under onnxruntime as they do here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

import senpath as sp
from senpath.components import Composite, build
from senpath.export.experts import EXPERTS, experts
from senpath.export.graph import Graph
from senpath.seeds import seeded

WIDTH, LENGTH = 12, 5
KINDS: dict[str, dict[str, Any]] = {
    "attention.v1": {"width": WIDTH, "heads": 3},
    "encoder-block.v1": {"width": WIDTH, "heads": 3, "hidden": 20},
    "feed-forward.v1": {"width": WIDTH, "hidden": 9},
    "token-mean.v1": {"width": WIDTH},
    "pooled-skip.v1": {"inputs": WIDTH, "hidden": 6},
}


@pytest.fixture
def tokens() -> torch.Tensor:
    """Inputs of 3, 1, 5 and no tokens."""
    lengths = torch.tensor([3, 1, 5, 0])
    drawn = torch.randn(4, LENGTH, WIDTH, generator=torch.Generator().manual_seed(0))
    return drawn * (torch.arange(LENGTH) < lengths[:, None])[..., None]


def answered(graph: Graph, output: str, tokens: torch.Tensor) -> torch.Tensor:
    """What onnxruntime makes of a graph."""
    helper, number = onnx.helper, onnx.TensorProto.FLOAT
    graph.node("Identity", output, name="out")
    inputs = [helper.make_tensor_value_info("input", number, ["n", LENGTH, WIDTH])]
    made = helper.make_graph(graph.nodes, "brick", inputs, [helper.make_tensor_value_info("out", number, None)], graph.weights)
    model = helper.make_model_gen_version(made, opset_imports=[helper.make_opsetid("", 18)])
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return torch.from_numpy(session.run(None, {"input": tokens.numpy()})[0])


def test_every_kind_is_tried() -> None:
    assert set(KINDS) == set(EXPERTS)


@pytest.mark.parametrize("kind", KINDS)
def test_it_answers_alike(kind: str, tokens: torch.Tensor) -> None:
    with seeded(0):
        brick = build(kind, KINDS[kind]).eval().requires_grad_(False)
    graph = Graph(onnx)
    torch.testing.assert_close(answered(graph, EXPERTS[kind](graph, brick, "input"), tokens), brick(tokens), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("gate", ["token", "task", "task-aware"])
@pytest.mark.parametrize("scaled", [True, False])
def test_experts_answer_alike(gate: str, scaled: bool, tokens: torch.Tensor) -> None:
    with seeded(1):
        router = build("router.v1", {"width": WIDTH, "embedding": 4, "experts": 4, "gate": gate})
        children = [router, *(build("feed-forward.v1", {"width": WIDTH, "hidden": 9}) for _ in range(3))]
        config = {"width": WIDTH, "embedding": 4, "children": ["0" * 64] * 4, "kept": [0, 1, 3], "scaled": scaled}
        brick = build("experts.v1", config).eval().requires_grad_(False)
        torch.nn.init.normal_(brick.get_parameter("task"))
    assert isinstance(brick, Composite)
    brick.bind([child.eval().requires_grad_(False) for child in children])
    graph = Graph(onnx)
    output = experts(graph, brick, "input", lambda place, read: EXPERTS["feed-forward.v1"](graph, children[place], read))
    torch.testing.assert_close(answered(graph, output, tokens), brick(tokens), atol=1e-5, rtol=1e-4)


def test_a_task_of_a_network_answers_alike(tmp_path: Path) -> None:
    net = sp.Network(encoders={"text": "random-tokens"})
    x, y = [f"{word} {place}" for word in ("red", "blue") for place in range(10)], [0] * 10 + [1] * 10
    net.learn_many({"a": (x, y), "b": (x, y[::-1])}, method="moe", epochs=1, least_steps=5, batch_size=8)
    net.export_onnx("b", tmp_path / "b.onnx")
    inputs = net.encode_examples(x, y).inputs
    session = onnxruntime.InferenceSession(tmp_path / "b.onnx", providers=["CPUExecutionProvider"])
    found = session.run(["logits"], {"input": inputs.numpy()})[0]
    np.testing.assert_allclose(found, net.view.logits("b", inputs).numpy(), atol=1e-4, rtol=1e-3)
