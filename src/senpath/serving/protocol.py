"""The Open Inference Protocol V2 without HTTP: models, their inputs and outputs, as tensors.

The network is a model, and so is each of its tasks; a model's versions are the network's. What a task with the network's name says is asked
of the network's model, with the parameter `task`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from pydantic_core import from_json

from senpath.arrays import object_array
from senpath.errors import InputError, LimitError, MissingError
from senpath.inference import Prediction
from senpath.inputs.modalities.table import table_columns
from senpath.serving.batcher import Reply, Senses
from senpath.serving.inputs import clip_of, picture_of, read_input, recording_of, sound_of
from senpath.serving.settings import ServerSettings
from senpath.serving.tensors import InferRequest, write_response
from senpath.snapshot.view import View
from senpath.types import DataType, Video

INPUTS = {"image": "image", "audio": "audio", "video": "video", "text": "text", "table": "row"}
"""What the input of each modality is called."""
MODALITIES = {name: modality for modality, name in INPUTS.items()}
OF_FILES: dict[str, Callable[[bytes, str, ServerSettings], Any]] = {"image": picture_of, "audio": sound_of, "video": clip_of}
"""What reads the files that inputs may be."""
AXES = {"image": (3, 4), "audio": (2,), "video": (4, 5), "row": (2,), "text": ()}
"""How many axes numbers may have."""
OF_NETWORK = {"task": "BYTES", "label": "BYTES", "confidence": "FP64", "ood_score": "FP64", "reason": "BYTES"}
"""Outputs of the network's model: texts are empty where an input fits nothing."""
Outputs = dict[str, tuple[str, np.ndarray]]
"""By name the data type and the values."""


@dataclass(frozen=True)
class Model:
    """A network at one version, or one of its tasks.

    Args:
        name: of the model.
        view: the version.
        task: None for the network.

    Raises:
        MissingError: if there is no such task.
    """

    name: str
    view: View
    task: str | None

    def __post_init__(self) -> None:
        if self.task is not None and self.task not in self.view.tasks:
            raise MissingError(f"model {self.name!r}", expected="the network's name or that of a task", got="another name")

    @property
    def _types(self) -> list[DataType]:
        """The types of data that it reads."""
        return [*self.view.types.values()] if self.task is None else [self.view.types[self.view.pathway(self.task).data_type]]

    def metadata(self, kept: Sequence[int]) -> dict[str, Any]:
        """Inputs and outputs; of a task also its kind and its classes, in the order of the probabilities.

        Args:
            kept: the network's earlier versions.
        """
        view, types, about, first = self.view, self._types, dict[str, Any](), 0
        inputs = [_tensor(INPUTS[modality], "BYTES") for modality in dict.fromkeys(kind.modality for kind in types)]
        outputs = [_tensor(output, kind) for output, kind in OF_NETWORK.items()]
        if self.task is not None:
            pathway, first = view.pathway(self.task), view.tasks[self.task].version
            values = "probabilities" if pathway.task_kind.has_labels else "values"
            outputs = [_tensor("label", "BYTES"), _tensor(values, "FP64", len(pathway.classes))]
            about = {"parameters": {"kind": pathway.kind, "classes": [*pathway.classes]}}
            if inputs[0]["name"] == "row" and not {"categories", "forms"} & types[0].options.keys():
                columns = table_columns(types[0])
                inputs = [_tensor("row", "FP64", len(columns)) | {"parameters": {"columns": columns}}]
        versions = [str(number) for number in dict.fromkeys((*kept, view.version)) if number >= first]
        return {"name": self.name, "versions": versions, "platform": "senpath", "inputs": inputs, "outputs": outputs, **about}

    def read(self, question: InferRequest, tensors: Mapping[str, np.ndarray], limits: ServerSettings) -> list[Any]:
        """The things that a request asks about; an `InputError` stands for one that cannot be read.

        Raises:
            InputError: if the tensors are not this model's inputs.
        """
        types = self._types
        known = [*MODALITIES] if self.task is None else [INPUTS[types[0].modality]]
        counts = {name: len(tensor) if tensor.ndim else 1 for name, tensor in tensors.items()}
        if len({*counts.values()}) > 1:
            got = ", ".join(f"{count} of {name}" for name, count in counts.items())
            raise InputError("inputs", expected="equally many of each", got=got)
        if max(counts.values()) > limits.inputs:
            raise LimitError("inputs", expected=f"at most {limits.inputs:,}", got=f"{max(counts.values()):,}")
        things: dict[str, list[Any]] = {}
        for name, tensor in tensors.items():
            if name not in known:
                raise InputError(f"input {name!r}", expected=f"one of {', '.join(known)}", got="another name")
            tables = [table_columns(kind) for kind in types if kind.modality == "table"]
            fitting = [columns for columns in tables if name == "row" and [len(columns)] == [*tensor.shape[1:]]]
            columns = fitting[0] if len(fitting) == 1 else None
            things[name] = _items(name, tensor, columns, question.parameters.rate, limits)
        if len(things) == 1:
            return next(iter(things.values()))
        return [_senses(dict(zip(things, row, strict=True))) for row in zip(*things.values(), strict=True)]

    def write(self, question: InferRequest, reply: Reply) -> tuple[bytes, int | None]:
        """The response with what was answered, see `write_response`."""
        outputs = _of_network(reply.records) if self.task is None else _of_task(reply, self.task)
        outputs, binary = _wanted(question, outputs, () if self.task is None else reply.view.pathway(self.task).classes)
        head = {"model_name": self.name, "model_version": str(reply.view.version)}
        return write_response(head | ({} if question.id is None else {"id": question.id}), outputs, binary)


