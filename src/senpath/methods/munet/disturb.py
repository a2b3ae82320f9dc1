"""Changing images while training, as a path's hyperparameters say: flips, crops, colours."""

from __future__ import annotations

from collections.abc import Mapping
from math import pi
from typing import Any

import torch
from torch.nn import functional

RATIO = 4 / 3
"""Between the sides of a crop, at most."""
GREY = (0.299, 0.587, 0.114)  # ITU-R BT.601


def disturbs(hyper: Mapping[str, Any], channels: int) -> bool:
    """Whether these hyperparameters change images of so many channels at all."""
    return bool(hyper["flip"] or hyper["crop"] or any(_deltas(hyper, channels)))


def disturb(images: torch.Tensor, hyper: Mapping[str, Any], generator: torch.Generator) -> torch.Tensor:
    """Each image mirrored, cut and coloured at random.

    Args:
        images: float32 (n, channels, h, w) in 0 … 1.
        hyper: "flip" mirrors half of them; "crop" takes a part of at least the share "crop_area" of each and brings it to its size;
            "brightness", "contrast", "saturation" and "hue" are how far these move at most (of images in colour, the last two).
        generator: draws it all.
    """
    if hyper["flip"] or hyper["crop"]:
        images = _moved(images, bool(hyper["flip"]), float(hyper["crop_area"]) if hyper["crop"] else 1.0, generator)
    return _coloured(images, hyper, generator)


def _moved(images: torch.Tensor, flip: bool, least: float, generator: torch.Generator) -> torch.Tensor:
    draws = torch.rand(len(images), 5, generator=generator).to(images.device)
    area, stretch = least + (1 - least) * draws[:, 0], (2 * draws[:, 1] - 1) * torch.log(torch.tensor(RATIO))
    # Where all is taken, nothing is stretched.
    sides = [(area.sqrt() * torch.exp(sign * (1 - area) * stretch / 2)).clamp(max=1.0) for sign in (1, -1)]
    places = [(2 * draws[:, 2 + axis] - 1) * (1 - sides[axis]) for axis in range(2)]
    mirror = torch.where(draws[:, 4] < 0.5, -1.0, 1.0) if flip else torch.ones(len(images), device=images.device)
    none = torch.zeros_like(area)
    rows = [torch.stack([sides[0] * mirror, none, places[0]], 1), torch.stack([none, sides[1], places[1]], 1)]
    grid = functional.affine_grid(torch.stack(rows, 1), list(images.shape), align_corners=False)
    return functional.grid_sample(images, grid, padding_mode="border", align_corners=False)


def _coloured(images: torch.Tensor, hyper: Mapping[str, Any], generator: torch.Generator) -> torch.Tensor:
    brightness, contrast, saturation, hue = deltas = _deltas(hyper, images.shape[1])
    if not any(deltas):
        return images
    draws = (2 * torch.rand(len(images), 4, generator=generator) - 1).to(images.device)[:, :, None, None, None]
    images = images * (1 + brightness * draws[:, 0])
    middle = images.mean((1, 2, 3), keepdim=True)
    images = middle + (images - middle) * (1 + contrast * draws[:, 1])
    if saturation or hue:
        grey = (images * torch.tensor(GREY, device=images.device)[:, None, None]).sum(1, keepdim=True)
        images = grey + (images - grey) * (1 + saturation * draws[:, 2])
        images = _turned(images, hue * draws[:, 3]) if hue else images
    return images.clamp(0, 1)


def _deltas(hyper: Mapping[str, Any], channels: int) -> tuple[float, float, float, float]:
    """How far brightness, contrast, saturation and hue may move; what is grey has none of the last two."""
    brightness, contrast, saturation, hue = (float(hyper[name]) for name in ("brightness", "contrast", "saturation", "hue"))
    return (brightness, contrast, saturation, hue) if channels == 3 else (brightness, contrast, 0.0, 0.0)


def _turned(images: torch.Tensor, turns: torch.Tensor) -> torch.Tensor:
    """Colours turned about the grey axis, by shares of a whole turn (n, 1, 1, 1)."""
    red, green, blue = images.unbind(1)
    even = (red + green + blue)[:, None] / 3
    across = torch.stack([blue - green, red - blue, green - red], 1) / 3**0.5  # the grey axis times the colour
    angle = 2 * pi * turns
    return even + (images - even) * torch.cos(angle) + across * torch.sin(angle)
