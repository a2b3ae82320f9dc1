"""Raw inputs as the network's pathways see them, and why one of them gets its answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from senpath.errors import InputError
from senpath.inputs.modalities import split_by_modality
from senpath.progress import Progress, silent
from senpath.snapshot.examples import check_tensors
from senpath.snapshot.view import View, at_once
from senpath.types import DataType, Examples


@dataclass(frozen=True)
class Batch:
    """Encoded inputs of one data type."""

    key: str
    inputs: torch.Tensor
    rows: np.ndarray


@dataclass(frozen=True, eq=False)
class Encoded:
    """Encoded inputs in their original order, made by `Network.encode`.

    Attributes:
        inputs: number of inputs, including those of types that the network does not have.
        batches: the encoded inputs, one batch per type that the network has.
        types: the network's types when the inputs were encoded, by key.
        unknown: keys of types that the network does not have.
    """

    inputs: int
    batches: tuple[Batch, ...]
    types: Mapping[str, DataType]
    unknown: frozenset[str] = frozenset()

    def __len__(self) -> int:
        return self.inputs


def encode_inputs(view: View, x: Any, progress: Progress = silent) -> Encoded:
    """Inputs as the network's types encode them.

    Args:
        x: raw inputs, see `senpath.inputs.modalities.split_by_modality`; or what is encoded already, `Encoded` or `Examples`.

    Raises:
        InputError: if an input cannot be read, or was encoded as the network does not do it.
        MissingExtraError, StoreError: if a type's pretrained encoder is not there, or is another one.
    """
    if isinstance(x, Encoded):
        _require_types(view, x)
        return x
    if isinstance(x, Examples):
        check_tensors(x)
        if len(x.inputs) != len(x):
            raise InputError("encoded examples", expected=f"{len(x.inputs)} targets, one per input", got=len(x))
        _require_types(view, Encoded(len(x), (), {x.data_type.key: x.data_type}))
        return Encoded(len(x), tuple(_batches(x.data_type.key, x.inputs, np.arange(len(x)), view.device)), {x.data_type.key: x.data_type})
    groups = split_by_modality(x)
    batches: list[Batch] = []
    types: dict[str, DataType] = {}
    for group in groups:
        key = view.type_key(group)
        if key in view.manifest.types:
            types[key] = view.manifest.types[key].data_type
            batches += _batches(key, view.encode(group.items, types[key], progress), group.rows, view.device)
    unknown = frozenset(view.type_key(group) for group in groups) - types.keys()
    return Encoded(sum(len(group.rows) for group in groups), tuple(batches), types, unknown)


def _batches(key: str, inputs: torch.Tensor, rows: np.ndarray, device: torch.device) -> list[Batch]:
    size = at_once(inputs)
    places = np.split(rows, range(size, len(rows), size))
    return [Batch(key, part.to(device), index) for part, index in zip(inputs.split(size), places, strict=True)]


def _require_types(view: View, encoded: Encoded) -> None:
    new = next((key for key in encoded.unknown if key in view.manifest.types), None)
    if new is not None:
        got = f"some of the type {new!r}, which came since"
        raise InputError("encoded inputs", expected="of types that the network had then", got=got, do="Encode them again")
    for key, data_type in encoded.types.items():
        record = view.manifest.types.get(key)
        if record is not None and record.data_type != data_type:
            got = "inputs encoded otherwise, by another network or before the type came anew"
            raise InputError("encoded inputs", expected=f"the network's encoding of the type {key!r}", got=got, do="Encode them again")
        if record is None:
            raise InputError("encoded inputs", expected="of a type that the network has", got=repr(key), do="Encode them with this network")
