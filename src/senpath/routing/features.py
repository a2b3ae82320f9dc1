"""The feature map that a data type gets with its first task."""

from __future__ import annotations

from functools import lru_cache
from math import prod
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFilter

from senpath.components import (
    CONV_FEATURES,
    DENSE_FEATURES,
    TOKEN_FEATURES,
    UNIT_FEATURES,
    Component,
    ConvFeatures,
    DenseFeatures,
    TokenFeatures,
    UnitFeatures,
    freeze,
)
from senpath.types import DataType

SIDE, FILTERS, SIZE, STRIDE, GRID = 28, 32, 7, 1, 4
"""1,024 features of images. Chosen by accuracy per floating-point operation, see docs/results/foundation.md."""
DENSE = {"text": 1024}
DENSE_OTHERS = 512
"""Features of other types of data; texts are sparse and need more."""
SKETCHES, PATCHES = 2_000, 20_000
"""Pictures of strokes that are drawn, and patches of them that filters are taken from."""


def feature_map(data_type: DataType, seed: int) -> Component:
    """Fixed features for a data type; they follow from its shape and the seed, no data is read."""
    if data_type.form == "image":
        return image_features(data_type.shape[0], seed)
    inputs = prod(data_type.shape)
    if data_type.read_by_mean or data_type.form == "video":
        tokens = {"outputs": data_type.shape[1]}
        return freeze(TOKEN_FEATURES, tokens, TokenFeatures(**tokens))
    if data_type.form == "vector":
        config: dict[str, Any] = {"outputs": inputs, "root": data_type.modality == "image"}
        return freeze(UNIT_FEATURES, config, UnitFeatures(**config))
    outputs = DENSE.get(data_type.modality, DENSE_OTHERS)
    dense = DenseFeatures(inputs, outputs)
    generator = torch.Generator().manual_seed(seed)
    dense.weight.copy_(torch.randn(outputs, inputs, generator=generator) * (2 / inputs) ** 0.5)
    dense.bias.copy_(torch.rand(outputs, generator=generator) - 0.5)
    return freeze(DENSE_FEATURES, {"inputs": inputs, "outputs": outputs}, dense)


def image_features(channels: int, seed: int, *, filters: int = FILTERS, stride: int = STRIDE, grid: int = GRID) -> Component:
    """2 · filters · grid² features of images; the defaults are what a network uses."""
    config = {"channels": channels, "side": SIDE, "filters": filters, "size": SIZE, "stride": stride, "grid": grid}
    conv = ConvFeatures(**config)
    conv.weight.copy_(_stroke_filters(channels, filters, seed))
    return freeze(CONV_FEATURES, config, conv)


@lru_cache(maxsize=8)  # drawing takes half a second, and every network with this seed has the same
def _stroke_filters(channels: int, filters: int, seed: int) -> torch.Tensor:
    """Random patches of drawn strokes, whitened twice (a matched filter), each of length 1: (filters, channels, SIZE, SIZE)."""
    random = np.random.default_rng(seed)
    sketches = np.stack([_sketch(random) for _ in range(SKETCHES)])
    places = random.integers(0, [SKETCHES, SIDE - SIZE + 1, SIDE - SIZE + 1], (PATCHES, 3))
    patches = np.stack([sketches[image, top : top + SIZE, left : left + SIZE].ravel() for image, top, left in places])
    patches = patches[patches.std(1) > 0.1]
    patches -= patches.mean(1, keepdims=True)
    variances, directions = np.linalg.eigh(np.cov(patches.T))
    whitened = patches[random.choice(len(patches), filters, replace=False)] @ (
        (directions / (variances + 0.1 * variances.mean())) @ directions.T
    )
    grey = (whitened / np.linalg.norm(whitened, axis=1, keepdims=True)).reshape(filters, 1, SIZE, SIZE)
    if channels == 1:
        return torch.from_numpy(grey.astype(np.float32))
    colours = random.normal(size=(filters, channels, 1, 1))
    return torch.from_numpy((grey * colours / np.linalg.norm(colours, axis=1, keepdims=True)).astype(np.float32))


def _sketch(random: np.random.Generator) -> np.ndarray:
    """One to four blurred lines, arcs and boxes: (SIDE, SIDE) in [0, 1]."""
    canvas = Image.new("L", (2 * SIDE, 2 * SIDE))
    pen = ImageDraw.Draw(canvas)
    for _ in range(random.integers(1, 5)):
        width, ink = int(random.integers(2, 9)), int(random.integers(60, 256))
        first, second = random.uniform(4, 2 * SIDE - 4, (2, 2))
        (left, top), (right, bottom) = np.minimum(first, second), np.maximum(first, second) + 6
        shape = random.random()
        if shape < 0.5:
            pen.line([tuple(first), tuple(second)], fill=ink, width=width)
        elif shape < 0.8:
            start = random.uniform(0, 360)
            pen.arc([left, top, right, bottom], start, start + random.uniform(90, 360), fill=ink, width=width)
        else:
            pen.rectangle([left, top, right, bottom], fill=ink)
    soft = canvas.filter(ImageFilter.GaussianBlur(float(random.uniform(0.3, 1.5))))
    return np.asarray(soft.resize((SIDE, SIDE), Image.Resampling.BOX), np.float32) / 255
