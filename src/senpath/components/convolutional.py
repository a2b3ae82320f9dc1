"""Small convolutional networks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any

import torch
from pydantic import Field
from torch import nn

from senpath.components.dense import dense_layers, dense_stack
from senpath.components.kind import ComponentKind, TrainingDefaults, register
from senpath.components.limits import Layer, Layers, Shape, Size, Step
from senpath.components.units import HiddenUnits, UnitLayer, UnitSlice, stacked_units

Pool = Annotated[Sequence[Step], Field(min_length=2, max_length=2)]
FLAT = 1e-4
"""Added to an image's variance, so that the noise of a flat one stays small."""


class Cnn(nn.Module):
    """3×3 convolutions, each with ReLU and 2×2 max pooling, then one fully connected layer with ReLU.

    Args:
        shape: (channels, height, width) of one input.
        filters: output channels of each convolution.
        hidden: units of the last layer.
    """

    def __init__(self, shape: Shape, filters: Layers, hidden: Size) -> None:
        super().__init__()
        self.blocks, self.dense = _layers(shape, filters, hidden)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        output: torch.Tensor = self.dense(self.blocks(inputs).flatten(1))
        return output

    def layers(self, shape: tuple[int, ...]) -> Iterator[Layer]:
        """What one image of this shape makes on its way (see `senpath.components.limits`)."""
        return _made(self.blocks, self.dense, shape)


class PooledCnn(nn.Module):
    """A `Cnn` on small copies of images, each brought to a mean of 0 and a variance of 1: how bright it is does not matter.

    Args:
        pool: height and width of the rectangles whose pixels are averaged first; what is left at the lower and right edge is cut off.
        shape: (channels, height, width) of what that leaves of an image.
        filters, hidden: see `Cnn`.
    """

    def __init__(self, pool: Pool, shape: Shape, filters: Layers, hidden: Size) -> None:
        super().__init__()
        self.pool = (pool[0], pool[1])
        self.blocks, self.dense = _layers(shape, filters, hidden)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        small = nn.functional.avg_pool2d(inputs, self.pool)
        centred = small - small.mean((1, 2, 3), keepdim=True)
        contrast = centred / (centred.square().mean((1, 2, 3), keepdim=True) + FLAT).sqrt()
        output: torch.Tensor = self.dense(self.blocks(contrast).flatten(1))
        return output

    def layers(self, shape: tuple[int, ...]) -> Iterator[Layer]:
        """What one image of this shape makes on its way (see `senpath.components.limits`)."""
        channels, height, width = shape
        small = (channels, height // self.pool[0], width // self.pool[1])
        yield small, channels * height * width
        yield from [(small, 0)] * 3
        yield from _made(self.blocks, self.dense, small)


def _layers(shape: Shape, filters: Layers, hidden: Size) -> tuple[nn.Sequential, nn.Sequential]:
    channels, height, width = shape
    blocks: list[nn.Module] = []
    for count in filters:
        blocks += [nn.Conv2d(channels, count, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2, ceil_mode=True)]
        channels, height, width = count, (height + 1) // 2, (width + 1) // 2
    return nn.Sequential(*blocks), dense_stack(channels * height * width, [hidden])


def _made(blocks: nn.Sequential, dense: nn.Sequential, shape: tuple[int, ...]) -> Iterator[Layer]:
    _, height, width = shape
    for block in blocks:
        if isinstance(block, nn.Conv2d):
            made = (block.out_channels, height, width)
            yield made, block.weight.numel() * height * width
            yield made, 0
            height, width = (height + 1) // 2, (width + 1) // 2
            yield (block.out_channels, height, width), 0
    yield from dense_layers(dense)


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
        layers=Cnn.layers,
        training=TrainingDefaults(2e-3, 128, 50, 4000),
        units=HiddenUnits(_units, lambda config, widths: {**config, "filters": list(widths[:-1]), "hidden": widths[-1]}),
        prunable=True,
    )
)
POOLED_CNN = register(
    ComponentKind(
        "pooled-cnn.v1",
        PooledCnn,
        layers=PooledCnn.layers,
        training=TrainingDefaults(2e-3, 128, 50, 4000, clip=1.0),
        units=HiddenUnits(_units, lambda config, widths: {**config, "filters": list(widths[:-1]), "hidden": widths[-1]}),
        prunable=True,
    )
)
