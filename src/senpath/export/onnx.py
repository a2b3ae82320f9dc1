"""A task's pathway as an ONNX model, for programs that have no senpath, nor torch."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from torch import nn

from senpath.components import Component
from senpath.errors import InputError
from senpath.export.tracing import as_onnx, exportable, is_ours, onnx_library
from senpath.pathways import Pathway
from senpath.snapshot.view import View
from senpath.store.files import explained, replacing, require_free
from senpath.types import DataType

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
    library = onnx_library()
    data_type = view.types[pathway.data_type]
    model = as_onnx(PathwayModule(pathway, view), data_type.shape, pathway.task_kind.exported_names)
    library.helper.set_model_props(model, _about(pathway, data_type))
    try:
        library.checker.check_model(model, full_check=True)
    except library.checker.ValidationError as error:  # such as of a module that answers the same to every input
        expected = "parts that make a whole ONNX model"
        raise InputError(f"task {task!r}", expected=expected, got=str(error), do="save_pretrained and export keep it") from error
    with explained(f"exporting task {task!r} to {path}"), replacing(path) as file:
        file.write(model.SerializeToString(deterministic=True))


def component_as_onnx(component: Component, shape: tuple[int, ...]) -> bytes:
    """A single component as the content of an ONNX model: from `input` (n, *shape) to `output`.

    Raises:
        InputError: if it cannot be exported.
        MissingExtraError: if onnx or onnxscript is not installed.
    """
    onnx_library()
    content: bytes = as_onnx(exportable("", component), shape, ["output"]).SerializeToString(deterministic=True)
    return content


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
        # Numbered, so that pathways of one structure have the same names.
        self._numbers = {name: number for number, name in enumerate(dict.fromkeys(name for chain in pathway.chains for name in chain))}
        self.layers = nn.ModuleList([exportable(pathway.task, view.component(name)) for name in self._numbers])

    def forward(self, inputs: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Logits and probabilities, (n, classes) each; of a regression its values in the user's units, float64."""
        values: dict[tuple[str, ...], torch.Tensor] = {(): inputs}
        for chain in self._pathway.chains:
            for end in range(1, len(chain) + 1):
                if chain[:end] not in values:
                    values[chain[:end]] = self.layers[self._numbers[chain[end - 1]]](values[chain[: end - 1]])
        parts = [values[chain] for chain in self._pathway.chains]
        logits = torch.stack(parts).sum(0) if len(parts) > 1 else parts[0]
        if self.offset is not None and self.spread is not None:
            logits = logits.double() * self.spread + self.offset
        return self._pathway.task_kind.exported(logits, self._pathway.temperature)


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
