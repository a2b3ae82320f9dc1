"""Fully connected layers."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from senpath.components.kind import ComponentKind, TrainingDefaults, register
from senpath.components.units import HiddenUnits, stacked_units


class Mlp(nn.Module):
    """Fully connected layers with ReLU after each; the output is the last hidden layer.

    Args:
        inputs: numbers in one input, all axes together.
        hidden: units of each layer.
    """

    def __init__(self, inputs: int, hidden: Sequence[int]) -> None:
        super().__init__()
        self.layers = dense_stack(inputs, hidden)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        output: torch.Tensor = self.layers(inputs.flatten(1))
        return output


def dense_stack(inputs: int, hidden: Sequence[int]) -> nn.Sequential:
    """Linear and ReLU for each width in `hidden`."""
    layers: list[nn.Module] = []
    for units in hidden:
        layers += [nn.Linear(inputs, units), nn.ReLU()]
        inputs = units
    return nn.Sequential(*layers)


MLP = register(
    ComponentKind(
        "mlp.v1",
        Mlp,
        training=TrainingDefaults(4e-3, 128, 100, 6000),
        units=HiddenUnits(
            layers=lambda config: stacked_units("layers", config["hidden"]),
            resized=lambda config, widths: {**config, "hidden": list(widths)},
        ),
        prunable=True,
        grouped=True,
    )
)
