"""Pretrained encoders: frozen models that read raw inputs for all tasks of a type, in place of a modality's own encoding."""

from senpath.inputs.encoders.base import Encoder
from senpath.inputs.encoders.efficientnet import efficientnet_blocks
from senpath.inputs.encoders.module import TorchEncoder
from senpath.inputs.encoders.registry import ENCODERS, known_encoders, missing, register
from senpath.inputs.encoders.selection import AUTO, Encoders

__all__ = ["AUTO", "ENCODERS", "Encoder", "Encoders", "TorchEncoder", "efficientnet_blocks", "known_encoders", "missing", "register"]
