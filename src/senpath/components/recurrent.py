"""A recurrent network for sequences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from senpath.components.dense import dense_stack
from senpath.components.kind import ComponentKind, TrainingDefaults, register
from senpath.components.limits import Layers, Size
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


class LstmOutline(nn.Module):
    """The products of an `Lstm` over all frames at once, which is what it takes, without a step for each frame.

    Args:
        module: whose shapes these are.
    """

    def __init__(self, module: Lstm) -> None:
        super().__init__()
        self.module = module

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        lstm = self.module.lstm
        for _ in range(16):  # a frame takes its time however few numbers it has
            inputs.new_empty(inputs.shape[1], 64)
        gates = nn.functional.linear(inputs, lstm.get_parameter("weight_ih_l0"))
        states = gates[..., : lstm.hidden_size].contiguous()
        nn.functional.linear(states, lstm.get_parameter("weight_hh_l0"))
        output: torch.Tensor = self.module.dense(states.mean(dim=1))
        return output


def _units(config: Mapping[str, Any]) -> list[UnitLayer]:
    gates = tuple(UnitSlice(f"lstm.{name}_l0", 0, blocks=4) for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"))
    readers = (UnitSlice("lstm.weight_hh_l0", 1), UnitSlice("dense.0.weight", 1))
    return [UnitLayer(config["units"], "lstm", (*gates, *readers)), *stacked_units("dense", config["hidden"])]


LSTM = register(
    ComponentKind(
        "lstm.v1",
        Lstm,
        training=TrainingDefaults(4e-3, 32, 30, 2000, clip=1.0),
        units=HiddenUnits(_units, lambda config, widths: {**config, "units": widths[0], "hidden": list(widths[1:])}),
        prunable=True,
        outline=LstmOutline,
    )
)
