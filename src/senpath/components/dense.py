"""Fully connected layers: backbones, output layers, and links."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import nn

from senpath.components.base import Component, freeze
from senpath.components.kind import ComponentKind, TrainingDefaults, register
from senpath.components.limits import Layer, Layers, Places, Size
from senpath.components.units import HiddenUnits, stacked_units


class Mlp(nn.Module):
    """Fully connected layers with ReLU after each; the output is the last hidden layer.

    Args:
        inputs: numbers in one input, all axes together.
        hidden: units of each layer.
    """

    def __init__(self, inputs: Size, hidden: Layers) -> None:
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


def dense_layers(stack: nn.Sequential) -> Iterator[Layer]:
    """What such a stack makes of one vector (see `senpath.components.limits`)."""
    for layer in stack:
        if isinstance(layer, nn.Linear):
            yield (layer.out_features,), layer.weight.numel()
            yield (layer.out_features,), 0


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
        dense=True,
        grouped=True,
    )
)


class Linear(nn.Linear):
    """One affine map: a task's output layer.

    Args:
        inputs: numbers in one input.
        outputs: classes.

    Example:
        >>> import torch
        >>> from senpath.components import Linear
        >>> tuple(Linear(4, 3)(torch.zeros(2, 4)).shape)
        (2, 3)
    """

    def __init__(self, inputs: Size, outputs: Size) -> None:
        super().__init__(inputs, outputs)


class ClassLink(nn.Module):
    """Adds to some of a task's outputs what an earlier task's hidden layer says: one row of weights and a bias per linked class.

    Args:
        inputs: units of the hidden layer that is read.
        outputs: classes of the task that is written to.
        classes: indices of the linked classes, ascending.
    """

    classes: torch.Tensor

    def __init__(self, inputs: Size, outputs: Size, classes: Places) -> None:
        super().__init__()
        self.outputs = outputs
        self.weight = nn.Parameter(torch.zeros(len(classes), inputs))
        self.bias = nn.Parameter(torch.zeros(len(classes)))
        # Derived from the configuration, so not saved with the weights.
        self.register_buffer("classes", torch.tensor(list(classes), dtype=torch.int64, device="cpu"), persistent=False)

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        rows = nn.functional.linear(hidden, self.weight, self.bias)
        return rows.new_zeros(rows.shape[0], self.outputs).index_copy(1, self.classes, rows)


LINEAR = register(ComponentKind("linear.v1", Linear, prunable=True, dense=True, grouped=True))
LINK = register(ComponentKind("link.v1", ClassLink, dense=True, grouped=True))


def freeze_head(head: nn.Linear) -> Component:
    """A trained output layer as a component."""
    return freeze(LINEAR, {"inputs": head.in_features, "outputs": head.out_features}, head)


def freeze_link(link: ClassLink) -> Component:
    """A trained link as a component."""
    return freeze(LINK, {"inputs": link.weight.shape[1], "outputs": link.outputs, "classes": link.classes.tolist()}, link)
