"""Pretrained senses: frozen encoders that all tasks of a type share. They read raw inputs in the place of a modality's own encoding."""

from __future__ import annotations

from senpath.inputs.encoders.base import Encoder
from senpath.inputs.encoders.chosen import AUTO, ENCODERS, Encoders, missing
from senpath.inputs.encoders.efficientnet_blocks import efficientnet_blocks
from senpath.inputs.encoders.module import TorchEncoder

__all__ = ["AUTO", "ENCODERS", "Encoder", "Encoders", "TorchEncoder", "efficientnet_blocks", "missing"]
