"""Inputs as pathways see them: encoded once, however often they are predicted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from senpath.errors import InputError
from senpath.modalities import split_by_modality
from senpath.network.view import CHUNK, View
from senpath.progress import Progress, silent
from senpath.types import DataType, Examples


@dataclass(frozen=True)
class Batch:
    """Encoded inputs of one data type."""

    key: str
    inputs: torch.Tensor
    rows: np.ndarray


@dataclass(frozen=True, eq=False)
class Encoded:
    """Inputs that were encoded, in the order in which they were given; see `Network.encode`.

    Attributes:
        inputs: how many there are, those of types that the network did not know included.
        batches: those of types that it knew.
        types: the types, by key, as the network had them.
    """

    inputs: int
    batches: tuple[Batch, ...]
    types: Mapping[str, DataType]

    def __len__(self) -> int:
        return self.inputs


def encode_inputs(view: View, x: Any, progress: Progress = silent) -> Encoded:
    """Inputs as the network's types encode them.

    Args:
        x: raw inputs, see `senpath.modalities.split_by_modality`; or what is encoded already, `Encoded` or `Examples`.

    Raises:
        InputError: if an input cannot be read, or was encoded as the network does not do it.
        MissingExtraError, StoreError: if a type's pretrained encoder is not there, or is another one.
    """
    if isinstance(x, Encoded):
        _require_types(view, x.types)
        return x
    if isinstance(x, Examples):
        _require_types(view, {x.data_type.key: x.data_type})
        return Encoded(len(x), tuple(_batches(x.data_type.key, x.inputs, np.arange(len(x)), view.device)), {x.data_type.key: x.data_type})
    groups = split_by_modality(x)
    batches: list[Batch] = []
    types: dict[str, DataType] = {}
    for group in groups:
        key = view.type_key(group)
        if key in view.manifest.types:
            types[key] = view.manifest.types[key].data_type
            batches += _batches(key, view.encode(group.items, types[key], progress), group.rows, view.device)
    return Encoded(sum(len(group.rows) for group in groups), tuple(batches), types)


def _batches(key: str, inputs: torch.Tensor, rows: np.ndarray, device: torch.device) -> list[Batch]:
    places = np.split(rows, range(CHUNK, len(rows), CHUNK))
    return [Batch(key, part.to(device), index) for part, index in zip(inputs.split(CHUNK), places, strict=True)]


def _require_types(view: View, types: Mapping[str, DataType]) -> None:
    for key, data_type in types.items():
        record = view.manifest.types.get(key)
        if record is not None and record.data_type != data_type:
            got = "inputs encoded otherwise, by another network or before the type came anew"
            raise InputError("encoded inputs", expected=f"the network's encoding of the type {key!r}", got=got, do="Encode them again")
        if record is None:
            raise InputError("encoded inputs", expected="of a type that the network has", got=repr(key), do="Encode them with this network")
