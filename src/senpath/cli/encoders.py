"""Which pretrained encoder a task's inputs are read through: chosen, and told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from senpath import Network
from senpath.cli.show import note
from senpath.inputs.encoders import AUTO, missing
from senpath.inputs.encoders.fixed import RANDOM_TOKENS
from senpath.inputs.encoders.minilm import MINILM_TOKENS
from senpath.inputs.modalities import Group, is_photograph, split_by_modality
from senpath.inputs.modalities.image import PHOTOGRAPH
from senpath.inputs.sources.files import NOUNS
from senpath.methods import Moe
from senpath.snapshot import Method
from senpath.types import DataType

NONE = "none"


def choose_encoders(encoder: str, x: Any, method: Method) -> Mapping[str, str] | str | None:
    """What `Network` is opened with.

    Args:
        encoder: a name, "auto" or "none".
        x: the inputs.
        method: that will learn; `Moe` reads texts as tokens, so it decides what "auto" means for them.
    """
    if encoder == AUTO and isinstance(method, Moe):
        return {"text": RANDOM_TOKENS if any(missing(group) for group in split_by_modality(x)) else MINILM_TOKENS}
    if encoder in (AUTO, NONE):
        return AUTO if encoder == AUTO else None
    return dict.fromkeys((group.modality for group in split_by_modality(x)), encoder)


def show_encoder(net: Network, task: str, encoder: str, x: Any) -> None:
    """Say what the inputs of a type are read through, if this task is its first; and if photographs are read as something smaller."""
    key, group = net.tasks[task].data_type, split_by_modality(x)[0]
    data_type = net.view.types[key]
    if len(net.view.tasks_of_type(key)) > 1:
        _show_reduced(data_type, group)
    elif data_type.encoder is not None:
        one, several = NOUNS[data_type.modality]
        note(f"all {several} of this network are read through the pretrained encoder {data_type.encoder!r}")
        if encoder == AUTO:
            note(f"  (its first {one} task decides that; --encoder {NONE} does without)")
    elif encoder == AUTO and (name := missing(group)) is not None:
        with_extra = f"tip: with `pip install 'senpath[{group.modality}]'` a new network"
        note(f"{with_extra} reads these through {name!r}, and learns from fewer examples")


def _show_reduced(data_type: DataType, group: Group) -> None:
    if data_type.modality != "image" or data_type.encoder is not None or not is_photograph(group.items):
        return
    channels, height, width = data_type.shape
    if channels == 1 or min(height, width) < PHOTOGRAPH:
        size = f"{width}×{height} pixels{', grey' if channels == 1 else ''}"
        note(f"these photographs are read as {size}, as the first pictures were; a network of their own would suit them better")
