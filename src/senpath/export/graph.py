"""An ONNX graph while it is put together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

if TYPE_CHECKING:
    import onnx


Child = Callable[[int, str], str]
"""Adds the nodes of a composite component's child, by its place, that reads the output of this name; returns the name of its own."""


class Graph:
    """Nodes and weights while they are put together. Names are numbered, so that one pathway always makes the same file.

    Attributes:
        nodes: in the order in which they run.
        weights: the tensors that they read.
        shapes: of what components read, without the number of inputs, by name.
    """

    def __init__(self, library: Any) -> None:
        self._library = library
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []
        self.shapes: dict[str, tuple[int, ...]] = {}

    def node(self, operator: str, *reads: str, name: str | None = None, **attributes: Any) -> str:
        """Add one operator; returns the name of its output, the one called `name` if that is given."""
        name = name or f"{operator.lower()}{len(self.nodes)}"
        self.nodes.append(self._library.helper.make_node(operator, reads, [name], **attributes))
        return name

    def weight(self, values: torch.Tensor) -> str:
        """Add a tensor."""
        name = f"weight{len(self.weights)}"
        self.weights.append(self._library.numpy_helper.from_array(values.detach().cpu().contiguous().numpy(), name))
        return name

    def sum(self, reads: Sequence[str], name: str) -> str:
        """Add up; a single one goes through."""
        return self.node("Sum" if len(reads) > 1 else "Identity", *reads, name=name)

    def affine(self, weight: torch.Tensor, bias: torch.Tensor, read: str) -> str:
        """weight · input + bias, of weights (outputs, inputs)."""
        return self.node("Gemm", read, self.weight(weight), self.weight(bias), transB=1)

    def layers(self, stack: nn.Sequential, read: str) -> str:
        """Those that `Mlp`, `Cnn` and `Lstm` stack: affine maps, convolutions, ReLU and pooling."""
        for layer in stack:
            if isinstance(layer, nn.Linear):
                read = self.affine(layer.weight, layer.bias, read)
            elif isinstance(layer, nn.Conv2d) and layer.bias is not None:
                read = self.node("Conv", read, self.weight(layer.weight), self.weight(layer.bias), pads=[*layer.padding, *layer.padding])
            elif isinstance(layer, nn.ReLU):
                read = self.node("Relu", read)
            elif isinstance(layer, nn.MaxPool2d):
                sides = [layer.kernel_size, layer.kernel_size]
                read = self.node("MaxPool", read, kernel_shape=sides, strides=sides, ceil_mode=int(layer.ceil_mode))
            else:
                raise TypeError(f"no operator for {layer}")
        return read
