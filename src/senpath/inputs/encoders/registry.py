"""Encoders by name: senpath's own, those that were registered, those of installed packages, and models of the Hugging Face hub."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec

from senpath.errors import InputError, MissingExtraError
from senpath.inputs.encoders.base import Encoder
from senpath.inputs.encoders.e5 import E5, MultilingualE5
from senpath.inputs.encoders.efficientnet import (
    EFFICIENTNET,
    EFFICIENTNET_PACKAGES,
    EFFICIENTNET_TOKENS,
    efficientnet,
    efficientnet_tokens,
)
from senpath.inputs.encoders.fixed import RANDOM_TOKENS, SOUND_STATISTICS, RandomTokens, SoundStatistics
from senpath.inputs.encoders.frames import EFFICIENTNET_FRAMES, efficientnet_frames
from senpath.inputs.encoders.hugging_face import PREFIX, from_hugging_face
from senpath.inputs.encoders.minilm import MINILM, MINILM_PACKAGES, MINILM_TOKENS, MiniLmTokens, minilm
from senpath.inputs.encoders.speaker import SPEAKER, Speaker
from senpath.inputs.encoders.speech import SPEECH, SPEECH_AND_STATISTICS, SPEECH_PACKAGES, Speech, speech_and_statistics
from senpath.inputs.encoders.tokens import FRAMES, PATCHES, FrameTokens, PatchTokens
from senpath.inputs.modalities import MODALITIES, Group, is_photograph, is_speech
from senpath.inputs.modalities.video import is_film
from senpath.plugins import import_place, offered, provider
from senpath.types import DataType

GROUP = "senpath.encoders"
"""Entry points by which installed packages offer encoders."""
ENCODERS: dict[str, tuple[str, Callable[[], Encoder]]] = {
    EFFICIENTNET: ("image", efficientnet),
    EFFICIENTNET_FRAMES: ("video", efficientnet_frames),
    MINILM: ("text", minilm),
    SPEECH: ("audio", Speech),
    SPEECH_AND_STATISTICS: ("audio", speech_and_statistics),
    SPEAKER: ("audio", Speaker),
    SOUND_STATISTICS: ("audio", SoundStatistics),
    MINILM_TOKENS: ("text", MiniLmTokens),
    RANDOM_TOKENS: ("text", RandomTokens),
    PATCHES: ("image", PatchTokens),
    EFFICIENTNET_TOKENS: ("image", efficientnet_tokens),
    FRAMES: ("audio", FrameTokens),
    E5: ("text", MultilingualE5),
}
"""Encoders by name, each with the modality that it reads: senpath's own, and those that were registered.

Example:
    >>> "minilm" in sp.ENCODERS, sp.ENCODERS["minilm"][0]
    (True, 'text')
"""
PACKAGES = {
    EFFICIENTNET: ("image", EFFICIENTNET_PACKAGES),
    EFFICIENTNET_FRAMES: ("image", EFFICIENTNET_PACKAGES),
    MINILM: ("text", MINILM_PACKAGES),
    SPEECH: ("speech", SPEECH_PACKAGES),
    SPEECH_AND_STATISTICS: ("speech", SPEECH_PACKAGES),
}
"""For encoders that are chosen by themselves: the extra that brings each, and what has to be importable."""


def register(name: str, modality: str, make: Callable[[], Encoder]) -> None:
    """Make an encoder known by name, for `Network(path, encoders={modality: name})` in this process.

    A package does so for whoever installs it by an entry point of the group `senpath.encoders`: `name = "package.module:make"`.

    Args:
        modality: what it reads: "image", "audio", "video", "table" or "text".
        make: a function or class without arguments that makes the encoder; its name has to be `name`.

    Raises:
        InputError: if the name or the modality is none, or another encoder has the name.

    Example:
        >>> from senpath.inputs.encoders import register
        >>> from torch import nn
        >>> register("rows", "table", lambda: sp.TorchEncoder("rows", "table", nn.Linear(4, 8)))
        >>> net = sp.Network(encoders={"table": "rows"})
    """
    if not isinstance(name, str) or not name.strip() or not name.isprintable() or name.startswith(PREFIX):
        raise InputError("name of an encoder", expected=f"a printable str that does not begin with {PREFIX!r}", got=repr(name))
    if modality not in MODALITIES:
        raise InputError("modality of the encoder", expected=f"one of {', '.join(MODALITIES)}", got=repr(modality))
    if not callable(make):
        raise InputError(f"encoder {name!r}", expected="a function or class that makes it", got=repr(make))
    if ENCODERS.get(name, (modality, make)) != (modality, make):
        raise InputError(f"name of an encoder {name!r}", expected="a new one", got=f"that of {ENCODERS[name][1]!r}")
    ENCODERS[name] = (modality, make)


def known_encoders() -> list[str]:
    """Names of all encoders: senpath's own, those that were registered, those that installed packages offer."""
    return list(dict.fromkeys([*ENCODERS, *offered(GROUP)]))


