"""A task's pathway as an ONNX model, for programs that have no senpath, nor torch."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from senpath.components import ClassLink, Cnn, Component, Linear, Lookup, Lstm, Mlp, Skip, unpruned
from senpath.errors import InputError, MissingExtraError
from senpath.export.experts import EXPERTS, experts
from senpath.export.graph import Child, Graph
from senpath.export.layers import LAYERS
from senpath.export.routed import ROUTED, mean
from senpath.pathways import Pathway
from senpath.snapshot.view import View
from senpath.store.files import explained, replacing, require_free
from senpath.types import DataType

if TYPE_CHECKING:
    import onnx

OPSET = 18
"""Of the operators that are written: that of ONNX 1.13 (2022), which runtimes have read for years."""
PRODUCER = "senpath"
ENCODINGS = {
    "image": "float32 pixels in 0 … 1, channels first; senpath.inputs.modalities.image tells how other sizes and colours are brought "
    "to the shape",
    "audio": "log-mel spectra, as senpath.inputs.modalities.audio computes them at the rate of the options",
    "table": "(values - mean) / scale, with the columns, mean and scale of the options; a column of words, whose words are then in its "
    "categories, gives a value for each of them, 1 for the one that it holds and else 0",
    "text": "hashed counts of words and of groups of letters, as senpath.inputs.modalities.text computes them",
    "vector": "what the pretrained encoder answers that the options name; the model is what comes after it",
    "tokens": "what the encoder that the options name answers: tokens by their numbers, zeros behind; the model is what comes after it",
}
"""How raw inputs of each form become the model's input, in words; the data type's options are written beside them."""


def export_onnx(view: View, task: str, path: Path, *, overwrite: bool) -> None:
    """Write a task's pathway; see `Network.export_onnx`.

    Raises:
        UnknownTaskError: if there is no such task.
        InputError: if the file is there and may not be replaced, or a component has no translation.
        MissingExtraError: if onnx is not installed.
        StoreError: if the file cannot be written, or a file of the network is damaged.
    """
    pathway = view.pathway(task)
    require_free(path, overwrite, "an ONNX model that senpath wrote", is_ours)
    content = _model(view, pathway).SerializeToString(deterministic=True)
    with explained(f"exporting task {task!r} to {path}"), replacing(path) as file:
        file.write(content)


def is_ours(path: Path) -> bool:
    """Whether `export_onnx` wrote this file."""
    library = _onnx()
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

    with suppress(DecodeError):
        return bool(library.load_model_from_string(path.read_bytes()).producer_name == PRODUCER)
    return False


def _onnx() -> Any:
    try:
        import onnx
    except ImportError as error:
        raise MissingExtraError("ONNX models", expected="onnx", got="not installed", do="pip install 'senpath[onnx]'") from error
    return onnx


def _model(view: View, pathway: Pathway) -> onnx.ModelProto:
    library = _onnx()
    helper = library.helper
    data_type = view.manifest.types[pathway.data_type].data_type
    graph = Graph(library)
    kind = pathway.task_kind
    summed = graph.sum(_chains(graph, view, pathway), kind.onnx_output)
    outputs = [summed]
    if kind.onnx_activation is not None:
        operator, attributes = kind.onnx_activation
        cooled = summed if pathway.temperature == 1 else graph.node("Div", summed, graph.weight(torch.tensor(pathway.temperature)))
        outputs.append(graph.node(operator, cooled, name="probabilities", **attributes))
    values = helper.make_tensor_value_info
    number = library.TensorProto.FLOAT
    made = helper.make_graph(
        graph.nodes,
        "pathway",
        [values("input", number, ["n", *data_type.shape])],
        [values(name, number, ["n", len(pathway.classes)]) for name in outputs],
        graph.weights,
    )
    model: onnx.ModelProto = helper.make_model_gen_version(made, opset_imports=[helper.make_opsetid("", OPSET)], producer_name=PRODUCER)
    helper.set_model_props(model, _about(pathway, data_type))
    library.checker.check_model(model, full_check=True)
    return model


def _about(pathway: Pathway, data_type: DataType) -> dict[str, str]:
    """What a program has to know that runs the model."""
    kept = {"modality": data_type.modality, "shape": list(data_type.shape), "options": data_type.options}
    return {
        "task": pathway.task,
        "kind": pathway.kind,
        "classes": json.dumps(pathway.classes, ensure_ascii=False),
        "data_type": json.dumps(kept, ensure_ascii=False),
        "encoding": ENCODINGS[data_type.form],
    }


def _chains(graph: Graph, view: View, pathway: Pathway) -> list[str]:
    """The outputs of the pathway's own components and of its links; a prefix that several share is there once."""
    one = torch.zeros(1, *view.manifest.types[pathway.data_type].data_type.shape, device=view.device)
    done: dict[tuple[str, ...], tuple[str, torch.Tensor]] = {(): ("input", one)}
    for chain in pathway.chains:
        for end in range(1, len(chain) + 1):
            if chain[:end] not in done:
                component, (read, values) = view.component(chain[end - 1]), done[chain[: end - 1]]
                graph.shapes[read] = tuple(values.shape[1:])
                done[chain[:end]] = _translate(graph, component, read, pathway.task, view.component), component(values)
    return [done[chain][0] for chain in pathway.chains]


