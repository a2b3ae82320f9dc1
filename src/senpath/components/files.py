"""How components lie in files: as tensors of safetensors, unless a kind has a format of its own."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load as read_tensors
from safetensors.torch import save
from torch import nn

from senpath.confined import read_plain
from senpath.errors import StoreError

if TYPE_CHECKING:
    from senpath.components.kind import ComponentKind


class FileFormat(ABC):
    """The format of a kind's files. Reading a file must run no code from it.

    Attributes:
        suffix: ending of a file's name.
    """

    suffix: str

    @abstractmethod
    def dump(self, module: nn.Module) -> bytes:
        """A module's weights as a file's content."""

    @abstractmethod
    def restore(self, kind: ComponentKind, config: Mapping[str, Any], payload: bytes) -> nn.Module:
        """The module with these weights, a copy that shares no memory with anything else."""

    @abstractmethod
    def read(self, kind: ComponentKind, config: Mapping[str, Any], path: Path, *, trust: bool = False) -> nn.Module:
        """The module in this file.

        Args:
            trust: whether the user vouches for who made it.

        Raises:
            StoreError: if the file holds something else.
        """


class Safetensors(FileFormat):
    """The tensors of a module's state; read from a file they stay memory-mapped."""

    suffix = ".safetensors"

    def dump(self, module: nn.Module) -> bytes:
        return save(_apart({name: value.detach().cpu().contiguous() for name, value in module.state_dict().items()}))

    def restore(self, kind: ComponentKind, config: Mapping[str, Any], payload: bytes) -> nn.Module:
        return _filled(kind, config, {name: value.clone() for name, value in read_tensors(payload).items()})

    def read(self, kind: ComponentKind, config: Mapping[str, Any], path: Path, *, trust: bool = False) -> nn.Module:
        types = {name: value.dtype for name, value in _blank(kind, config).state_dict().items()}
        try:
            module = _filled(kind, config, _tensors(path))
        except (SafetensorError, RuntimeError, OSError) as error:
            raise StoreError(f"component file {path.name}", expected=f"the weights of a {kind}", got=str(error)) from error
        if any(value.dtype != types[name] for name, value in module.state_dict().items()):
            raise StoreError(f"component file {path.name}", expected="float32 weights", got="others")
        return module


SAFETENSORS = Safetensors()
BUILDING = Lock()
"""Held until torch's global generator is where it was: another thread would put it back to a place in between."""


def _apart(tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Tensors each in memory of its own, as a file has them: a weight that two layers share has two names."""
    apart, seen = dict[str, torch.Tensor](), set[int]()
    for name, value in tensors.items():
        place = value.untyped_storage().data_ptr()
        apart[name] = value.clone() if place in seen else value
        seen.add(place)
    return apart


def _tensors(path: Path) -> dict[str, torch.Tensor]:
    try:
        str(path).encode()
    except UnicodeEncodeError:  # the library takes names in UTF-8 alone
        return read_tensors(read_plain(path))
    with safe_open(path, framework="pt") as file:
        return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118


def _blank(kind: ComponentKind, config: Mapping[str, Any]) -> nn.Module:
    """Shapes only: nothing is allocated for a configuration that asks for too much, and no random number is drawn."""
    with torch.device("meta"):
        return kind.build(config)


def _filled(kind: ComponentKind, config: Mapping[str, Any], tensors: Mapping[str, torch.Tensor]) -> nn.Module:
    """A module that holds these tensors."""
    module, tensors = _blank(kind, config), _with_new_names(kind, tensors)
    module.load_state_dict(tensors, assign=True)
    if any(value.is_meta for value in (*module.parameters(), *module.buffers())):  # buffers that are not saved are made by the constructor
        with BUILDING, torch.random.fork_rng(devices=[]):  # what is drawn is thrown away
            module = kind.build(config)
        module.load_state_dict(tensors, assign=True)
    return module


def _with_new_names(kind: ComponentKind, tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Tensors by the names that the kind's module has; a file of an older senpath may have others."""
    if not kind.renamed:
        return dict(tensors)
    return {".".join(kind.renamed.get(part, part) for part in name.split(".")): value for name, value in tensors.items()}
