"""Modules as ONNX models, by torch's own exporter."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from senpath.components import Component, Composite
from senpath.errors import InputError, MissingExtraError

if TYPE_CHECKING:
    import onnx

OPSET = 18
"""Of the operators that are written: that of ONNX 1.13 (2022), which runtimes have read for years."""
PRODUCER = "senpath"


def is_ours(path: Path) -> bool:
    """Whether `export_onnx` wrote this file."""
    library = onnx_library()
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

    with suppress(DecodeError):
        return bool(library.load_model_from_string(path.read_bytes()).producer_name == PRODUCER)
    return False


def onnx_library() -> Any:
    try:
        import onnx
        import onnxscript  # noqa: F401 - torch's exporter writes with it
    except ImportError as error:
        raise MissingExtraError.of("ONNX models", "onnx", "onnx") from error
    return onnx


def exportable(task: str, component: Component) -> nn.Module:
    """A component's module in the form that torch can export, its children with it.

    Raises:
        InputError: if it has none.
    """
    kind = component.kind
    if kind.exportable is None:
        got, do = f"a component of kind {kind}", "Learn it with model='mlp', or convert the estimator itself with skl2onnx"
        raise InputError(f"task {task!r} as an ONNX model", expected="torch components", got=got, do=do)
    return _Exported(kind.exportable(component.module))


class _Exported(nn.Module):
    """A module beside its children, if it is a composite: the exporter finds weights in submodules alone."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module
        self.inside = nn.ModuleList(module.parts if isinstance(module, Composite) else ())

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        output: torch.Tensor = self.module(inputs)
        return output


def as_onnx(module: nn.Module, shape: tuple[int, ...], outputs: Sequence[str]) -> onnx.ModelProto:
    """A module of one input (n, *shape), for any n, 0 among them, as an ONNX model.

    Args:
        outputs: names of what it answers.
    """
    model = traced(module, {"input": torch.zeros(2, *shape)}, outputs)
    _allow_none(model)
    return model


def traced(module: nn.Module, inputs: Mapping[str, torch.Tensor], outputs: Sequence[str]) -> onnx.ModelProto:
    """A module as an ONNX model for any number of inputs but 0.

    Args:
        inputs: two of what it reads, by name, in the order of its arguments.
        outputs: names of what it answers.
    """
    module = deepcopy(module).cpu().eval()
    with _quiet(), torch.no_grad():
        program = torch.onnx.export(
            module,
            tuple(inputs.values()),
            dynamo=True,
            input_names=[*inputs],
            output_names=list(outputs),
            dynamic_shapes=({0: torch.export.Dim("n")},) * len(inputs),
            opset_version=OPSET,
            verbose=False,
        )
    if program is None:
        raise TypeError("torch exports no program")
    model: onnx.ModelProto = program.model_proto
    _strip(model)
    _smooth_as_torch(model)
    return model


def _allow_none(model: onnx.ModelProto) -> None:
    """Let no inputs have no answers: runtimes fail at layers of none, or end the process, so one of zeros runs in their place."""
    graph, make = model.graph, onnx_library().helper.make_node
    (given,) = graph.input
    beside = len(given.type.tensor_type.shape.dim) - 1
    renamed = {name: f"{name}.padded" for name in (given.name, *(output.name for output in graph.output))}
    for node in graph.node:
        for names in (node.input, node.output):
            names[:] = [renamed.get(name, name) for name in names]
    before = [
        make("Constant", [], ["batch.zero"], value_ints=[0]),
        make("Constant", [], ["batch.one"], value_ints=[1]),
        make("Constant", [], ["batch.ends"], value_ints=[0] * (beside + 1)),
        make("Shape", [given.name], ["batch.count"], start=0, end=1),
        make("Sub", ["batch.one", "batch.count"], ["batch.lack"]),
        make("Max", ["batch.lack", "batch.zero"], ["batch.more"]),
        make("Concat", ["batch.ends", "batch.more", *["batch.zero"] * beside], ["batch.pads"], axis=0),
        make("Pad", [given.name, "batch.pads"], [renamed[given.name]]),
    ]
    cut = ("batch.zero", "batch.count", "batch.zero")
    after = [make("Slice", [renamed[output.name], *cut], [output.name]) for output in graph.output]
    inside = list(graph.node)
    del graph.node[:], graph.value_info[:]  # the latter say how many inputs run
    graph.node.extend([*before, *inside, *after])


def _smooth_as_torch(model: onnx.ModelProto) -> None:
    """Let smoothed resizing leave out what is beyond a picture's edge, as torch does and its exporter does not say."""
    for node in model.graph.node:
        if node.op_type == "Resize" and any(attribute.name == "antialias" and attribute.i for attribute in node.attribute):
            kept = [attribute for attribute in node.attribute if attribute.name != "exclude_outside"]
            del node.attribute[:]
            node.attribute.extend([*kept, onnx_library().helper.make_attribute("exclude_outside", 1)])


def _strip(model: onnx.ModelProto) -> None:
    """Leave out where in the source each node came from: names of folders say nothing to a reader, and differ between machines."""
    model.producer_name, model.producer_version = PRODUCER, ""
    model.graph.name = "pathway"
    for function in model.functions:
        del function.metadata_props[:]
    for node in (*model.graph.node, *(node for function in model.functions for node in function.node)):
        del node.metadata_props[:]
        node.doc_string = ""
    for value in (*model.graph.input, *model.graph.output, *model.graph.value_info, *model.graph.initializer):
        del value.metadata_props[:]
    del model.graph.metadata_props[:]
    del model.metadata_props[:]


@contextmanager
def _quiet() -> Iterator[None]:
    """Without what the exporter says of its own workings."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
