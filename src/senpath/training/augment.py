"""Random changes of images while training: the same content, drawn, placed and coloured a little differently."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, pi

import torch
from torch.nn import functional

ROTATION = 0.26
"""Largest rotation at strength 1, in radians (15 degrees)."""
SHEAR = 0.2
"""Largest horizontal shear at strength 1, as a share of the height."""
SCALE = 0.15
"""Largest logarithm of a change of size at strength 1, along each axis."""
SHIFT = 1 / 14
"""Largest shift at strength 1, as a share of the side (2 of 28 pixels)."""
RATIO = 4 / 3
"""Between the sides of a crop, at most."""
GREY = (0.299, 0.587, 0.114)  # ITU-R BT.601


@dataclass(frozen=True)
class Augmentation:
    """How images are changed at random; by default not at all.

    Args:
        distortion: strength of rotation, shear, scaling and shift; what comes from outside is 0. At 1 it still looks like the same hand.
        flip: whether half of the images are mirrored.
        crop: least share of its area that is cut out of an image and brought to its size; None cuts nothing.
        brightness, contrast, saturation, hue: how far these move at most. Grey images have none of the last two.
        opposed: of groups of so many images, every second one is distorted the opposite way to the one before it; 0 for none. What
            a distortion moves one way its opposite moves the other, so that means over few are as near as over more that are drawn by
            themselves (Hammersley and Morton 1956, antithetic variates).
    """

    distortion: float = 0.0
    flip: bool = False
    crop: float | None = None
    brightness: float = 0.0
    contrast: float = 0.0
    saturation: float = 0.0
    hue: float = 0.0
    opposed: int = 0

    def changes(self, channels: int) -> bool:
        """Whether images of so many channels are changed at all."""
        return bool(self.distortion or self.flip or self.crop is not None or any(self._colour(channels)))

    def __call__(self, images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        """Change each image.

        Args:
            images: float32 (n, channels, h, w); in 0 … 1 if their colours are changed.
            generator: draws all changes.
        """
        if self.distortion:
            images = _distorted(images, self.distortion, generator, self.opposed)
        if self.flip or self.crop is not None:
            images = _cropped(images, self.flip, 1.0 if self.crop is None else self.crop, generator)
        deltas = self._colour(images.shape[1])
        return _coloured(images, *deltas, generator) if any(deltas) else images

    def _colour(self, channels: int) -> tuple[float, float, float, float]:
        return (self.brightness, self.contrast, self.saturation, self.hue) if channels == 3 else (self.brightness, self.contrast, 0.0, 0.0)


def _distorted(images: torch.Tensor, strength: float, generator: torch.Generator, opposed: int) -> torch.Tensor:
    groups = ceil(len(images) / (2 * opposed)) if opposed else 0
    draws = 2 * torch.rand(groups * opposed or len(images), 6, generator=generator) - 1
    if opposed:
        halves = draws.view(groups, 1, opposed, 6)
        draws = torch.cat([halves, -halves], 1).flatten(0, 2)[: len(images)]
    draws = draws.to(images.device) * strength
    angle, shear, scale, shift = draws[:, 0] * ROTATION, draws[:, 1] * SHEAR, torch.exp(draws[:, 2:4] * SCALE), draws[:, 4:6] * 2 * SHIFT
    cos, sin = torch.cos(angle), torch.sin(angle)
    height, width = images.shape[-2:]  # a map is of shares of the sides, and turns pixels: what is round stays round in a wide image too
    first = torch.stack([cos * scale[:, 0], (shear * cos - sin) * scale[:, 1] * (height / width), shift[:, 0]], dim=1)
    second = torch.stack([sin * scale[:, 0] * (width / height), (shear * sin + cos) * scale[:, 1], shift[:, 1]], dim=1)
    return functional.grid_sample(images, _grid(torch.stack([first, second], dim=1), images.shape), align_corners=False)


def _grid(maps: torch.Tensor, shape: torch.Size) -> torch.Tensor:
    """Where affine maps (n, 2, 3) send the pixels of images of this shape, (n, h, w, 2): `affine_grid`, in one product, so much sooner."""
    height, width = shape[-2:]
    down, across = ((2 * torch.arange(side, device=maps.device) + 1) / side - 1 for side in (height, width))
    pixels = torch.stack([across.repeat(height), down.repeat_interleave(width), maps.new_ones(height * width)])
    return (maps.reshape(-1, 3) @ pixels).view(-1, 2, height, width).permute(0, 2, 3, 1)


def _cropped(images: torch.Tensor, flip: bool, least: float, generator: torch.Generator) -> torch.Tensor:
    draws = torch.rand(len(images), 5, generator=generator).to(images.device)
    area, stretch = least + (1 - least) * draws[:, 0], (2 * draws[:, 1] - 1) * torch.log(torch.tensor(RATIO))
    # Where all is taken, nothing is stretched.
    sides = [(area.sqrt() * torch.exp(sign * (1 - area) * stretch / 2)).clamp(max=1.0) for sign in (1, -1)]
    places = [(2 * draws[:, 2 + axis] - 1) * (1 - sides[axis]) for axis in range(2)]
    mirror = torch.where(draws[:, 4] < 0.5, -1.0, 1.0) if flip else torch.ones(len(images), device=images.device)
    none = torch.zeros_like(area)
    rows = [torch.stack([sides[0] * mirror, none, places[0]], 1), torch.stack([none, sides[1], places[1]], 1)]
    return functional.grid_sample(images, _grid(torch.stack(rows, 1), images.shape), padding_mode="border", align_corners=False)


def _coloured(
    images: torch.Tensor, brightness: float, contrast: float, saturation: float, hue: float, generator: torch.Generator
) -> torch.Tensor:
    draws = (2 * torch.rand(len(images), 4, generator=generator) - 1).to(images.device)[:, :, None, None, None]
    images = images * (1 + brightness * draws[:, 0])
    middle = images.mean((1, 2, 3), keepdim=True)
    images = middle + (images - middle) * (1 + contrast * draws[:, 1])
    if saturation or hue:
        grey = (images * torch.tensor(GREY, device=images.device)[:, None, None]).sum(1, keepdim=True)
        images = grey + (images - grey) * (1 + saturation * draws[:, 2])
        images = turn_hue(images, hue * draws[:, 3]) if hue else images
    return images.clamp(0, 1)


def turn_hue(images: torch.Tensor, turns: torch.Tensor) -> torch.Tensor:
    """Images (n, 3, h, w) with their colours turned about the grey axis, by shares of a whole turn (n, 1, 1, 1)."""
    red, green, blue = images.unbind(1)
    even = (red + green + blue)[:, None] / 3
    across = torch.stack([blue - green, red - blue, green - red], 1) / 3**0.5  # the grey axis times the colour
    angle = 2 * pi * turns
    return even + (images - even) * torch.cos(angle) + across * torch.sin(angle)
