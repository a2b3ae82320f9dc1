"""One ONNX graph put together from single nodes and from traced models."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from senpath.errors import InputError
from senpath.export.tracing import OPSET, PRODUCER, onnx_library

Shape = Sequence[int | str]
"""Of a value; axes that are words are open."""

if TYPE_CHECKING:
    import onnx

    Branch = tuple[onnx.GraphProto, Sequence[str]]

MOST_BYTES = 2**31 - 2**20
"""Of a model in one file: protocol buffers end at 2 GiB."""


class Assembly:
    """A graph that grows by nodes. Constants of one content are held once, wherever they came from.

    Attributes:
        graph: what was added so far, in an order in which it can run.
    """

    def __init__(self, name: str) -> None:
        library = onnx_library()
        self._helper, self._numpy, self._types = library.helper, library.numpy_helper, library.TensorProto
        self.graph: onnx.GraphProto = library.GraphProto(name=name)
        self._constants: dict[str, str] = {}
        self._made = 0

    def input(self, name: str, dtype: Any, shape: Shape) -> str:
        """One more input; axes that are words are open."""
        self.graph.input.append(self._value(name, dtype, shape))
        return name

    def output(self, name: str, value: str, dtype: Any, shape: Shape) -> None:
        """One more output, a value of the graph under a name of its own."""
        self.graph.node.append(self._helper.make_node("Identity", [value], [name]))
        self.graph.output.append(self._value(name, dtype, shape))

    def constant(self, array: Any, dtype: Any = None) -> str:
        """The name of a constant."""
        values = np.ascontiguousarray(array, dtype=dtype).reshape(np.shape(array))
        key = hashlib.sha256(f"{values.dtype}{values.shape}".encode() + values.tobytes()).hexdigest()
        if key not in self._constants:
            self._constants[key] = name = f"constant.{len(self._constants)}"
            self.graph.initializer.append(self._numpy.from_array(values, name))
        return self._constants[key]

    def add(self, operator: str, *inputs: str, branch: onnx.GraphProto | None = None, **attributes: Any) -> str:
        """One node of one output.

        Args:
            branch: the branch that it is added to; by default the graph.
        """
        name = self._name(operator)
        (self.graph if branch is None else branch).node.append(self._helper.make_node(operator, [*inputs], [name], **attributes))
        return name

    def include(
        self,
        model: onnx.ModelProto,
        inputs: Sequence[str],
        branch: onnx.GraphProto | None = None,
        weights: Mapping[str, np.ndarray] | None = None,
    ) -> list[str]:
        """All of a traced model.

        Args:
            inputs: what it reads, in its order.
            branch: see `add`.
            weights: what takes the place of its initializers of these names.

        Returns:
            The names of what it answers.
        """
        source, prefix = model.graph, self._name("part")
        names = {value.name: given for value, given in zip(source.input, inputs, strict=True)}
        for tensor in source.initializer:
            own = None if weights is None else weights.get(tensor.name)
            names[tensor.name] = self.constant(self._numpy.to_array(tensor) if own is None else own)
        for node in source.node:
            (self.graph if branch is None else branch).node.append(_renamed(node, names, prefix))
        return [names[value.name] for value in source.output]

    def new_branch(self, name: str) -> onnx.GraphProto:
        """An empty branch of an `If`, which may read whatever the graph has."""
        graph: onnx.GraphProto = onnx_library().GraphProto(name=name)
        return graph

    def choose(self, condition: str, then: Branch, other: Branch, types: Sequence[tuple[Any, Shape]]) -> list[str]:
        """The values of one of two branches, by a condition.

        Args:
            then, other: a branch, and the names of its values.
            types: of the values, and their shapes.
        """
        for graph, values in (then, other):
            for value, (dtype, shape) in zip(values, types, strict=True):
                name = self._name("answer")  # a branch answers what it has made, no value of the graph around it
                graph.node.append(self._helper.make_node("Identity", [value], [name]))
                graph.output.append(self._value(name, dtype, shape))
        outputs = [self._name("chosen") for _ in types]
        self.graph.node.append(self._helper.make_node("If", [condition], outputs, then_branch=then[0], else_branch=other[0]))
        return outputs

    def model(self, properties: Mapping[str, str]) -> onnx.ModelProto:
        """What was put together, with metadata, checked.

        Raises:
            InputError: if no file can hold it.
        """
        size = sum(len(tensor.raw_data) for tensor in self.graph.initializer)
        if size > MOST_BYTES:
            do = "Export its tasks one by one, or fewer of them from a copy of the network"
            raise InputError("network as one ONNX model", expected="at most 2 GiB, what such a file can hold", got=f"{size:,} bytes", do=do)
        model: onnx.ModelProto = self._helper.make_model(
            self.graph, producer_name=PRODUCER, opset_imports=[self._helper.make_opsetid("", OPSET)], ir_version=8
        )
        self._helper.set_model_props(model, dict(properties))
        onnx_library().checker.check_model(model, full_check=True)
        return model

    def _value(self, name: str, dtype: Any, shape: Shape) -> onnx.ValueInfoProto:
        kind = self._helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
        value: onnx.ValueInfoProto = self._helper.make_tensor_value_info(name, kind, shape)
        return value

    def _name(self, what: str) -> str:
        self._made += 1
        return f"{what}.{self._made}"


def _renamed(node: onnx.NodeProto, names: dict[str, str], prefix: str) -> onnx.NodeProto:
    """A node of a part with the names that its values have in the whole."""
    mine = type(node)()
    mine.CopyFrom(node)
    mine.name = ""
    mine.input[:] = [names.get(name, name) for name in node.input]
    for place, name in enumerate(node.output):
        names[name] = mine.output[place] = f"{prefix}.{name}" if name else ""
    for attribute in mine.attribute:
        if attribute.HasField("g"):
            raise TypeError(f"a part with branches of its own ({node.op_type})")
    return mine
