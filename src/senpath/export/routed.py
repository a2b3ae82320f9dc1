"""Components that tasks share by a learned allocation, as ONNX nodes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from senpath.components.routed import ConvPair, Dense, Flatten, Identity, Mean, Pointwise, Pool
from senpath.export.graph import Child, Graph


def _pointwise(graph: Graph, brick: Pointwise, read: str) -> str:
    return _normed(graph, brick.conv, brick.norm, read)


def _conv_pair(graph: Graph, brick: ConvPair, read: str) -> str:
    for conv, norm in zip((brick.first, brick.second), brick.norms, strict=True):
        read = _normed(graph, conv, norm, read)
    return read


def _pool(graph: Graph, brick: Pool, read: str) -> str:
    operator = "MaxPool" if brick.how == "max" else "AveragePool"
    return graph.node(operator, read, kernel_shape=[3, 3], strides=[brick.stride] * 2, pads=[1] * 4)


def _identity(graph: Graph, brick: Identity, read: str) -> str:
    if brick.stride == 1:
        return graph.node("Identity", read)
    last = torch.iinfo(torch.int64).max
    sizes = ([0, 0], [last, last], [2, 3], [brick.stride, brick.stride])
    return graph.node("Slice", read, *(graph.weight(torch.tensor(values)) for values in sizes))


def _dense(graph: Graph, brick: Dense, read: str) -> str:
    made = graph.affine(brick.dense.weight, brick.dense.bias, graph.node("Flatten", read))
    if brick.norm is not None:
        weights = [graph.weight(brick.norm.get_parameter(name)) for name in ("weight", "bias")]
        made = graph.node("LayerNormalization", made, *weights, axis=-1, epsilon=brick.norm.eps)
    return graph.node("Relu", made)


def _flatten(graph: Graph, brick: Flatten, read: str) -> str:
    return graph.node("Flatten", read)


def mean(graph: Graph, brick: Mean, read: str, child: Child) -> str:
    """The composite."""
    if brick.names:
        return graph.node("Mean", *(child(place, read) for place in range(len(brick.names))))
    inputs = graph.node("Shape", read, start=0, end=1)
    shape = graph.node("Concat", inputs, graph.weight(torch.tensor(brick.shape)), axis=0)
    return graph.node("Expand", graph.weight(torch.tensor(0.0)), shape)


ROUTED: dict[str, Callable[[Graph, Any, str], str]] = {
    "pointwise.v1": _pointwise,
    "conv-pair.v1": _conv_pair,
    "pool.v1": _pool,
    "identity.v1": _identity,
    "dense.v1": _dense,
    "flatten.v1": _flatten,
}
"""How each of these kinds is translated, by versioned name."""


def _normed(graph: Graph, conv: nn.Conv2d, norm: nn.Module, read: str) -> str:
    """Convolution, group normalisation, ReLU."""
    if not isinstance(norm, nn.GroupNorm) or conv.bias is None:
        raise TypeError(f"no operator for {norm} behind {conv}")
    top, left = (size // 2 for size in conv.kernel_size)
    maps = graph.node("Conv", read, graph.weight(conv.weight), graph.weight(conv.bias), strides=[*conv.stride], pads=[top, left, top, left])
    return graph.node("Relu", _group_norm(graph, norm, maps))


def _group_norm(graph: Graph, norm: nn.GroupNorm, read: str) -> str:
    """By instance normalisation of maps laid one behind the other; ONNX has a node for groups that computes so from opset 21 on."""
    sizes = graph.node("Shape", read)
    laid = graph.node("Reshape", read, graph.weight(torch.tensor([0, norm.num_groups, -1])))
    plain = [graph.weight(torch.full((norm.num_groups,), value)) for value in (1.0, 0.0)]
    back = graph.node("Reshape", graph.node("InstanceNormalization", laid, *plain, epsilon=norm.eps), sizes)
    scale, shift = (graph.weight(norm.get_parameter(name)[:, None, None]) for name in ("weight", "bias"))
    return graph.node("Add", graph.node("Mul", back, scale), shift)
