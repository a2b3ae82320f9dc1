"""Models of the Hugging Face hub, or of a folder like those, as encoders. Weights are safetensors; no code that comes with a model runs."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, final

import numpy as np
import torch

from senpath.errors import InputError
from senpath.inputs.encoders.base import Encoder
from senpath.inputs.modalities import MODALITIES, texts_of, waves_of
from senpath.plugins import import_extra
from senpath.types import DataType

PREFIX = "hf:"
SIDE = 224
"""Pixels of a picture's sides where the model does not say."""
LONGEST_TEXT = 256
"""Parts of words that are read of a text."""
READ_CHARACTERS = 2**17
"""Characters of a text that its parts are looked for in: many more than any model reads."""
LONGEST_SOUND = 10.0
"""Seconds that are read of a recording."""


def from_hugging_face(name: str, modality: str, revision: str | None = None) -> Encoder:
    """Load the encoder of a name such as "hf:sentence-transformers/all-mpnet-base-v2".

    Args:
        revision: commit of the model on the hub; None takes the present one. An encoder says which it has.

    Raises:
        InputError: if it cannot be read, or there is none for this modality.
        MissingExtraError: if transformers is not installed.
    """
    kinds: dict[str, Callable[[str, str, str | None], Encoder]] = {"text": TextEncoder, "image": ImageEncoder, "audio": AudioEncoder}
    if modality not in kinds:
        raise InputError(f"encoder {name!r}", expected=f"a modality of {', '.join(kinds)}", got=repr(modality))
    return kinds[modality](name, name.removeprefix(PREFIX), revision)


class HubEncoder(Encoder):
    """A model of the hub, and what prepares its inputs.

    Args:
        name: under which networks know it.
        modality: what it reads.
        source: name on the hub, or a folder.
        revision: commit of the model on the hub; None takes the present one.
        kind: class of transformers that prepares inputs.
        call: the class's method that loads it.
    """

    def __init__(self, name: str, modality: str, source: str, revision: str | None, kind: str, call: str = "from_pretrained") -> None:
        model = _load_model(name, source, revision)
        self.revision = getattr(model.config, "_commit_hash", None)
        self.prepare = _load(name, kind, source, call, revision=self.revision or revision)
        super().__init__(name, modality, model)


@final
class TextEncoder(HubEncoder):
    """A language model: the mean of its last layer over the parts of words."""

    def __init__(self, name: str, source: str, revision: str | None = None) -> None:
        super().__init__(name, "text", source, revision, "AutoTokenizer")

    def input_type(self, items: Any) -> DataType:
        return DataType("text", (LONGEST_TEXT,))

    def run(self, items: Any, inputs: DataType) -> torch.Tensor:
        positions = getattr(self.module.config, "max_position_embeddings", None) or inputs.shape[0]
        longest = min(inputs.shape[0], self.prepare.model_max_length, positions)
        texts = texts_of(items, READ_CHARACTERS)
        parts = self.prepare(texts, padding=True, truncation=True, max_length=longest, return_tensors="pt").to(self.device)
        hidden, mask = self.module(**parts).last_hidden_state, parts["attention_mask"][..., None]
        mean: torch.Tensor = (hidden * mask).sum(1) / mask.sum(1)
        return mean


@final
class ImageEncoder(HubEncoder):
    """A model of images: what it pools, or the mean of its last layer."""

    def __init__(self, name: str, source: str, revision: str | None = None) -> None:
        # The model's own image processor may need torchvision; the settings of that processor do not.
        super().__init__(name, "image", source, revision, "BaseImageProcessor", "get_image_processor_dict")
        self._processor, _ = self.prepare

    def input_type(self, items: Any) -> DataType:
        size: Any = self._processor.get("crop_size") or self._processor.get("size") or SIDE
        side = int((size.get("height") or size.get("shortest_edge") or SIDE) if isinstance(size, dict) else size)
        return DataType("image", (3, side, side))

    def run(self, items: Any, inputs: DataType) -> torch.Tensor:
        pixels = MODALITIES["image"].encode(items, inputs)
        mean, std = (torch.tensor(self._processor.get(key, [0.5])).view(-1, 1, 1) for key in ("image_mean", "image_std"))
        answer = self.module(((pixels - mean) / std).to(self.device))
        pooled: torch.Tensor | None = getattr(answer, "pooler_output", None)
        if pooled is None:
            last: torch.Tensor = answer.last_hidden_state
            return last.mean((2, 3) if last.ndim == 4 else 1)
        return pooled


@final
class AudioEncoder(HubEncoder):
    """A model of sounds: the mean of its last layer over time."""

    def __init__(self, name: str, source: str, revision: str | None = None) -> None:
        super().__init__(name, "audio", source, revision, "AutoFeatureExtractor")

    def input_type(self, items: Any) -> DataType:
        rate = int(self.prepare.sampling_rate)
        return DataType("audio", (round(LONGEST_SOUND * rate),), {"rate": rate})

    def run(self, items: Any, inputs: DataType) -> torch.Tensor:
        rate, means = int(inputs.options["rate"]), []
        for wave in waves_of(items, rate):  # one by one: not every such model knows where a shorter one ends
            values = self.prepare(np.asarray(wave[: inputs.shape[0]]), sampling_rate=rate, return_tensors="pt")
            means.append(self.module(**values.to(self.device)).last_hidden_state.mean(1))
        return torch.cat(means)


def _load_model(name: str, source: str, revision: str | None) -> Any:
    """The model, all of whose weights are in its file: others would be drawn anew at each load."""
    options: dict[str, Any] = {"use_safetensors": True, "dtype": torch.float32, "output_loading_info": True}
    model, report = _load(name, "AutoModel", source, revision=revision, **options)
    absent = sorted(report["missing_keys"])
    if absent and all(key.startswith("pooler.") for key in absent) and getattr(model, "pooler", None) is not None:
        model.pooler = None  # a part that such models answer without
    elif absent:
        what, expected = f"encoder {name!r}", "a model that has all of its weights"
        raise InputError(what, expected=expected, got=f"one without {', '.join(absent[:3])}", do="Choose another model")
    return model


def _load(name: str, kind: str, source: str, call: str = "from_pretrained", **options: Any) -> Any:
    """What transformers loads. Code that comes with a model is never run, nor asked about."""
    what = f"encoder {name!r}"
    transformers = import_extra("transformers", what, "text")
    transformers.utils.logging.disable_progress_bar()  # of reading weights; what takes long here has bars of its own
    owner, hub = getattr(transformers, kind), logging.getLogger("huggingface_hub")
    level = hub.level
    try:
        hub.setLevel(logging.ERROR)  # without a network it would tell each of its attempts; the error below tells once
        return getattr(owner, call)(source, trust_remote_code=False, **options)
    except Exception as error:  # the hub, files and models fail in many ways
        expected = "a model of the Hugging Face hub with safetensors, or a folder like one"
        raise InputError(what, expected=expected, got=str(error).strip().split("\n")[0]) from error
    finally:
        hub.setLevel(level)
