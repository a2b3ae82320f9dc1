"""The torch kinds that pathways are built of. Each takes its configuration as keyword arguments and returns (n, outputs)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from torch import nn


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


class Beside(nn.Module, ABC):
    """Vectors, and beside them one fully connected layer with ReLU: a linear map of both is at least a linear model.

    Args:
        inputs: numbers in one vector.
        hidden: units of the layer; the output has inputs + hidden numbers.
    """

    def __init__(self, inputs: int, hidden: int) -> None:
        super().__init__()
        self.units = hidden
        self.layers = dense_stack(inputs, [hidden])

    @abstractmethod
    def flat(self, inputs: torch.Tensor) -> torch.Tensor:
        """The vectors of inputs (n, …): (n, numbers)."""

    def balance(self, inputs: torch.Tensor) -> None:
        """Scale the layer so that over these inputs (n, …) it varies as much as they do: neither decides alone what is read of both."""
        flat = self.flat(inputs)
        given, made = (values.var(0, correction=0).sum() for values in (flat, self.layers(flat)))
        scale = (given / made.clamp(min=1e-12)).sqrt()
        for parameter in self.layers.parameters():
            parameter.mul_(scale)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        flat = self.flat(inputs)
        return torch.cat([flat, self.layers(flat)], 1)


class Skip(Beside):
    """The inputs themselves, and a layer beside them; see `Beside`.

    Args:
        inputs: numbers in one input, all axes together.
        hidden: units of the layer; the output has inputs + hidden numbers.
    """

    def flat(self, inputs: torch.Tensor) -> torch.Tensor:
        return inputs.flatten(1)


class Cnn(nn.Module):
    """3×3 convolutions, each with ReLU and 2×2 max pooling, then one fully connected layer with ReLU.

    Args:
        shape: (channels, height, width) of one input.
        filters: output channels of each convolution.
        hidden: units of the last layer.
    """

    def __init__(self, shape: Sequence[int], filters: Sequence[int], hidden: int) -> None:
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


class Lstm(nn.Module):
    """A one-layer LSTM, its mean over time, then fully connected layers with ReLU (Ling et al., section 4: 500, 128-64).

    Args:
        inputs: numbers in one frame.
        units: units of the LSTM.
        hidden: units of each layer after it.
    """

    def __init__(self, inputs: int, units: int, hidden: Sequence[int]) -> None:
        super().__init__()
        self.lstm = nn.LSTM(inputs, units, batch_first=True)
        self.dense = dense_stack(units, hidden)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        states, _ = self.lstm(inputs)
        output: torch.Tensor = self.dense(states.mean(dim=1))
        return output


class Linear(nn.Linear):
    """One affine map: a task's output layer.

    Args:
        inputs: numbers in one input.
        outputs: classes.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs)


class ClassLink(nn.Module):
    """Adds to some of a task's outputs what an earlier task's hidden layer says: one row of weights and a bias per linked class.

    Args:
        inputs: units of the hidden layer that is read.
        outputs: classes of the task that is written to.
        classes: indices of the linked classes, ascending.
    """

    classes: torch.Tensor

    def __init__(self, inputs: int, outputs: int, classes: Sequence[int]) -> None:
        super().__init__()
        self.outputs = outputs
        self.weight = nn.Parameter(torch.zeros(len(classes), inputs))
        self.bias = nn.Parameter(torch.zeros(len(classes)))
        # Derived from the configuration, so not saved with the weights.
        self.register_buffer("classes", torch.tensor(list(classes), dtype=torch.int64, device="cpu"), persistent=False)

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        rows = nn.functional.linear(hidden, self.weight, self.bias)
        return rows.new_zeros(len(hidden), self.outputs).index_copy(1, self.classes, rows)


def dense_stack(inputs: int, hidden: Sequence[int]) -> nn.Sequential:
    """Linear and ReLU for each width in `hidden`."""
    layers: list[nn.Module] = []
    for units in hidden:
        layers += [nn.Linear(inputs, units), nn.ReLU()]
        inputs = units
    return nn.Sequential(*layers)
