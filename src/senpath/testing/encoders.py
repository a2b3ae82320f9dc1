"""Whether an encoder keeps what networks rely on."""

from __future__ import annotations

import json
from collections.abc import Sequence
from copy import deepcopy
from functools import partial
from typing import Any

import numpy as np
import torch

from senpath.components import count_weights
from senpath.errors import InputError
from senpath.inputs.encoders import Encoder
from senpath.inputs.encoders.base import CHUNK
from senpath.inputs.modalities import MODALITIES
from senpath.testing.promise import require
from senpath.types import Audio, DataType, Video

_require = partial(require, "an encoder")


def check_encoder(encoder: Encoder, items: Sequence[Any] | None = None) -> DataType:
    """Encode inputs of an encoder's modality in several ways, and inputs that are none.

    Args:
        encoder: what is checked.
        items: at least two inputs that differ; by default pictures or clips in colour, sounds, sentences, or rows of three numbers.

    Returns:
        The data type that the encoder defines.

    Raises:
        AssertionError: naming the first promise that is broken.

    Example:
        >>> from senpath.testing import check_encoder
        >>> from torch import nn
        >>> check_encoder(sp.TorchEncoder("rows", "table", nn.Linear(3, 8))).shape
        (8,)
    """
    _require(isinstance(encoder, Encoder), "it is a subclass of senpath.inputs.encoders.Encoder")
    _require(isinstance(encoder.name, str) and bool(encoder.name.strip()) and encoder.name.isprintable(), "its name is a printable str")
    _require(encoder.modality in MODALITIES, f"it reads one of {', '.join(MODALITIES)}")
    examples = _examples(encoder.modality) if items is None else [*items]
    before = torch.random.get_rng_state()
    data_type = _check_type(encoder, examples)
    _check_answers(encoder, examples, data_type)
    _check_weights(encoder)
    _check_bad_inputs(encoder, examples, data_type)
    _require(torch.equal(torch.random.get_rng_state(), before), "it draws no random numbers")
    return data_type


def _examples(modality: str) -> list[Any]:
    random = np.random.default_rng(0)
    if modality == "image":
        return [*random.integers(0, 256, (5, 50, 60, 3), dtype=np.uint8)]
    if modality == "audio":
        return [Audio(np.sin(np.arange(6000 + 900 * place) * (0.05 + 0.2 * place)) * 0.5, 8000) for place in range(5)]
    if modality == "video":
        return [*random.integers(0, 256, (5, 9, 50, 60, 3), dtype=np.uint8)]
    if modality == "text":
        return ["a", "two words", "Why do birds sing, and why do they stop?", "été 42", "hello " * 60]
    return [*random.normal(size=(5, 3))]


def _check_type(encoder: Encoder, examples: list[Any]) -> DataType:
    data_type = encoder.define(examples)
    _require(encoder.define(examples) == data_type, "the same inputs define the same data type")
    _require(data_type.modality == encoder.modality, "the data type is of its modality")
    _require(len(data_type.shape) == (2 if encoder.tokens else 1), "an input becomes one vector, or tokens by width if it says so")
    _require(json.loads(json.dumps(data_type.options)) == data_type.options, "the data type's options are JSON values: lists, no tuples")
    return data_type


def _check_answers(encoder: Encoder, examples: list[Any], data_type: DataType) -> None:
    together = encoder.encode(examples, data_type)
    _require(together.dtype == torch.float32 and together.device.type == "cpu", "answers are float32, on the CPU")
    _require(tuple(together.shape) == (len(examples), *data_type.shape), "answers have the shape of the data type, one for each input")
    _require(bool(torch.isfinite(together).all()), "answers are finite")
    _require(torch.equal(encoder.encode(examples, data_type), together), "the same inputs have the same answers")
    _require(bool((together[0] != together[1]).any()), "different inputs have different answers")
    alone = torch.cat([encoder.encode([item], data_type) for item in examples])
    turned = encoder.encode(examples[::-1], data_type).flip(0)
    for other in (alone, turned):
        _require(torch.allclose(other, together, rtol=1e-3, atol=1e-4), "an answer does not depend on the inputs beside it")
    many = encoder.encode(examples[:1] * CHUNK + examples, data_type)
    _require(torch.allclose(many[CHUNK:], together, rtol=1e-3, atol=1e-4), f"an answer does not depend on the {CHUNK} inputs before it")
    _require(encoder.encode([], data_type).shape == (0, *data_type.shape), "no inputs have no answers, of the usual shape")
    if encoder.tokens:
        is_token = (together != 0).any(-1)
        _require(bool(is_token[:, 0].all()), "every input has a token")
        _require(torch.equal(is_token, is_token.cummin(1).values), "behind the first row of zeros there is no token")
    elif encoder.unit:
        sizes = together.square().mean(1).sqrt()
        _require(torch.allclose(sizes, torch.ones_like(sizes), atol=1e-3), "vectors have a root mean square of 1, or unit=False")


def _check_weights(encoder: Encoder) -> None:
    _require(encoder.weights == count_weights(encoder.module), "all weights are counted")
    _require(not any(part.training for part in encoder.module.modules()), "the module is in evaluation mode")
    _require(not any(value.requires_grad for value in encoder.module.parameters()), "the module needs no gradients")
    _require(_hash(encoder) == encoder.sha256, "its hash is that of its weights and preparation, also after they were used")
    _require(_hash(encoder, preparation=f"{encoder.preparation} otherwise") != encoder.sha256, "another preparation has another hash")
    names = [*encoder.module.state_dict()]
    for name in {*names[:1], *names[len(names) // 2 :][:1], *names[-1:]}:  # of many tensors three, for each costs a pass over all
        _require(_hash(encoder, changed=name) != encoder.sha256, f"other weights {name!r} have another hash")


def _hash(encoder: Encoder, *, changed: str | None = None, preparation: str | None = None) -> str:
    """The hash of a copy with one tensor changed, or another preparation."""
    copy = deepcopy(encoder)
    vars(copy).pop("sha256", None)  # what was computed before
    if changed is not None:
        value = copy.module.state_dict()[changed]
        value.copy_(~value if value.dtype == torch.bool else value + 1)
    if preparation is not None:
        copy.preparation = preparation
    return copy.sha256


def _check_bad_inputs(encoder: Encoder, examples: list[Any], data_type: DataType) -> None:
    bad: dict[str, Any] = {
        "image": np.full((50, 60, 3), np.nan),
        "video": Video(np.full((9, 50, 60, 3), np.nan)),
        "audio": Audio(np.full(6000, np.nan), 8000),
        "text": " ",
        "table": dict.fromkeys(examples[0], "x y") if isinstance(examples[0], dict) else np.full(np.shape(examples[0]), np.nan),
    }
    batch = [*(examples[:1] * (CHUNK + 1)), bad[encoder.modality], examples[1]]
    try:
        encoder.encode(batch, data_type)
    except InputError as error:
        _require(str(CHUNK + 1) in error.what, f"an error names the position of the input, {CHUNK + 1} here, not only: {error}")
    else:
        _require(False, f"{bad[encoder.modality]!r:.60} is refused by an InputError")
