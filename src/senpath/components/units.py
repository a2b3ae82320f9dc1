"""Where the hidden units of a component lie in its tensors, so that some of them can be removed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

HEAD = "head"
"""Prefix of the output layer's tensors, which read the last hidden layer's units."""


@dataclass(frozen=True)
class UnitSlice:
    """One axis of a tensor that has one or several entries for every unit of a layer: index = first + (block · units + unit) · each + rest.

    Args:
        tensor: its name.
        axis: 0 for what makes the units, 1 for what reads them.
        blocks: how often all units come one after another (the four gates of an LSTM).
        each: entries of one unit side by side (the pixels of a filter's map).
        first: entries before those of the first unit, which belong to no unit (the inputs that pass beside a layer).
    """

    tensor: str
    axis: int
    blocks: int = 1
    each: int = 1
    first: int = 0


@dataclass(frozen=True)
class UnitLayer:
    """The units of one hidden layer.

    Args:
        units: how many.
        output: name of the submodule whose output holds them, on axis 1, or on the last one of an LSTM's.
        slices: where their weights lie.
    """

    units: int
    output: str
    slices: tuple[UnitSlice, ...]


@dataclass(frozen=True)
class HiddenUnits:
    """How a kind's hidden units are found and reduced.

    Args:
        layers: from a configuration, the hidden layers in the order in which they run.
        resized: from a configuration and new numbers of units, one for each layer, the configuration of the smaller component.
    """

    layers: Callable[[Mapping[str, Any]], list[UnitLayer]]
    resized: Callable[[Mapping[str, Any], Sequence[int]], dict[str, Any]]


def stacked_units(stack: str, hidden: Sequence[int]) -> list[UnitLayer]:
    """The layers of a `dense_stack` of this name, the last of which the output layer reads."""
    layers = []
    for index, units in enumerate(hidden):
        reader = f"{stack}.{2 * index + 2}.weight" if index + 1 < len(hidden) else f"{HEAD}.weight"
        slices = (UnitSlice(f"{stack}.{2 * index}.weight", 0), UnitSlice(f"{stack}.{2 * index}.bias", 0), UnitSlice(reader, 1))
        layers.append(UnitLayer(units, f"{stack}.{2 * index + 1}", slices))
    return layers
