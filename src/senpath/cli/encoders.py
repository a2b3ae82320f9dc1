"""Which pretrained encoder a task's inputs are read through: chosen, and told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from senpath import Learned, Network
from senpath.cli.show import note
from senpath.inputs.encoders import AUTO, missing
from senpath.inputs.encoders.fixed import RANDOM_TOKENS
from senpath.inputs.encoders.minilm import MINILM_TOKENS
from senpath.inputs.modalities import split_by_modality
from senpath.inputs.sources.files import NOUNS
from senpath.installation import how_to_install
from senpath.methods import Moe
from senpath.snapshot import Method

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


def show_encoder(net: Network, learned: Learned, encoder: str, x: Any) -> None:
    """Say what the inputs of a type are read through, if this task is its first; and of pictures which type they are of, and why."""
    key, group = net.tasks[learned.task].data_type, split_by_modality(x)[0]
    data_type = net.view.types[key]
    if learned.read_as:
        note(learned.read_as)
    if len(net.view.tasks_of_type(key)) > 1:
        return
    if data_type.encoder is not None:
        one, several = NOUNS[data_type.modality]
        note(f"all {several} of this type are read through the encoder {data_type.encoder!r}")
        if encoder == AUTO:
            note(f"  (its first {one} task decides that; `senpath learn --encoder {NONE}` does without)")
    if encoder == AUTO and (absent := missing(group)) is not None:
        name, extra = absent
        note(f"tip: with `{how_to_install(extra)}` a new network reads these through {name!r}, and learns from fewer examples")
