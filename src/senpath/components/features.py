"""Fixed features φ that the dispatcher tells tasks apart by. They are drawn once per data type and never trained."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn
from torch.nn import functional

from senpath.components.kind import ComponentKind, register
from senpath.components.limits import Layer, Size, Step

CHUNK = 32
TINY = 1e-6
"""At 0 a square root has no gradient."""


class ConvFeatures(nn.Module):
    """Contrast-normalised image → fixed filters, both signs rectified → means over a grid → square roots.

    The steps are those of single-layer feature learning with fixed filters (Jarrett et al. 2009, section 3; Coates and Ng 2011, section 3).

    Args:
        channels: of the images, 1 or 3.
        side: images are brought to side × side pixels first, so that the cost does not grow with their size.
        filters: how many; the output has 2 · filters · grid² numbers.
        size: height and width of a filter, in pixels.
        stride: step of a filter, in pixels.
        grid: cells along each side.
    """

    def __init__(self, channels: Size, side: Size, filters: Size, size: Step, stride: Step, grid: Size) -> None:
        super().__init__()
        self.register_buffer("weight", torch.zeros(filters, channels, size, size))
        self.weight: torch.Tensor
        self.side, self.size, self.stride, self.grid = side, size, stride, grid
        self.outputs = 2 * filters * grid * grid

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        if not len(images):  # nothing has no contrast
            return images.new_zeros(0, self.outputs)
        if len(images) <= CHUNK:
            return self._features(images)
        # The maps of more are taken from the system and given back each time, and then cost two or three times as much.
        return torch.cat([self._features(part) for part in images.split(CHUNK)])

    def _features(self, images: torch.Tensor) -> torch.Tensor:
        if images.shape[2:] != (self.side, self.side):
            images = functional.interpolate(images, (self.side, self.side), mode="bilinear", antialias=True, align_corners=False)
        centred = images - images.mean((1, 2, 3), keepdim=True)
        contrast = centred / (images.std((1, 2, 3), keepdim=True) + 0.05)  # the constant keeps noise in flat images small
        # Filters side by side in memory: convolving takes half the time, and means over cells a quarter.
        side_by_side = contrast.to(memory_format=torch.channels_last)
        maps = functional.conv2d(side_by_side, self.weight, stride=self.stride, padding=self.size // 2)
        mean = functional.adaptive_avg_pool2d(maps, self.grid)
        traced = maps.requires_grad
        positive = functional.adaptive_avg_pool2d(maps.relu() if traced else maps.relu_(), self.grid)
        negative = (positive - mean).clamp(min=0)  # relu(−y) = relu(y) − y, so the other sign costs no second map
        energies = torch.cat([positive, negative], 1).flatten(1)
        return (energies.clamp(min=TINY) if traced else energies).sqrt()

    def layers(self, shape: tuple[int, ...]) -> Iterator[Layer]:
        """What one image of this shape makes on its way (see `senpath.components.limits`)."""
        channels, height, width = shape
        if (height, width) != (self.side, self.side):
            yield (channels, height, self.side), channels * height * max(width, self.side)
            yield (channels, self.side, self.side), channels * max(height, self.side) * self.side
        yield from [((channels, self.side, self.side), 0)] * 5
        across = (self.side + 2 * (self.size // 2) - self.size) // self.stride + 1
        maps = (len(self.weight), across, across)
        yield maps, self.weight.numel() * across * across
        yield maps, 0
        yield from [((self.outputs,), 0)] * 5

    @property
    def operations(self) -> int:
        """Floating-point operations for one image, the filters' alone."""
        return 2 * self.weight.numel() * (-(-self.side // self.stride)) ** 2


class _AtOnce(nn.Module):
    """Features of all images at once: how many there are is open where a module is traced."""

    def __init__(self, conv: ConvFeatures) -> None:
        super().__init__()
        self.conv = conv

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.conv._features(images)


class DenseFeatures(nn.Module):
    """Random projections with ReLU: features of sounds, tables and texts (Rahimi and Recht 2008).

    Args:
        inputs: numbers in one input, all axes together.
        outputs: how many features.
    """

    def __init__(self, inputs: Size, outputs: Size) -> None:
        super().__init__()
        self.register_buffer("weight", torch.zeros(outputs, inputs))
        self.register_buffer("bias", torch.zeros(outputs))
        self.weight: torch.Tensor
        self.bias: torch.Tensor
        self.outputs = outputs

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return torch.relu(functional.linear(inputs.flatten(1), self.weight, self.bias))

    @property
    def operations(self) -> int:
        """Floating-point operations for one input."""
        return 2 * self.weight.numel()


class UnitFeatures(nn.Module):
    """Vectors of a pretrained encoder, each brought to length 1.

    Args:
        outputs: numbers in one input.
        root: whether their square roots are taken first, signs kept, so that a few large numbers do not decide alone (Perronnin,
            Sánchez and Mensink 2010, section 3.1).
    """

    def __init__(self, outputs: Size, root: bool) -> None:
        super().__init__()
        self.outputs, self.root = outputs, root
        self.operations = 2 * outputs

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        vectors = inputs.flatten(1)
        if self.root:
            vectors = vectors.sign() * vectors.abs().sqrt()
        return functional.normalize(vectors, dim=1)


CONV_FEATURES = register(ComponentKind("conv-features.v1", ConvFeatures, layers=ConvFeatures.layers, exportable=_AtOnce))
DENSE_FEATURES = register(ComponentKind("dense-features.v1", DenseFeatures, dense=True))
UNIT_FEATURES = register(ComponentKind("unit-features.v1", UnitFeatures, dense=True))
