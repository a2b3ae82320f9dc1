"""What several kinds of bricks are made of, as ONNX nodes."""

from __future__ import annotations

from math import sqrt

import torch
from torch import nn

from senpath.export.graph import Graph


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


def attended(graph: Graph, ask: nn.Linear, heads: int, read: str, hidden: str = "") -> str:
    """What tokens (n, length, width) take from each other by scaled dot products, heads side by side.

    Args:
        ask: queries, keys and values of all heads, one behind the other.
        hidden: name of what is added before the softmax, if anything is.
    """
    width = ask.in_features
    split = sizes(graph, 0, 0, heads, width // heads)  # a 0 keeps a size
    parts = []
    for weight, bias in zip(ask.weight.chunk(3), ask.bias.chunk(3), strict=True):
        parts.append(graph.node("Reshape", affine(graph, weight, bias, read), split))
    query, value = (graph.node("Transpose", part, perm=[0, 2, 1, 3]) for part in (parts[0], parts[2]))
    key = graph.node("Transpose", parts[1], perm=[0, 2, 3, 1])
    scores = graph.node("Div", graph.node("MatMul", query, key), number(graph, sqrt(width // heads)))
    shares = graph.node("Softmax", graph.node("Add", scores, hidden) if hidden else scores, axis=-1)
    seen = graph.node("Transpose", graph.node("MatMul", shares, value), perm=[0, 2, 1, 3])
    return graph.node("Reshape", seen, sizes(graph, 0, 0, width))
