"""The parts of EfficientNet-Lite (Tan and Le 2019; the Lite variants: Liu 2020), each a component of its own."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from senpath.components.kind import ComponentKind, register
from senpath.components.limits import Size, Step
from senpath.components.vision import fitted

EPSILON = 1e-3
"""Of batch normalisation, as in EfficientNet."""


class ConvStem(nn.Module):
    """Images to their first maps: (n, channels or 1, h, w) in 0 … 1 to (n, filters, ⌈side / stride⌉, ⌈side / stride⌉).

    Args:
        channels: of an image; an image of one channel is repeated if there are to be more.
        filters: maps of the output.
        kernel: height and width of the convolution.
        stride: of the convolution.
        side: height and width that images are brought to, pixels; None leaves their size as it is.
        mean, std: of the pixels: they come into the convolution less `mean`, over `std`.
    """

    def __init__(
        self, channels: Size = 3, filters: Size = 32, *, kernel: Step, stride: Step, side: Size | None, mean: float, std: float
    ) -> None:
        super().__init__()
        if std <= 0 or (side is not None and side < 1):
            raise ValueError(f"std {std} and side {side} must be positive")
        self.channels, self.side, self.mean, self.std = channels, side, mean, std
        self.conv = NormedConv(channels, filters, kernel, stride)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        maps: torch.Tensor = self.conv((fitted(images, self.channels, self.side) - self.mean) / self.std)
        return functional.relu6(maps, inplace=True)


class MbConv(nn.Module):
    """An inverted bottleneck (Sandler et al. 2018): (n, inputs, h, w) to (n, outputs, ⌈h / stride⌉, ⌈w / stride⌉).

    Its maps are made more, each is convolved by itself, and they are made few again; where that changes no shape, the inputs are added.

    Args:
        inputs, outputs: maps that come in and go out.
        kernel: height and width of the convolution of single maps.
        stride: of that convolution.
        expand: how many times as many maps there are between; 1 leaves the first step out.
    """

    def __init__(self, inputs: Size, outputs: Size, kernel: Step, stride: Step, expand: Step) -> None:
        super().__init__()
        between = inputs * expand
        self.skips = stride == 1 and inputs == outputs
        self.expand = NormedConv(inputs, between) if expand != 1 else None
        self.depthwise = NormedConv(between, between, kernel, stride, groups=between)
        self.project = NormedConv(between, outputs)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        maps = functional.relu6(self.expand(inputs), inplace=True) if self.expand is not None else inputs
        made: torch.Tensor = self.project(functional.relu6(self.depthwise(maps), inplace=True))
        return made + inputs if self.skips else made


class ConvTail(nn.Module):
    """The last maps' means: (n, inputs, h, w) to (n, outputs).

    Args:
        inputs: maps that come in.
        outputs: maps that are made of them, each of which is one number of the answer.
    """

    def __init__(self, inputs: Size, outputs: Size) -> None:
        super().__init__()
        self.conv = NormedConv(inputs, outputs)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return functional.relu6(self.conv(inputs), inplace=True).mean((2, 3))


class NormedConv(nn.Module):
    """A convolution without bias and a `FixedNorm` behind it, computed as one convolution with other weights.

    Args:
        inputs, outputs: maps that come in and go out.
        kernel: height and width.
        stride: the output is (n, outputs, ⌈h / stride⌉, ⌈w / stride⌉), padded as TensorFlow's "same" does.
        groups: of maps that are convolved apart.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int = 1, stride: int = 1, groups: int = 1) -> None:
        super().__init__()
        if min(inputs, outputs, kernel, stride) < 1:
            raise ValueError(f"maps {inputs} and {outputs}, kernel {kernel} and stride {stride} must be positive")
        self.stride, self.groups = stride, groups
        self.weight = nn.Parameter(torch.empty(outputs, inputs // groups, kernel, kernel))
        nn.init.kaiming_normal_(self.weight)
        self.norm = FixedNorm(outputs)

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        factor, bias = self.norm.factor_and_bias()
        weight = self.weight * factor[:, None, None, None]
        (top, bottom), (left, right) = (_padding(size, self.weight.shape[-1], self.stride) for size in maps.shape[2:])
        if torch.compiler.is_compiling():  # onnxruntime fuses padding of maps, and trips over that of weights
            maps = functional.pad(maps, (left, right, top, bottom))
            return functional.conv2d(maps, weight, bias, self.stride, groups=self.groups)
        if (top, left) != (bottom, right):
            # A convolution pads both ends alike. A zero in front of its weights moves it on by one, and is cheaper than larger maps.
            weight = functional.pad(weight, (right - left, 0, bottom - top, 0))
        maps = maps.contiguous(memory_format=torch.channels_last)  # twice as fast on a CPU as maps that lie one behind the other
        return functional.conv2d(maps, weight, bias, self.stride, (bottom, right), groups=self.groups)


class FixedNorm(nn.Module):
    """Batch normalisation (Ioffe and Szegedy 2015) by running statistics that stay as they are, even in training mode.

    By the statistics of a batch an answer would depend on the inputs beside it, training would fit another function than the component
    then computes, and moving statistics would change a frozen block whenever inputs go through it, so that what is cached of the
    outputs in front of a trained block would no longer hold. Scale and shift are trained and reach every function that moved statistics
    would.

    Args:
        maps: how many are normalised, each by itself.
        epsilon: added to the variance.
    """

    mean: torch.Tensor
    variance: torch.Tensor

    def __init__(self, maps: int, epsilon: float = EPSILON) -> None:
        super().__init__()
        self.epsilon = epsilon
        self.scale, self.shift = nn.Parameter(torch.ones(maps)), nn.Parameter(torch.zeros(maps))
        self.register_buffer("mean", torch.zeros(maps))
        self.register_buffer("variance", torch.ones(maps))

    def factor_and_bias(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Each (maps,): the normalised maps are factor × maps + bias, which a convolution in front takes into its weights for nothing."""
        factor = self.scale * (self.variance + self.epsilon).rsqrt()
        return factor, self.shift - self.mean * factor

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        factor, bias = self.factor_and_bias()
        return maps * factor[:, None, None] + bias[:, None, None]


def _padding(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """Zeros before and after an axis with which it has ⌈size / stride⌉ places; an odd one comes after, as in TensorFlow's "same"."""
    missing = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return missing // 2, missing - missing // 2


RENAMED = {"widen": "expand", "narrow": "project"}
CONV_STEM = register(ComponentKind("conv-stem.v1", ConvStem))
MBCONV = register(ComponentKind("mbconv.v1", MbConv, renamed=RENAMED))
CONV_TAIL = register(ComponentKind("conv-tail.v1", ConvTail))