def is_known(name: str) -> bool:
    """Whether an encoder of this name can be looked for; nothing is imported."""
    return name in ENCODERS or name.startswith(PREFIX) or name in offered(GROUP)


def make_encoder(name: str, modality: str, package: str | None = None, revision: str | None = None) -> Encoder:
    """Make the encoder of this name.

    Args:
        modality: what it has to read.
        package: that provides it, as far as that is known.
        revision: of a model of the Hugging Face hub, as far as that is known.

    Raises:
        InputError: if it cannot be made, or there is none and no package is known to provide it.
        MissingExtraError: if the package that provides it is not installed.
    """
    if name.startswith(PREFIX):
        return from_hugging_face(name, modality, revision)
    if name in ENCODERS:
        return _checked(ENCODERS[name][1](), name, modality)
    place = offered(GROUP).get(name)
    if place is not None:
        make = import_place(place, "encoder")
        encoder = _checked(make() if callable(make) else make, name, modality)
        encoder.package = provider(GROUP, name)
        return encoder
    if package is not None:
        raise MissingExtraError(f"encoder {name!r}", expected=f"the package {package}", got="not installed", do=f"pip install {package}")
    do = "Open the network with it: Network(path, encoders={…})"
    raise InputError(f"encoder {name!r}", expected="one that is given when the network is opened", got="none", do=do)


def _checked(encoder: object, name: str, modality: str) -> Encoder:
    if not isinstance(encoder, Encoder):
        raise InputError(f"encoder {name!r}", expected="a subclass of senpath.inputs.encoders.Encoder", got=repr(encoder))
    if encoder.name != name:
        raise InputError(f"encoder {name!r}", expected="an encoder of this name", got=f"one that is called {encoder.name!r}")
    if encoder.modality != modality:
        raise InputError(f"encoder for {modality!r}", expected=f"one that reads {modality}", got=f"one that reads {encoder.modality}")
    return encoder


HEAR_ALL = frozenset({SPEECH, SPEAKER})
"""Encoders to which the length of a type's first sounds does not matter."""


def parts_read(kind: DataType) -> int | None:
    """How many parts of words a language model reads of each text of a type; None if nothing is cut off."""
    name = kind.encoder or ""
    cuts = name in (MINILM, MINILM_TOKENS, RANDOM_TOKENS) or name.startswith(PREFIX)
    return int(kind.options["reads"]["shape"][0]) if kind.modality == "text" and cuts else None


AUTOMATIC = (None, EFFICIENTNET)
"""What pictures are read with where it is chosen automatically."""


def automatic(group: Group) -> str | None:
    """The encoder for a new type, by its first inputs and what is installed; None for the modality's own encoding."""
    name = _fitting(group)
    if name is None or _is_installed(name):
        return name
    return SOUND_STATISTICS if name == SPEECH_AND_STATISTICS else None


def missing(group: Group) -> tuple[str, str] | None:
    """The encoder that would be chosen for a new type and is not installed, and the extra that brings it."""
    name = _fitting(group)
    return (name, PACKAGES[name][0]) if name is not None and not _is_installed(name) else None


def _fitting(group: Group) -> str | None:
    if group.modality == "text":
        return MINILM
    if group.modality == "video":
        return EFFICIENTNET_FRAMES if is_film(group.items) else None
    if group.modality == "audio":
        return SPEECH if is_speech(group.items) else SPEECH_AND_STATISTICS
    return EFFICIENTNET if group.modality == "image" and is_photograph(group.items) else None


def _is_installed(name: str) -> bool:
    return all(find_spec(package) is not None for package in PACKAGES[name][1])
