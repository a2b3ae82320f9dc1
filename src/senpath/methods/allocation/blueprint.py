"""What the network of shared components is made of: kinds, configurations and shapes, for one type of data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

from torch import nn

from senpath.components import CONV_PAIR, DENSE, IDENTITY, NORMED, POINTWISE, POOL, PROJECTION, Component, ComponentKind, build, freeze
from senpath.errors import InputError
from senpath.methods.allocation.config import GROUPS, NAME, AllocationSettings
from senpath.types import DataType

PAIRS = {"3x3": ((3, 3), (3, 3)), "5x5": ((5, 5), (5, 5)), "7x7": ((7, 7), (7, 7)), "1x7": ((1, 7), (7, 1))}
IMAGE = (*PAIRS, "max", "avg", "identity")
DEFAULT_IMAGE = ("3x3", "3x3", "3x3", "1x7", "identity")
"""With the paper's seven nothing much is learned in the first hundreds of steps (docs/log.md)."""
OTHER = ("dense", "identity")
DEFAULT_OTHER = ("dense",) * 4 + ("identity",)
SIDE = 7
"""Maps of larger sides are halved, unless strides are given."""


@dataclass(frozen=True)
class ComponentSpec:
    """A component to be: its kind and configuration."""

    kind: ComponentKind
    config: dict[str, Any]

    def build(self) -> nn.Module:
        """It as a fresh, trainable module."""
        return build(self.kind, self.config)

    def freeze(self, module: nn.Module | None = None) -> Component:
        """It with the weights of a module; without one, of a kind that has none."""
        return freeze(self.kind, self.config, self.build() if module is None else module)


@dataclass(frozen=True)
class Blueprint:
    """The whole of it, but for the output layers.

    Attributes:
        stem: what all tasks run first.
        names: of the components of each layer, as settings have them.
        layers: for each layer its components.
        norm: what follows each layer's mean, with weights of its own that all tasks share.
        shapes: of each layer's output, without the number of inputs.
    """

    stem: ComponentSpec
    names: tuple[str, ...]
    layers: tuple[tuple[ComponentSpec, ...], ...]
    norm: ComponentSpec
    shapes: tuple[tuple[int, ...], ...]

    @property
    def features(self) -> int:
        """Numbers that an output layer reads."""
        return prod(self.shapes[-1])

    @property
    def flat(self) -> bool:
        """Whether the last layer's output is a vector as it is."""
        return len(self.shapes[-1]) == 1


def make_blueprint(data_type: DataType, settings: AllocationSettings) -> Blueprint:
    """What settings make of a type of data.

    Raises:
        InputError: if the type cannot be learned, or the settings do not fit it.
    """
    if data_type.form == "tokens":
        got, do = "tokens of an encoder, one row a token", "Use the method 'moe' or 'sen'"
        raise InputError(f"inputs of method {NAME!r}", expected="images, or inputs of one vector", got=got, do=do)
    return _for_images(data_type, settings) if data_type.form == "image" else _for_others(data_type, settings)


def _for_images(data_type: DataType, settings: AllocationSettings) -> Blueprint:
    channels, *sides = data_type.shape
    width = settings.width or 16
    names = _names(settings.components, IMAGE, DEFAULT_IMAGE, "3x3", "images")
    layers, shapes = list[tuple[ComponentSpec, ...]](), list[tuple[int, ...]]()
    for place in range(settings.layers):
        stride = settings.strides[place] if settings.strides is not None else 2 if max(sides) > SIDE else 1
        sides = [-(-side // stride) for side in sides]
        layers.append(tuple(_image_part(name, width, stride) for name in names))
        shapes.append((width, *sides))
    stem = ComponentSpec(POINTWISE, {"inputs": channels, "outputs": width, "groups": GROUPS})
    norm = ComponentSpec(NORMED, {"width": width, "groups": GROUPS})
    return Blueprint(stem, names, tuple(layers), norm, tuple(shapes))


def _for_others(data_type: DataType, settings: AllocationSettings) -> Blueprint:
    if settings.strides is not None:
        raise InputError("setting 'strides'", expected=f"None, for {data_type.modality}", got=settings.strides, do="Leave it out")
    width = settings.width or 64
    names = _names(settings.components, OTHER, DEFAULT_OTHER, "dense", data_type.modality)
    parts = {
        "dense": ComponentSpec(DENSE, {"inputs": width, "outputs": width, "norm": True}),
        "identity": ComponentSpec(IDENTITY, {"stride": 1}),
    }
    layer = tuple(parts[name] for name in names)
    stem = ComponentSpec(DENSE, {"inputs": prod(data_type.shape), "outputs": width, "norm": True})
    norm = ComponentSpec(NORMED, {"width": width, "groups": 1})
    return Blueprint(stem, names, (layer,) * settings.layers, norm, ((width,),) * settings.layers)


def _image_part(name: str, width: int, stride: int) -> ComponentSpec:
    if name in PAIRS:
        kernels = [list(kernel) for kernel in PAIRS[name]]
        return ComponentSpec(CONV_PAIR, {"width": width, "kernels": kernels, "stride": stride, "groups": GROUPS})
    if name != "identity":
        return ComponentSpec(POOL, {"how": name, "stride": stride})
    return ComponentSpec(IDENTITY, {"stride": 1}) if stride == 1 else ComponentSpec(PROJECTION, {"width": width, "stride": stride})


def _names(given: int | tuple[str, ...] | None, known: Sequence[str], default: tuple[str, ...], counted: str, what: str) -> tuple[str, ...]:
    if given is None:
        return default
    if isinstance(given, int):
        return (counted,) * given
    for name in given:
        if name not in known:
            raise InputError("setting 'components'", expected=f"for {what} names out of {', '.join(known)}", got=repr(name))
        if name in ("max", "avg", "identity") and given.count(name) > 1:
            raise InputError("setting 'components'", expected=f"{name!r} once", got=f"{given.count(name)} times")
    return given
