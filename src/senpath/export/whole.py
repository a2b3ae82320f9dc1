"""The whole network as ONNX models, one for each type of data: from an input without a task label to its answer."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from senpath import __version__
from senpath.errors import InputError
from senpath.export.answering import NUMBERS, RouterModule, choose_answer, form_of
from senpath.export.assembling import Assembly, Shape
from senpath.export.browser import PAGE, is_page, page_files, read_runtime
from senpath.export.onnx import ENCODINGS, PathwayModule
from senpath.export.preparing import preparation
from senpath.export.structures import Structure, structure_of
from senpath.export.tracing import OPSET, exportable, is_ours, onnx_library, traced
from senpath.pathways import Pathway
from senpath.snapshot.view import View
from senpath.store.files import explained, replacing, require_free
from senpath.types import DataType

if TYPE_CHECKING:
    import onnx

ENDING = ".onnx"
SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
"""Keys of types that can be names of files."""
LISTED = ("tasks", "input", "data_type")
"""What of the metadata is JSON."""
ROUTED, VOTED = ("candidates", "shares", "ood_score"), ("votes", "weights")
"""Outputs of the dispatcher's part; and those that it has besides where columns vote on classes."""


def export_all(view: View, path: Path, *, encoded: bool, page: Path | None, overwrite: bool) -> list[Path]:
    """Write the whole network; see `Network.export_all`.

    Raises:
        InputError: if there is no task, one file is to hold several types, a file is there and may not be replaced, a part cannot be
            exported, or what the page needs is not there.
        MissingExtraError: if onnx or onnxscript is not installed.
        StoreError: if a file cannot be written, or a file of the network is damaged.
    """
    onnx_library()
    if page is not None and path.suffix.lower() == ENDING:
        raise InputError("path of a page", expected="a folder", got=f"the file {path}")
    targets = _files(view, path)
    if page is None:
        for target in targets.values():
            require_free(target, overwrite, "an ONNX model that senpath wrote", is_ours)
        contents = {target: _content(view, key, encoded)[1] for key, target in targets.items()}
    else:
        runtime = read_runtime(page)
        for name in PAGE:
            require_free(path / name, overwrite, "a page that senpath wrote", is_page)
        made = page_files(runtime, [_content(view, key, encoded) for key in targets])
        contents = {path / name: content for name, content in made.items()}
    with explained(f"exporting the network to {path}"):
        if path.suffix.lower() != ENDING:
            path.mkdir(exist_ok=True)
        for target, content in contents.items():
            with replacing(target) as file:
                file.write(content)
    return [*contents]


def _content(view: View, key: str, encoded: bool) -> tuple[dict[str, Any], bytes]:
    """What the model of a type says of itself, and its content."""
    model = network_model(view, key, encoded=encoded)
    about = {entry.key: json.loads(entry.value) if entry.key in LISTED else entry.value for entry in model.metadata_props}
    return about, model.SerializeToString(deterministic=True)


def _files(view: View, path: Path) -> dict[str, Path]:
    """The file of each type that has tasks."""
    keys = [key for key in view.types if len(view.places_of_type(key))]
    if not keys:
        raise InputError("network to export", expected="at least one task", got="none", do="Learn one first")
    if path.suffix.lower() == ENDING:
        if len(keys) > 1:
            got, do = f"{len(keys)}: {', '.join(keys)}", "Name a folder, which gets a model for each"
            raise InputError("types of data in one ONNX model", expected="one", got=got, do=do)
        return {keys[0]: path}
    strange = next((key for key in keys if not SAFE.fullmatch(key)), None)
    if strange is not None:
        raise InputError(f"data type {strange!r}", expected="a key that can be the name of a file", got="another")
    if path.exists() and not path.is_dir():
        raise InputError(f"path {path}", expected="a folder, or a name that ends in .onnx", got="a file")
    return {key: path / f"{key}{ENDING}" for key in keys}


def network_model(view: View, key: str, *, encoded: bool = False) -> onnx.ModelProto:
    """All tasks of a type with their dispatcher as one model.

    Args:
        key: of the type.
        encoded: whether it reads encoded inputs even where it could encode them itself.

    Raises:
        InputError: if a component cannot be exported, or it is too large for a file.
        MissingExtraError: if onnx or onnxscript is not installed.
    """
    data_type, pathways = view.types[key], [view.paths[place] for place in view.places_of_type(key)]
    graph = Assembly(key)
    prepared = None if encoded else preparation(view, data_type)
    own: dict[str, Any] = {"name": "input", "dtype": "float32", "shape": ["n", *data_type.shape], "is": ENCODINGS[data_type.form]}
    reads = own if prepared is None else prepared.given
    raw = graph.input(reads["name"], np.dtype(reads["dtype"]), reads["shape"])
    count, inputs = _never_none(graph, raw, len(reads["shape"]))
    if prepared is not None:
        inputs = prepared.encode(graph, inputs)
    outputs = max([len(pathway.classes) for pathway in pathways if form_of(pathway) != NUMBERS], default=1)
    numbers = max([len(pathway.classes) for pathway in pathways if form_of(pathway) == NUMBERS], default=0)
    routed = graph.include(_router(view, key, data_type, outputs), [inputs])
    values = _Answers(graph, inputs, routed[0], outputs, numbers).of(view, pathways)
    start = graph.constant([0], np.int64)
    for name, value in choose_answer(graph, pathways, routed, values).items():
        shape: Shape = ["n", *{"probabilities": [outputs], "numbers": [numbers]}.get(name, [])]
        kind = {"task": np.int64, "label": np.int64, "numbers": np.float64}.get(name, np.float32)
        graph.output(name, graph.add("Slice", value, start, count, start), kind, shape)
    return graph.model(_about(view, data_type, pathways, reads))


