"""A task's pathway as an ONNX model, for programs that have no senpath, nor torch."""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from senpath.components import Component, Composite
from senpath.errors import InputError, MissingExtraError
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
    "video": "of each of a clip's frames, sampled evenly, energies of edges and colours, as senpath.inputs.modalities.video computes them; "
    "with an encoder in the options, what that answers to each frame",
    "table": "(values - mean) / scale, with the columns, mean and scale of the options, z; if these have straight, s, and |z| > s then "
    "sign(z) * (s + log(|z| / s)); a column of words, whose words are then in its categories, gives a value for each of them, 1 for the "
    "one that it holds and else 0",
    "text": "hashed counts of words and of groups of letters, as senpath.inputs.modalities.text computes them",
    "vector": "what the pretrained encoder answers that the options name; the model is what comes after it",
    "tokens": "what the encoder that the options name answers: tokens by their numbers, zeros behind; the model is what comes after it",
}
"""How raw inputs of each form become the model's input, in words; the data type's options are written beside them."""


def export_onnx(view: View, task: str, path: Path, *, overwrite: bool) -> None:
    """Write a task's pathway; see `Network.export_onnx`.

    Raises:
        UnknownTaskError: if there is no such task.
        InputError: if the file is there and may not be replaced, or a component cannot be exported.
        MissingExtraError: if onnx or onnxscript is not installed.
        StoreError: if the file cannot be written, or a file of the network is damaged.
    """
    pathway = view.pathway(task)
    require_free(path, overwrite, "an ONNX model that senpath wrote", is_ours)
    library = _onnx()
    data_type = view.types[pathway.data_type]
    model = as_onnx(PathwayModule(pathway, view), data_type.shape, pathway.task_kind.exported_names)
    library.helper.set_model_props(model, _about(pathway, data_type))
    library.checker.check_model(model, full_check=True)
    with explained(f"exporting task {task!r} to {path}"), replacing(path) as file:
        file.write(model.SerializeToString(deterministic=True))


def component_as_onnx(component: Component, shape: tuple[int, ...]) -> bytes:
    """A single component as the content of an ONNX model: from `input` (n, *shape) to `output`.

    Raises:
        InputError: if it cannot be exported.
        MissingExtraError: if onnx or onnxscript is not installed.
    """
    _onnx()
    content: bytes = as_onnx(exportable("", component), shape, ["output"]).SerializeToString(deterministic=True)
    return content


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
        import onnxscript  # noqa: F401 - torch's exporter writes with it
    except ImportError as error:
        raise MissingExtraError("ONNX models", expected="onnx", got="not installed", do="pip install 'senpath[onnx]'") from error
    return onnx


class PathwayModule(nn.Module):
    """A pathway as one module: what several of its chains begin with runs once.

    Args:
        pathway: of the task.
        view: finds its components; their modules are used as they are.

    Raises:
        InputError: if a component cannot be exported.
    """

    def __init__(self, pathway: Pathway, view: View) -> None:
        super().__init__()
        self._pathway, scale = pathway, pathway.scale
        self.offset = None if scale is None else nn.Buffer(torch.tensor(scale.offset, dtype=torch.float64))
        self.spread = None if scale is None else nn.Buffer(torch.tensor(scale.spread, dtype=torch.float64))
        names = {name for chain in pathway.chains for name in chain}
        self.layers = nn.ModuleDict({name: exportable(pathway.task, view.component(name)) for name in sorted(names)})

    def forward(self, inputs: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Logits and probabilities, (n, classes) each; of a regression its values in the user's units, float64."""
        values: dict[tuple[str, ...], torch.Tensor] = {(): inputs}
        for chain in self._pathway.chains:
            for end in range(1, len(chain) + 1):
                if chain[:end] not in values:
                    values[chain[:end]] = self.layers[chain[end - 1]](values[chain[: end - 1]])
        parts = [values[chain] for chain in self._pathway.chains]
        logits = torch.stack(parts).sum(0) if len(parts) > 1 else parts[0]
        if self.offset is not None and self.spread is not None:
            logits = logits.double() * self.spread + self.offset
        return self._pathway.task_kind.exported(logits, self._pathway.temperature)


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
    """A module of one input (n, *shape), for any n, as an ONNX model.

    Args:
        outputs: names of what it answers.
    """
    module = deepcopy(module).cpu().eval()
    with _quiet(), torch.no_grad():
        program = torch.onnx.export(
            module,
            (torch.zeros(2, *shape),),
            dynamo=True,
            input_names=["input"],
            output_names=list(outputs),
            dynamic_shapes=({0: torch.export.Dim("n")},),
            opset_version=OPSET,
            verbose=False,
        )
    if program is None:
        raise TypeError("torch exports no program")
    model: onnx.ModelProto = program.model_proto
    _strip(model)
    _allow_none(model)
    return model


def _allow_none(model: onnx.ModelProto) -> None:
    """Let no inputs have no answers: runtimes fail at layers of none, or end the process, so one of zeros runs in their place."""
    graph, make = model.graph, _onnx().helper.make_node
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
