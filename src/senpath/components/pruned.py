"""A component of which only some weights are kept: of the others its file has one bit each."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil, prod
from typing import Any

import torch
from torch import nn

from senpath.components.base import Component, freeze
from senpath.components.kind import ComponentKind, find_kind, known_kinds, register
from senpath.errors import StoreError

BITS = 8
LARGEST = 2**26
"""Weights of the dense component, at most: a file of bits is small."""


class Pruned(nn.Module):
    """A component of another kind with weights left out; those are zero, and it runs as the dense component that it is then.

    The file has three groups of tensors: `values`, the kept weights of each pruned tensor in their order (float32); `masks`, a bit for
    each of its places, the first place the highest bit of the first byte (uint8); and `whole`, the other tensors. A dot in a tensor's
    name is a slash there.

    Args:
        kind: name of the dense component's, which must be prunable.
        config: of the dense component.
        kept: for each pruned tensor of the dense component how many of its weights are kept.

    Raises:
        ValueError: if there is no such kind, or it has no such tensors.
    """

    def __init__(self, kind: str, config: Mapping[str, Any], kept: Mapping[str, int]) -> None:
        super().__init__()
        names = [known.name for known in known_kinds() if known.prunable]
        if kind not in names:
            raise ValueError(f"a component of kind {kind!r} cannot be pruned, only {', '.join(names)}")
        self.kind, self.config, self.kept = kind, dict(config), dict(kept)
        self._shapes = {name: value.shape for name, value in _shapes_only(kind, config).state_dict().items()}
        if sum(map(prod, self._shapes.values())) > LARGEST:  # a bit of the file becomes a number
            raise ValueError(f"more than {LARGEST:,} weights")
        self._built: list[nn.Module] = []  # in a list, for it is made from this module's tensors and not one of its parts
        for name, count in self.kept.items():
            most = prod(self._shapes[name]) if name in self._shapes else -1
            if isinstance(count, bool) or not isinstance(count, int) or not 0 <= count <= most:
                raise ValueError(f"it keeps {count!r} weights of {name!r}, of which it has {max(most, 0)}")
        self.values, self.masks, self.whole = nn.Module(), nn.Module(), nn.Module()
        for name, shape in self._shapes.items():
            if name in self.kept:
                self.values.register_buffer(_spelled(name), torch.zeros(self.kept[name]))
                self.masks.register_buffer(_spelled(name), torch.zeros(ceil(prod(shape) / BITS), dtype=torch.uint8))
            else:
                self.whole.register_buffer(_spelled(name), torch.zeros(shape))

    @classmethod
    def of(cls, kind: ComponentKind, config: Mapping[str, Any], module: nn.Module, masks: Mapping[str, torch.Tensor]) -> Pruned:
        """A module without some of its weights.

        Args:
            kind, config, module: the dense component.
            masks: for each tensor to be pruned which of its weights stay: bool, of its shape.
        """
        pruned = cls(kind.name, config, {name: int(mask.sum()) for name, mask in masks.items()})
        tensors = {}
        for name, value in module.state_dict().items():
            dense = value.detach().cpu()
            if name in masks:
                mask = masks[name].cpu()
                tensors[f"values.{_spelled(name)}"] = dense[mask]
                tensors[f"masks.{_spelled(name)}"] = pack(mask)
            else:
                tensors[f"whole.{_spelled(name)}"] = dense.clone()
        pruned.load_state_dict(tensors)
        return pruned

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        output: torch.Tensor = self.dense()(inputs)
        return output

    def dense(self) -> nn.Module:
        """The dense component, frozen; made when it is first asked for."""
        if not self._built:
            module = _shapes_only(self.kind, self.config)
            module.load_state_dict({name: self._dense(name) for name in self._shapes}, assign=True)
            self._built = [module.eval().requires_grad_(False)]
        return self._built[0]

    def kept_places(self) -> dict[str, torch.Tensor]:
        """For each pruned tensor which of its weights are kept: bool, of its shape."""
        return {name: self._mask(name).reshape(self._shapes[name]) for name in self.kept}

    def stored_numbers(self) -> int:
        """The kept weights and the whole tensors; bits are not weights."""
        return sum(value.numel() for group in (self.values, self.whole) for value in group.buffers())

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False) -> Any:
        """As for any module.

        Raises:
            RuntimeError: also if a mask does not have as many bits as there are values.
        """
        keys = super().load_state_dict(state_dict, strict, assign)
        self._built = []
        for name, count in self.kept.items():
            packed = self.masks.get_buffer(_spelled(name))
            if packed.is_meta:
                continue
            if packed.dtype != torch.uint8:
                raise RuntimeError(f"the mask of {name!r} is of {packed.dtype}, not of torch.uint8")
            bits = unpack(packed)
            length = prod(self._shapes[name])
            if int(bits[:length].sum()) != count or bool(bits[length:].any()):
                raise RuntimeError(f"the mask of {name!r} has {int(bits.sum())} bits set, {count} of {length} were expected")
        return keys

    def _apply(self, fn: Any, recurse: bool = True) -> Any:
        self._built = []  # what was moved elsewhere is built again there
        return super()._apply(fn, recurse)  # type: ignore[no-untyped-call]

    def _mask(self, name: str) -> torch.Tensor:
        return unpack(self.masks.get_buffer(_spelled(name)))[: prod(self._shapes[name])]

    def _dense(self, name: str) -> torch.Tensor:
        if name not in self.kept:
            return self.whole.get_buffer(_spelled(name))
        values = self.values.get_buffer(_spelled(name))
        dense = values.new_zeros(prod(self._shapes[name]))
        dense[self._mask(name)] = values
        return dense.reshape(self._shapes[name])


def pack(mask: torch.Tensor) -> torch.Tensor:
    """Bits in bytes, the first one the highest: bool (n, …) → uint8 (⌈n/8⌉,), filled up with zeros."""
    bits = nn.functional.pad(mask.flatten().to(torch.uint8), (0, -mask.numel() % BITS)).reshape(-1, BITS)
    return (bits << _places(bits)).sum(1, dtype=torch.uint8)


def unpack(packed: torch.Tensor) -> torch.Tensor:
    """The bits of bytes: uint8 (n,) → bool (8 n,)."""
    return ((packed[:, None] >> _places(packed)) & 1).flatten().bool()


def _places(like: torch.Tensor) -> torch.Tensor:
    return torch.arange(BITS - 1, -1, -1, dtype=torch.uint8, device=like.device)


def _shapes_only(kind: str | ComponentKind, config: Mapping[str, Any]) -> nn.Module:
    try:
        with torch.device("meta"):
            return find_kind(kind).build(config)
    except StoreError as error:
        raise ValueError(str(error)) from error


def _outline(module: Pruned) -> nn.Module:
    dense = find_kind(module.kind)
    outlined: nn.Module = dense.outline(_shapes_only(dense, module.config))
    return outlined


def _spelled(name: str) -> str:
    """A tensor's name as one part of a longer one."""
    return name.replace(".", "/")


def freeze_pruned(kind: ComponentKind, config: Mapping[str, Any], module: nn.Module, masks: Mapping[str, torch.Tensor]) -> Component:
    """A component of a trained module without some of its weights; see `Pruned.of`."""
    pruned = Pruned.of(kind, config, module, masks)
    return freeze(PRUNED, {"kind": kind.name, "config": dict(config), "kept": pruned.kept}, pruned)


def unpruned(component: Component) -> tuple[ComponentKind, dict[str, Any], nn.Module]:
    """Kind, configuration and module of a component; of a pruned one those of the dense component that it runs as."""
    module = component.module
    if isinstance(module, Pruned):
        return find_kind(module.kind), module.config, module.dense()
    return component.kind, component.config, module


PRUNED = register(
    ComponentKind(
        "pruned.v1",
        Pruned,
        trainable=False,
        exportable=Pruned.dense,
        outline=_outline,
    )
)
