"""Raw inputs to encoded ones within an ONNX graph: pictures of any size, and rows of tables."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from senpath.arrays import as_word
from senpath.export.assembling import Assembly
from senpath.export.tracing import traced
from senpath.inputs.modalities.image import GREY
from senpath.inputs.modalities.normalised import Normalisation
from senpath.inputs.modalities.picture_types import own_range
from senpath.inputs.modalities.plans import ColumnPlan, plans_of
from senpath.snapshot.view import View
from senpath.types import DataType

if TYPE_CHECKING:
    import onnx

PICTURES = (
    "whole numbers 0 … 255 as (n, height, width, channels), of any height and width, with 1 channel of grey or 3 of red, green and blue; "
    "what is transparent is laid on white before"
)
RANGED = "numbers from {:.4g} to {:.4g} as (n, height, width, channels), of any height and width, prepared as those that were learned"
ROWS = (
    "(n, columns), the columns in the order of `columns`; NaN where a value is missing. In a column of words it is the word's place in "
    "`categories`, from 0 on, or -1 for a word that is not in it"
)
IN_GRAPH = frozenset({"numbers", "words", "empty"})
"""Forms of columns whose encoding is written into the graph."""


@dataclass(frozen=True)
class Preparation:
    """How a graph brings raw inputs to encoded ones.

    Args:
        given: what it reads, for people and programs: the input's name, its dtype and shape, and what it is.
        reads: what raw inputs are brought to: the type, or what its encoder reads.
        encoder: what comes after; None where the type has none.
    """

    given: dict[str, Any]
    reads: DataType
    encoder: onnx.ModelProto | None

    def encode(self, graph: Assembly, raw: str) -> str:
        """The nodes that bring raw inputs to encoded ones, float32 (n, *shape); for any n but 0."""
        prepared = (_pictures if self.reads.modality == "image" else _rows)(graph, self.reads, raw)
        return prepared if self.encoder is None else graph.include(self.encoder, [prepared])[0]


def preparation(view: View, data_type: DataType) -> Preparation | None:
    """How a graph can encode inputs of this type itself; None where that cannot be written.

    Raises:
        MissingExtraError, StoreError: if the type's pretrained encoder is not there, or is another one.
    """
    reads = data_type
    if data_type.encoder is not None:
        told = data_type.options["reads"]
        reads = DataType(data_type.modality, tuple(told["shape"]), told["options"])
    given = _given(reads)
    if given is None or data_type.encoder is None:
        return None if given is None else Preparation(given, reads, None)
    module = view.encoders.of(data_type).portable()
    if module is None:
        return None
    try:
        return Preparation(given, reads, traced(module, {"input": torch.zeros(2, *reads.shape)}, ["vectors"]))
    except Exception:  # a foreign module may do what no graph can; then its answers are the model's input
        logging.getLogger("senpath").info("the encoder %r cannot be part of an ONNX model, which reads encoded inputs", data_type.encoder)
        return None


def _given(data_type: DataType) -> dict[str, Any] | None:
    """What a graph reads that brings inputs to this type, which has no encoder; None where that cannot be written."""
    if data_type.modality == "image":
        own = own_range(data_type)
        dtype, about = ("uint8", PICTURES) if own is None else ("float32", RANGED.format(*own.range))
        return {"name": "pictures", "dtype": dtype, "shape": ["n", "height", "width", "channels"], "is": about}
    if data_type.modality != "table":
        return None
    plans = plans_of(data_type.options)
    if any(plan.form not in IN_GRAPH for plan in plans):
        return None
    words = {plan.name: [*map(as_word, plan.words)] for plan in plans if plan.form == "words"}
    columns = [plan.name for plan in plans]
    return {"name": "rows", "dtype": "float64", "shape": ["n", len(plans)], "columns": columns, "categories": words, "is": ROWS}


def _pictures(graph: Assembly, data_type: DataType, raw: str) -> str:
    add, (channels, height, width) = graph.add, data_type.shape
    own = own_range(data_type)
    pixels = add("Transpose", add("Cast", raw, to=1) if own is None else raw, perm=[0, 3, 1, 2])
    pixels = _shares(graph, pixels) if own is None else _of_range(graph, pixels, own)
    pixels = add("Expand", pixels, graph.constant([1, 3, 1, 1], np.int64))  # grey is the same in three colours
    if channels == 1:
        weighted = add("Mul", pixels, graph.constant(GREY.numpy()[None, :, None, None]))
        pixels = add("ReduceSum", weighted, graph.constant([1], np.int64), keepdims=1)
    size = graph.constant([height, width], np.int64)
    fitted = add("Resize", pixels, "", "", size, axes=[2, 3], mode="linear", antialias=1, exclude_outside=1)
    within = add("Clip", fitted, graph.constant(0, np.float32), graph.constant(1, np.float32))
    same = add("Equal", add("Shape", pixels, start=2, end=4), size)
    untouched = add("Equal", add("ReduceMin", add("Cast", same, to=7), keepdims=0), graph.constant(1, np.int64))
    return add("Where", untouched, fitted, within)


def _shares(graph: Assembly, pixels: str) -> str:
    """Whole numbers as shares of 255; a picture of 0s and 1s as it is."""
    brightest = graph.add("ReduceMax", pixels, graph.constant([1, 2, 3], np.int64), keepdims=1)
    is_mask = graph.add("LessOrEqual", brightest, graph.constant(1, np.float32))
    return graph.add("Where", is_mask, pixels, graph.add("Div", pixels, graph.constant(255, np.float32)))


def _of_range(graph: Assembly, numbers: str, own: Normalisation) -> str:
    mean, std = (graph.constant(np.array(part)[None, :, None, None]) for part in (own.mean, own.std))
    pixels = graph.add("Add", graph.add("Mul", graph.add("Cast", numbers, to=11), std), mean)
    return graph.add("Cast", pixels, to=1)


def _rows(graph: Assembly, data_type: DataType, raw: str) -> str:
    options, parts, start = data_type.options, list[str](), 0
    for place, plan in enumerate(plans_of(options)):
        if plan.width:
            parts += _column(graph, plan, raw, place)
        start += plan.width
    values = graph.add("Concat", *parts, axis=1)
    if "fill" in options:
        values = graph.add("Where", graph.add("IsNaN", values), graph.constant([options["fill"]], np.float64), values)
    centred = graph.add("Sub", values, graph.constant([options["mean"]], np.float64))
    scaled = graph.add("Div", centred, graph.constant([options["scale"]], np.float64))
    if "straight" in options:
        scaled = _bent(graph, scaled, float(options["straight"]))
    return graph.add("Cast", scaled, to=1)


def _column(graph: Assembly, plan: ColumnPlan, raw: str, place: int) -> list[str]:
    """The numbers of one column, float64 (n, width)."""
    values = graph.add("Gather", raw, graph.constant([place], np.int64), axis=1)
    missing = graph.add("Cast", graph.add("IsNaN", values), to=11) if plan.marked else None
    if plan.form == "words":
        values = graph.add("Cast", graph.add("Equal", values, graph.constant([np.arange(len(plan.words))], np.float64)), to=11)
    return [values] if missing is None else [values, missing]


def _bent(graph: Assembly, numbers: str, straight: float) -> str:
    """See `senpath.arrays.bent`."""
    size, limit = graph.add("Abs", numbers), graph.constant(straight, np.float64)
    times = graph.add("Max", graph.add("Div", size, limit), graph.constant(1.0, np.float64))
    nearer = graph.add("Mul", graph.add("Sign", numbers), graph.add("Add", graph.add("Log", times), limit))
    return graph.add("Where", graph.add("Greater", size, limit), nearer, numbers)
