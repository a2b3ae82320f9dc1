"""What every pretrained encoder does."""

from __future__ import annotations

import hashlib
import re
from abc import ABC, abstractmethod
from copy import deepcopy
from functools import cached_property
from typing import Any, final

import torch
from torch import nn
from torch.nn import functional

from senpath.arrays import require_finite
from senpath.components import count_weights
from senpath.errors import InputError, SenpathError, StoreError
from senpath.progress import Progress, silent
from senpath.types import DataType

CHUNK = 32
"""Inputs that go through an encoder together, so that memory does not grow with the batch."""
BESIDE, ALIKE = 4, 0.05
"""Inputs that are encoded together to see whether they change each other's answers, and by which share of the largest number answers may
differ: models in few bits take the range of their numbers from all that is encoded together."""
POSITION = re.compile(r"^([a-z ]+) (\d+)\b")
"""The beginning of a message about one of several inputs."""


class Encoder(ABC):
    """A frozen model from raw inputs of one modality to vectors, used instead of the modality's own encoding by all tasks of a type.

    A network's folder records the encoder's name and a hash of its weights and of how it prepares inputs; it does not hold the weights.
    A subclass says what inputs are prepared as (`input_type`) and runs the model (`run`); `senpath.testing.check_encoder` checks it.

    Args:
        name: under which networks know it.
        modality: what it reads: "image", "audio", "video", "table" or "text".
        module: its weights; a copy is kept, in evaluation mode, without gradients.
        unit: whether every vector is scaled to a root mean square of 1. What is learned on top is the better for it, unless a vector's
            length carries information.
        tokens: whether it answers with the tokens of an input, (tokens, width), followed by rows of exact zeros as padding; these are
            taken as they are. Any other answer is flattened.
        preparation: what is done to inputs before the module sees them, if that may differ between encoders of the same weights.

    Attributes:
        package: the installed package that provides the encoder, if it came by an entry point.
        revision: commit of the model on the Hugging Face hub, if it came from there.
        strangers: whether inputs come from sources that no example is of, such as voices; see `DataType.strangers`.

    Example:
        >>> from senpath.inputs.encoders import Encoder
        >>> issubclass(sp.TorchEncoder, Encoder)
        True
    """

    package: str | None = None
    revision: str | None = None
    strangers = False

    def __init__(
        self, name: str, modality: str, module: nn.Module, *, unit: bool = True, tokens: bool = False, preparation: str = ""
    ) -> None:
        self.name, self.modality, self.unit, self.tokens, self.preparation = name, modality, unit, tokens, preparation
        self.module = deepcopy(module).eval().requires_grad_(False)

    @abstractmethod
    def input_type(self, items: Any) -> DataType:
        """What the first inputs of a type are prepared as before the model sees them: a data type of this modality."""

    @abstractmethod
    def run(self, items: Any, inputs: DataType) -> torch.Tensor:
        """The model's answer to a few raw inputs, (n, …).

        Args:
            inputs: what `input_type` said of the type's first inputs.
        """

    def portable(self) -> nn.Module | None:
        """One module from inputs as `input_type` has them to what `encode` gives, for `torch.export` to trace; None if there is none."""
        return None

    @final
    @cached_property
    def weights(self) -> int:
        """How many numbers it holds, buffers included."""
        return count_weights(self.module)

    @final
    @cached_property
    def sha256(self) -> str:
        """Hash of all weights and buffers, by name, and of how inputs are prepared."""
        digest = hashlib.sha256(f"{self.modality} {self.unit} {self.preparation}".encode())
        for name, value in sorted(self.module.state_dict().items()):
            digest.update(f"{name} {value.dtype} {tuple(value.shape)} ".encode())
            digest.update(value.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
        return digest.hexdigest()

    @final
    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return next((value.device for value in self.module.state_dict().values()), torch.device("cpu"))

    @final
    def define(self, items: Any) -> DataType:
        """The data type that these first inputs establish; it names this encoder.

        Raises:
            InputError: if the inputs cannot be read, or the model answers differently each time.
        """
        inputs = self.input_type(items)
        first, again = self._vectors(items[:1], inputs), self._vectors(items[:1], inputs)
        if not torch.allclose(first, again, atol=1e-4, equal_nan=True):
            do = "Switch off what it draws at random"
            raise InputError(f"encoder {self.name!r}", expected="the same answer to the same input", got="another one each time", do=do)
        beside = self._vectors(items[:BESIDE], inputs)[:1]
        if beside.shape == first.shape and float((beside - first).abs().max()) > ALIKE * float(first.abs().max()):
            expected, do = "the same answer to an input whatever is beside it", "In evaluation mode let it use no statistics of the batch"
            raise InputError(f"encoder {self.name!r}", expected=expected, got="another one beside other inputs", do=do)
        encoder: dict[str, Any] = {"name": self.name, "sha256": self.sha256, "weights": self.weights}
        if self.package is not None:
            encoder["package"] = self.package
        if self.revision is not None:
            encoder["revision"] = self.revision
        if self.strangers:
            encoder["strangers"] = True
        options: dict[str, Any] = {"encoder": encoder, "reads": {"shape": list(inputs.shape), "options": inputs.options}}
        if "fingerprint" in inputs.options:
            options["fingerprint"] = inputs.options["fingerprint"]
        return DataType(self.modality, tuple(first.shape[1:]), options)

    @final
    def encode(self, items: Any, data_type: DataType, progress: Progress = silent) -> torch.Tensor:
        """Encode inputs as float32 (n, features), or (n, tokens, width).

        Raises:
            InputError: if an input cannot be read, or the model's answer is not finite; the message names its position.
        """
        reads = data_type.options["reads"]
        inputs = DataType(self.modality, tuple(reads["shape"]), reads["options"])
        chunks = [torch.zeros(0, *data_type.shape)]
        for start in range(0, len(items), CHUNK):
            try:
                vectors = self._vectors(items[start : start + CHUNK], inputs)
            except InputError as error:
                error.reword(_moved(error.message, start), what=_moved(error.what, start))
                raise
            require_finite(vectors, f"answer of the encoder {self.name!r} to input", range(start, start + len(vectors)))
            if vectors.shape[1:] != data_type.shape:
                expected, got = f"the shape {data_type.shape} of the network's type", f"{tuple(vectors.shape[1:])}"
                raise StoreError(f"answer of the encoder {self.name!r}", expected=expected, got=got, do="Restore the folder from a copy")
            chunks.append(vectors)
            progress("encode", min(start + CHUNK, len(items)), len(items))
        return torch.cat(chunks)

    def _vectors(self, items: Any, inputs: DataType) -> torch.Tensor:
        try:
            with torch.no_grad():
                answer = self.run(items, inputs)
        except (SenpathError, torch.OutOfMemoryError):
            raise
        except Exception as error:  # a foreign model may raise anything for inputs that it was not made for
            first_line = str(error).strip().split("\n")[0]
            got = f"{type(error).__name__}: {first_line}"
            raise InputError(f"encoder {self.name!r}", expected=f"a model that answers to {self.modality} inputs", got=got) from error
        axes, shape = (3, "tokens, width") if self.tokens else (2, "features")
        if not isinstance(answer, torch.Tensor) or answer.ndim < axes or len(answer) != len(items) or not answer[:1].numel():
            got = f"shape {tuple(answer.shape)}" if isinstance(answer, torch.Tensor) else type(answer).__name__
            raise InputError(f"answer of the encoder {self.name!r}", expected=f"a tensor of shape ({len(items)}, {shape})", got=got)
        if self.tokens:
            return answer.float().cpu()
        vectors = answer.flatten(1).float().cpu()
        return functional.normalize(vectors, dim=1) * vectors.shape[1] ** 0.5 if self.unit else vectors


def _moved(message: str, start: int) -> str:
    """A message about an input of a chunk, with the input's position in the whole batch."""
    return POSITION.sub(lambda match: f"{match[1]} {int(match[2]) + start}", message, count=1)
