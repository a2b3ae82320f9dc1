"""Which encoders an open network has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.util import find_spec
from typing import Any

import torch

from senpath.errors import InputError, StoreError
from senpath.inputs.encoders.base import Encoder
from senpath.inputs.encoders.efficientnet import NAME as EFFICIENTNET
from senpath.inputs.encoders.efficientnet import PACKAGES as EFFICIENTNET_PACKAGES
from senpath.inputs.encoders.efficientnet import efficientnet
from senpath.inputs.encoders.hugging_face import PREFIX, from_hugging_face
from senpath.inputs.encoders.minilm import NAME as MINILM
from senpath.inputs.encoders.minilm import PACKAGES as MINILM_PACKAGES
from senpath.inputs.encoders.minilm import minilm
from senpath.inputs.encoders.sounds import NAME as SOUND_STATISTICS
from senpath.inputs.encoders.sounds import SoundStatistics
from senpath.inputs.encoders.tokens import MINILM_TOKENS, RANDOM_TOKENS, MiniLmTokens, RandomTokens
from senpath.inputs.modalities import MODALITIES, Group, Modality, is_photograph
from senpath.progress import Progress, silent
from senpath.types import DataType

ENCODERS: dict[str, tuple[str, Callable[[], Encoder]]] = {
    EFFICIENTNET: ("image", efficientnet),
    MINILM: ("text", minilm),
    SOUND_STATISTICS: ("audio", SoundStatistics),
    MINILM_TOKENS: ("text", MiniLmTokens),
    RANDOM_TOKENS: ("text", RandomTokens),
}
"""Encoders by name, each with what it reads. Names that begin with "hf:" are models of the Hugging Face hub, or folders like those."""

AUTO = "auto"
"""In the place of encoders: MiniLM for texts and EfficientNet-Lite0 for photographs, where they are installed."""


class Encoders:
    """What an open network reads its types with: its modalities, and pretrained encoders in their place.

    Args:
        chosen: for modalities, the name of an encoder or an encoder, which types that the network does not have yet will be read with;
            `AUTO` chooses by what there is. Types that the network has are read with what they were established with, and an encoder
            that has no name in `ENCODERS` has to be given again.
        device: where their weights are put.

    Raises:
        InputError: for a modality or a name that there is not, or an encoder of another modality.
    """

    def __init__(self, chosen: Mapping[str, str | Encoder] | str | None = None, device: torch.device | None = None) -> None:
        self._auto = chosen == AUTO
        if not self._auto and chosen is not None and not isinstance(chosen, Mapping):
            raise InputError("encoders", expected=f"{AUTO!r}, or a mapping of modalities to encoders", got=repr(chosen))
        self._chosen: dict[str, str | Encoder] = {} if self._auto or chosen is None else dict(chosen)  # type: ignore[arg-type]
        self._device = device or torch.device("cpu")
        self._loaded: dict[tuple[str, str], Encoder] = {}
        for modality, encoder in self._chosen.items():
            _require(modality, encoder)

    def check(self, known: DataType) -> None:
        """Refuse a choice for a type that is read otherwise.

        Raises:
            InputError: if it is.
        """
        choice = self._chosen.get(known.modality)
        name = choice.name if isinstance(choice, Encoder) else choice
        if choice is not None and name != known.encoder:
            have = repr(known.encoder) if known.encoder is not None else "no encoder"
            do = "Leave it out; another encoder needs another network"
            raise InputError(
                f"encoder for the type {known.key!r}", expected=f"{have}, with which its first task was learned", got=repr(name), do=do
            )

    def for_new(self, group: Group) -> Modality | Encoder:
        """What reads the inputs of a type that is new."""
        choice = self._chosen.get(group.modality) if not self._auto else automatic(group)
        return MODALITIES[group.modality] if choice is None else self._load(choice, group.modality)

    def encode(self, items: Any, data_type: DataType, progress: Progress = silent) -> torch.Tensor:
        """Inputs of a type, encoded: float32 (n, *data_type.shape).

        Raises:
            InputError: if an input cannot be read, or the type's encoder has to be given and is not.
            MissingExtraError: if the type's encoder is not installed.
            StoreError: if the encoder that there is has other weights.
        """
        if data_type.encoder is None:
            return MODALITIES[data_type.modality].encode(items, data_type)
        encoder = self.of(data_type)
        return encoder.encode(items, data_type, progress)

    def of(self, data_type: DataType) -> Encoder:
        """The encoder of a type that has one; see `encode` for what it raises."""
        name, sha256 = data_type.options["encoder"]["name"], data_type.options["encoder"]["sha256"]
        given = self._chosen.get(data_type.modality)
        encoder = self._load(given if isinstance(given, Encoder) and given.name == name else name, data_type.modality)
        if encoder.sha256 != sha256:
            got = f"other weights or another preparation, hash {encoder.sha256[:12]}"
            do = "Install or give the one that the network was made with"
            raise StoreError(f"encoder {name!r}", expected=f"the weights of hash {sha256[:12]}", got=got, do=do)
        return encoder

    def _load(self, choice: str | Encoder, modality: str) -> Encoder:
        name = choice.name if isinstance(choice, Encoder) else choice
        if (modality, name) not in self._loaded:
            encoder = choice if isinstance(choice, Encoder) else _make(choice, modality)
            encoder.module.to(self._device)
            self._loaded[modality, name] = encoder
        return self._loaded[modality, name]


def automatic(group: Group) -> str | None:
    """The encoder to choose for a type's first inputs, by what is installed; None for the modality's own encoding."""
    name = _fitting(group)
    return name if name is not None and _installed(name) else None


def missing(group: Group) -> str | None:
    """The encoder that would be chosen for a type's first inputs and is not installed; the extra that brings it has the modality's name."""
    name = _fitting(group)
    return name if name is not None and not _installed(name) else None


def _fitting(group: Group) -> str | None:
    if group.modality == "text":
        return MINILM
    return EFFICIENTNET if group.modality == "image" and is_photograph(group.items) else None


def _installed(name: str) -> bool:
    return all(find_spec(package) is not None for package in {MINILM: MINILM_PACKAGES, EFFICIENTNET: EFFICIENTNET_PACKAGES}[name])


def _make(name: str, modality: str) -> Encoder:
    if name.startswith(PREFIX):
        return from_hugging_face(name, modality)
    if name in ENCODERS:
        return ENCODERS[name][1]()
    do = "Open the network with it: Network(path, encoders={…})"
    raise InputError(f"encoder {name!r}", expected="one that is given when the network is opened", got="none", do=do)


def _require(modality: object, encoder: object) -> None:
    if modality not in MODALITIES:
        raise InputError("encoders", expected=f"modalities, of {', '.join(MODALITIES)}", got=repr(modality))
    reads = encoder.modality if isinstance(encoder, Encoder) else None
    if isinstance(encoder, str):
        if encoder not in ENCODERS and not encoder.startswith(PREFIX):
            names = ", ".join(ENCODERS)
            raise InputError(
                "encoder", expected=f"one of {names}, {PREFIX}NAME of the Hugging Face hub, or a TorchEncoder", got=repr(encoder)
            )
        reads = ENCODERS[encoder][0] if encoder in ENCODERS else str(modality)
    if reads is None:
        raise InputError("encoder", expected="a name or a TorchEncoder", got=type(encoder).__name__)
    if reads != modality:
        raise InputError(f"encoder for {modality!r}", expected=f"one that reads {modality}", got=f"one that reads {reads}")
