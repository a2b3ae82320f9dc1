"""Models of the Hugging Face hub, or of a folder like those, as encoders. Weights are safetensors; no code of a model's own runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from senpath.errors import InputError, MissingExtraError
from senpath.inputs.encoders.base import Encoder
from senpath.inputs.modalities import MODALITIES, texts_of, waves_of
from senpath.types import DataType

PREFIX = "hf:"
SIDE = 224
"""Pixels of a picture's sides where the model does not say."""
LONGEST_TEXT = 256
"""Parts of words that are read of a text."""
LONGEST_SOUND = 10.0
"""Seconds that are read of a recording."""


def from_hugging_face(name: str, modality: str) -> Encoder:
    """The encoder of a name such as "hf:sentence-transformers/all-mpnet-base-v2".

    Raises:
        InputError: if it cannot be read, or there is none for this modality.
        MissingExtraError: if transformers is not installed.
    """
    kinds: dict[str, Callable[[str, str], Encoder]] = {"text": TextEncoder, "image": ImageEncoder, "audio": AudioEncoder}
    if modality not in kinds:
        raise InputError(f"encoder {name!r}", expected=f"a modality of {', '.join(kinds)}", got=repr(modality))
    return kinds[modality](name, name.removeprefix(PREFIX))


class TextEncoder(Encoder):
    """A language model: the mean of its last layer over the parts of words.

    Args:
        name: under which the network knows it.
        source: name on the hub, or a folder.
    """

    def __init__(self, name: str, source: str) -> None:
        self.tokenize = _read(name, "AutoTokenizer", source)
        super().__init__(name, "text", _model(name, source))

    def _reads(self, items: Any) -> DataType:
        return DataType("text", (LONGEST_TEXT,))

    def _run(self, items: Any, reads: DataType) -> torch.Tensor:
        positions = getattr(self.module.config, "max_position_embeddings", None) or reads.shape[0]
        longest = min(reads.shape[0], self.tokenize.model_max_length, positions)
        parts = self.tokenize(texts_of(items), padding=True, truncation=True, max_length=longest, return_tensors="pt").to(self._device)
        hidden, mask = self.module(**parts).last_hidden_state, parts["attention_mask"][..., None]
        mean: torch.Tensor = (hidden * mask).sum(1) / mask.sum(1)
        return mean


class ImageEncoder(Encoder):
    """A model of images: what it pools, or the mean of its last layer.

    Args:
        name: under which the network knows it.
        source: name on the hub, or a folder.
    """

    def __init__(self, name: str, source: str) -> None:
        super().__init__(name, "image", _model(name, source))
        # The model's own way of preparing pictures may need torchvision; what it prepares them to is in this file.
        self._way, _ = _read(name, "BaseImageProcessor", source, call="get_image_processor_dict")

    def _reads(self, items: Any) -> DataType:
        size: Any = self._way.get("crop_size") or self._way.get("size") or SIDE
        side = int((size.get("height") or size.get("shortest_edge") or SIDE) if isinstance(size, dict) else size)
        return DataType("image", (3, side, side))

    def _run(self, items: Any, reads: DataType) -> torch.Tensor:
        pixels = MODALITIES["image"].encode(items, reads)
        mean, std = (torch.tensor(self._way.get(key, [0.5])).view(-1, 1, 1) for key in ("image_mean", "image_std"))
        answer = self.module(((pixels - mean) / std).to(self._device))
        pooled: torch.Tensor | None = getattr(answer, "pooler_output", None)
        if pooled is None:
            last: torch.Tensor = answer.last_hidden_state
            return last.mean((2, 3) if last.ndim == 4 else 1)
        return pooled


class AudioEncoder(Encoder):
    """A model of sounds: the mean of its last layer over time.

    Args:
        name: under which the network knows it.
        source: name on the hub, or a folder.
    """

    def __init__(self, name: str, source: str) -> None:
        self._prepare = _read(name, "AutoFeatureExtractor", source)
        super().__init__(name, "audio", _model(name, source))

    def _reads(self, items: Any) -> DataType:
        rate = int(self._prepare.sampling_rate)
        return DataType("audio", (round(LONGEST_SOUND * rate),), {"rate": rate})

    def _run(self, items: Any, reads: DataType) -> torch.Tensor:
        rate, found = int(reads.options["rate"]), []
        for wave in waves_of(items, rate):  # one by one: not every such model knows where a shorter one ends
            values = self._prepare(np.asarray(wave[: reads.shape[0]]), sampling_rate=rate, return_tensors="pt")
            found.append(self.module(**values.to(self._device)).last_hidden_state.mean(1))
        return torch.cat(found)


def _model(name: str, source: str) -> Any:
    return _read(name, "AutoModel", source, use_safetensors=True, dtype=torch.float32)


def _read(name: str, kind: str, source: str, call: str = "from_pretrained", **options: Any) -> Any:
    try:
        import transformers
    except ImportError as error:
        raise MissingExtraError(
            f"encoder {name!r}", expected="transformers", got="not installed", do="pip install 'senpath[text]'"
        ) from error
    transformers.utils.logging.disable_progress_bar()  # of reading weights; what takes long here has bars of its own
    owner = getattr(transformers, kind)
    try:
        return getattr(owner, call)(source, **options)
    except Exception as error:  # the hub, files and models fail in many ways
        first = str(error).strip().split("\n")[0]
        raise InputError(
            f"encoder {name!r}", expected="a model of the Hugging Face hub with safetensors, or a folder like one", got=first
        ) from error