def _translate(graph: Graph, component: Component, read: str, task: str, lookup: Lookup) -> str:
    """One component's nodes, its children's included; returns the name of its output."""
    kind, _, module = unpruned(component)
    if kind in COMPOSITES:

        def child(place: int, read: str) -> str:
            return _translate(graph, lookup(component.children[place]), read, task, lookup)

        return COMPOSITES[kind](graph, module, read, child)
    if kind not in BRICKS:
        what = "a scikit-learn model" if kind == "sklearn.v1" else f"a component of kind {kind!r}"
        do = "Learn it with model='mlp', or convert the estimator itself with skl2onnx" if kind == "sklearn.v1" else ""
        raise InputError(f"task {task!r} as an ONNX model", expected=f"components of the kinds {', '.join(BRICKS)}", got=what, do=do)
    return BRICKS[kind](graph, module, read)


def _mlp(graph: Graph, brick: Mlp, read: str) -> str:
    return graph.layers(brick.layers, graph.node("Flatten", read))


def _skip(graph: Graph, brick: Skip, read: str) -> str:
    flat = graph.node("Flatten", read)
    return graph.node("Concat", flat, graph.layers(brick.layers, flat), axis=1)


def _cnn(graph: Graph, brick: Cnn, read: str) -> str:
    return graph.layers(brick.dense, graph.node("Flatten", graph.layers(brick.blocks, read)))


def _lstm(graph: Graph, brick: Lstm, read: str) -> str:
    lstm = brick.lstm
    entry, recurrent, *biases = (_reordered(lstm.get_parameter(f"{name}_l0")) for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"))
    weights = [graph.weight(values[None]) for values in (entry, recurrent, torch.cat(biases))]
    states = graph.node("LSTM", graph.node("Transpose", read, perm=[1, 0, 2]), *weights, hidden_size=lstm.hidden_size)
    # The states are (time, directions, n, units), and there is one direction.
    mean = graph.node("ReduceMean", states, graph.weight(torch.tensor([0, 1])), keepdims=0)
    return graph.layers(brick.dense, mean)


def _reordered(values: torch.Tensor) -> torch.Tensor:
    """An LSTM's gates: torch has input, forget, cell, output; ONNX input, output, forget, cell."""
    entry, forget, cell, output = values.chunk(4)
    return torch.cat([entry, output, forget, cell])


def _linear(graph: Graph, brick: Linear, read: str) -> str:
    return graph.affine(brick.weight, brick.bias, read)


def _link(graph: Graph, brick: ClassLink, read: str) -> str:
    """As an output layer in which the classes that are not linked have zeros."""
    outputs = brick.outputs
    weight = brick.weight.new_zeros(outputs, brick.weight.shape[1]).index_copy(0, brick.classes, brick.weight)
    return graph.affine(weight, brick.bias.new_zeros(outputs).index_copy(0, brick.classes, brick.bias), read)


BRICKS: dict[str, Callable[[Graph, Any, str], str]] = {
    "mlp.v1": _mlp,
    "skip.v1": _skip,
    "cnn.v1": _cnn,
    "lstm.v1": _lstm,
    "linear.v1": _linear,
    "link.v1": _link,
    **LAYERS,
    **ROUTED,
    **EXPERTS,
}
"""How each kind is translated, by versioned name; a pruned brick is translated as the dense one that it runs as."""
COMPOSITES: dict[str, Callable[[Graph, Any, str, Child], str]] = {"mean.v1": mean, "experts.v1": experts}
"""How kinds are translated that run others."""
