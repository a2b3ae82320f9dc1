"""A recurrent network for sequences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import nn

from senpath.components.dense import dense_layers, dense_stack
from senpath.components.kind import ComponentKind, TrainingDefaults, register
from senpath.components.limits import Layer, Layers, Size
from senpath.components.units import HiddenUnits, UnitLayer, UnitSlice, stacked_units


class Lstm(nn.Module):
    """A one-layer LSTM, its mean over time, then fully connected layers with ReLU (Ling et al., section 4: 500, 128-64).

    Args:
        inputs: numbers in one frame.
        units: units of the LSTM.
        hidden: units of each layer after it.
    """

    def __init__(self, inputs: Size, units: Size, hidden: Layers) -> None:
        super().__init__()
        self.lstm = nn.LSTM(inputs, units, batch_first=True)
        self.dense = dense_stack(units, hidden)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        states, _ = self.lstm(inputs)
        output: torch.Tensor = self.dense(states.mean(dim=1))
        return output

    def layers(self, shape: tuple[int, ...]) -> Iterator[Layer]:
        """What one sequence of this shape makes on its way (see `senpath.components.limits`)."""
        frames, _ = shape
        read, kept = (self.lstm.get_parameter(f"weight_{name}_l0").numel() for name in ("ih", "hh"))
        yield (frames, 4 * self.lstm.hidden_size), frames * read
        yield (frames, 4 * self.lstm.hidden_size), frames * kept
        yield (frames, self.lstm.hidden_size), 0
        yield from [((frames, 64), 0)] * 16  # a frame takes its time however few numbers it has
        yield (self.lstm.hidden_size,), 0
        yield from dense_layers(self.dense)


def _units(config: Mapping[str, Any]) -> list[UnitLayer]:
    gates = tuple(UnitSlice(f"lstm.{name}_l0", 0, blocks=4) for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"))
    readers = (UnitSlice("lstm.weight_hh_l0", 1), UnitSlice("dense.0.weight", 1))
    return [UnitLayer(config["units"], "lstm", (*gates, *readers)), *stacked_units("dense", config["hidden"])]


LSTM = register(
    ComponentKind(
        "lstm.v1",
        Lstm,
        layers=Lstm.layers,
        training=TrainingDefaults(4e-3, 32, 30, 2000, clip=1.0),
        units=HiddenUnits(_units, lambda config, widths: {**config, "units": widths[0], "hidden": list(widths[1:])}),
        prunable=True,
    )
)
