"""The layers of a Vision Transformer and of EfficientNet-Lite, and adapters, as ONNX nodes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from senpath.components.mobile import ConvStem, ConvTail, MbConv, NormedConv
from senpath.components.transformer import Adapter, ClassNorm, ClassToken, Patches, Positions, Transformer
from senpath.export.graph import Graph
from senpath.export.parts import attended, dense, gelu, norm, number, sizes


def _patches(graph: Graph, brick: Patches, read: str) -> str:
    pixels = _fitted(graph, read, brick.channels, brick.side)
    centred = graph.node("Sub", graph.node("Mul", pixels, number(graph, 2)), number(graph, 1))
    project = brick.project
    weights = [graph.weight(project.get_parameter(name)) for name in ("weight", "bias")]
    maps = graph.node("Conv", centred, *weights, strides=[*project.stride])
    tokens = graph.node("Reshape", maps, sizes(graph, 0, project.out_channels, -1))
    return graph.node("Transpose", tokens, perm=[0, 2, 1])


def _class_token(graph: Graph, brick: ClassToken, read: str) -> str:
    inputs = graph.node("Shape", read, start=0, end=1)
    shape = graph.node("Concat", inputs, sizes(graph, 1, len(brick.token)), axis=0)
    return graph.node("Concat", graph.node("Expand", graph.weight(brick.token), shape), read, axis=1)


def _positions(graph: Graph, brick: Positions, read: str) -> str:
    return graph.node("Add", read, graph.weight(brick.places))


def _transformer(graph: Graph, brick: Transformer, read: str) -> str:
    read = graph.node("Add", read, _attention(graph, brick, norm(graph, brick.before, read)))
    made = gelu(graph, dense(graph, brick.widen, norm(graph, brick.between, read)))
    return graph.node("Add", read, dense(graph, brick.narrow, made))


def _attention(graph: Graph, brick: Transformer, read: str) -> str:
    return dense(graph, brick.answer, attended(graph, brick.ask, brick.heads, read))


def _class_norm(graph: Graph, brick: ClassNorm, read: str) -> str:
    return norm(graph, brick.norm, graph.node("Gather", read, graph.weight(torch.tensor(0)), axis=1))


def _adapter(graph: Graph, brick: Adapter, read: str) -> str:
    axes = list(range(len(graph.shapes[read]) + 1))
    there = [*axes]
    there.append(there.pop(brick.axis))  # the features last
    moved = there != axes
    features = graph.node("Transpose", read, perm=there) if moved else read
    made = dense(graph, brick.widen, gelu(graph, dense(graph, brick.narrow, norm(graph, brick.norm, features))))
    back = graph.node("Transpose", made, perm=[there.index(axis) for axis in axes]) if moved else made
    return graph.node("Add", read, back)


def _conv_stem(graph: Graph, brick: ConvStem, read: str) -> str:
    pixels = graph.node("Sub", _fitted(graph, read, brick.channels, brick.side), number(graph, brick.mean))
    return _relu6(graph, _convolution(graph, brick.conv, graph.node("Div", pixels, number(graph, brick.std))))


def _mbconv(graph: Graph, brick: MbConv, read: str) -> str:
    maps = read if brick.widen is None else _relu6(graph, _convolution(graph, brick.widen, read))
    made = _convolution(graph, brick.narrow, _relu6(graph, _convolution(graph, brick.depthwise, maps)))
    return graph.node("Add", made, read) if brick.skips else made


def _conv_tail(graph: Graph, brick: ConvTail, read: str) -> str:
    return graph.node("ReduceMean", _relu6(graph, _convolution(graph, brick.conv, read)), sizes(graph, 2, 3), keepdims=0)


LAYERS: dict[str, Callable[[Graph, Any, str], str]] = {
    "patches.v1": _patches,
    "class-token.v1": _class_token,
    "positions.v1": _positions,
    "transformer.v1": _transformer,
    "class-norm.v1": _class_norm,
    "adapter.v1": _adapter,
    "conv-stem.v1": _conv_stem,
    "mbconv.v1": _mbconv,
    "conv-tail.v1": _conv_tail,
}
"""How each of these kinds is translated, by versioned name."""


def _fitted(graph: Graph, read: str, channels: int, side: int | None) -> str:
    """See `senpath.components.transformer.fitted`."""
    found, *sides = graph.shapes[read]
    if found == 1 and channels > 1:
        read = graph.node("Concat", *[read] * channels, axis=1)
    if side is None or sides == [side, side]:
        return read
    how: dict[str, Any] = {"mode": "linear", "coordinate_transformation_mode": "half_pixel", "axes": [2, 3]}
    if max(sides) > side:
        how |= {"antialias": 1, "exclude_outside": 1}  # torch's smoothing takes nothing from beyond the edge
    return graph.node("Resize", read, "", "", sizes(graph, side, side), **how)


def _convolution(graph: Graph, layer: NormedConv, read: str) -> str:
    factor, bias = layer.norm.factor_and_bias()
    weight = graph.weight(layer.weight * factor[:, None, None, None])
    # "SAME_UPPER" pads as TensorFlow's "same" does.
    return graph.node(
        "Conv", read, weight, graph.weight(bias), strides=[layer.stride, layer.stride], group=layer.groups, auto_pad="SAME_UPPER"
    )


def _relu6(graph: Graph, read: str) -> str:
    return graph.node("Clip", read, number(graph, 0), number(graph, 6))
