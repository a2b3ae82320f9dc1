"""Tensors of the Open Inference Protocol V2, in JSON and in its binary extension.

Source: https://github.com/kserve/open-inference-protocol, `specification/protocol/inference_rest.md` and `extension_binary_data.md`.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Mapping
from typing import Annotated, Any, Literal, get_args

import numpy as np
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, JsonValue

from senpath.errors import InputError
from senpath.serving.requests import Options, read_body

Number = Literal["BOOL", "INT8", "INT16", "INT32", "INT64", "UINT8", "UINT16", "UINT32", "UINT64", "FP16", "FP32", "FP64"]
DataType = Literal[Number, "BYTES"]
DTYPES = {name: np.dtype(name.lower().replace("fp", "float")) for name in get_args(Number)}
IN_JSON: dict[str, set[type]] = {"BY": {str}, "BO": {bool}, "IN": {int}, "UI": {int}, "FP": {int, float}}
"""Types of the values that JSON has for each data type, by its first letters."""
HEADER = "Inference-Header-Content-Length"
"""How many bytes of a body are JSON, where binary data is behind it."""
AXES = 8
"""Of a tensor, at most."""

OR_NONE = BeforeValidator(lambda given: {} if given is None else given)
"""Clients write null for what they leave out."""


class InputTensor(BaseModel):
    """One input: its data in `data`, nested or flat, or behind the JSON, as many bytes as the parameter `binary_data_size` says."""

    name: str
    shape: list[int] = Field(max_length=AXES)
    datatype: DataType
    parameters: Annotated[dict[str, JsonValue], OR_NONE] = {}
    data: JsonValue = None


class OutputParameters(BaseModel):
    """How an output is wanted."""

    model_config = ConfigDict(extra="forbid", strict=True)

    binary_data: bool | None = None
    classification: int | None = Field(default=None, ge=1)


class OutputTensor(BaseModel):
    """An output that is asked for.

    Attributes:
        parameters: `binary_data`; of probabilities also `classification`: the most probable classes instead, so many.
    """

    name: str
    parameters: Annotated[OutputParameters, OR_NONE] = OutputParameters()


class Parameters(Options):
    """The options of a prediction, and what the protocol knows; `rate` is that of recordings given as numbers, in samples a second."""

    binary_data_output: bool = False
    priority: int = 0
    timeout: int | None = None
    rate: int | None = Field(default=None, gt=0)


class InferRequest(BaseModel):
    """Inputs of equally many things, and the outputs that are asked for; all, where there are none."""

    id: str | None = None
    parameters: Annotated[Parameters, OR_NONE] = Parameters()
    inputs: list[InputTensor] = Field(min_length=1)
    outputs: Annotated[list[OutputTensor], BeforeValidator(lambda given: [] if given is None else given)] = []


def read_request(body: bytes, json_length: str | None) -> tuple[InferRequest, dict[str, np.ndarray]]:
    """A request and its input tensors by name.

    Args:
        json_length: how many bytes of the body are JSON, as the header says; None if all are.

    Raises:
        InputError: if a tensor is not as it says, before there is memory for what it says.
    """
    length = len(body)
    if json_length is not None:
        if not (json_length.isascii() and json_length.isdecimal() and len(json_length) <= 20 and int(json_length) <= len(body)):
            raise InputError(f"header {HEADER}", expected=f"0 to {len(body)}", got=json_length[:20])
        length = int(json_length)
    request = read_body(InferRequest, body[:length])
    tensors: dict[str, np.ndarray] = {}
    rest = memoryview(body)[length:]
    for tensor in request.inputs:
        if tensor.name in tensors:
            raise InputError(f"input {tensor.name!r}", expected="to be there once", got="twice")
        tensors[tensor.name], rest = _read(tensor, rest)
    if rest:
        raise InputError("body", expected="binary data of the inputs alone behind the JSON", got=f"{len(rest):,} more bytes")
    return request, tensors


def _read(tensor: InputTensor, rest: memoryview) -> tuple[np.ndarray, memoryview]:
    """A tensor, and what is left of the binary data."""
    what, count = f"input {tensor.name!r}", math.prod(tensor.shape)
    if any(side < 0 for side in tensor.shape):
        raise InputError(what, expected="a shape of whole numbers from 0", got=str(tensor.shape))
    size = tensor.parameters.get("binary_data_size")
    if size is None:
        return _of_json(what, tensor, count).reshape(tensor.shape), rest
    if tensor.data is not None or type(size) is not int or not 0 <= size <= len(rest):
        got = "data in JSON as well" if tensor.data is not None else str(size)
        raise InputError(f"{what}, binary_data_size", expected=f"at most the {len(rest):,} bytes that are left", got=got)
    content = rest[:size]
    if tensor.datatype == "BYTES":
        flat = _split(what, content, count)
    else:
        dtype = DTYPES[tensor.datatype].newbyteorder("<")
        if count * dtype.itemsize != size:
            raise InputError(what, expected=f"{count * dtype.itemsize:,} bytes for shape {tensor.shape}", got=f"{size:,}")
        flat = np.frombuffer(content, dtype)
    return flat.reshape(tensor.shape), rest[size:]


def _split(what: str, content: memoryview, count: int) -> np.ndarray:
    """Elements of BYTES, each behind its length in four bytes: an array of bytes (count,)."""
    parts: list[bytes] = []
    place = 0
    while place < len(content) and len(parts) < count:
        start = place + 4
        stop = start + int.from_bytes(content[place:start], "little")
        if stop > len(content):
            break
        parts.append(bytes(content[start:stop]))
        place = stop
    if place != len(content) or len(parts) != count:
        raise InputError(what, expected=f"{count:,} elements, each behind its length", got=f"{len(content):,} bytes that are not that")
    return np.fromiter(parts, dtype=object, count=count)


def _of_json(what: str, tensor: InputTensor, count: int) -> np.ndarray:
    flat = [*_flat(tensor.data, AXES)] if isinstance(tensor.data, list) else []
    if tensor.data is None or len(flat) != count:
        got = "no data" if tensor.data is None else f"{len(flat):,}"
        raise InputError(what, expected=f"{count:,} values for shape {tensor.shape}", got=got)
    if "FP" in tensor.datatype:  # as answers have it, null is no number
        flat = [math.nan if value is None else value for value in flat]
    if not {*map(type, flat)} <= IN_JSON[tensor.datatype[:2]]:
        raise InputError(what, expected=f"values of {tensor.datatype}", got="others")
    if tensor.datatype == "BYTES":
        return np.fromiter(flat, dtype=object, count=count)
    dtype = DTYPES[tensor.datatype]
    if "INT" in tensor.datatype and flat and not np.iinfo(dtype).min <= min(flat) <= max(flat) <= np.iinfo(dtype).max:
        raise InputError(what, expected=f"values of {tensor.datatype}", got=f"{min(flat)} to {max(flat)}"[:100])
    try:
        with np.errstate(over="ignore"):  # what becomes infinite is refused as an input
            return np.array(flat, np.float64 if "FP" in tensor.datatype else dtype).astype(dtype)
    except OverflowError as error:
        raise InputError(what, expected=f"values of {tensor.datatype}", got=str(error)) from None


def _flat(data: Any, axes: int) -> Any:
    """The values of nested lists, at most so many deep; what is deeper counts as one value."""
    for value in data:
        if isinstance(value, list) and axes:
            yield from _flat(value, axes - 1)
        else:
            yield value


def write_response(
    head: Mapping[str, Any], outputs: Mapping[str, tuple[str, np.ndarray]], binary: Mapping[str, bool]
) -> tuple[bytes, int | None]:
    """A response: its body, and how many bytes of it are JSON, where there is more behind them.

    Args:
        outputs: by name, the data type and the values; those of BYTES are strings.
        binary: which outputs are wanted in binary form.
    """
    tensors, parts = [], []
    for name, (datatype, values) in outputs.items():
        tensor: dict[str, Any] = {"name": name, "datatype": datatype, "shape": [*values.shape]}
        if binary[name]:
            part = _joined(values) if datatype == "BYTES" else values.astype(DTYPES[datatype].newbyteorder("<")).tobytes()
            parts.append(part)
            tensor["parameters"] = {"binary_data_size": len(part)}
        else:
            flat = values.ravel().tolist()
            tensor["data"] = [None if isinstance(value, float) and not math.isfinite(value) else value for value in flat]
        tensors.append(tensor)
    content = json.dumps({**head, "outputs": tensors}, allow_nan=False).encode()
    return b"".join([content, *parts]), len(content) if parts else None


def _joined(values: np.ndarray) -> bytes:
    encoded = [str(value).encode() for value in values.ravel()]
    return b"".join(part for value in encoded for part in (struct.pack("<I", len(value)), value))