def _never_none(graph: Assembly, given: str, axes: int) -> tuple[str, str]:
    """How many inputs there are, and the inputs; one of zeros in place of none, at which runtimes fail."""
    count, one = graph.add("Shape", given, start=0, end=1), graph.constant([1], np.int64)
    lack = graph.add("Max", graph.add("Sub", one, count), graph.constant([0], np.int64))
    # Of pictures the other axes are open, and may be 0 too; they stay.
    pads = graph.add("Concat", graph.constant([0] * axes, np.int64), lack, graph.constant([0] * (axes - 1), np.int64), axis=0)
    return count, graph.add("Pad", given, pads)


def _router(view: View, key: str, data_type: DataType, labels: int) -> onnx.ModelProto:
    dispatcher = view.dispatcher(key)
    features = exportable(f"dispatcher of {key}", dispatcher.features)
    module = RouterModule(features, dispatcher.portable(), len(dispatcher.names), labels)
    names = ROUTED if module.votes is None else (*ROUTED, *VOTED)
    return traced(module, {"input": torch.zeros(2, *data_type.shape)}, names)


class _Answers:
    """What the candidates answer: each pathway reads the inputs that it is a candidate of, and runs only if there is one.

    Args:
        graph: what they are added to.
        inputs: encoded, (n, …).
        candidates: int64 (n, 2), −1 for none.
        outputs: of labels, the most of a task.
        numbers: of a regression, the most; 0 where there is none.
    """

    def __init__(self, graph: Assembly, inputs: str, candidates: str, outputs: int, numbers: int) -> None:
        self.graph, self.inputs, self.widths = graph, inputs, (outputs, numbers)
        self.flat = graph.add("Reshape", candidates, graph.constant([-1], np.int64))
        self.pairs = graph.add("Shape", self.flat)

    def of(self, view: View, pathways: Sequence[Pathway]) -> list[str]:
        """Values, float32 (n, 2, outputs), and numbers, float64 (n, 2, numbers), if there are some."""
        parts: tuple[list[tuple[str, str]], list[tuple[str, str]]] = ([], [])
        structures: dict[str, Structure] = {}
        for place, pathway in enumerate(pathways):
            structure = structures.setdefault(structure_of(view, pathway), Structure())
            is_number = form_of(pathway) == NUMBERS
            model, weights = structure.traced(PathwayModule(pathway, view), view.types[pathway.data_type], pathway.task_kind.exported_names)
            parts[is_number].append(self._run(place, model, weights, is_number))
        return [self._gathered(parts[form], form) for form in (0, 1) if self.widths[form]]

    def _run(self, place: int, model: onnx.ModelProto, weights: dict[str, np.ndarray] | None, is_number: int) -> tuple[str, str]:
        """Where among all pairs of an input and a candidate a pathway's own are, and what it answers there."""
        graph, width = self.graph, self.widths[is_number]
        dtype = np.float64 if is_number else np.float32
        mine = graph.add("Equal", self.flat, graph.constant(place, np.int64))
        some = graph.add("ReduceMax", graph.add("Cast", mine, to=6), keepdims=0)
        then, other = graph.new_branch("runs"), graph.new_branch("rests")
        pairs = graph.add("Reshape", graph.add("NonZero", mine, branch=then), graph.constant([-1], np.int64), branch=then)
        rows = graph.add("Gather", self.inputs, graph.add("Div", pairs, graph.constant(2, np.int64), branch=then), branch=then, axis=0)
        own = graph.include(model, [rows], then, weights)[-1]
        if is_number:
            own = graph.add("Cast", own, branch=then, to=11)
        lack = width - model.graph.output[-1].type.tensor_type.shape.dim[1].dim_value
        if lack:
            own = graph.add("Pad", own, graph.constant([0, 0, 0, lack], np.int64), branch=then)
        none = graph.constant(np.zeros((0, width), dtype)), graph.constant(np.zeros(0, np.int64))
        types: list[tuple[Any, Shape]] = [(dtype, ["pairs", width]), (np.int64, ["pairs"])]
        answers, places = graph.choose(graph.add("Cast", some, to=9), (then, [own, pairs]), (other, none), types)
        return answers, places

    def _gathered(self, parts: Sequence[tuple[str, str]], is_number: int) -> str:
        """What was answered, at the places of the pairs; 0 where nothing was."""
        graph, width = self.graph, self.widths[is_number]
        shape = graph.add("Concat", self.pairs, graph.constant([width], np.int64), axis=0)
        values = graph.add("Expand", graph.constant(np.zeros((1, width)), np.float64 if is_number else np.float32), shape)
        if parts:
            answers, places = (graph.add("Concat", *some, axis=0) for some in zip(*parts, strict=True))
            values = graph.add("ScatterND", values, graph.add("Unsqueeze", places, graph.constant([1], np.int64)), answers)
        return graph.add("Reshape", values, graph.constant([-1, 2, width], np.int64))


def _about(view: View, data_type: DataType, pathways: Sequence[Pathway], reads: dict[str, Any]) -> dict[str, str]:
    """What a program has to know that runs the model."""
    tasks = [{"name": path.task, "kind": path.kind, "classes": [*path.classes]} for path in pathways]
    kept = {"modality": data_type.modality, "shape": [*data_type.shape], "options": data_type.options}
    texts = dict(zip(LISTED, (tasks, reads, kept), strict=True))
    return {
        "senpath": __version__,
        "network": view.network_id,
        "version": str(view.version),
        "opset": str(OPSET),
        **{name: json.dumps(value, ensure_ascii=False) for name, value in texts.items()},
    }