def _tensor(name: str, datatype: str, *more: int) -> dict[str, Any]:
    return {"name": name, "datatype": datatype, "shape": [-1, *more]}


def _senses(values: Mapping[str, Any]) -> Any:
    """Several senses of one thing; the error of the first that cannot be read stands for all."""
    error = next((value for value in values.values() if isinstance(value, InputError)), None)
    return error or Senses({MODALITIES[name]: value for name, value in values.items()})


def _items(name: str, tensor: np.ndarray, columns: list[str] | None, rate: int | None, limits: ServerSettings) -> list[Any]:
    """The inputs in a tensor; an error stands for one that cannot be read."""
    if tensor.dtype == object:
        if tensor.size != tensor.shape[0] if tensor.ndim else True:
            raise InputError(f"input {name!r}", expected="shape [n] or [n, 1]", got=f"{[*tensor.shape]}")
        return [_element(name, value, f"input {place}", limits) for place, value in enumerate(tensor.ravel())]
    if tensor.ndim not in AXES[name]:
        expected = " or ".join(f"{count} axes of numbers" for count in AXES[name]) or "BYTES"
        raise InputError(f"input {name!r}", expected=expected, got=f"numbers of shape {[*tensor.shape]}")
    if tensor.dtype == np.float16:
        tensor = tensor.astype(np.float32)
    if name == "audio":
        if rate is None:
            raise InputError("parameter 'rate'", expected="samples a second, beside samples", got="none")
        return [recording_of(samples.astype(np.float64), rate, "input 'audio'", limits) for samples in tensor]
    if name == "video":
        return [Video(frames) for frames in tensor]
    return [*tensor] if columns is None else [dict(zip(columns, row, strict=True)) for row in tensor.tolist()]


def _element(name: str, value: str | bytes, what: str, limits: ServerSettings) -> Any:
    """One input in an element of BYTES: a file, which JSON has in base64, or a text; a row is JSON."""
    try:
        if isinstance(value, bytes) and name in OF_FILES:
            return OF_FILES[name](value, what, limits)
        if name == "row":
            return read_input({name: from_json(value)}, what, limits)
        return read_input({name: value if isinstance(value, str) else value.decode()}, what, limits)
    except InputError as error:
        return error
    except ValueError as error:  # no JSON, or not UTF-8
        return InputError(what, expected="JSON" if name == "row" else "UTF-8", got=str(error)[:100])


def _of_network(answers: Sequence[Mapping[str, Any]]) -> Outputs:
    """Which task answers each input, and what."""
    kinds = {"BYTES": _texts, "FP64": _numbers}
    return {name: (kind, kinds[kind](answer[name] for answer in answers)) for name, kind in OF_NETWORK.items()}


def _of_task(reply: Reply, task: str) -> Outputs:
    """What a task answers; of an input that it cannot read an empty label, and NaN."""
    pathway, answers = reply.view.pathway(task), reply.records
    values = np.full((len(answers), len(pathway.classes)), np.nan)
    for part in reply.parts:
        own = part.prediction.probabilities.parts.get(task) if isinstance(part.prediction, Prediction) else None
        said = {} if own is None else dict(zip(own.rows.tolist(), own.values, strict=True))
        for row, place in zip(part.rows, part.places, strict=True):
            values[place] = said.get(row, np.nan)
    name = "probabilities" if pathway.task_kind.has_labels else "values"
    return {"label": ("BYTES", _texts(answer["label"] for answer in answers)), name: ("FP64", values)}


def _texts(values: Iterable[Any]) -> np.ndarray:
    return object_array([_text(value) for value in values])


def _text(value: Any) -> str:
    """A name or a label; one that is no text, or several, as JSON has it."""
    return "" if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _numbers(values: Iterable[float | None]) -> np.ndarray:
    return np.array([np.nan if value is None or not math.isfinite(value) else value for value in values])


def _wanted(question: InferRequest, outputs: Outputs, classes: Sequence[Any]) -> tuple[Outputs, dict[str, bool]]:
    """The outputs that are asked for, and which of them in binary form."""
    default = question.parameters.binary_data_output
    if not question.outputs:
        return outputs, dict.fromkeys(outputs, default)
    chosen, binary = {}, {}
    for output in question.outputs:
        if output.name not in outputs:
            raise InputError(f"output {output.name!r}", expected=f"one of {', '.join(outputs)}", got="another name")
        chosen[output.name] = outputs[output.name]
        most = output.parameters.classification
        if most is not None:
            chosen[output.name] = "BYTES", _most_probable(output.name, outputs[output.name][1], classes, most)
        wants = output.parameters.binary_data
        binary[output.name] = default if wants is None else wants
    return chosen, binary


def _most_probable(name: str, values: np.ndarray, classes: Sequence[Any], most: int) -> np.ndarray:
    """Of each row the most probable classes, as "probability:place:class"; see the protocol's extension."""
    if name != "probabilities":
        raise InputError("classification", expected="of the output probabilities", got=f"of {name}")
    order = np.argsort(-values, axis=1, kind="stable")[:, :most]
    said = [f"{row[place]:.6f}:{place}:{_text(classes[place])}" for row, places in zip(values, order, strict=True) for place in places]
    return object_array(said).reshape(order.shape)
