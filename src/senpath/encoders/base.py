"""What every pretrained encoder does."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from functools import cached_property
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from senpath.components import count_weights
from senpath.errors import InputError
from senpath.modalities.base import require_finite
from senpath.progress import Progress, silent
from senpath.types import DataType

CHUNK = 32
"""Inputs that go through an encoder together, so that memory does not grow with the batch."""


class Encoder(ABC):
    """A frozen model from raw inputs of one modality to vectors, in the place of the modality's own encoding, for all tasks of a type.

    A network's folder names the encoder and the hash of its weights; the weights themselves stay where they came from.

    Args:
        name: under which the network knows it.
        modality: what it reads: "image", "audio", "table" or "text".
        module: its weights. It is put into evaluation mode, without gradients.
        unit: whether every vector is brought to a root mean square of 1. What is learned on top is the better for it, unless a vector's
            length says something.
    """

    def __init__(self, name: str, modality: str, module: nn.Module, *, unit: bool = True) -> None:
        self.name, self.modality, self.unit = name, modality, unit
        self.module = module.eval().requires_grad_(False)

    @cached_property
    def weights(self) -> int:
        """How many numbers it holds, buffers included."""
        return count_weights(self.module)

    @cached_property
    def sha256(self) -> str:
        """Hash of all its weights and buffers, by name."""
        digest = hashlib.sha256()
        for name, value in sorted(self.module.state_dict().items()):
            digest.update(f"{name} {value.dtype} {tuple(value.shape)} ".encode())
            digest.update(value.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
        return digest.hexdigest()

    def define(self, items: Any) -> DataType:
        """The data type that these first inputs establish; it names this encoder."""
        reads = self._reads(items)
        outputs = self._vectors(items[:1], reads).shape[1]
        options: dict[str, Any] = {
            "encoder": {"name": self.name, "sha256": self.sha256, "weights": self.weights},
            "reads": {"shape": list(reads.shape), "options": reads.options},
        }
        if "fingerprint" in reads.options:
            options["fingerprint"] = reads.options["fingerprint"]
        return DataType(self.modality, (outputs,), options)

    def encode(self, items: Any, data_type: DataType, progress: Progress = silent) -> torch.Tensor:
        """Inputs as float32 (n, features).

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
            if start:
                error.reword(f"{error.message.rstrip('.')} (counted from input {start} on)")
            raise

    def _vectors(self, items: Any, reads: DataType) -> torch.Tensor:
        with torch.no_grad():
            found = self._run(items, reads)
        if not isinstance(found, torch.Tensor) or found.ndim < 2 or len(found) != len(items):
            got = f"shape {tuple(found.shape)}" if isinstance(found, torch.Tensor) else type(found).__name__
            raise InputError(f"answer of the encoder {self.name!r}", expected=f"a tensor of shape ({len(items)}, features)", got=got)
        vectors = found.flatten(1).float().cpu()
        return functional.normalize(vectors, dim=1) * vectors.shape[1] ** 0.5 if self.unit else vectors

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
