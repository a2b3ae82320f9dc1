"""Which pretrained encoder a task's inputs are read through, chosen and said."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from senpath import Network
from senpath.cli.show import console
from senpath.encoders import AUTO, missing
from senpath.modalities import split_by_modality

NONE = "none"


def chosen(encoder: str, x: Any) -> Mapping[str, str] | str | None:
    """What `Network` is opened with.

    Args:
        encoder: a name, "auto" or "none".
        x: the inputs.
    """
    if encoder in (AUTO, NONE):
        return AUTO if encoder == AUTO else None
    return dict.fromkeys((group.modality for group in split_by_modality(x)), encoder)


def show_encoder(net: Network, task: str, encoder: str, x: Any) -> None:
    """Say what the inputs of a type are read through, if this task is its first."""
    key = net.tasks[task].data_type
    if len(net.view.tasks_of_type(key)) > 1:
        return
    data_type = net.view.manifest.types[key].data_type
    if data_type.encoder is not None:
        console.print(
            f"every {data_type.modality} of this network is read through the pretrained encoder {data_type.encoder!r}", highlight=False
        )
        if encoder == AUTO:
            console.print(f"  (--encoder {NONE}, for a network's first {data_type.modality} task, does without)", highlight=False)
    elif encoder == AUTO:
        for name, extra in missing(split_by_modality(x)[0]):
            console.print(
                f"tip: with `pip install 'senpath[{extra}]'` a new network reads these through {name!r}, and learns from fewer examples"
            )
