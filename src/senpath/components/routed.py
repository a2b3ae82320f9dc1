"""The parts of a network whose layers are several components side by side, of which a task uses some (Maziarz et al. 2019)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from math import prod
from typing import Literal

import torch
from torch import nn
from torch.nn import functional

from senpath.components.base import Composite
from senpath.components.kind import ComponentKind, register
from senpath.components.limits import Hashes, Shape, Size, Step


class Pointwise(nn.Module):
    """A 1×1 convolution, group normalisation, ReLU: (n, inputs, h, w) to (n, outputs, h, w).

    Args:
        inputs, outputs: maps that come in and go out.
        groups: of maps that are normalised together; divides `outputs`.
    """

    def __init__(self, inputs: Size, outputs: Size, groups: Size) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(inputs, outputs, 1), nn.GroupNorm(groups, outputs)

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        return functional.relu(self.norm(self.conv(maps)), inplace=True)


class Projection(nn.Module):
    """A 1×1 convolution of every `stride`-th row and column: (n, width, h, w) to (n, width, ⌈h / stride⌉, ⌈w / stride⌉).

    Args:
        width: maps, of input and output.
        stride: of the convolution.
    """

    def __init__(self, width: Size, stride: Step) -> None:
        super().__init__()
        self.conv = nn.Conv2d(width, width, 1, stride)

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        made: torch.Tensor = self.conv(maps)
        return made


class Normed(nn.Module):
    """Group normalisation and ReLU: (n, width, …) to the same shape. It stands behind a layer of several components.

    Args:
        width: maps or units.
        groups: of them that are normalised together; divides `width`. 1 is layer normalisation, for vectors.
    """

    def __init__(self, width: Size, groups: Size) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(groups, width)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        return functional.relu(self.norm(values))


class ConvPair(nn.Module):
    """Two convolutions one behind the other: (n, width, h, w) to (n, width, ⌈h / stride⌉, ⌈w / stride⌉).

    Group normalisation and ReLU follow each of the two, as in the code that Maziarz et al. released.

    Args:
        width: maps, of input and output.
        kernels: height and width of each of the two, odd.
        stride: of one of the two.
        groups: of maps that are normalised together; divides `width`.
        strided: which one has the stride, 0 or 1. The last one has it in the released code; "conv-pair.v1" has it in the first.
    """

    def __init__(self, width: Size, kernels: Sequence[Sequence[Step]], stride: Step, groups: Size, strided: Literal[0, 1] = 0) -> None:
        super().__init__()
        if len(kernels) != 2 or any(len(kernel) != 2 or min(kernel) < 1 or any(size % 2 == 0 for size in kernel) for kernel in kernels):
            raise ValueError(f"kernels {kernels} must be two, of odd height and width")
        first, second = ((int(kernel[0]), int(kernel[1])) for kernel in kernels)
        steps = (stride, 1) if strided == 0 else (1, stride)
        self.first = nn.Conv2d(width, width, first, steps[0], (first[0] // 2, first[1] // 2))
        self.second = nn.Conv2d(width, width, second, steps[1], (second[0] // 2, second[1] // 2))
        self.norms = nn.ModuleList([nn.GroupNorm(groups, width), nn.GroupNorm(groups, width)])

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        for conv, norm in zip((self.first, self.second), self.norms, strict=True):
            maps = functional.relu(norm(conv(maps)), inplace=True)
        return maps


class Pool(nn.Module):
    """The largest or the mean of 3×3 places: (n, maps, h, w) to (n, maps, ⌈h / stride⌉, ⌈w / stride⌉). It has no weights.

    Args:
        how: "max" or "avg"; a mean is over the places within the map.
        stride: of the places.
    """

    def __init__(self, how: str, stride: Step) -> None:
        super().__init__()
        if how not in ("max", "avg") or stride < 1:
            raise ValueError(f"pooling {how!r} must be max or avg, and stride {stride} positive")
        self.how, self.stride = how, stride

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        if self.how == "max":
            return functional.max_pool2d(maps, 3, self.stride, 1)
        return functional.avg_pool2d(maps, 3, self.stride, 1, count_include_pad=False)


class Identity(nn.Module):
    """What comes in; of maps (n, maps, h, w) every `stride`-th row and column. It has no weights.

    Args:
        stride: 1 for inputs of any shape.
    """

    def __init__(self, stride: Step = 1) -> None:
        super().__init__()
        if stride < 1:
            raise ValueError(f"stride {stride} must be positive")
        self.stride = stride

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        # A copy: what a component answers is never a view of what it was given.
        return inputs.clone() if self.stride == 1 else inputs[:, :, :: self.stride, :: self.stride].clone()


class Dense(nn.Module):
    """A fully connected layer, layer normalisation, ReLU: (n, …) to (n, outputs).

    Args:
        inputs: numbers in one input, all axes together.
        outputs: units.
        norm: whether there is the normalisation.
    """

    def __init__(self, inputs: Size, outputs: Size, norm: bool = True) -> None:
        super().__init__()
        self.dense, self.norm = nn.Linear(inputs, outputs), nn.LayerNorm(outputs) if norm else None

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        made = self.dense(inputs.flatten(1))
        return functional.relu(self.norm(made) if self.norm is not None else made)


class Flatten(nn.Module):
    """All axes in one: (n, …) to (n, numbers). It has no weights."""

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return inputs.flatten(1).clone()  # as above


class Mean(Composite):
    """The mean of what its children answer to the same input; zeros if it has none. It has no weights of its own.

    Args:
        children: their hashes.
        shape: of one output, without the number of inputs.
    """

    def __init__(self, children: Hashes, shape: Shape) -> None:
        super().__init__(children)
        self.shape = tuple(int(size) for size in shape)
        if not self.shape or prod(self.shape) < 1 or min(self.shape) < 1:
            raise ValueError(f"shape {self.shape} must be positive sizes")

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        if not self.names:
            return inputs.new_zeros(inputs.shape[0], *self.shape)
        first, *others = self.parts
        total: torch.Tensor = first(inputs)
        for child in others:
            total = total + child(inputs)
        return total / len(self.names)


POINTWISE = register(ComponentKind("pointwise.v1", Pointwise))
register(ComponentKind("conv-pair.v1", ConvPair))  # of networks that were written before the second
CONV_PAIR = register(ComponentKind("conv-pair.v2", partial(ConvPair, strided=1)))
PROJECTION = register(ComponentKind("projection.v1", Projection))
NORMED = register(ComponentKind("normed.v1", Normed))
POOL = register(ComponentKind("pool.v1", Pool))
IDENTITY = register(ComponentKind("identity.v1", Identity))
DENSE = register(ComponentKind("dense.v1", Dense))
FLATTEN = register(ComponentKind("flatten.v1", Flatten))
MEAN = register(ComponentKind("mean.v1", Mean))
