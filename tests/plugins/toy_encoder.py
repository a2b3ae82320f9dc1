"""An encoder: the mean of each colour of a picture."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from senpath import DataType
from senpath.inputs.encoders import Encoder
from senpath.inputs.modalities import MODALITIES


class Colours(Encoder):
    """Pictures to three numbers."""

    def __init__(self) -> None:
        super().__init__("toy-colours", "image", nn.Identity(), unit=False)

    def input_type(self, items: Any) -> DataType:
        return DataType("image", (3, 8, 8))

    def run(self, items: Any, inputs: DataType) -> torch.Tensor:
        return MODALITIES["image"].encode(items, inputs).mean((2, 3))
