"""What a mixture begins as: MiniLM's upper blocks with their feed-forward part copied for each expert, or random weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from senpath.components import Attention, EncoderBlock, FeedForward
from senpath.errors import InputError
from senpath.inputs.encoders.minilm import LOWER_BLOCKS, MINILM_TOKENS, minilm
from senpath.methods.moe.config import MoeSettings
from senpath.methods.moe.mixture import ExpertBlock, Mixture, Plan
from senpath.types import DataType

HEADS = 12
"""Of MiniLM's attention."""
EMBEDDING = 64
"""Numbers in an embedding that is learned."""


def plan_of(settings: MoeSettings, data_type: DataType, embedding: int = EMBEDDING) -> Plan:
    """What is to be built for tokens of this type.

    Raises:
        InputError: if MiniLM's upper blocks are wanted where its lower ones do not read.
    """
    width = data_type.shape[1]
    if settings.blocks == 1 and settings.experts > 1:
        raise InputError("setting 'blocks'", expected="2 or more, for every second has experts", got=1, do="Or set experts=1")
    if not upcycles(settings, data_type):
        heads = max(1, width // 32)
        while width % heads:
            heads -= 1
        return Plan(width, heads, 2 * width, settings.blocks or 2, settings.experts, settings.gate, embedding, scaled=True)
    if data_type.encoder != MINILM_TOKENS:
        raise InputError("setting 'upcycle'", expected=f"the encoder {MINILM_TOKENS!r}", got=repr(data_type.encoder), do="Leave it out")
    if settings.blocks not in (None, 2):
        raise InputError("setting 'blocks'", expected="2 where MiniLM's upper blocks are used", got=settings.blocks, do="Leave it out")
    return Plan(width, HEADS, 4 * width, 2, settings.experts, settings.gate, embedding, scaled=False)


def upcycles(settings: MoeSettings, data_type: DataType) -> bool:
    """Whether MiniLM's upper blocks are begun with."""
    return data_type.encoder == MINILM_TOKENS if settings.upcycle is None else settings.upcycle


def upcycle(mixture: Mixture, noise: float) -> None:
    """Give a mixture the weights of MiniLM's upper blocks (Komatsuzaki et al. 2023, section 2: every expert a copy of the dense layer).

    Args:
        noise: see `MoeSettings`; drawn from torch's global generator.
    """
    whole: Any = minilm().module
    for block, layer in zip(mixture.blocks, whole.encoder.layer[LOWER_BLOCKS:], strict=True):
        if not isinstance(block, EncoderBlock | ExpertBlock):
            raise TypeError(f"a block that is a {type(block).__name__}")
        _copy_attention(block.attention, layer.attention)
        _copy(block.norm, layer.output.LayerNorm)
        experts = [block.feed] if isinstance(block, EncoderBlock) else [*block.experts]
        for expert in experts:
            if isinstance(expert, FeedForward):
                _copy(expert.widen, layer.intermediate.dense)
                _copy(expert.narrow, layer.output.dense)
        if len(experts) > 1:
            _disturb(experts, noise)


def _copy(to: nn.Module, source: nn.Module) -> None:
    to.load_state_dict(source.state_dict())


def _copy_attention(to: Attention, source: Any) -> None:
    with torch.no_grad():
        for name in ("weight", "bias"):
            parts = [getattr(getattr(source.self, part), name) for part in ("query", "key", "value")]
            to.ask.get_parameter(name).copy_(torch.cat(parts))
    _copy(to.answer, source.output.dense)
    _copy(to.norm, source.output.LayerNorm)


def _disturb(experts: Sequence[nn.Module], noise: float) -> None:
    with torch.no_grad():
        for expert in experts:
            for values in expert.parameters():
                values.add_(torch.randn_like(values) * (noise * values.std(correction=0)))
