"""A small picture encoder without learned weights: where in a picture edges of which direction are (as Dalal and Triggs 2005 do)."""

from __future__ import annotations

from functools import cache

import numpy as np
import torch
from torch.nn import functional

from senpath.components import ConvFeatures

SIDE, SIZE, GRID = 28, 7, 4
DIRECTIONS = 8
WAVES = ((4.0, 1.5), (7.0, 2.2))
"""Wavelength, and width of the bell around it, of each scale, in pixels of `SIDE`."""
GREY = (0.299, 0.587, 0.114)  # ITU-R BT.601
STEP = 2.0**-10
"""Filters are rounded to it, so that they are the same on every machine."""
SCALE = 4.0
"""Of all numbers: pictures then differ by about as much as in what pretrained encoders say of them, which models are made for."""
NUMBERS = 2 * DIRECTIONS * len(WAVES) * 2 * GRID**2
"""Energies of a picture; its brightness, or each of its colours, has GRID² numbers more."""


def edges_of(pictures: torch.Tensor) -> torch.Tensor:
    """Pictures (n, channels, h, w) in 0 … 1 to (n, `NUMBERS` + channels · GRID²): energies of edges, and colours, over a grid."""
    grey = pictures if pictures.shape[1] == 1 else (pictures * torch.tensor(GREY)[None, :, None, None]).sum(1, keepdim=True)
    with torch.no_grad():
        energies: torch.Tensor = _filters()(grey)
    return SCALE * torch.cat([energies, functional.adaptive_avg_pool2d(pictures, GRID).flatten(1)], 1)


@cache
def _filters() -> ConvFeatures:
    """Gabor's filters: waves of several directions and lengths under a bell, as sines and as cosines."""
    places = np.arange(SIZE) - SIZE // 2
    down, right = np.meshgrid(places, places, indexing="ij")
    filters = []
    for length, width in WAVES:
        bell = np.exp(-(down**2 + right**2) / (2 * width**2))
        for angle in np.pi * np.arange(DIRECTIONS) / DIRECTIONS:
            along = 2 * np.pi / length * (right * np.cos(angle) + down * np.sin(angle))
            for wave in (np.cos(along), np.sin(along)):
                under = bell * wave
                under -= under.mean()
                filters.append(np.round(under / np.linalg.norm(under) / STEP) * STEP)
    conv = ConvFeatures(1, SIDE, len(filters), SIZE, 1, GRID)
    conv.weight.copy_(torch.from_numpy(np.stack(filters)).float()[:, None])
    return conv
