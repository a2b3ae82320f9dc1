"""A small convolutional network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from senpath.components.dense import dense_stack
from senpath.components.kind import ComponentKind, TrainingDefaults, register
from senpath.components.limits import Layers, Shape, Size
from senpath.components.units import HiddenUnits, UnitLayer, UnitSlice, stacked_units


class Cnn(nn.Module):
    """3×3 convolutions, each with ReLU and 2×2 max pooling, then one fully connected layer with ReLU.

    Args:
        shape: (channels, height, width) of one input.
        filters: output channels of each convolution.
        hidden: units of the last layer.
    """

    def __init__(self, shape: Shape, filters: Layers, hidden: Size) -> None:
        super().__init__()
        channels, height, width = shape
        blocks: list[nn.Module] = []
        for count in filters:
            blocks += [nn.Conv2d(channels, count, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2, ceil_mode=True)]
            channels, height, width = count, (height + 1) // 2, (width + 1) // 2
        self.blocks = nn.Sequential(*blocks)
        self.dense = dense_stack(channels * height * width, [hidden])

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        output: torch.Tensor = self.dense(self.blocks(inputs).flatten(1))
        return output


def _units(config: Mapping[str, Any]) -> list[UnitLayer]:
    _, height, width = config["shape"]
    filters = config["filters"]
    for _ in filters:
        height, width = (height + 1) // 2, (width + 1) // 2
    layers = []
    for index, units in enumerate(filters):
        last = index + 1 == len(filters)
        reader = UnitSlice("dense.0.weight", 1, each=height * width) if last else UnitSlice(f"blocks.{3 * index + 3}.weight", 1)
        made = (UnitSlice(f"blocks.{3 * index}.weight", 0), UnitSlice(f"blocks.{3 * index}.bias", 0))
        layers.append(UnitLayer(units, f"blocks.{3 * index + 2}", (*made, reader)))
    return [*layers, *stacked_units("dense", [config["hidden"]])]


CNN = register(
    ComponentKind(
        "cnn.v1",
        Cnn,
        training=TrainingDefaults(2e-3, 128, 50, 4000),
        units=HiddenUnits(_units, lambda config, widths: {**config, "filters": list(widths[:-1]), "hidden": widths[-1]}),
        prunable=True,
    )
)
