"""What several kinds of bricks are made of, as ONNX nodes."""

from __future__ import annotations

from math import sqrt

import torch
from torch import nn

from senpath.network.onnx_graph import Graph


def norm(graph: Graph, layer: nn.LayerNorm, read: str) -> str:
    weights = [graph.weight(layer.get_parameter(name)) for name in ("weight", "bias")]
    return graph.node("LayerNormalization", read, *weights, axis=-1, epsilon=layer.eps)


def dense(graph: Graph, layer: nn.Linear, read: str) -> str:
    return affine(graph, layer.weight, layer.bias, read)


def affine(graph: Graph, weight: torch.Tensor, bias: torch.Tensor, read: str) -> str:
    """weight · input + bias along the last axis, whatever axes there are in front; `Graph.affine` is for two axes."""
    return graph.node("Add", graph.node("MatMul", read, graph.weight(weight.T)), graph.weight(bias))


def gelu(graph: Graph, read: str) -> str:
    """x/2 · (1 + erf(x / √2)); ONNX has a node for it from opset 20 on."""
    spread = graph.node("Erf", graph.node("Div", read, number(graph, sqrt(2))))
    return graph.node("Mul", graph.node("Mul", read, number(graph, 0.5)), graph.node("Add", spread, number(graph, 1)))


def number(graph: Graph, value: float) -> str:
    return graph.weight(torch.tensor(float(value)))


def sizes(graph: Graph, *values: int) -> str:
    """Whole numbers as a tensor: sizes or axes."""
    return graph.weight(torch.tensor(values))
