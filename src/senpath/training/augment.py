"""Light random distortions of images: the same content, drawn a little differently."""

from __future__ import annotations

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


def distort(images: torch.Tensor, strength: float, generator: torch.Generator) -> torch.Tensor:
    """Each image rotated, sheared, scaled and shifted at random; what comes from outside is 0.

    Args:
        images: (n, channels, h, w).
        strength: 0 changes nothing, 1 is what still looks like the same hand.
        generator: draws the distortions.
    """
    draws = (2 * torch.rand(len(images), 6, generator=generator) - 1).to(images.device) * strength
    angle, shear, scale, shift = draws[:, 0] * ROTATION, draws[:, 1] * SHEAR, torch.exp(draws[:, 2:4] * SCALE), draws[:, 4:6] * 2 * SHIFT
    cos, sin = torch.cos(angle), torch.sin(angle)
    first = torch.stack([cos * scale[:, 0], (shear * cos - sin) * scale[:, 1], shift[:, 0]], dim=1)
    second = torch.stack([sin * scale[:, 0], (shear * sin + cos) * scale[:, 1], shift[:, 1]], dim=1)
    grid = functional.affine_grid(torch.stack([first, second], dim=1), list(images.shape), align_corners=False)
    return functional.grid_sample(images, grid, align_corners=False)
