"""EfficientNet-Lite0 with weights of ImageNet as a list of layers, for methods that train or exchange single blocks of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import nn

from senpath.components import CONV_STEM, CONV_TAIL, MBCONV, ComponentKind, build
from senpath.inputs.encoders.efficientnet import MEAN, STD, pretrained_model

FILTERS, FEATURES = 32, 1280
"""Maps behind the stem, and numbers in the answer."""
STAGES = (
    (1, {"outputs": 16, "kernel": 3, "stride": 1, "expand": 1}),
    (2, {"outputs": 24, "kernel": 3, "stride": 2, "expand": 6}),
    (2, {"outputs": 40, "kernel": 5, "stride": 2, "expand": 6}),
    (3, {"outputs": 80, "kernel": 3, "stride": 2, "expand": 6}),
    (3, {"outputs": 112, "kernel": 5, "stride": 1, "expand": 6}),
    (4, {"outputs": 192, "kernel": 5, "stride": 2, "expand": 6}),
    (1, {"outputs": 320, "kernel": 3, "stride": 1, "expand": 6}),
)
"""How many blocks there are of each configuration; only the first of them has the stride (Tan and Le 2019, table 1)."""
NORM = {"scale": "weight", "shift": "bias", "mean": "running_mean", "variance": "running_var"}
"""Names of a `FixedNorm`'s tensors, and the package's."""


def efficientnet_blocks(side: int | None = None) -> list[tuple[str, ComponentKind, dict[str, Any], nn.Module]]:
    """Stem, 16 blocks and tail, each with a name, its kind, its configuration and a module that nothing else holds.

    Run one after the other they map images (n, 3 or 1, h, w) in 0 … 1 to (n, 1280): the last maps' means, as the encoder's.

    Args:
        side: height and width that images are brought to, pixels; the weights were trained with 224. None leaves their size as it is.

    Raises:
        MissingExtraError: if the packages are not installed.
        StoreError: if the file of weights is another one.
    """
    weights = pretrained_model().state_dict()
    return [(name, kind, config, _copied(build(kind, config), weights, theirs)) for name, kind, config, theirs in _parts(side)]


def _parts(side: int | None) -> Iterator[tuple[str, ComponentKind, dict[str, Any], dict[str, tuple[str, str]]]]:
    """Name, kind and configuration of each part; and for each of its convolutions the package's and that of its normalisation."""
    stem = {"channels": 3, "filters": FILTERS, "kernel": 3, "stride": 2, "side": side, "mean": MEAN, "std": STD}
    yield "stem", CONV_STEM, stem, {"conv": ("_conv_stem", "_bn0")}
    inputs, number = FILTERS, 0
    for count, stage in STAGES:
        for repeated in range(count):
            config = {"inputs": inputs, **stage, "stride": 1 if repeated else stage["stride"]}
            inside = f"_blocks.{number}."
            theirs = {"depthwise": (f"{inside}_depthwise_conv", f"{inside}_bn1"), "project": (f"{inside}_project_conv", f"{inside}_bn2")}
            if stage["expand"] != 1:
                theirs["expand"] = (f"{inside}_expand_conv", f"{inside}_bn0")
            inputs, number = stage["outputs"], number + 1
            yield f"block {number}", MBCONV, config, theirs
    yield "tail", CONV_TAIL, {"inputs": inputs, "outputs": FEATURES}, {"conv": ("_conv_head", "_bn1")}


def _copied(module: nn.Module, weights: Mapping[str, torch.Tensor], theirs: Mapping[str, tuple[str, str]]) -> nn.Module:
    """The module with the package's weights."""
    ours = {}
    for name, (conv, norm) in theirs.items():
        ours[f"{name}.weight"] = weights[f"{conv}.weight"]
        ours |= {f"{name}.norm.{mine}": weights[f"{norm}.{their}"] for mine, their in NORM.items()}
    module.load_state_dict(ours)
    return module
