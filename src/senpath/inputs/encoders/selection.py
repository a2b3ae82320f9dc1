"""Which encoders an open network has."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any

import torch

from senpath.errors import InputError, StoreError
from senpath.inputs.encoders.base import Encoder
from senpath.inputs.encoders.hugging_face import PREFIX
from senpath.inputs.encoders.registry import AUTOMATIC, ENCODERS, automatic, is_known, known_encoders, make_encoder
from senpath.inputs.encoders.speech import SPEECH
from senpath.inputs.modalities import MODALITIES, Group, Modality
from senpath.progress import Progress, silent
from senpath.types import DataType

NAMED = "SENPATH_ENCODERS"
"""Variable of the environment with names of encoders of the hub that networks may name, with commas between; for the command line."""
AUTO = "auto"
"""Instead of encoders: MiniLM for texts, EfficientNet-Lite0 for photographs and films of them, the speech embedding for sounds, as
far as they are installed."""


class Encoders:
    """What an open network reads its types with: its modalities, and pretrained encoders in their place.

    Args:
        chosen: for modalities, an encoder or the name of one, with which new types will be read; `AUTO` chooses by what is installed.
            Types that the network has are read with what they were established with; an encoder that no name leads to has to be given
            again.
        device: where their weights are put.

    Raises:
        InputError: for an unknown modality or name, or an encoder of another modality.
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
        """Raise InputError if another encoder was chosen for the modality of a type than the one that reads it.

        Beside pictures that are read as pixels there may be others that an encoder reads.
        """
        name = self._name(known.modality)
        if name is not None and name != known.encoder and not (known.modality == "image" and known.encoder is None):
            established = repr(known.encoder) if known.encoder is not None else "no encoder"
            raise InputError(
                f"encoder for the type {known.key!r}",
                expected=f"{established}, with which its first task was learned",
                got=repr(name),
                do="Leave it out; another encoder needs another network",
            )

    def _name(self, modality: str) -> str | None:
        choice = self._chosen.get(modality)
        return choice.name if isinstance(choice, Encoder) else choice

    def suited(self, group: Group, known: Iterable[DataType]) -> list[DataType]:
        """Of these types of pictures those that new ones may join: of the encoder that was chosen, if one was.

        `AUTO` reads photographs with its encoder and other pictures without it.
        """
        of_modality = [kind for kind in known if kind.modality == group.modality]
        if self._auto:
            name = automatic(group)
            return [kind for kind in of_modality if kind.encoder == name or kind.encoder not in AUTOMATIC]
        name = self._name(group.modality)
        return of_modality if name is None else [kind for kind in of_modality if kind.encoder == name]

    def for_new(self, group: Group) -> Modality | Encoder:
        """What reads the inputs of a new type."""
        choice = self._chosen.get(group.modality) if not self._auto else automatic(group)
        return MODALITIES[group.modality] if choice is None else self._load(choice, group.modality)

    def why(self, new: DataType) -> str:
        """What decided how the inputs of a new type are read, for people; empty where there was nothing to choose."""
        if not self._auto or new.modality != "audio":
            return ""
        if new.encoder is None:
            return f"these sound like speech, and are read as spectra, for the encoder {SPEECH!r} is not installed"
        return f"these {'sound' if new.encoder == SPEECH else 'do not sound'} like speech, which decided how sounds are read"

    def encode(self, items: Any, data_type: DataType, progress: Progress = silent) -> torch.Tensor:
        """Encode inputs of a type that has an encoder as float32 (n, *data_type.shape).

        Raises:
            InputError: if an input cannot be read, or the type's encoder has to be given and is not.
            MissingExtraError: if the type's encoder is not installed.
            StoreError: if the encoder of this name has other weights.
        """
        return self.of(data_type).encode(items, data_type, progress)

    def of(self, data_type: DataType) -> Encoder:
        """The encoder of a type that has one; raises what `encode` does."""
        recorded = data_type.options["encoder"]
        name, sha256 = recorded["name"], recorded["sha256"]
        given = self._chosen.get(data_type.modality)
        choice = given if isinstance(given, Encoder) and given.name == name else name
        encoder = self._load(choice, data_type.modality, recorded.get("package"), recorded.get("revision"))
        if encoder.sha256 != sha256:
            got = f"other weights or another preparation, hash {encoder.sha256[:12]}"
            do = "Install or give the one that the network was made with"
            raise StoreError(f"encoder {name!r}", expected=f"the weights of hash {sha256[:12]}", got=got, do=do)
        return encoder

    def _load(self, choice: str | Encoder, modality: str, package: str | None = None, revision: str | None = None) -> Encoder:
        name = choice.name if isinstance(choice, Encoder) else choice
        if (modality, name) not in self._loaded:
            if isinstance(choice, str):
                self._require_consent(choice, modality)
            encoder = choice if isinstance(choice, Encoder) else make_encoder(choice, modality, package, revision)
            encoder.module.to(self._device)
            self._loaded[modality, name] = encoder
        return self._loaded[modality, name]

    def _require_consent(self, name: str, modality: str) -> None:
        """A network may be anybody's: what it names on the hub is loaded only if whoever opens it names it too."""
        named = {*(choice for choice in self._chosen.values() if isinstance(choice, str)), *os.environ.get(NAMED, "").split(",")}
        if name.startswith(PREFIX) and name not in named:
            do = f"If you trust that model, open the network with encoders={{{modality!r}: {name!r}}}, or set {NAMED}={name}"
            raise InputError(f"encoder {name!r}, which the network names", expected="an encoder that you name too", got="none", do=do)


def _require(modality: object, encoder: object) -> None:
    if modality not in MODALITIES:
        raise InputError("encoders", expected=f"modalities, of {', '.join(MODALITIES)}", got=repr(modality))
    if not isinstance(encoder, str | Encoder):
        raise InputError("encoder", expected="a name or a TorchEncoder", got=type(encoder).__name__)
    if isinstance(encoder, str) and not is_known(encoder):
        expected = f"one of {', '.join(known_encoders())}, {PREFIX}NAME of the Hugging Face hub, or a TorchEncoder"
        raise InputError("encoder", expected=expected, got=repr(encoder))
    reads = encoder.modality if isinstance(encoder, Encoder) else ENCODERS[encoder][0] if encoder in ENCODERS else modality
    if reads != modality:
        raise InputError(f"encoder for {modality!r}", expected=f"one that reads {modality}", got=f"one that reads {reads}")
