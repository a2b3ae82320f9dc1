"""What every pretrained encoder does."""

from __future__ import annotations

import hashlib
import re
from abc import ABC, abstractmethod
from copy import deepcopy
from functools import cached_property
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from senpath.arrays import require_finite
from senpath.components import count_weights
from senpath.errors import InputError, SenpathError
from senpath.progress import Progress, silent
from senpath.types import DataType

CHUNK = 32
"""Inputs that go through an encoder together, so that memory does not grow with the batch."""

PLACE = re.compile(r"^([a-z ]+) (\d+)\b")
"""What a message about one of several inputs begins with."""


class Encoder(ABC):
    """A frozen model from raw inputs of one modality to vectors, in the place of the modality's own encoding, for all tasks of a type.

    A network's folder names the encoder and a hash of its weights and of how it prepares inputs; the weights stay where they came from.

    Args:
        name: under which the network knows it.
        modality: what it reads: "image", "audio", "table" or "text".
        module: its weights; a copy is kept, in evaluation mode, without gradients.
        unit: whether every vector is brought to a root mean square of 1. What is learned on top is the better for it, unless a vector's
            length says something.
        tokens: whether it answers with the tokens of an input, (tokens, width), rows of exact zeros behind the last; they are taken as they
            are. Else whatever it answers is made flat.
    """

    def __init__(self, name: str, modality: str, module: nn.Module, *, unit: bool = True, tokens: bool = False) -> None:
        self.name, self.modality, self.unit, self.tokens = name, modality, unit, tokens
        self.module = deepcopy(module).eval().requires_grad_(False)

    @cached_property
    def weights(self) -> int:
        """How many numbers it holds, buffers included."""
        return count_weights(self.module)

    @cached_property
    def sha256(self) -> str:
        """Hash of all its weights and buffers, by name, and of how it prepares inputs."""
        digest = hashlib.sha256(f"{self.modality} {self.unit} {self._preparation}".encode())
        for name, value in sorted(self.module.state_dict().items()):
            digest.update(f"{name} {value.dtype} {tuple(value.shape)} ".encode())
            digest.update(value.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
        return digest.hexdigest()

    def define(self, items: Any) -> DataType:
        """The data type that these first inputs establish; it names this encoder."""
        reads = self._reads(items)
        first, again = self._vectors(items[:1], reads), self._vectors(items[:1], reads)
        if not torch.allclose(first, again, atol=1e-4, equal_nan=True):
            do = "Switch off what it draws at random"
            raise InputError(f"encoder {self.name!r}", expected="the same answer to the same input", got="another one each time", do=do)
        options: dict[str, Any] = {
            "encoder": {"name": self.name, "sha256": self.sha256, "weights": self.weights},
            "reads": {"shape": list(reads.shape), "options": reads.options},
        }
        if "fingerprint" in reads.options:
            options["fingerprint"] = reads.options["fingerprint"]
        return DataType(self.modality, tuple(first.shape[1:]), options)

    def encode(self, items: Any, data_type: DataType, progress: Progress = silent) -> torch.Tensor:
        """Inputs as float32 (n, features), or (n, tokens, width).

        Raises:
            InputError: if an input cannot be read, or the model's answer is not finite; the message names its position.
        """
        kept = data_type.options["reads"]
        reads = DataType(self.modality, tuple(kept["shape"]), kept["options"])
        parts = [torch.zeros(0, *data_type.shape)]
        for start in range(0, len(items), CHUNK):
            found = self._part(items, start, reads)
            require_finite(found, f"answer of the encoder {self.name!r} to input", range(start, start + len(found)))
            parts.append(found)
            progress("encode", min(start + CHUNK, len(items)), len(items))
        return torch.cat(parts)

    def _part(self, items: Any, start: int, reads: DataType) -> torch.Tensor:
        try:
            return self._vectors(items[start : start + CHUNK], reads)
        except InputError as error:
            message, what = (
                PLACE.sub(lambda match: f"{match[1]} {int(match[2]) + start}", text, count=1) for text in (error.message, error.what)
            )
            error.reword(message, what=what)
            raise

    def _vectors(self, items: Any, reads: DataType) -> torch.Tensor:
        try:
            with torch.no_grad():
                found = self._run(items, reads)
        except (SenpathError, torch.OutOfMemoryError):
            raise
        except Exception as error:  # whatever a model of somebody else's makes of what it was not made for
            first = str(error).strip().split("\n")[0]
            got = f"{type(error).__name__}: {first}"
            raise InputError(f"encoder {self.name!r}", expected=f"a model that answers to {self.modality} inputs", got=got) from error
        least, shape = (3, "tokens, width") if self.tokens else (2, "features")
        if not isinstance(found, torch.Tensor) or found.ndim < least or len(found) != len(items) or not found[:1].numel():
            got = f"shape {tuple(found.shape)}" if isinstance(found, torch.Tensor) else type(found).__name__
            raise InputError(f"answer of the encoder {self.name!r}", expected=f"a tensor of shape ({len(items)}, {shape})", got=got)
        if self.tokens:
            return found.float().cpu()
        vectors = found.flatten(1).float().cpu()
        return functional.normalize(vectors, dim=1) * vectors.shape[1] ** 0.5 if self.unit else vectors

    @property
    def _preparation(self) -> str:
        """What is done to inputs before the module sees them, where it is not always the same."""
        return ""

    @property
    def _device(self) -> torch.device:
        """Where the weights are."""
        return next((value.device for value in self.module.state_dict().values()), torch.device("cpu"))

    @abstractmethod
    def _reads(self, items: Any) -> DataType:
        """What inputs are brought to before the model sees them, by these first ones: a type of this modality."""

    @abstractmethod
    def _run(self, items: Any, reads: DataType) -> torch.Tensor:
        """The model's answer to a few raw inputs, (n, …)."""
