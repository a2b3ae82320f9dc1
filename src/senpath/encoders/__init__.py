"""Pretrained senses: frozen encoders that all tasks of a type share. They read raw inputs in the place of a modality's own encoding."""

from __future__ import annotations

from senpath.encoders.base import Encoder
from senpath.encoders.chosen import AUTO, ENCODERS, Encoders, missing
from senpath.encoders.efficientnet_blocks import efficientnet_blocks
from senpath.encoders.module import TorchEncoder

__all__ = ["AUTO", "ENCODERS", "Encoder", "Encoders", "TorchEncoder", "efficientnet_blocks", "missing"]
